package serve_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/config"
	"salve/integrations/slack/slacktest"
)

// deletes lets a person delete a message.
func (st *story) deletes(m slacktest.Message) {
	st.Helper()
	form := url.Values{"token": {slacktest.BotToken}, "channel": {m.Channel}, "ts": {m.TS}}
	req, err := http.NewRequestWithContext(st.Context(), http.MethodPost, st.fake.APIURL()+"chat.delete", strings.NewReader(form.Encode()))
	require.NoError(st, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, answer := exchange(st.T, req)
	require.Contains(st, answer, `"ok":true`)
}

func TestEachWayInWhichPostingFailsLeavesOneCardWhoseButtonsWork(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]slacktest.Fault{
		"the answer was lost":                {{CutAfter: true}},
		"the answer was lost twice":          {{CutAfter: true}, {Method: "conversations.history", CutBefore: true}},
		"the question was lost":              {{CutBefore: true}},
		"too much, and when to come again":   {{Status: 429, RetryAfter: "2"}},
		"too much, and nothing more":         {{Status: 429}},
		"too much, as an error":              {{Error: "rate_limited"}},
		"pages of HTML instead of an answer": {{Status: 500, Times: 2}, {Status: 502}},
		"done, and a page of HTML":           {{Status: 503, Body: slacktest.HTMLPage}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
			for _, f := range faults {
				if f.Method == "" {
					f.Method = "chat.postMessage"
				}
				st.fake.Fail(f)
			}
			card, a := st.asks("db-1")
			st.whispered(st.fake.Press(olga, card, "Approve"), "R-1")
			st.fixes(a.Incident)
			st.card(a.Incident, "Fixed by heal")
			require.Len(t, st.cards(a.Incident), 1, seen(st.fake))
			st.reads("Run R-1", "fixed it")
			doubles := map[string]int{}
			for _, m := range st.fake.Messages(opsChannel) {
				doubles[m.Thread+st.fake.Render(m)]++
			}
			for text, n := range doubles {
				require.Equal(t, 1, n, text)
			}
		})
	}
}

func TestWhileAnEditIsSlowTheNewestIsShownInTheEnd(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	_, a := st.asks("db-1")
	st.fake.Fail(slacktest.Fault{Method: "chat.update", Delay: time.Second})
	st.fake.Fail(slacktest.Fault{Method: "chat.update", Delay: time.Second, CutAfter: true})
	for range 3 {
		st.whispered(st.fake.Slash(olga, opsChannel, "take "+a.Incident.String()))
		st.whispered(st.fake.Slash(olga, opsChannel, "release "+a.Incident.String()))
	}
	st.whispered(st.fake.Slash(omar, opsChannel, "take "+a.Incident.String()))
	st.card(a.Incident, "aken by omar")
	time.Sleep(3 * time.Second) // nothing older comes after it
	st.card(a.Incident, "aken by omar")
	require.Len(t, st.cards(a.Incident), 1)
}

func TestACardThatAPersonDeletesIsPostedAnewAndItsButtonsWork(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	old, a := st.asks("db-1")
	st.deletes(old)
	a = st.edits(a, 2)
	now := st.card(a.Incident, "Approve")
	require.NotEqual(t, old.TS, now.TS)
	st.whispered(st.fake.Press(olga, old, "Approve")) // from a window that still shows it
	require.Empty(t, st.runsOf(a.Incident))
	st.whispered(st.fake.Press(olga, now, "Approve"))
	st.fixes(a.Incident)
	st.decidedOnce(a, bot.ApprovalApproved, 1)
	st.card(a.Incident, "ixed by heal")
	require.Len(t, st.cards(a.Incident), 1)
}

func TestWhatCannotStandInItsChannelStandsInTheDefaultOneWithTheReason(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}, config: func(c *config.Config) {
		c.Slack.Routes = []config.Route{
			{When: `alert.labels["service"] == "db-1"`, Channel: "C0OLD00001"}, {When: `alert.labels["service"] == "db-2"`, Channel: "C0SECRET01"},
			{When: `alert.labels["service"] == "db-3"`, Channel: "C0NOWHERE1"}, {When: `alert.labels["service"] == "db-4"`, Channel: "C0ENDS0001"},
		}
	}})
	st.fake.AddChannel(slacktest.Channel{ID: "C0OLD00001", Name: "old", Archived: true})
	st.fake.AddChannel(slacktest.Channel{ID: "C0SECRET01", Name: "secret", Private: true})
	st.fake.AddChannel(slacktest.Channel{ID: "C0ENDS0001", Name: "ends", Member: true})
	for target, why := range map[string]string{"db-1": "archived", "db-2": "Shown here because", "db-3": "Shown here because"} {
		card, a := st.asks(target)
		require.Contains(t, st.fake.Render(card), "Shown here because")
		require.Contains(t, st.fake.Render(card), why)
		st.whispered(st.fake.Press(olga, card, "Approve"))
		st.fixes(a.Incident)
	}
	// One that is archived in the middle of a story moves, and its buttons with it.
	st.ill("db-4", nil)
	a := st.question("db-4")
	there := st.readsIn("C0ENDS0001", a.Incident.String(), "Approve")
	st.fake.AddChannel(slacktest.Channel{ID: "C0ENDS0001", Name: "ends", Member: true, Archived: true})
	a = st.edits(a, 2)
	here := st.card(a.Incident, "archived", "Approve")
	st.whispered(st.fake.Press(olga, there, "Approve"))
	require.Empty(t, st.runsOf(a.Incident))
	st.whispered(st.fake.Press(olga, here, "Approve"))
	st.fixes(a.Incident)
	st.decidedOnce(a, bot.ApprovalApproved, 1)
}

func TestWhileSlackTakesNoTokenThatIsAConditionAndAfterwardsAllIsShown(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}, config: func(c *config.Config) { c.Watch.Every = bot.Duration(200 * time.Millisecond) }})
	st.fake.Fail(slacktest.Fault{Error: "invalid_auth", Times: -1})
	for _, target := range []string{"db-1", "db-2", "db-3"} {
		st.ill(target, nil)
		st.question(target)
	}
	var status struct{ Conditions []bot.Condition }
	named := func(name string) func() bool {
		return func() bool {
			require.NoError(t, st.Get(t.Context(), "/v1/status", nil, &status))
			return slices.ContainsFunc(status.Conditions, func(c bot.Condition) bool { return c.Name == name && c.Subject == "slack" })
		}
	}
	require.Eventually(t, named("chat-denied"), waiting, 20*time.Millisecond)
	require.Eventually(t, func() bool {
		open, err := st.Store().Incidents(t.Context(), bot.IncidentQuery{Limit: 100})
		require.NoError(t, err)
		return slices.ContainsFunc(open, func(i bot.Incident) bool {
			return i.Source == bot.SourceSalve && strings.Contains(i.Title, "slack does not take Salve's credentials")
		})
	}, waiting, 20*time.Millisecond, "it is an incident of Salve's own, for whoever hears of it elsewhere")
	require.Empty(t, st.fake.Messages(opsChannel))
	st.fake.Mend()
	require.NoError(t, st.end()) // who mends a token starts Salve anew
	st.running = run(t, st.cfg)
	st.ready()
	for _, target := range []string{"db-1", "db-2", "db-3"} {
		a := st.question(target)
		st.whispered(st.fake.Press(olga, st.card(a.Incident, "Approve"), "Approve"))
		st.fixes(a.Incident)
		require.Len(t, st.cards(a.Incident), 1)
	}
	require.Eventually(t, func() bool { return !named("chat-denied")() }, waiting, 20*time.Millisecond)
}
