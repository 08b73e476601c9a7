package slack_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = []string{"127.0.0.0/8", "::1/128"}

func open(t testing.TB, opts slacktest.Options) *slacktest.Slack {
	t.Helper()
	fake := slacktest.New(t, opts)
	fake.AddUser(slacktest.User{ID: "U1", Name: "ada", Email: "ada@example.com"})
	return fake
}

func client(t testing.TB, fake *slacktest.Slack, opts slack.Options) *slack.Client {
	t.Helper()
	opts.API, opts.Allow = fake.APIURL(), loopback
	c, err := slack.New(secret.New(slacktest.BotToken), secret.New(slacktest.AppToken), opts)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// ear hears, or is told not to.
type ear struct {
	mu    sync.Mutex
	heard map[string]bot.Gesture
	times int
	deaf  error
	block chan struct{}
}

func newEar() *ear { return &ear{heard: map[string]bot.Gesture{}} }

var errDisk = errors.New("disk full")

func (e *ear) Hear(ctx context.Context, g bot.Gesture) error {
	e.mu.Lock()
	deaf, block := e.deaf, e.block
	e.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if deaf != nil {
		return deaf
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.times++
	e.heard[g.Key] = g
	return nil
}

func (e *ear) set(deaf error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deaf = deaf
}

// all are the Gestures, each once.
func (e *ear) all() []bot.Gesture {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []bot.Gesture
	for _, g := range e.heard {
		out = append(out, g)
	}
	return out
}

// only is the one Gesture that was heard.
func (e *ear) only(t testing.TB) bot.Gesture {
	t.Helper()
	all := e.all()
	require.Len(t, all, 1)
	return all[0]
}

func fault(t testing.TB, err error) *bot.SendError {
	t.Helper()
	f, ok := errors.AsType[*bot.SendError](err)
	require.True(t, ok, "%T %v", err, err)
	return f
}

var at = time.Date(2026, 11, 24, 8, 30, 0, 0, time.UTC)

func words(s string) []bot.Span { return []bot.Span{{Text: s}} }

func lines(all ...string) []bot.Line {
	var out []bot.Line
	for _, s := range all {
		out = append(out, bot.Line{Spans: words(s)})
	}
	return out
}

func hello() bot.Message {
	return bot.Message{Kind: bot.MessageCard, Alone: "HIGH db-3 disk 97 %", Tone: bot.ToneAsking, Title: words("I-142 disk full on db-3"), Lines: lines("97 % of /var")}
}

func approval() bot.Message {
	return bot.Message{
		Kind: bot.MessageCard, Tone: bot.ToneAsking,
		Alone: "HIGH db-3 disk 97 %: approve grow-disk? until 03:20 UTC, I-142",
		Title: words("HIGH I-142 disk 97 % full on db-3"),
		Lines: []bot.Line{
			{Spans: []bot.Span{{Text: "Waits for approval", Style: bot.SpanStrong}, {Text: " since "}, {At: at}, {Text: ", 14 alerts"}}},
			{Spans: []bot.Span{{Text: "Likely: "}, {Text: "logs of payments grew 40 GB since "}, {At: at.Add(-time.Hour)}, {Text: " (82 %)"}}},
			{Kind: bot.LineItem, Spans: []bot.Span{{Text: "node_filesystem_avail_bytes 3 %", URL: "https://prometheus.example.com/graph?g0.expr=up"}}},
			{Kind: bot.LineItem, Spans: words("deploy payments 4.2 twenty minutes before")},
			{Spans: []bot.Span{{Text: "Would run "}, {Text: "grow-disk", Style: bot.SpanCode}, {Text: " on "}, {Text: "host/db-3", Style: bot.SpanCode}, {Text: ", can be undone"}}},
			{Kind: bot.LineQuiet, Spans: []bot.Span{{Text: "Who may: db-oncall, until "}, {At: at.Add(time.Hour)}, {Text: " · plan 3fa9c1d2"}}},
		},
		Buttons: []bot.Button{
			{Label: "Approve", Style: "primary", Token: "tok-approve", Confirm: "Run grow-disk (3fa9c1d2) on host/db-3?", Twin: "approve I-142 3fa9c1d2"},
			{Label: "Deny…", Style: "danger", Token: "tok-deny"},
			{Label: "I take it", Token: "tok-take"},
		},
		More: []bot.Button{{Label: "Show plan", Token: "tok-plan"}, {Label: "Why", Token: "tok-why"}, {Label: "Snooze 1 h", Token: "tok-snooze"}},
	}
}
