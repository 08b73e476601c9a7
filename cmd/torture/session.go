package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"
)

// Options of one session.
type Options struct {
	Binary   string
	Dir      string   // an empty folder
	Storage  string   // sqlite or postgres
	Replicas int      // processes; one on sqlite
	Kills    int      // at random points, before the faults
	Faults   []string // by name; applied in an order that the seed draws
	Seed     uint64
	Log      io.Writer
}

// session is one of it: a fleet, who sends, who clicks, and what they act on.
type session struct {
	o        Options
	base     *base
	fleet    *fleet
	far      *farEnd
	senders  *senders
	clickers *clickers
	found    []recovery
}

// Torture runs one session and checks it. An error is a broken promise, or a
// session that could not be held.
func Torture(ctx context.Context, o Options) (Report, error) {
	if o.Storage != sqliteStorage && o.Storage != postgresStorage || o.Replicas < 1 || o.Storage == sqliteStorage && o.Replicas > 1 {
		return Report{}, fmt.Errorf("%d replicas on %q: sqlite is for one, postgres for one or more", o.Replicas, o.Storage)
	}
	draw, err := named(o.Faults, o.Storage)
	if err != nil {
		return Report{}, err
	}
	rng := rand.New(rand.NewPCG(o.Seed, 1))
	rng.Shuffle(len(draw), func(i, j int) { draw[i], draw[j] = draw[j], draw[i] })
	fmt.Fprintf(o.Log, "seed %d: %d replicas on %s, %d kills, %d faults\n", o.Seed, o.Replicas, o.Storage, o.Kills, len(draw))
	far, err := startFarEnd(o)
	if err != nil {
		return Report{}, err
	}
	defer far.close()
	base, err := openBase(ctx, o)
	if err != nil {
		return Report{}, err
	}
	defer base.close()
	s := &session{o: o, base: base, far: far}
	text, err := writePlaybooks(o.Dir, far)
	if err != nil {
		return Report{}, err
	}
	if s.fleet, err = newFleet(o, base, text); err != nil {
		return Report{}, err
	}
	defer s.fleet.close()
	return s.hold(ctx, draw, rng)
}

// pauses of senders: one process that is killed before it falls behind takes
// what it can get; a fleet is to be found at work, not under load.
var pauses = map[string]time.Duration{sqliteStorage: 3 * time.Millisecond, postgresStorage: 40 * time.Millisecond}

// hold starts everything, applies the faults, waits until it is quiet, and
// checks.
func (s *session) hold(ctx context.Context, draw []fault, rng *rand.Rand) (rep Report, err error) {
	if err := s.fleet.start(ctx, s.fleet.all...); err != nil {
		return rep, err
	}
	if s.clickers, err = introduce(ctx, s.fleet); err != nil {
		return rep, err
	}
	s.senders = newSenders(s.fleet, s.o.Seed, pauses[s.o.Storage])
	sending, stopSending := context.WithCancel(ctx)
	clicking, stopClicking := context.WithCancel(ctx)
	var send, click sync.WaitGroup
	send.Go(func() { s.senders.run(sending) })
	click.Go(func() { s.clickers.run(clicking, s.o.Seed) })
	err = s.suffer(ctx, draw, rng)
	stopSending()
	send.Wait()
	if err == nil {
		err = s.base.quiet(ctx)
	}
	stopClicking()
	click.Wait()
	if err != nil {
		return rep, fmt.Errorf("seed %d: %w", s.o.Seed, err)
	}
	if err := s.fleet.stop(); err != nil {
		return rep, err
	}
	return s.report(ctx)
}

// suffer kills, and then applies one fault after the other.
func (s *session) suffer(ctx context.Context, draw []fault, rng *rand.Rand) error {
	if err := s.killAtRandom(ctx, rng); err != nil {
		return err
	}
	for _, f := range draw {
		time.Sleep(time.Duration(200+rng.IntN(800)) * time.Millisecond)
		rec, err := s.apply(ctx, f, s.fleet.all[rng.IntN(len(s.fleet.all))])
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		fmt.Fprintf(s.o.Log, "  %s\n", rec)
		s.found = append(s.found, rec)
	}
	return ctx.Err()
}

// apply applies one fault and waits until everything is well.
func (s *session) apply(ctx context.Context, f fault, r *replica) (rec recovery, err error) {
	rec.fault = f.name
	begun := time.Now()
	if err := f.begin(ctx, s.fleet, r); err != nil {
		return rec, err
	}
	if f.victim {
		rec.others, err = s.goOn(ctx, r, begun)
	}
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(begun.Add(f.hold))):
	}
	over := time.Now()
	if err := errors.Join(err, f.end(ctx, s.fleet, r), ctx.Err()); err != nil {
		return rec, err
	}
	err = s.healthy(ctx, over, &rec)
	return rec, err
}
