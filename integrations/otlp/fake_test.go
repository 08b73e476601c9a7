package otlp_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/otlp"
	"salve/integrations/otlp/otlptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is when the story begins.
var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

const token = "a-token-of-the-collector"

// book is a store with one plan, in which every incident began at noon.
type book struct {
	mu    sync.Mutex
	fails bool
	reads int
}

func (b *book) Events(_ context.Context, q bot.EventQuery) ([]bot.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	if b.fails {
		return nil, errors.New("the rows cannot be read")
	}
	return []bot.Event{{At: noon, Kind: bot.EventAlerts, Incident: q.Incident, Actor: bot.Actor{Name: "prod", Surface: "webhook"}}}, nil
}

func (b *book) Plan(_ context.Context, id bot.PlanID) (bot.Plan, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails || id != 7 {
		return bot.Plan{}, bot.ErrNotFound
	}
	return bot.Plan{
		ID: 7, Verify: &bot.PlanVerify{Within: bot.Duration(time.Minute)},
		Steps: []bot.PlanStep{
			{ID: "drain", Action: "http", Args: map[string]any{"url": "https://shop.example.com:8443/drain?token=" + token, "method": "PUT"}},
			{ID: "restart", Action: "command", Args: map[string]any{"argv": []any{"/usr/bin/systemctl", "restart", "shop"}},
				Undo: &bot.PlanStep{ID: "restart", Action: "wait"}},
		},
	}, nil
}

func (b *book) fail(yes bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fails = yes
}

// world is an exporter that runs, with what it talks to.
type world struct {
	*otlp.Exporter
	collector *otlptest.Collector
	book      *book
	log       *lines
	stop      func()
}

func open(t *testing.T, opts otlp.Options) *world {
	t.Helper()
	w := &world{collector: otlptest.New(), book: &book{}, log: &lines{}}
	t.Cleanup(w.collector.Close)
	opts.Origin, opts.Log = "abc", slog.New(slog.NewTextHandler(w.log, nil))
	if opts.Endpoint == "" {
		opts.Endpoint = w.collector.URL
	}
	if opts.Every == 0 {
		opts.Every = 5 * time.Millisecond
	}
	if opts.Pause == 0 {
		opts.Pause = 5 * time.Millisecond
	}
	var err error
	w.Exporter, err = otlp.New(t.Context(), w.book, opts)
	require.NoError(t, err)
	return w
}

// run lets it send until it is stopped.
func (w *world) run(t *testing.T) *world {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	w.stop = func() { cancel(); <-done }
	t.Cleanup(w.stop)
	return w
}

// spans stops it and gives what came.
func (w *world) spans() []otlptest.Span {
	w.stop()
	return w.collector.Spans()
}

func (w *world) eventually(t *testing.T, ok func(otlp.Stats) bool) {
	t.Helper()
	require.Eventually(t, func() bool { return ok(w.Stats()) }, 10*time.Second, time.Millisecond, "%+v", w.Stats())
}

// lines is a log that is read while it is written.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func resolver(t *testing.T) (secret.Resolver, *secret.Redactor) {
	t.Helper()
	redactor := secret.NewRedactor()
	r, err := secret.NewEnvFile(func(name string) (string, bool) {
		return map[string]string{"TOKEN": token, "LINES": "two\nlines"}[name], name == "TOKEN" || name == "LINES"
	}, func(string) ([]byte, error) { return nil, os.ErrNotExist }, redactor)
	require.NoError(t, err)
	return r, redactor
}

// ref reads a reference.
func ref(t *testing.T, s string) secret.Ref {
	t.Helper()
	r, err := secret.ParseRef(s)
	require.NoError(t, err)
	return r
}

// delivery is a commit that a sender made.
func delivery(id bot.IncidentID, outcomes ...bot.Outcome) otlp.Commit {
	c := otlp.Commit{Began: at(0).Add(3 * time.Millisecond), Ended: at(0).Add(5 * time.Millisecond),
		Change: bot.Change{Delivery: &bot.Delivery{Source: "prod", ReceivedAt: at(0)}}}
	for i, o := range outcomes {
		key := bot.AlertKey{Source: "prod", Fingerprint: string(rune('a' + i)), StartsAt: at(-60)}
		c.Change.Observed = append(c.Change.Observed, bot.Alert{AlertKey: key, ReceivedAt: at(0)})
		c.Receipt.Observed = append(c.Receipt.Observed, bot.Observation{Key: key, Incident: id, Outcome: o})
	}
	return c
}
