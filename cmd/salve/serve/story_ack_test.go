package serve_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack/slacktest"
)

// likeSuccess are words that nobody may read of what was not done.
var likeSuccess = []string{"R-1", "Your vote counts", "approved by"}

func (st *story) nothingLooksDone(user string) {
	st.Helper()
	for _, e := range st.fake.Ephemerals(user) {
		for _, w := range likeSuccess {
			require.NotContains(st, st.fake.Render(e.Message), w)
		}
	}
}

func TestOverASocketWhatTheDatabaseDidNotTakeIsNotAcknowledgedAndIsDoneOnceLater(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true, AckWithin: 3 * time.Second}})
	card, a := st.asks("db-1")
	st.whispered(st.fake.Slash(olga, opsChannel, "whoami")) // who she is is known
	before := len(st.fake.Ephemerals(olga))
	letGo := seizes(t, st.running)
	click := st.fake.Press(olga, card, "Approve")
	require.False(t, click.Acked, "Slack shows that it was not heard")
	require.Zero(t, st.fake.Acks(click.ID))
	require.Len(t, st.fake.Ephemerals(olga), before)
	st.nothingDone(a)
	letGo()
	click = st.fake.Again(click)
	require.True(t, click.Acked)
	st.fixes(a.Incident)
	require.True(t, st.fake.Again(click).Acked, "a third time is heard and changes nothing")
	st.decidedOnce(a, bot.ApprovalApproved, 1)
	require.Equal(t, 1, st.clinic.times("db-1"))
}

func TestOverHTTPWhatTheDatabaseDidNotTakeIsSaidAndNothingIsDone(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true, AckWithin: 10 * time.Second}, config: httpTransport})
	st.overHTTP()
	card, a := st.asks("db-1")
	st.whispered(st.fake.Slash(olga, opsChannel, "whoami"))
	form, ok := st.fake.Press(olga, card, "Deny").Opened()
	require.True(t, ok)
	form = st.filled(form, "Reason")
	letGo := seizes(t, st.running)

	click := st.fake.Press(olga, card, "Approve")
	require.False(t, click.Acked)
	require.Equal(t, 503, click.Status)
	told, ok := click.Whispered()
	require.True(t, ok)
	require.Contains(t, st.fake.Render(told.Message), "Not recorded, as far as Salve knows")

	typed := st.fake.Slash(olga, opsChannel, fmt.Sprintf("approve %s %s", a.Incident, a.Digest.Short()))
	st.whispered(typed, "Not recorded", "Please try again")

	denied := st.fake.Submit(form, map[string]string{"Reason": "not now"})
	require.Contains(t, fmt.Sprint(denied.Errors), "Not recorded", "the form stays open with what was typed")
	st.nothingLooksDone(olga)
	letGo()
	time.Sleep(time.Second)
	st.nothingDone(a)
	st.whispered(st.fake.Press(olga, card, "Approve"), "R-1")
	st.fixes(a.Incident)
	st.decidedOnce(a, bot.ApprovalApproved, 1)
}
