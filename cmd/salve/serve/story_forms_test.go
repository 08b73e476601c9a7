package serve_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack/slacktest"
)

// opens is the form that a gesture opened, once it reads so.
func (st *story) opens(h slacktest.Heard, reads string) slacktest.View {
	st.Helper()
	require.True(st, h.Acked)
	v, ok := h.Opened()
	require.True(st, ok, "no form was opened")
	return st.filled(v, reads)
}

func TestADenialAsksForItsReasonAndTellsIt(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	card, a := st.asks("db-1")
	form := st.opens(st.fake.Press(olga, card, "Deny"), "Reason")
	require.Contains(t, st.fake.Submit(form, nil).Blocked, "must be filled in")
	st.nothingDone(a)
	require.True(t, st.fake.Submit(form, map[string]string{"Reason": "the backup runs <!channel> *now*"}).Acked)
	st.card(a.Incident, "enied")
	st.decidedOnce(a, bot.ApprovalDenied, 0)
	require.Equal(t, "the backup runs <!channel> *now*", st.events(a.Incident, bot.EventVoted)[0].Data["reason"])
	for _, m := range st.fake.Messages(opsChannel) {
		require.NotContains(t, string(m.Blocks)+m.Text, "<!channel>")
	}
}

func TestAPlanIsShownAndItsParametersAreEditedWithinBounds(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	card, a := st.asks("db-1")
	plan := st.opens(st.fake.Press(omar, card, "Show plan"), a.Digest.Short())
	require.Contains(t, st.fake.RenderView(plan), "Heal it")
	edit := st.fake.PressIn(omar, plan, "Edit parameters")
	require.True(t, edit.Acked)
	form := st.opens(edit, "doses")
	require.NotEmpty(t, form.ID)
	out := st.fake.Submit(form, map[string]string{"doses": "99"})
	if out.Blocked == "" { // the client lets it through: Salve does not
		require.True(t, out.Acked)
		require.True(t, st.fake.Await(waiting, func() bool {
			for _, e := range st.fake.Ephemerals(omar) {
				if strings.Contains(st.fake.Render(e.Message), "99 is above 9") {
					return true
				}
			}
			return false
		}), "%v", out.Errors)
	}
	st.nothingDone(a)
	edit = st.fake.PressIn(omar, plan, "Edit parameters")
	form = st.opens(edit, "doses")
	require.True(t, st.fake.Submit(form, map[string]string{"doses": "3"}).Acked)
	var b bot.Approval
	require.Eventually(t, func() bool { b = st.question("db-1"); return b.ID != a.ID }, waiting, 5*time.Millisecond)
	now := st.card(a.Incident, b.Digest.Short())
	st.whispered(st.fake.Press(omar, now, "Approve")) // he asked for it
	require.Empty(t, st.approval(b.ID).Votes)
	st.whispered(st.fake.Press(olga, now, "Approve"), "R-1")
	st.fixes(a.Incident)
}

func TestTheShortcutOnOneMessageTwiceIsOneIncident(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	said := st.fake.Say(stranger, opsChannel, "the checkout is slow <@"+olga+">")
	for range 2 {
		form := st.opens(st.fake.Shortcut(olga, said, "raise"), "Severity")
		h := st.fake.Submit(form, map[string]string{"Severity": "high", "What is wrong": "checkout is slow"})
		require.True(t, h.Acked, h.Blocked+st.fake.RenderView(form))
	}
	st.reads("checkout is slow", "# ")
	require.True(t, st.fake.Await(waiting, func() bool { return len(st.fake.Ephemerals(olga)) == 2 }))
	all, err := st.Store().Incidents(t.Context(), bot.IncidentQuery{Limit: 10})
	require.NoError(t, err)
	require.Len(t, all, 1)
}

func TestTheHomeListsWhatIMayApproveAndItsButtonsWork(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	_, a := st.asks("db-1")
	require.True(t, st.fake.OpenHome(olga).Acked)
	var home slacktest.View
	require.True(t, st.fake.Await(waiting, func() bool {
		var ok bool
		home, ok = st.fake.Home(olga)
		return ok && strings.Contains(st.fake.RenderView(home), "heal on db-1")
	}))
	require.True(t, st.fake.OpenHome(stranger).Acked)
	require.True(t, st.fake.Await(waiting, func() bool { _, ok := st.fake.Home(stranger); return ok }))
	other, _ := st.fake.Home(stranger)
	require.NotContains(t, st.fake.RenderView(other), "heal on db-1")
	require.Contains(t, st.fake.RenderView(home), "[Read and decide]")
	h := st.fake.PressIn(olga, home, "Read and decide")
	private := st.opens(h, a.Digest.Short())
	require.True(t, st.fake.Submit(private, nil).Acked)
	st.fixes(a.Incident)
	st.decidedOnce(a, bot.ApprovalApproved, 1)
}

func TestInTheThreadOfACardTheIncidentNeedsNoName(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	card, a := st.asks("db-1")
	shown := st.whispered(st.fake.Mention(olga, opsChannel, card.TS, "approve"), a.Digest.Short())
	require.Equal(t, card.TS, shown.Thread, "the answer stands where it was asked")
	st.nothingDone(a)
	st.whispered(st.fake.Mention(olga, opsChannel, card.TS, "approve deadbeef"))
	st.nothingDone(a)
	st.whispered(st.fake.Mention(olga, opsChannel, card.TS, fmt.Sprintf("approve %s", a.Digest.Short())), "R-1")
	st.fixes(a.Incident)
}
