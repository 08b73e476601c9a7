package serve

import (
	"context"
	"fmt"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/flow/watch"
	"salve/bot/health"
	"salve/bot/secret"
	"salve/integrations/heartbeat"
)

// watchOver makes what notices that Salve itself is unwell.
func (s *Salve) watchOver(ctx context.Context) error {
	last, err := s.store.Events(ctx, bot.EventQuery{Last: true, Limit: 1})
	if err != nil {
		return fmt.Errorf("read the last event: %w", err)
	}
	var latest time.Time
	for _, e := range last {
		latest = e.At
	}
	s.clocks = newClocks(s.opts.Clocks, latest)
	s.brake = NewBrake(s.dir, s.store, !s.shared())
	s.brake.clocks = s.clocks
	s.doctor = &doctor{
		store: s.store, brake: s.brake, writes: s.noted.writes, beats: s.beats, dir: s.dir, log: s.log, disk: diskOf,
		limits: limits(s.cfg), trying: make(chan struct{}, 1),
	}
	return nil
}

// makeWatch makes the leg that tells that Salve is unwell, unless it is off.
func (s *Salve) makeWatch(context.Context) error {
	w := s.cfg.Watch
	if w.Off {
		return nil
	}
	var senders []watch.Sender
	for _, src := range s.cfg.Sources {
		senders = append(senders, watch.Sender{Name: src.Name, Every: src.ExpectEvery.Std()})
	}
	var err error
	s.watch, err = watch.New(s.store, s.door, watch.Options{
		Log: s.log, Every: w.Every.Std(), QueueFor: w.QueueFor.Std(), Senders: senders, Heard: s.heard.last,
		Patience: health.Patience{Stuck: w.Stuck.Std(), Waiting: w.Waiting.Std(), Undecided: w.Undecided.Std(), Queue: w.Queue.Std()},
		Replica:  s.name(), Mine: s.mine("watch", w.Every.Std()),
		Also: []func(context.Context) []bot.Condition{s.doctor.examine, s.headConditions, s.chatConditions}, Console: s.URL, Turned: s.beats.of("watch"),
	})
	return err
}

// name is of this process among several; "" where it is alone.
func (s *Salve) name() string {
	if !s.shared() {
		return ""
	}
	return s.replica()
}

// makeHeart makes the heartbeat, if there is an address for it.
func (s *Salve) makeHeart(ctx context.Context) error {
	h := s.cfg.Heartbeat
	if h.URL == "" {
		return nil
	}
	address := secret.New(h.URL)
	if h.IsRef() {
		ref, err := secret.ParseRef(h.URL)
		if err != nil {
			return fmt.Errorf("heartbeat.url: %w", err)
		}
		if address, err = s.opts.Secrets.Resolve(ctx, ref); err != nil {
			return fmt.Errorf("heartbeat.url: %w", err)
		}
	}
	var err error
	s.heart, err = heartbeat.New(address, s.well, heartbeat.Options{Log: s.log, Every: h.Every.Std(), Allow: s.cfg.Egress.Allow})
	return err
}

// well reports whether Salve is ready and every leg's loop turns.
func (s *Salve) well(ctx context.Context) bool { return health.Ready(s.doctor.examine(ctx)) }

// runWatch runs all that notices that Salve is unwell, until working ends; the
// heartbeat ends when the listeners do.
func (s *Salve) runWatch(working, listening context.Context) error {
	s.beats.all()
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { s.doctor.run(working) })
	parts.Go(func() { s.keepClock(working) })
	if s.heart != nil {
		parts.Go(func() { s.heart.Run(listening) })
	}
	if s.watch != nil {
		parts.Go(func() { s.watch.Run(working) })
	}
	return nil
}

// waitDrain lets load balancers look away before the listeners close.
func (s *Salve) waitDrain() {
	s.doctor.draining.Store(true)
	if d := s.cfg.Drain.Std(); d > 0 {
		time.Sleep(d)
	}
}
