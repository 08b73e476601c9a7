package serve_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack/slacktest"
)

func TestFiftyClicksAtOnceByOnePersonAreOneDecisionAndOneRun(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	card, a := st.asks("db-1")
	heard := make([]slacktest.Heard, 50)
	var wait sync.WaitGroup
	for i := range heard {
		wait.Go(func() { heard[i] = st.fake.Press(olga, card, "Approve") })
	}
	wait.Wait()
	for _, h := range heard {
		require.True(t, h.Acked, "each was heard")
	}
	st.fixes(a.Incident)
	st.decidedOnce(a, bot.ApprovalApproved, 1)
	require.Equal(t, 1, st.clinic.times("db-1"))
	st.card(a.Incident, "Fixed by heal")
	require.Len(t, st.cards(a.Incident), 1)
}

// eight people at once: three by the button, two by typing, one by the form that
// denies, one by the API and one at the command line.
func TestEightPeopleOnEverySurfaceAtOnceAreOneDecision(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	var people []string
	for i := range 6 {
		people = append(people, fmt.Sprintf("U0MANY%04d", i))
		st.fake.AddUser(slacktest.User{ID: people[i], Name: fmt.Sprint("many", i)})
	}
	st.onCall(people...)
	st.adds("cora")
	st.adds("cleo", bot.Identity{Surface: "unix", ID: uid()})
	console := st.console("cora")
	approved, denied := 0, 0
	for round := range 6 {
		target := fmt.Sprint("db-", round)
		card, a := st.asks(target)
		form, ok := st.fake.Press(people[5], card, "Deny").Opened()
		require.True(t, ok)
		form = st.filled(form, "Reason")
		yes := bot.Command{Verb: bot.VerbApprove, Incident: a.Incident, Digest: a.Digest.Short()}
		typed := fmt.Sprintf("approve %s %s", a.Incident, a.Digest.Short())
		var wait sync.WaitGroup
		for _, do := range []func(){
			func() { st.fake.Press(people[0], card, "Approve") }, func() { st.fake.Press(people[1], card, "Approve") },
			func() { st.fake.Press(people[2], card, "Approve") }, func() { st.fake.Slash(people[3], opsChannel, typed) },
			func() { st.fake.Slash(people[4], opsChannel, typed) }, func() { st.fake.Submit(form, map[string]string{"Reason": "not now"}) },
			func() { mayRefuse(t, console, yes) }, func() { mayRefuse(t, st.Client, yes) },
		} {
			wait.Go(do)
		}
		wait.Wait()
		require.True(t, st.fake.Await(waiting, func() bool { return st.approval(a.ID).State != bot.ApprovalPending }))
		if st.approval(a.ID).State == bot.ApprovalDenied {
			denied++
			st.decidedOnce(a, bot.ApprovalDenied, 0)
			require.Zero(t, st.clinic.times(target))
			continue
		}
		approved++
		st.fixes(a.Incident)
		st.decidedOnce(a, bot.ApprovalApproved, 1)
		require.Equal(t, 1, st.clinic.times(target))
	}
	require.Equal(t, 6, approved+denied)
}

// mayRefuse gives a command that is carried out or refused in words.
func mayRefuse(t *testing.T, client interface {
	Do(context.Context, bot.Command) (bot.Answer, error)
}, c bot.Command) {
	_, err := client.Do(t.Context(), c)
	if _, ok := errors.AsType[*bot.Refusal](err); err != nil && !ok {
		t.Errorf("%s: %v", c.Verb, err)
	}
	http.DefaultClient.CloseIdleConnections()
}
