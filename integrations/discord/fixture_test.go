package discord_test

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
	"salve/integrations/discord"
	"salve/integrations/discord/discordtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = []string{"127.0.0.0/8", "::1/128"}

const (
	ada    = "1200000000000000001"
	bob    = "1200000000000000002"
	oncall = "1300000000000000001" // a role
	adaID  = discordtest.GuildID + "/" + ada
)

func open(t testing.TB, opts discordtest.Options) *discordtest.Discord {
	t.Helper()
	fake := discordtest.New(t, opts)
	fake.AddRole(discordtest.Role{ID: oncall, Name: "oncall", Permissions: discordtest.PermissionAdministrator})
	fake.AddUser(discordtest.User{ID: ada, Name: "ada", Nick: "Ada", Roles: []string{oncall}})
	return fake
}

func usages() []discord.Usage {
	return []discord.Usage{
		discord.UsageOf("help", "[COMMAND]", "what can be said"),
		discord.UsageOf("list", "", "open incidents"),
		discord.UsageOf("show", "I-142 | R-88", "an incident, or what a run did"),
		discord.UsageOf("approve", "[I-142] [DIGEST]", "approve a plan"),
		discord.UsageOf("deny", "I-142 [DIGEST] REASON", "deny a plan"),
		discord.UsageOf("run", "PLAYBOOK I-142 [NAME=VALUE ...]", "ask for a playbook"),
		discord.UsageOf("settle", "R-88 done|not-done|retry", "say what became of a run"),
		discord.UsageOf("halt", "[--target TARGET | --playbook NAME] [REASON]", "stop everything, a target or a playbook"),
		discord.UsageOf("handover", "I-142 PERSON MESSAGE", "give it to somebody else"),
		{Word: "whoami", Group: "more", Says: "who Salve takes you for"},
	}
}

func client(t testing.TB, fake *discordtest.Discord, opts discord.Options) *discord.Client {
	t.Helper()
	opts.API, opts.Allow = fake.URL()+"/api/v10", loopback
	if opts.Usages == nil {
		opts.Usages = usages()
	}
	if opts.Groups == nil {
		opts.Groups = map[string]string{"oncall": oncall}
	}
	c, err := discord.New(secret.New(discordtest.BotToken), discordtest.AppID, discordtest.GuildID, opts)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// ear hears, or is told not to; then it lets the Gesture be worked on.
type ear struct {
	mu    sync.Mutex
	heard map[string]bot.Gesture
	order []string
	times int
	deaf  error
	block chan struct{}
	work  func(g bot.Gesture)
	hands sync.WaitGroup
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
	if _, again := e.heard[g.Key]; again {
		return nil
	}
	e.heard[g.Key] = g
	e.order = append(e.order, g.Key)
	if work := e.work; work != nil {
		e.hands.Go(func() { work(g) })
	}
	return nil
}

func (e *ear) set(deaf error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.deaf = deaf
}

// all are the Gestures, each once, in the order in which they came.
func (e *ear) all() []bot.Gesture {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []bot.Gesture
	for _, key := range e.order {
		out = append(out, e.heard[key])
	}
	return out
}

// last is the Gesture that was heard last.
func (e *ear) last(t testing.TB) bot.Gesture {
	t.Helper()
	all := e.all()
	require.NotEmpty(t, all)
	return all[len(all)-1]
}

func fault(t testing.TB, err error) *bot.SendError {
	t.Helper()
	f, ok := errors.AsType[*bot.SendError](err)
	require.True(t, ok, "%T %v", err, err)
	return f
}

var at = time.Date(2026, 11, 24, 8, 30, 0, 0, time.UTC)

func secretToken() secret.Secret { return secret.New(discordtest.BotToken) }

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

// contextOf outlives the test's own, which ends before what is cleaned up.
func contextOf() (context.Context, context.CancelFunc) {
	return context.WithCancel(context.Background())
}
