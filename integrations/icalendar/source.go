package icalendar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
)

// Options tune a Source. The zero value is ready for use.
type Options struct {
	Log    *slog.Logger  // nil: none
	Every  time.Duration // between two looks at the calendar; 0: 5 m
	MaxAge time.Duration // of a calendar that cannot be read anew; 0: 7 days
	Allow  []string      // destinations beyond public addresses
}

// Source is a calendar that is read again from time to time.
type Source struct {
	fetch  func(ctx context.Context) ([]byte, error)
	opts   Options
	client *outbound.Client // nil: a file

	turn sync.Mutex // one at a time reads
	mu   sync.Mutex
	good *Calendar
	at   time.Time // when good was read
	next time.Time // when it is read again
	err  error     // of the last try
}

// NewFile reads a file.
func NewFile(path string, opts Options) (*Source, error) {
	if path == "" {
		return nil, errors.New("icalendar: name the file")
	}
	s := newSource(opts)
	s.fetch = func(context.Context) ([]byte, error) { return readFile(path) }
	return s, nil
}

// NewURL reads what is behind an address, which may be a secret as a whole;
// webcal:// is https://.
func NewURL(url secret.Secret, opts Options) (*Source, error) {
	address := url.Reveal()
	if rest, ok := strings.CutPrefix(address, "webcal://"); ok {
		address = "https://" + rest
	}
	if !strings.HasPrefix(address, "https://") && !strings.HasPrefix(address, "http://") {
		return nil, errors.New("icalendar: url is not an http, https or webcal address")
	}
	s := newSource(opts)
	client, err := outbound.New(outbound.Options{Allow: opts.Allow, Timeout: 15 * time.Second, MaxBody: MaxBytes})
	if err != nil {
		return nil, fmt.Errorf("icalendar: %w", err)
	}
	s.client = client
	s.fetch = func(ctx context.Context) ([]byte, error) {
		a, err := client.Do(ctx, outbound.Call{URL: address, Header: http.Header{"Accept": {"text/calendar"}}})
		switch {
		case err != nil:
			return nil, err
		case a.Status/100 == 3:
			return nil, fmt.Errorf("the far end answers %d and sends elsewhere; name the address that it leads to", a.Status)
		case a.Status != http.StatusOK:
			return nil, fmt.Errorf("the far end answers %d", a.Status)
		case a.Truncated:
			return nil, fmt.Errorf("the calendar is larger than %d MiB", MaxBytes>>20)
		}
		return a.Body, nil
	}
	return s, nil
}

func newSource(opts Options) *Source {
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	opts.Every = cmp.Or(opts.Every, 5*time.Minute)
	opts.MaxAge = cmp.Or(opts.MaxAge, 7*24*time.Hour)
	return &Source{opts: opts}
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a file", path)
	}
	return io.ReadAll(io.LimitReader(f, MaxBytes+1))
}

// Close drops kept connections.
func (s *Source) Close() {
	if s.client != nil {
		s.client.Close()
	}
}

// retry is when a calendar that could not be read is tried again.
const retry = time.Minute

// OnCall tells who is on call at a time. The calendar is read again when it is
// time to; when that fails, the last good one answers until it is too old.
func (s *Source) OnCall(ctx context.Context, at time.Time) ([]bot.Contact, error) {
	s.refresh(ctx)
	s.mu.Lock()
	good, read, err := s.good, s.at, s.err
	s.mu.Unlock()
	if good == nil {
		return nil, fmt.Errorf("read the calendar: %w", err)
	}
	if age := time.Since(read); err != nil && age > s.opts.MaxAge {
		return nil, fmt.Errorf("read the calendar (the last good one is %s old): %w", age.Round(time.Hour), err)
	}
	return good.At(at)
}

// Age is how old the calendar is that answers, and why it could not be read anew.
func (s *Source) Age() (time.Duration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.good == nil {
		return 0, s.err
	}
	return time.Since(s.at), s.err
}

// Notes tell what of the calendar was left out and why.
func (s *Source) Notes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.good == nil {
		return nil
	}
	return s.good.Notes()
}

func (s *Source) refresh(ctx context.Context) {
	if !s.due() || !s.begin() {
		return
	}
	defer s.turn.Unlock()
	if !s.due() {
		return
	}
	src, err := s.fetch(ctx)
	var read *Calendar
	if err == nil {
		read, err = Parse(src)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if s.err == nil {
			s.opts.Log.WarnContext(ctx, "the calendar of who is on call cannot be read; one that was read before answers, if there is one", "error", err)
		}
		s.err, s.next = err, time.Now().Add(min(retry, s.opts.Every))
		return
	}
	if s.good == nil || !slices.Equal(s.good.notes, read.notes) {
		for _, note := range read.notes {
			s.opts.Log.WarnContext(ctx, "part of the calendar of who is on call is not used", "why", note)
		}
	}
	s.good, s.at, s.err, s.next = read, time.Now(), nil, time.Now().Add(s.opts.Every)
}

// begin takes the turn to read. Who has a calendar to answer from does not wait
// for it.
func (s *Source) begin() bool {
	if s.turn.TryLock() {
		return true
	}
	s.mu.Lock()
	has := s.good != nil
	s.mu.Unlock()
	if has {
		return false
	}
	s.turn.Lock()
	return true
}

func (s *Source) due() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !time.Now().Before(s.next)
}
