package cli

import (
	"os"
	"strconv"
	"syscall"
)

// gentleness is how much whatever else runs here goes before: 19 is the most.
const gentleness = 19

// gently lets others of this machine go first: Salve itself, above all. It is
// for a command that reads much; where it cannot be had the command is as good.
func gently() {
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, gentleness)
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range threads { // on Linux each has its own; later ones inherit it
		if id, err := strconv.Atoi(t.Name()); err == nil {
			_ = syscall.Setpriority(syscall.PRIO_PROCESS, id, gentleness)
		}
	}
}
