package serve_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack/slacktest"
)

// insists does it as people do: again when Slack shows that it was not heard.
func (st *story) insists(do func() slacktest.Heard) slacktest.Heard {
	st.Helper()
	h := do()
	for end := time.Now().Add(2 * waiting); !h.Acked && time.Now().Before(end); {
		h = st.fake.Again(h)
	}
	require.True(st, h.Acked, "it was never heard")
	return h
}

func TestThroughAStormOfReconnectsEachClickIsDecidedOnceAndOneSocketStays(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true, AckWithin: 3 * time.Second}})
	type asked struct {
		card slacktest.Message
		bot.Approval
	}
	var all []asked
	for i := range 6 {
		card, a := st.asks(fmt.Sprint("db-", i))
		all = append(all, asked{card, a})
	}
	var wait sync.WaitGroup
	for _, a := range all {
		for _, who := range []string{olga, omar} {
			wait.Go(func() { st.insists(func() slacktest.Heard { return st.fake.Press(who, a.card, "Approve") }) })
		}
	}
	wait.Go(func() {
		for i := range 50 {
			switch i % 4 {
			case 0:
				st.fake.DropSockets()
			case 1:
				st.fake.Disconnect("warning")
			case 2:
				st.fake.Disconnect("refresh_requested")
			default:
				st.fake.Disconnect("too_many_websockets")
			}
			st.fake.Await(200*time.Millisecond, func() bool { return st.fake.Sockets() > 0 && i%8 < 6 })
			time.Sleep(20 * time.Millisecond)
		}
	})
	wait.Wait()
	for _, a := range all {
		st.fixes(a.Incident)
		st.decidedOnce(a.Approval, bot.ApprovalApproved, 1)
		require.Equal(t, 1, st.clinic.times(a.Target))
	}
	require.True(t, st.fake.Await(waiting, func() bool { return st.fake.Sockets() == 1 }))
	h := st.insists(func() slacktest.Heard { return st.fake.Slash(olga, opsChannel, "list") })
	st.whispered(h)
	require.Equal(t, 1, st.fake.Sockets())
}
