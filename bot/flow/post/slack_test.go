package post_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/flow/post"
	"salve/bot/flow/tell"
	"salve/bot/route"
	"salve/bot/secret"
	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
	"salve/storage/sqlite"
)

// ruled is how the process ties the routes to the leg.
type ruled struct{ rules *route.Rules }

func (r ruled) Route(_ context.Context, inc bot.Incident, alerts []bot.Alert) []bot.Route {
	return r.rules.Route(inc, alerts)
}

// real is the leg with the real store, cards, routes and Slack's adapter, before a
// Slack in memory.
type real struct {
	t     *testing.T
	store *sqlite.Store
	fake  *slacktest.Slack
	opts  post.Options
	stop  func()
}

func newReal(t *testing.T) *real {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	fake := slacktest.New(t, slacktest.Options{Unlimited: true})
	fake.AddChannel(slacktest.Channel{ID: "C0DBTEAM", Name: "db", Member: true})
	_, err = store.Commit(t.Context(), bot.Change{Cursors: []bot.Cursor{{Name: "chat"}}})
	require.NoError(t, err)
	return &real{t: t, store: store, fake: fake, opts: post.Options{
		PlaceEvery: 20 * time.Millisecond, Defaults: map[string]string{"slack": "C0GENERAL"},
		Brief: map[string]brief.Options{"slack": {Command: "/salve"}},
	}}
}

func (r *real) start() {
	r.t.Helper()
	client, err := slack.New(secret.New(slacktest.BotToken), secret.Secret{}, slack.Options{API: r.fake.APIURL(), Allow: []string{"127.0.0.0/8", "::1/128"}})
	require.NoError(r.t, err)
	cards, err := tell.New(r.store, tell.Options{})
	require.NoError(r.t, err)
	rules, err := route.New([]route.Rule{{When: `incident.severity == "critical"`, Surface: "slack", Place: "C0DBTEAM"}},
		map[string]string{"slack": "C0GENERAL"}, nil, route.Options{})
	require.NoError(r.t, err)
	leg, err := post.New(r.store, cards, ruled{rules}, map[string]post.Surface{"slack": client}, r.opts)
	require.NoError(r.t, err)
	ctx, cancel := context.WithCancel(r.t.Context())
	done := make(chan error, 1)
	go func() { done <- leg.Run(ctx) }()
	r.stop = func() {
		cancel()
		require.NoError(r.t, <-done)
		client.Close()
	}
}

// fires makes an alert come in.
func (r *real) fires(n int, sev bot.Severity, title string) bot.IncidentID {
	r.t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	receipt, err := r.store.Commit(r.t.Context(), bot.Change{Observed: []bot.Alert{{
		AlertKey: bot.AlertKey{Source: "prometheus", Fingerprint: strconv.Itoa(n), StartsAt: now}, GroupKey: strconv.Itoa(n),
		State: bot.AlertFiring, Severity: sev, Title: title, ReceivedAt: now,
	}}, By: bot.Salve})
	require.NoError(r.t, err)
	return receipt.Observed[0].Incident
}

func (r *real) settle() {
	r.t.Helper()
	require.Eventually(r.t, func() bool {
		last, err := r.store.Events(r.t.Context(), bot.EventQuery{Last: true, Limit: 1})
		require.NoError(r.t, err)
		cur, err := r.store.Cursor(r.t.Context(), "chat")
		require.NoError(r.t, err)
		due, err := r.store.Posts(r.t.Context(), bot.PostQuery{Due: time.Now().Add(time.Hour)})
		require.NoError(r.t, err)
		return cur.Seq == last[0].Seq && len(due) == 0
	}, 30*time.Second, 20*time.Millisecond)
}

func TestSlackShowsEachIncidentOnceThroughEveryFault(t *testing.T) {
	t.Parallel()
	r := newReal(t)
	r.fake.Fail(slacktest.Fault{Method: "chat.postMessage", CutAfter: true})
	r.fake.Fail(slacktest.Fault{Method: "chat.postMessage", Status: http.StatusTooManyRequests, RetryAfter: "1"})
	r.fake.Fail(slacktest.Fault{Method: "chat.postMessage", Status: http.StatusBadGateway})
	r.start()
	a := r.fires(1, bot.SeverityCritical, "disk full <!channel> *on* `db-3`")
	r.fires(2, bot.SeverityLow, "certificate ends")
	r.settle()
	r.stop()
	inc, err := r.store.Incident(t.Context(), a)
	require.NoError(t, err)
	inc.Owner, inc.OwnerName = "ada", "Ada"
	_, err = r.store.Commit(t.Context(), bot.Change{Incidents: []bot.Incident{inc}, Events: []bot.Event{{
		Kind: bot.EventHandover, Incident: a, Actor: bot.Actor{Name: "Bob"}, Text: "handed it over to Ada: look at the snapshots",
	}}})
	require.NoError(t, err)
	r.start()
	defer r.stop()
	r.settle()

	db := r.fake.Messages("C0DBTEAM")
	require.Len(t, db, 2, "the card, and what was said in its thread")
	require.Equal(t, db[0].TS, db[1].Thread)
	require.Len(t, r.fake.Messages("C0GENERAL"), 1)
	card := r.fake.Render(db[0])
	require.Contains(t, card, "Ada")
	require.NotContains(t, string(db[0].Blocks), "<!channel>")
	row, err := r.store.PostAt(t.Context(), "slack", bot.Mark{Place: "C0DBTEAM", Ref: db[0].TS})
	require.NoError(t, err)
	require.Equal(t, a, row.Incident)
	for _, token := range row.Tokens {
		o, err := r.store.Offer(t.Context(), token)
		require.NoError(t, err)
		require.Contains(t, o.Shown, "disk full")
	}
	var blocks any
	require.NoError(t, json.Unmarshal(db[0].Blocks, &blocks))
}

func TestAReplyUnderAnOldCardIsFoundAgainByAnotherProcess(t *testing.T) {
	t.Parallel()
	r := newReal(t)
	r.fake = slacktest.New(t, slacktest.Options{Unlimited: true, Now: func() time.Time { return time.Now().Add(-time.Hour) }})
	r.start()
	id := r.fires(1, bot.SeverityLow, "disk full on db-3")
	r.settle()
	r.stop()
	for n := range 1001 {
		r.fake.Say("U1", "C0GENERAL", "talk "+strconv.Itoa(n))
	}
	r.fake.Advance(time.Hour)
	inc, err := r.store.Incident(t.Context(), id)
	require.NoError(t, err)
	inc.Owner, inc.OwnerName = "ada", "Ada"
	_, err = r.store.Commit(t.Context(), bot.Change{Incidents: []bot.Incident{inc}, Events: []bot.Event{{
		Kind: bot.EventHandover, Incident: id, Actor: bot.Actor{Name: "Bob"}, Text: "handed it over to Ada",
	}}})
	require.NoError(t, err)
	r.fake.Fail(slacktest.Fault{Method: "chat.postMessage", CutAfter: true})
	r.start()
	require.True(t, r.fake.Await(10*time.Second, func() bool { return len(r.fake.Messages("C0GENERAL")) == 1003 }))
	r.stop() // before it has looked for what became of it
	require.Empty(t, r.fake.Calls("conversations.replies"))
	r.start()
	defer r.stop()
	r.settle()
	all := r.fake.Messages("C0GENERAL")
	require.Len(t, all, 1003, "the card, the talk and one reply")
	require.Equal(t, all[0].TS, all[1002].Thread)
	reply, err := r.store.PostAt(t.Context(), "slack", bot.Mark{Place: "C0GENERAL", Ref: all[1002].TS})
	require.NoError(t, err)
	require.Equal(t, bot.PostShown, reply.State)
	require.Empty(t, r.fake.Calls("conversations.history"), "it looks in the thread alone")
}

type quick struct{}

func (quick) Plot(_ context.Context, inc bot.Incident, _ []bot.Alert) (*bot.File, error) {
	if inc.Title != "disk full on db-7" {
		return nil, nil
	}
	return &bot.File{Name: "disk.png", Media: "image/png", Alt: "disk usage rises", Body: []byte("PNG")}, nil
}

func TestSlackTakesAStormAndMovesWhatIsArchived(t *testing.T) {
	t.Parallel()
	r := newReal(t)
	r.opts.Plotter, r.opts.Storm = quick{}, 5
	r.fake.AddChannel(slacktest.Channel{ID: "C0DBTEAM", Name: "db", Member: true, Archived: true})
	for n := range 30 {
		r.fires(n, []bot.Severity{bot.SeverityCritical, bot.SeverityLow}[n%2], "disk full on db-"+strconv.Itoa(n))
	}
	r.start()
	defer r.stop()
	r.settle()
	require.Eventually(t, func() bool { return len(r.fake.Messages("C0GENERAL")) == 33 }, 30*time.Second, 20*time.Millisecond)
	require.Empty(t, r.fake.Messages("C0DBTEAM"))
	var cards, moved []string
	var rest string
	for _, m := range r.fake.Messages("C0GENERAL") {
		text := r.fake.Render(m)
		row, err := r.store.PostAt(t.Context(), "slack", bot.Mark{Place: "C0GENERAL", Ref: m.TS})
		if err != nil || row.Kind != bot.MessageCard {
			rest += text
			continue
		}
		if cards = append(cards, text); row.Moved != "" {
			require.Contains(t, text, "Shown here because the channel is archived")
			moved = append(moved, text)
		}
	}
	require.Len(t, cards, 30)
	require.Len(t, moved, 15)
	require.Contains(t, rest, "Many incidents came at once")
	require.Contains(t, rest, "[file disk.png: disk.png, 3 bytes]")
}
