package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"

	"salve/cmd/internal/trial"
)

// fault is one thing that happens to processes or their database. It begins,
// holds for a while, and ends; then everything must get well by itself.
type fault struct {
	name   string
	victim bool // it hits one replica, and the others go on meanwhile
	hold   time.Duration
	begin  func(ctx context.Context, f *fleet, r *replica) error
	end    func(ctx context.Context, f *fleet, r *replica) error
}

// faults are all of them. Those of a database need PostgreSQL. A lease is nine
// seconds long, and others take over a tenth later: stop outlasts it.
func faults() []fault {
	return append([]fault{
		{name: "kill", victim: true, hold: 2 * time.Second, begin: kill, end: startAgain},
		{name: "stop", victim: true, hold: 13 * time.Second, begin: sends(syscall.SIGSTOP), end: sends(syscall.SIGCONT)},
		{name: "rolling", begin: rolling, end: nothing},
	}, databaseFaults()...)
}

// cut is the names of all the ways to cut a replica off its database.
const cut = "cut"

// named picks faults by name; all and cut are several.
func named(names []string, storage string) ([]fault, error) {
	var out []fault
	for _, name := range names {
		before := len(out)
		for _, f := range faults() {
			ways, _, _ := strings.Cut(f.name, "-")
			if f.name != name && ways != name && name != "all" {
				continue
			}
			if storage == sqliteStorage && slices.ContainsFunc(databaseFaults(), func(d fault) bool { return d.name == f.name }) {
				continue
			}
			out = append(out, f)
		}
		if len(out) == before {
			return nil, fmt.Errorf("there is no fault %q on %s; there are all, %s, %s", name, storage, cut, strings.Join(faultNames(), ", "))
		}
	}
	return out, nil
}

func faultNames() []string {
	var out []string
	for _, f := range faults() {
		out = append(out, f.name)
	}
	return out
}

func nothing(context.Context, *fleet, *replica) error { return nil }

func kill(_ context.Context, _ *fleet, r *replica) error {
	r.process().Kill()
	return nil
}

func startAgain(ctx context.Context, _ *fleet, r *replica) error { return r.start(ctx) }

func sends(sig syscall.Signal) func(context.Context, *fleet, *replica) error {
	return func(_ context.Context, _ *fleet, r *replica) error { return r.process().Signal(sig) }
}

// rolling replaces one replica after the other, as an upgrade does.
func rolling(ctx context.Context, f *fleet, _ *replica) error {
	for _, r := range f.all {
		if err := r.process().Stop(); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		if err := r.start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// proxied is a fault of the network between one replica and its database.
func proxied(way string, hold time.Duration, mode trial.Mode, delay time.Duration) fault {
	set := func(mode trial.Mode, delay time.Duration) func(context.Context, *fleet, *replica) error {
		return func(_ context.Context, _ *fleet, r *replica) error {
			r.proxy.Set(mode, delay)
			return nil
		}
	}
	return fault{name: cut + "-" + way, victim: true, hold: hold, begin: set(mode, delay), end: set(trial.Pass, 0)}
}

// killAtRandom kills some replica after a random while.
func (s *session) killAtRandom(ctx context.Context, rng *rand.Rand) error {
	for k := range s.o.Kills {
		time.Sleep(time.Duration(5+rng.IntN(150)) * time.Millisecond)
		r := s.fleet.all[rng.IntN(len(s.fleet.all))]
		r.process().Kill()
		if err := r.start(ctx); err != nil {
			return fmt.Errorf("kill %d: %w", k+1, err)
		}
	}
	return nil
}
