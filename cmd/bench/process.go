package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"salve/cmd/internal/trial"
)

// floor is the running floor.
type floor struct {
	cmd *exec.Cmd
	url string // where alerts go
}

// startFloor starts this program as the floor.
func (b *bench) startFloor(ctx context.Context) (*floor, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "floor-")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, "floor", dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the floor did not start: %w", err)
	}
	return &floor{cmd: cmd, url: strings.TrimSpace(line) + "/hook"}, nil
}

// startSalve starts the binary on the folder, with the playbooks in its
// subfolder playbooks, and waits until it is ready.
func (b *bench) startSalve(ctx context.Context, dir, allow string) (*trial.Process, error) {
	if err := os.MkdirAll(filepath.Join(dir, "playbooks"), 0o700); err != nil {
		return nil, err
	}
	storage, err := b.storage(ctx, filepath.Base(dir))
	if err != nil {
		return nil, err
	}
	return b.startOn(ctx, dir, allow, storage)
}

// startOn starts the binary on a database; storage is a line of configuration.
func (b *bench) startOn(ctx context.Context, dir, allow, storage string) (*trial.Process, error) {
	return trial.Start(ctx, trial.Setting{Binary: b.binary, Dir: dir, Config: storage + fmt.Sprintf(`sources:
  - {name: bench, type: alertmanager, anonymous: true, group_by: [alertname, uid]}
playbooks: {dirs: [%s], library: false}
egress: {allow: [%q]}
log: {level: warn}
`, filepath.Join(dir, "playbooks"), allow)})
}

// storage is the line that names the database of a folder, which is made when it
// is first asked for.
func (b *bench) storage(ctx context.Context, name string) (string, error) {
	if b.server == nil {
		return "", nil
	}
	line := fmt.Sprintf("storage: %s\n", b.server.URL(name))
	if b.made[name] {
		return line, nil
	}
	_, err := b.server.Create(ctx, name)
	if b.made == nil {
		b.made = map[string]bool{}
	}
	b.made[name] = true
	return line, err
}

// hook is where a salve under test takes alerts.
func hook(p *trial.Process) string { return p.URL + "/v1/hooks/bench" }

// stop kills the floor.
func (p *floor) stop() {
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()         // killed: always an error
}

// machine is what the figures were taken on.
func machine() string {
	model := runtime.GOARCH
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if name, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(v)
				break
			}
		}
	}
	return fmt.Sprintf("%d x %s, %s, %s", runtime.NumCPU(), model, runtime.GOOS, runtime.Version())
}
