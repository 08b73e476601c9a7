package serve_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack/slacktest"
)

func TestOverHTTPAnIncidentIsHandledAndTheSameTwiceIsOnce(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}, config: httpTransport})
	st.overHTTP()
	card, a := st.asks("db-1")
	typed := st.fake.Slash(olga, opsChannel, "note "+a.Incident.String()+" seen")
	said := st.fake.Mention(olga, opsChannel, card.TS, "note seen too")
	click := st.fake.Press(olga, card, "Approve")
	require.True(t, typed.Acked && said.Acked && click.Acked)
	var wait sync.WaitGroup
	for _, h := range []slacktest.Heard{typed, said, click} {
		for range 5 { // byte for byte, with its signature, within its five minutes
			wait.Go(func() { require.True(t, st.fake.Again(h).Acked) })
		}
		wait.Wait()
	}
	st.fixes(a.Incident)
	st.decidedOnce(a, bot.ApprovalApproved, 1)
	require.Equal(t, 1, st.clinic.times("db-1"))
	require.True(t, st.fake.Await(waiting, func() bool { return len(st.events(a.Incident, bot.EventNoted)) == 2 }))
	st.card(a.Incident, "Fixed by heal")
	require.Len(t, st.events(a.Incident, bot.EventNoted), 2)
	require.Equal(t, "http", st.events(a.Incident, bot.EventVoted)[0].Data["transport"])
}

func TestOverHTTPNothingForgedDecides(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}, config: httpTransport})
	st.overHTTP()
	card, a := st.asks("db-1")
	for _, forgery := range []slacktest.Forgery{
		slacktest.ForgeOld, slacktest.ForgeEarly, slacktest.ForgeSignature, slacktest.ForgeUnsigned, slacktest.ForgeReencoded, slacktest.ForgeQuery,
	} {
		for _, do := range []func() slacktest.Heard{
			func() slacktest.Heard { return st.fake.Press(olga, card, "Approve") },
			func() slacktest.Heard {
				return st.fake.Slash(olga, opsChannel, fmt.Sprintf("approve %s %s", a.Incident, a.Digest.Short()))
			},
			func() slacktest.Heard { return st.fake.Mention(olga, opsChannel, card.TS, "approve "+a.Digest.Short()) },
		} {
			st.fake.Forge(forgery)
			h := do()
			require.False(t, h.Acked, forgery)
			require.Contains(t, []int{400, 401}, h.Status, forgery)
			require.Empty(t, h.Ephemerals())
		}
	}
	st.nothingDone(a)
	st.whispered(st.fake.Press(olga, card, "Approve"), "R-1")
	st.fixes(a.Incident)
}
