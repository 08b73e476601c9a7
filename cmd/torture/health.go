package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"salve/cmd/internal/trial"
)

// recovery is how long it took, at most over the replicas, from when the cause
// of a fault was taken away.
type recovery struct {
	fault        string
	others       time.Duration // while it lasted: until another replica acknowledged a new alert
	ready, acked time.Duration // until each said that it is ready, and acknowledged a new alert
	acted        time.Duration // until something was done about that
}

func (r recovery) String() string {
	s := fmt.Sprintf("%-12s ready after %5.2f s, acknowledges after %5.2f s, acts after %5.2f s", r.fault, r.ready.Seconds(), r.acked.Seconds(), r.acted.Seconds())
	if r.others > 0 {
		s += fmt.Sprintf("; meanwhile the others acknowledge within %.2f s", r.others.Seconds())
	}
	return s
}

// afterwards is how long a new alert may wait for what is done about it: others
// may have left much.
const afterwards = 2 * outage

// healthy waits until each replica lives, says that it is ready, acknowledges a
// new alert and something is done about it.
func (s *session) healthy(ctx context.Context, since time.Time, rec *recovery) error {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var errs []error
	for _, r := range s.fleet.all {
		wg.Go(func() {
			one, err := s.well(ctx, r, since)
			mu.Lock()
			defer mu.Unlock()
			rec.ready, rec.acked, rec.acted = max(rec.ready, one.ready), max(rec.acked, one.acked), max(rec.acted, one.acted)
			if err != nil {
				errs = append(errs, errors.Join(fmt.Errorf("%s: %w", r.name, err), r.lives()))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// well measures one replica: whether it says that it is ready, and beside that
// what it does.
func (s *session) well(ctx context.Context, r *replica, since time.Time) (rec recovery, err error) {
	url := "http://" + r.setting.Listen
	var says error
	var asking sync.WaitGroup
	asking.Go(func() {
		rec.ready, says = within(ctx, since, outage, "it is not ready", func(ctx context.Context) bool {
			return trial.Answers(ctx, url+"/readyz")
		})
	})
	rec.acked, rec.acted, err = s.works(ctx, url, since)
	asking.Wait()
	return rec, errors.Join(says, err)
}

// works posts a new alert until it is acknowledged, and waits until something is
// done about it.
func (s *session) works(ctx context.Context, url string, since time.Time) (acked, acted time.Duration, err error) {
	uid := s.senders.named(keyed)
	if acked, err = s.acknowledges(ctx, url, uid, since); err != nil {
		return acked, 0, err
	}
	acted, err = within(ctx, since, afterwards, "it has not acted on "+uid, func(context.Context) bool {
		return len(s.far.of(uid)) > 0
	})
	return acked, acted, err
}

func (s *session) acknowledges(ctx context.Context, url, uid string, since time.Time) (time.Duration, error) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	took, err := within(ctx, since, outage, "it does not acknowledge", func(ctx context.Context) bool {
		return s.senders.post(ctx, client, url, uid)
	})
	if err == nil {
		s.senders.took(uid, keyed)
	}
	return took, err
}

// goOn waits until each replica but the victim acknowledges a new alert.
func (s *session) goOn(ctx context.Context, victim *replica, since time.Time) (longest time.Duration, err error) {
	for _, r := range s.fleet.all {
		if r == victim {
			continue
		}
		took, err := s.acknowledges(ctx, "http://"+r.setting.Listen, s.senders.named(keyed), since)
		if err != nil {
			return 0, fmt.Errorf("%s, which had nothing: %w", r.name, err)
		}
		longest = max(longest, took)
	}
	return longest, nil
}

// within tries until ok holds, and tells how long that was since a moment.
func within(ctx context.Context, since time.Time, limit time.Duration, what string, ok func(context.Context) bool) (time.Duration, error) {
	late := fmt.Errorf("%s %s after the fault", what, limit)
	ctx, cancel := context.WithDeadlineCause(ctx, since.Add(limit), late)
	defer cancel()
	for {
		try, done := context.WithTimeout(ctx, 5*time.Second)
		good := ok(try)
		done()
		if good {
			return time.Since(since), nil
		}
		select {
		case <-ctx.Done():
			return time.Since(since), context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
