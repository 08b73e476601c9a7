//go:build linux || darwin

package serve

import (
	"syscall"

	"salve/bot/health"
)

// diskOf tells how much room there is for a user like this one; zero: unknown.
func diskOf(dir string) health.Disk {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return health.Disk{}
	}
	block := uint64(st.Bsize)
	return health.Disk{Free: st.Bavail * block, Total: st.Blocks * block}
}
