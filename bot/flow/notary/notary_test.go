package notary_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salve/bot"
	"salve/bot/audit"
	"salve/bot/flow/notary"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log is a store that holds a chain and nothing else.
type log struct {
	mu     sync.Mutex
	events []bot.Event
	seen   []bot.Alert
	fail   error
	whole  int // how often all of it was read
}

func (l *log) add(n int) {
	for range n {
		l.mu.Lock()
		l.seal(bot.Event{At: time.Now(), Kind: bot.EventNoted, Actor: bot.Salve, Text: fmt.Sprint("event ", len(l.events)+1)})
		l.mu.Unlock()
	}
}

func (l *log) seal(e bot.Event) {
	var last bot.Event
	if n := len(l.events); n > 0 {
		last = l.events[n-1]
	}
	e, err := e.Seal("main", last.Seq+1, last.Hash)
	if err != nil {
		panic(err)
	}
	l.events = append(l.events, e)
}

// rewrite changes one Event and seals all later ones again.
func (l *log) rewrite(seq int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := slices.Clone(l.events[seq-1:])
	l.events = l.events[:seq-1]
	rest[0].Text += " or not"
	for _, e := range rest {
		l.seal(e)
	}
}

func (l *log) do(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

func (l *log) Events(_ context.Context, q bot.EventQuery) ([]bot.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := l.events
	if q.Last {
		return slices.Clone(out[max(len(out)-q.Limit, 0):]), l.fail
	}
	if q.After == 0 {
		l.whole++
	}
	i := 0
	for i < len(out) && out[i].Seq <= q.After {
		i++
	}
	return slices.Clone(out[i:min(i+q.Limit, len(out))]), l.fail
}

// each is the stream of all.
func (l *log) each(f func(bot.Event) error) error {
	for _, e := range l.events {
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

func (l *log) Commit(_ context.Context, c bot.Change) (bot.Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return bot.Receipt{}, l.fail
	}
	l.seen = append(l.seen, c.Observed...)
	for _, e := range c.Events {
		l.seal(e)
	}
	return bot.Receipt{}, nil
}

// shelf is a place in memory.
type shelf struct {
	mu    sync.Mutex
	name  string
	notes [][]byte
	fail  error
	puts  int
}

func (s *shelf) Name() string { return s.name }

func (s *shelf) Newest(context.Context, int64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.notes) == 0 {
		return nil, s.fail
	}
	return s.notes[len(s.notes)-1], s.fail
}

func (s *shelf) Put(_ context.Context, _ int64, note []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.puts++
	if s.fail != nil {
		return s.fail
	}
	if n := len(s.notes); n == 0 || !bytes.Equal(s.notes[n-1], note) {
		s.notes = append(s.notes, note)
	}
	return nil
}

func (s *shelf) spoil(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

func (s *shelf) tried() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

// sizes are those of the heads on the shelf, checked.
func (s *shelf) sizes(t *testing.T, keys audit.Keys) []int64 {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []int64
	for _, n := range s.notes {
		c, err := keys.Open(n)
		require.NoError(t, err)
		out = append(out, c.Size)
	}
	return out
}

// office is a leg with what is around it.
type office struct {
	*testing.T
	log    *log
	signer *audit.Signer
	keys   audit.Keys
	a, b   *shelf
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{T: t, log: &log{}, a: &shelf{name: "a"}, b: &shelf{name: "b"}}
	o.signer, o.keys = newKey(t)
	return o
}

func newKey(t *testing.T) (*audit.Signer, audit.Keys) {
	t.Helper()
	secret, public, err := audit.NewKey(rand.Reader, "test")
	require.NoError(t, err)
	s, err := audit.NewSigner(secret)
	require.NoError(t, err)
	keys, err := audit.ParseKeys(public)
	require.NoError(t, err)
	return s, keys
}

// open runs a leg for as long as f does.
func (o *office) open(opts notary.Options, f func(*notary.Leg)) {
	o.Helper()
	leg, err := notary.New(o.log, o.signer, []notary.Place{o.a, o.b}, opts)
	require.NoError(o, err)
	ctx, stop := context.WithCancel(o.Context())
	done := make(chan error, 1)
	go func() { done <- leg.Run(ctx) }()
	f(leg)
	stop()
	require.ErrorIs(o, <-done, context.Canceled)
}

// after lets time go by.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestAHeadIsSignedAfterSoManyEventsOrSoMuchTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.log.add(3)
		o.open(notary.Options{Every: time.Minute, Events: 10}, func(leg *notary.Leg) {
			after(time.Millisecond)
			require.Equal(t, []int64{3}, o.a.sizes(t, o.keys), "what is there at the start is signed at once")
			o.log.add(9)
			after(30 * time.Second)
			require.Len(t, o.a.sizes(t, o.keys), 1)
			require.Equal(t, notary.Lag{Place: "a", Events: 9, Seconds: 30}, round(leg.Status(time.Now()).Places[0]))
			o.log.add(1)
			after(time.Second)
			require.Equal(t, []int64{3, 13}, o.a.sizes(t, o.keys), "after so many")
			o.log.add(1)
			after(61 * time.Second)
			require.Equal(t, []int64{3, 13, 14}, o.b.sizes(t, o.keys), "after so long")
			after(time.Hour)
			require.Len(t, o.a.sizes(t, o.keys), 3, "nothing new, nothing signed")
			require.Equal(t, 3, o.a.tried())
			o.log.add(1)
		})
		require.Equal(t, []int64{3, 13, 14, 15}, o.a.sizes(t, o.keys), "the end signs what is left")
		require.Equal(t, 1, o.log.whole)
	})
}

func round(l notary.Lag) notary.Lag {
	l.Seconds = float64(int(l.Seconds))
	return l
}

func TestAStartWithoutNewsWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.log.add(700)
		for range 3 {
			o.open(notary.Options{}, func(*notary.Leg) { after(time.Minute) })
		}
		require.Equal(t, []int64{700}, o.a.sizes(t, o.keys))
	})
}

func TestWhatACrashLeftBehindIsWrittenAtTheNextStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.log.add(5)
		o.b.spoil(errors.New("killed in between"))
		o.open(notary.Options{}, func(*notary.Leg) { after(time.Second) })
		require.Empty(t, o.b.sizes(t, o.keys))
		o.b.spoil(nil)
		o.open(notary.Options{}, func(*notary.Leg) { after(time.Second) })
		require.Equal(t, []int64{5}, o.a.sizes(t, o.keys), "not a second time")
		require.Equal(t, []int64{5}, o.b.sizes(t, o.keys))
	})
}

func TestAPlaceFailsAloneAndCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.log.add(1)
		o.open(notary.Options{Events: 1}, func(leg *notary.Leg) {
			after(time.Second)
			o.b.spoil(errors.New("no space left on device"))
			for range 5 {
				o.log.add(1)
				after(time.Second)
			}
			require.Len(t, o.a.sizes(t, o.keys), 6)
			st := leg.Status(time.Now())
			require.Equal(t, int64(0), st.Places[0].Events)
			require.Equal(t, int64(5), st.Places[1].Events)
			require.Equal(t, "no space left on device", st.Places[1].Err)
			tried := o.b.tried()
			after(time.Hour)
			require.Less(t, o.b.tried()-tried, 20, "it is not asked all the time")
			o.b.spoil(nil)
			after(6 * time.Minute)
			require.Equal(t, []int64{1, 6}, o.b.sizes(t, o.keys))
			require.Equal(t, notary.Lag{Place: "b"}, leg.Status(time.Now()).Places[1])
		})
	})
}

func TestALogThatWasAlteredIsNotSignedAndPeopleAreTold(t *testing.T) {
	for name, damage := range map[string]func(*log){
		"edited":       func(l *log) { l.do(func() { l.events[3].Text = "nothing" }) },
		"cut off":      func(l *log) { l.do(func() { l.events = l.events[:8] }) },
		"sealed again": func(l *log) { l.rewrite(4) },
		"written anew": func(l *log) { l.do(func() { l.events = nil }); l.add(30) },
	} {
		for _, stopped := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, stopped %v", name, stopped), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { wronged(t, damage, stopped) })
			})
		}
	}
}

func wronged(t *testing.T, damage func(*log), stopped bool) {
	o := newOffice(t)
	o.log.add(20)
	check := func(leg *notary.Leg) {
		o.log.add(5)
		after(25 * time.Hour)
		sizes := []int64{20}
		if !stopped && o.log.events[3].Text == "nothing" {
			sizes = []int64{20, 25} // only reading all of the log finds this, which is done once a day
		}
		o.log.add(5)
		after(time.Hour)
		require.Equal(t, sizes, o.a.sizes(t, o.keys), "nothing is signed")
		require.Equal(t, sizes, o.b.sizes(t, o.keys))
		require.Contains(t, leg.Status(time.Now()).Wrong, "is not the one whose head was signed")
		require.Len(t, o.log.seen, 1, "people are told once")
		a := o.log.seen[0]
		require.Equal(t, bot.SeverityCritical, a.Severity)
		require.Equal(t, bot.AlertFiring, a.State)
		require.Contains(t, a.Annotations["summary"], "main ")
		require.True(t, slices.ContainsFunc(o.log.events, func(e bot.Event) bool { return e.Kind == bot.EventDistrusted }))
	}
	opts := notary.Options{LookAt: 10 * time.Second}
	o.open(opts, func(leg *notary.Leg) {
		after(time.Second)
		require.Equal(t, []int64{20}, o.a.sizes(t, o.keys))
		if !stopped {
			damage(o.log)
			check(leg)
		}
	})
	if stopped {
		damage(o.log)
		o.open(opts, check)
	}
}

func TestALogThatWasPutBackIsSignedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.log.add(20)
		o.open(notary.Options{}, func(leg *notary.Leg) {
			after(time.Second)
			was := o.log.events[19].Hash
			o.log.do(func() { o.log.events[19].Hash = "another" })
			o.log.do(func() { o.log.seal(bot.Event{At: time.Now(), Kind: bot.EventNoted}) })
			after(2 * time.Minute)
			require.NotEmpty(t, leg.Status(time.Now()).Wrong)
			o.log.do(func() {
				o.log.events[19].Hash = was
				rest := o.log.events[20:]
				o.log.events = o.log.events[:20]
				for _, e := range rest {
					o.log.seal(e)
				}
			})
			after(21 * time.Minute)
			require.Empty(t, leg.Status(time.Now()).Wrong)
			require.Equal(t, bot.AlertResolved, o.log.seen[1].State)
			require.Equal(t, o.log.seen[0].AlertKey, o.log.seen[1].AlertKey)
			after(time.Minute)
			sizes := o.a.sizes(t, o.keys)
			require.Equal(t, int64(len(o.log.events)), sizes[len(sizes)-1])
		})
	})
}

func TestTwoThatSignTheSameLogDoNotDisagree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.log.add(10)
		o.open(notary.Options{Events: 3}, func(*notary.Leg) {
			o.open(notary.Options{Events: 5}, func(*notary.Leg) {
				for range 40 {
					o.log.add(1)
					after(time.Second)
				}
				after(26 * time.Hour)
			})
		})
		r, err := audit.Prove(audit.From(func(f func(bot.Event) error) error { return o.log.each(f) }),
			audit.Against{Signed: o.opened(o.a)})
		require.NoError(t, err)
		require.True(t, r.OK(), r.Faults)
		require.Empty(t, o.log.seen)
	})
}

func (o *office) opened(s *shelf) []audit.Checkpoint {
	var out []audit.Checkpoint
	for _, n := range s.notes {
		c, err := o.keys.Open(n)
		require.NoError(o, err)
		out = append(out, c)
	}
	return out
}

func TestAKeyIsRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.log.add(4)
		o.open(notary.Options{}, func(*notary.Leg) { after(time.Second) })
		old := o.keys
		o.signer, o.keys = newKey(t)
		o.log.add(4)
		o.open(notary.Options{}, func(leg *notary.Leg) {
			after(time.Minute)
			require.Contains(t, leg.Status(time.Now()).Places[0].Err, "add the public key that signed it to audit.keys")
		})
		require.Equal(t, []int64{4}, o.a.sizes(t, old), "a head that nobody trusts is not written over")
		o.open(notary.Options{Keys: old}, func(*notary.Leg) { after(time.Minute) })
		require.Equal(t, []int64{4, 8}, o.a.sizes(t, o.keys.With(old)))
	})
}

func TestAStoreThatFailsSignsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		o.log.add(4)
		o.log.fail = errors.New("the disk is gone")
		o.open(notary.Options{}, func(leg *notary.Leg) {
			after(time.Minute)
			require.Empty(t, o.a.sizes(t, o.keys))
			require.Empty(t, leg.Status(time.Now()).Wrong, "that is another thing than an altered log")
			o.log.do(func() { o.log.fail = nil })
			after(time.Minute)
			require.Equal(t, []int64{4}, o.a.sizes(t, o.keys))
		})
		_, err := notary.New(nil, o.signer, nil, notary.Options{})
		require.ErrorContains(t, err, "a store and a key are required")
		require.True(t, strings.HasPrefix(o.signer.Public(), "test+"))
	})
}
