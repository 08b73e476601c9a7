package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"salve/bot"
)

// result is how a program ended.
type result struct {
	out, err *output
	code     int
	exited   bool // by itself; else it was killed or never started
}

// text is what people read: what the program printed, its errors last.
func (r result) text() string {
	switch out, err := r.out.String(), r.err.String(); {
	case out == "":
		return err
	case err == "":
		return out
	default:
		return strings.TrimRight(out, "\n") + "\n" + err
	}
}

// drain is how long the output of a program that has ended is waited for; a
// child that it left behind may hold it open.
const drain = time.Second

// run carries the job out. The group is gone when it returns.
func (a *Action) run(ctx context.Context, j job) (result, error) {
	res := result{out: &output{most: maxOutput}, err: &output{most: maxOutput / 4}}
	if ctx.Err() != nil {
		return res, fmt.Errorf("%w: %w", context.Cause(ctx), bot.ErrUntouched)
	}
	stdout, stderr := a.redact.Writer(res.out), a.redact.Writer(res.err)
	defer func() { _, _ = stdout.Close(), stderr.Close() }() // what they keep back; an output never fails
	cmd := &exec.Cmd{
		Path: j.path, Args: j.argv, Env: j.env, Dir: j.dir,
		Stdin: strings.NewReader(j.stdin), Stdout: stdout, Stderr: stderr,
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}, WaitDelay: drain,
	}
	if err := cmd.Start(); err != nil {
		return res, fmt.Errorf("it could not be started: %w: %w", cause(err), bot.ErrUntouched)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	killed := false
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		killed = true
		err = a.end(cmd.Process.Pid, ended)
	}
	signalGroup(cmd.Process.Pid, syscall.SIGKILL) // what the program left behind
	res.code, res.exited = cmd.ProcessState.ExitCode(), cmd.ProcessState.Exited()
	switch {
	case killed:
		res.exited = false
		return res, fmt.Errorf("ended by force: %w: %w", context.Cause(ctx), bot.ErrUncertain)
	case !res.exited:
		return res, fmt.Errorf("killed by a signal: %w", bot.ErrUncertain)
	case err != nil && !errors.Is(err, exec.ErrWaitDelay) && res.code == 0:
		return res, fmt.Errorf("its output could not be read: %w: %w", cause(err), bot.ErrUncertain)
	}
	return res, nil
}

// end asks the group to stop, then makes it.
func (a *Action) end(pid int, ended <-chan error) error {
	signalGroup(pid, syscall.SIGTERM)
	timer := time.NewTimer(a.grace)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		signalGroup(pid, syscall.SIGKILL)
		return <-ended
	}
}

// signalGroup reaches every process of the group; that there is none left is
// what we want.
func signalGroup(pid int, sig syscall.Signal) { _ = syscall.Kill(-pid, sig) }

// cause leaves out the path, which the caller names.
func cause(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	return err
}

// output keeps the beginning of what is written and counts the rest.
type output struct {
	most int
	mu   sync.Mutex
	buf  bytes.Buffer
	lost int
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	room := max(o.most-o.buf.Len(), 0)
	o.buf.Write(b[:min(room, len(b))])
	o.lost += max(len(b)-room, 0)
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := strings.ToValidUTF8(o.buf.String(), "\uFFFD")
	if o.lost > 0 {
		s += fmt.Sprintf("\n[%d bytes more were not kept]\n", o.lost)
	}
	return s
}
