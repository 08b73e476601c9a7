// Package trial builds the salve binary and runs it as an operator would, for
// the programs and tests that look at it from outside: figures, kill tests, end
// to end.
//
// It assumes Go on the PATH and a Linux /proc for memory. Everything listens on
// loopback and lives in folders that the caller gives. A process that does not
// get ready is killed, and the error holds what it wrote.
package trial

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Build builds the stripped static binary into dir and returns its path. It
// runs in the module of the working directory.
func Build(ctx context.Context, dir string) (string, error) {
	out := filepath.Join(dir, "salve")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, "salve/cmd/salve")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if msg, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build salve: %w\n%s", err, msg)
	}
	return out, nil
}

// Process is a running salve.
type Process struct {
	URL   string        // of its web listener
	Dir   string        // its data directory
	Ready time.Duration // from start to ready

	cmd   *exec.Cmd
	logs  *buffer
	ended chan struct{} // closed when it has
	how   error         // of the end; read after ended
}

// Setting is what a process is started with. Config is added to data_dir and
// listen.
type Setting struct {
	Binary string
	Dir    string // data and configuration; kept between starts
	Listen string // empty: a free loopback port
	Config string
	Env    []string
}

// Start starts `salve serve` and waits until /readyz answers 200.
func Start(ctx context.Context, s Setting) (*Process, error) {
	if s.Listen == "" {
		addr, err := FreeAddress()
		if err != nil {
			return nil, err
		}
		s.Listen = addr
	}
	data := filepath.Join(s.Dir, "data")
	file := filepath.Join(s.Dir, "salve.yaml")
	text := fmt.Sprintf("data_dir: %s\nlisten: %s\n%s", data, s.Listen, s.Config)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return nil, err
	}
	p := &Process{URL: "http://" + s.Listen, Dir: data, logs: &buffer{}, ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, s.Binary, "serve", "--config", file)
	p.cmd.Env = append(os.Environ(), s.Env...)
	p.cmd.Stdout, p.cmd.Stderr = p.logs, p.logs
	begun := time.Now()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start salve: %w", err)
	}
	go func() { p.how = p.cmd.Wait(); close(p.ended) }() // ends with the process
	if err := p.waitReady(ctx, p.URL+"/readyz"); err != nil {
		p.Kill()
		return nil, fmt.Errorf("salve: %w\n%s", err, p.Logs())
	}
	p.Ready = time.Since(begun)
	return p, nil
}

// FreeAddress is a loopback address that nobody listened on a moment ago.
func FreeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

func (p *Process) waitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 30*time.Second, errors.New("not ready within 30 s"))
	defer cancel()
	for {
		if Answers(ctx, url) {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-p.ended:
			return fmt.Errorf("it ended by itself: %w", p.how)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// Answers reports whether a page answers 200.
func Answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

// Kill ends the process as a power cut would, and waits for it.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.ended
}

// Ended is closed when the process has ended, whoever ended it.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Stop asks the process to end and waits for it.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop salve: %w", err)
	}
	<-p.ended
	if p.how != nil {
		return fmt.Errorf("salve ended: %w\n%s", p.how, p.Logs())
	}
	return nil
}

// Signal sends a signal to the process.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Logs is what the process has written so far.
func (p *Process) Logs() string { return p.logs.String() }

// RSS is the resident memory in MB; 0 where there is no /proc.
func (p *Process) RSS() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 64)
			if err != nil {
				return 0
			}
			return kb / 1000
		}
	}
	return 0
}

// buffer keeps output while it is being written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
