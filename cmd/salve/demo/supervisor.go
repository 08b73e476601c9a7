package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"sync"
	"time"
)

// Supervisor keeps the shop running as a child process at one address and
// restarts it when it is asked to by HTTP: POST /restart?service=demo-shop.
type Supervisor struct {
	URL     string // where it listens
	ShopURL string

	argv []string
	logs io.Writer

	mu    sync.Mutex
	child *exec.Cmd
	done  chan struct{} // closed when child has ended
}

// StartSupervisor starts the shop by argv with `--listen ADDR` appended, and
// the supervisor's own listener. Close ends both.
func StartSupervisor(ctx context.Context, argv []string, logs io.Writer) (*Supervisor, func(), error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, nil, err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, fmt.Errorf("listen for the demo's supervisor: %w", err)
	}
	s := &Supervisor{
		URL: "http://" + ln.Addr().String(), ShopURL: "http://" + addr,
		argv: append(append([]string{}, argv...), "--listen", addr), logs: logs,
	}
	if err := s.Restart(ctx); err != nil {
		_ = ln.Close() // the start's error matters more
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /restart", s.handleRestart)
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := srv.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(logs, "demo supervisor:", err)
		}
	})
	return s, func() {
		_ = srv.Close()
		wg.Wait()
		s.stop()
	}, nil
}

// freeAddress asks the kernel for a port that the shop then keeps over restarts.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a port for the demo shop: %w", err)
	}
	defer ln.Close()
	return ln.Addr().String(), nil
}

func (s *Supervisor) handleRestart(w http.ResponseWriter, r *http.Request) {
	if name := r.URL.Query().Get("service"); name != ServiceName {
		http.Error(w, fmt.Sprintf("there is no service %q here", name), http.StatusNotFound)
		return
	}
	if err := s.Restart(r.Context()); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, "{\"restarted\":%q,\"pid\":%d}\n", ServiceName, s.pid())
}

func (s *Supervisor) pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.child.Process.Pid
}

// Restart kills the shop, if it runs, starts it again and waits until it
// answers.
func (s *Supervisor) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill()
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	cmd.Stdout, cmd.Stderr = s.logs, s.logs
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the demo shop: %w", err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // killed children always end with an error
		close(done)
	}()
	s.child, s.done = cmd, done
	return s.waitReady(ctx)
}

func (s *Supervisor) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 15*time.Second, errors.New("the demo shop did not answer within 15 s"))
	defer cancel()
	for {
		if probe(ctx, s.ShopURL+"/healthz") == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-s.done:
			return errors.New("the demo shop ended at once; its output says why")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Supervisor) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill()
}

func (s *Supervisor) kill() {
	if s.child == nil {
		return
	}
	_ = s.child.Process.Kill() // it may have ended by itself
	<-s.done
	s.child = nil
}

// probe gives nil when url answers 2xx within two seconds.
func probe(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)); err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %d", url, resp.StatusCode)
	}
	return nil
}

// Break makes the shop leak or hang.
func (s *Supervisor) Break(ctx context.Context, how string) error {
	return post(ctx, s.ShopURL+"/-/break?how="+how, "", nil)
}
