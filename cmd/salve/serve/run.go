package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"salve/bot"
	"salve/cmd/salve/config"
)

// shutdownGrace is how long open requests may take to end.
const shutdownGrace = 10 * time.Second

// Run serves until ctx ends or a part fails, then closes everything in order.
func (s *Salve) Run(ctx context.Context) error {
	listening, closeDoors := context.WithCancelCause(ctx)
	defer closeDoors(nil)
	working, stopLegs := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLegs()

	// Until the last event is written: it is signed and told too.
	late, stopLate := context.WithCancel(context.WithoutCancel(ctx))
	defer stopLate()

	var legs, doors, last sync.WaitGroup
	var failures failures
	part := func(wg *sync.WaitGroup, name string, f func() error) {
		wg.Go(func() {
			if err := f(); err != nil {
				failures.add(fmt.Errorf("%s: %w", name, err))
				closeDoors(err)
			}
		})
	}
	for name, leg := range s.legs(listening) {
		part(&legs, name, func() error { return ended(working, leg(working)) })
	}
	if s.notary != nil {
		part(&last, "notary", func() error { return ended(late, s.notary.Run(late)) })
	}
	if s.traces != nil {
		last.Go(func() { s.traces.Run(late) })
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1) // before it is said to be ready
	defer signal.Stop(signals)
	legs.Go(func() { s.watchSignal(working, signals) })
	for _, srv := range s.servers {
		part(&doors, "listener", srv.serve)
	}
	s.log.InfoContext(ctx, "ready", "url", s.URL(), "data_dir", s.dir, "playbooks", len(s.opts.Library.Playbooks), "sources", len(s.cfg.Sources))

	<-listening.Done()
	s.log.InfoContext(ctx, "stopping: no new requests, steps in flight end first")
	s.waitDrain()
	failures.add(s.shutDown(ctx))
	doors.Wait()
	stopLegs()
	legs.Wait()
	failures.add(s.lastEvent(ctx))
	stopLate()
	last.Wait()
	failures.add(s.closeAll(ctx))
	return failures.join()
}

// legs is what runs until the process is told to stop.
func (s *Salve) legs(listening context.Context) map[string]func(context.Context) error {
	out := map[string]func(context.Context) error{
		"decide": s.decide.Run, "act": s.act.Run, "tell": s.tell.Run, "metrics": s.metrics.Run, "retention": s.prune, "catalogue": s.paging.runCatalogue,
		"watch": func(ctx context.Context) error { return s.runWatch(ctx, listening) },
	}
	maps.Copy(out, s.chatLegs(listening))
	return out
}

func (s *Salve) lastEvent(ctx context.Context) error {
	_, err := s.store.Commit(context.WithoutCancel(ctx), bot.Change{Events: []bot.Event{{
		At: time.Now().UTC(), Kind: bot.EventStopped, Actor: bot.Salve, Text: "salve stopped",
	}}})
	return err
}

// failures collects what went wrong in several parts.
type failures struct {
	mu   sync.Mutex
	errs []error
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.errs = append(f.errs, err)
}

func (f *failures) join() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return errors.Join(f.errs...)
}

// ended is nil for a leg that ended because it was told to.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return nil
	}
	if err == nil {
		return errors.New("ended by itself")
	}
	return err
}

func (s *Salve) shutDown(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	var errs []error
	for _, srv := range s.servers {
		if err := srv.http.Shutdown(ctx); err != nil {
			errs = append(errs, srv.http.Close())
		}
	}
	return errors.Join(errs...)
}

// watchSignal halts everything when the process gets SIGUSR1.
func (s *Salve) watchSignal(ctx context.Context, c <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c:
			if err := s.brake.haltBySignal("SIGUSR1", time.Now()); err != nil {
				s.log.ErrorContext(ctx, "halt by signal", "err", err)
				continue
			}
			s.log.WarnContext(ctx, "everything is halted by a signal; `salve resume` lifts it")
		}
	}
}

// prune drops old raw payloads, and what chat needs no more, once an hour.
func (s *Salve) prune(ctx context.Context) error {
	size, err := config.ParseSize(s.cfg.Retention.PayloadSize)
	if err != nil {
		return err
	}
	t := time.NewTicker(time.Hour)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
		if mine, err := s.store.Tick(ctx, "retention", time.Now(), time.Hour-time.Minute); err != nil || !mine {
			continue // another replica does, or the next hour tries again
		}
		now := time.Now().UTC()
		s.prunePayloads(ctx, now, size)
		s.pruneChat(ctx, now)
	}
}

func (s *Salve) prunePayloads(ctx context.Context, now time.Time, size int64) {
	n, err := s.store.Prune(ctx, now, s.cfg.Retention.PayloadAge.Std(), size)
	if err != nil {
		s.log.WarnContext(ctx, "old payloads could not be dropped; the next hour tries again", "err", err)
		return
	}
	s.log.DebugContext(ctx, "old payloads dropped", "count", n)
}
