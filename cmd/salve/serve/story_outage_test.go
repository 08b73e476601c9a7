package serve_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/brief"
	outbox "salve/bot/flow/post"
	teller "salve/bot/flow/tell"
	"salve/cmd/salve/serve"
	"salve/integrations/slack/slacktest"
)

func TestWhileSlackIsDownPeopleDecideElsewhereAndItsCardsCatchUp(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	st.adds("cora")
	st.adds("cleo", bot.Identity{Surface: "unix", ID: uid()})
	console := st.console("cora")
	first, a0 := st.asks("db-0")
	require.True(t, st.fake.Await(waiting, func() bool { return len(st.fake.Messages(opsChannel)) == 2 }), "the card and its notice")
	st.fake.Fail(slacktest.Fault{Status: 503, Times: -1})
	st.fake.DropSockets()

	var decided, open []bot.Approval
	decided = append(decided, a0)
	for i := range 8 {
		target := fmt.Sprint("db-", i+1)
		st.ill(target, nil)
		a := st.question(target)
		if i < 6 {
			decided = append(decided, a)
		} else {
			open = append(open, a)
		}
	}
	for i, a := range decided {
		yes := bot.Command{Verb: bot.VerbApprove, Incident: a.Incident, Digest: a.Digest.Short()}
		client := st.Client
		if i%2 == 0 {
			client = console
		}
		_, err := client.Do(t.Context(), yes)
		require.NoError(t, err)
		st.fixes(a.Incident)
	}
	require.Len(t, st.fake.Messages(opsChannel), 2)
	st.fake.Mend()

	for _, a := range decided {
		st.card(a.Incident, "Fixed by heal")
		require.Len(t, st.cards(a.Incident), 1)
		st.decidedOnce(a, bot.ApprovalApproved, 1)
	}
	require.Equal(t, first.TS, st.cards(a0.Incident)[0].TS)
	for i, a := range append(decided[1:], open...)[1:] {
		before := append(decided[1:], open...)[i]
		require.Less(t, st.card(before.Incident).TS, st.card(a.Incident).TS, "in the order in which they came")
	}
	st.ready()
	for _, a := range open {
		card := st.card(a.Incident, "Approve")
		require.Len(t, st.cards(a.Incident), 1)
		st.whispered(st.fake.Press(olga, card, "Approve"))
		st.fixes(a.Incident)
	}
	for _, a := range decided[1:] {
		for _, m := range st.fake.Thread(opsChannel, st.cards(a.Incident)[0].TS) {
			require.NotContains(t, st.fake.Render(m), "[+Approve]")
			require.NotContains(t, st.fake.Render(m), "Nobody needs to answer", "what was moot was not told at all")
		}
	}
}

// plainly is a surface that does not say how long a place rests.
type plainly struct{ outbox.Surface }

type toOps struct{}

func (toOps) Route(context.Context, bot.Incident, []bot.Alert) []bot.Route {
	return []bot.Route{{Surface: "slack", Place: opsChannel}}
}

// Five hundred alerts come in through the door of a Salve and are decided about;
// then they are all posted by the leg, without the second of rest between two.
func TestFiveHundredAlertsUnderLimitsAreOneCardEachAndASummary(t *testing.T) {
	t.Parallel()
	const count = 500
	st := prepare(t, setting{slack: slacktest.Options{Unlimited: true}})
	withChat := st.cfg
	st.cfg.Slack = nil
	st.running = run(t, st.cfg)
	_, err := st.Rows().Commit(t.Context(), bot.Change{Cursors: []bot.Cursor{{Name: "chat"}}})
	require.NoError(t, err)
	var wait sync.WaitGroup
	for lane := range 4 {
		wait.Go(func() {
			for i := lane; i < count; i += 4 {
				st.ill(fmt.Sprint("host-", i), map[string]string{"alertname": "Other", "severity": []string{"critical", "low"}[i%2]})
			}
		})
	}
	wait.Wait()
	for _, f := range []slacktest.Fault{{Status: 429, RetryAfter: "1", Times: 3}, {Status: 429}, {Error: "ratelimited"}, {Status: 500}, {CutAfter: true}} {
		f.Method = "chat.postMessage"
		st.fake.Fail(f)
	}
	resolver, _ := secrets(t)
	client, err := serve.OpenSlack(t.Context(), withChat, resolver, nil)
	require.NoError(t, err)
	defer client.Close()
	cards, err := teller.New(st.Rows(), teller.Options{})
	require.NoError(t, err)
	leg, err := outbox.New(st.Rows(), cards, toOps{}, map[string]outbox.Surface{"slack": plainly{client}}, outbox.Options{
		PlaceEvery: time.Millisecond, Brief: map[string]brief.Options{"slack": {Command: "/salve"}},
	})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- leg.Run(ctx) }()
	seenOf := func() map[string]int {
		found := map[string]int{}
		for _, m := range st.fake.Messages(opsChannel) {
			if line, _, _ := strings.Cut(st.fake.Render(m), "\n"); strings.HasPrefix(line, "# ") {
				for word := range strings.FieldsSeq(line) {
					if strings.HasPrefix(word, "I-") {
						found[word]++
					}
				}
			}
		}
		return found
	}
	require.Eventually(t, func() bool { return len(seenOf()) == count }, 12*waiting, 3*time.Second) // drawing them all is work
	stop()
	require.NoError(t, <-done)
	for i := range count {
		require.Equal(t, 1, seenOf()[bot.IncidentID(i+1).String()], "I-%d", i+1)
	}
	require.Len(t, st.fake.Messages(opsChannel), count+1)
	require.Contains(t, seen(st.fake), "ncidents at once", "the summary, as long as it goes on")
}
