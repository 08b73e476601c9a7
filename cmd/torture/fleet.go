package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"salve/cmd/internal/trial"
)

// fleet is every replica, with what they share.
type fleet struct {
	all  []*replica
	base *base
}

// replica is one salve, whether it runs at the moment or not.
type replica struct {
	name    string
	setting trial.Setting
	proxy   *trial.Proxy // in front of its database; nil: it has its own

	mu   sync.Mutex
	p    *trial.Process // the last one
	logs []string       // of those before
}

func newFleet(o Options, b *base, text string) (*fleet, error) {
	f := &fleet{base: b}
	for i := range o.Replicas {
		r := &replica{name: fmt.Sprintf("r%d", i+1)}
		f.all = append(f.all, r)
		addr, err := trial.FreeAddress()
		if err != nil {
			return nil, err
		}
		r.setting = trial.Setting{Binary: o.Binary, Dir: filepath.Join(o.Dir, r.name), Listen: addr, Config: text}
		if err := os.MkdirAll(r.setting.Dir, 0o700); err != nil {
			return nil, err
		}
		if b.server == nil {
			continue
		}
		if r.proxy, err = trial.StartProxy(b.server.Addr()); err != nil {
			return nil, err
		}
		r.setting.Config += fmt.Sprintf("storage: postgres://salve@%s/%s?sslmode=disable\nreplica: %s\n", r.proxy.Addr(), database, r.name)
	}
	return f, nil
}

// urls are where the replicas listen, whether they run or not.
func (f *fleet) urls() []string {
	out := make([]string, len(f.all))
	for i, r := range f.all {
		out[i] = "http://" + r.setting.Listen
	}
	return out
}

// start starts those that are named, all at the same time.
func (f *fleet) start(ctx context.Context, which ...*replica) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	for _, r := range which {
		wg.Go(func() {
			if err := r.start(ctx); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (r *replica) start(ctx context.Context) error {
	p, err := trial.Start(ctx, r.setting)
	if err != nil {
		return fmt.Errorf("start %s: %w", r.name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.p != nil {
		r.logs = append(r.logs, r.p.Logs())
	}
	r.p = p
	return nil
}

func (r *replica) process() *trial.Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.p
}

// lives is an error when the process has ended although nobody ended it.
func (r *replica) lives() error {
	select {
	case <-r.process().Ended():
		return fmt.Errorf("%s ended by itself:\n%s", r.name, tail(r.process().Logs()))
	default:
		return nil
	}
}

// tail is the end of a log, which tells why.
func tail(log string) string { return log[max(0, len(log)-4096):] }

// stop asks all to end, one after the other; each must end well.
func (f *fleet) stop() error {
	var errs []error
	for _, r := range f.all {
		if err := r.process().Stop(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.name, err))
		}
	}
	return errors.Join(errs...)
}

// close kills what still runs and writes down what all have logged.
func (f *fleet) close() {
	for _, r := range f.all {
		if p := r.process(); p != nil {
			p.Kill()
			r.logs = append(r.logs, p.Logs())
		}
		var text string
		for i, log := range r.logs {
			text += fmt.Sprintf("--- process %d of %s\n%s", i+1, r.name, log)
		}
		_ = os.WriteFile(r.setting.Dir+".log", []byte(text), 0o600) // a comfort
		if r.proxy != nil {
			_ = r.proxy.Close()
		}
	}
}

// outage is how long anything may take after a fault is over.
const outage = 15 * time.Second
