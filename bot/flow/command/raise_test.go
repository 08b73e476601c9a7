package command_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func TestAPersonMakesAnIncidentOfWhatTheySee(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := bot.Command{Verb: bot.VerbRaise, Title: " checkout\u202e is\n slow ", Reason: "p99 is 4 s", Severity: bot.SeverityMedium}
	answer := h.twice(rita, c)
	inc := h.read(answer.Incident)
	require.Equal(t, bot.SourcePeople, inc.Source)
	require.Equal(t, "checkout<U+202E> is slow", inc.Title)
	require.Equal(t, bot.SeverityMedium, inc.Severity)
	require.Equal(t, bot.IncidentOpen, inc.State())
	require.Empty(t, inc.Owner)
	require.False(t, inc.DueAt.IsZero(), "it is decided about like any other")
	alerts, err := h.store.Alerts(t.Context(), inc.ID, 10)
	require.NoError(t, err)
	require.Len(t, alerts, 1)
	require.Equal(t, "rita", alerts[0].Labels["raised_by"])
	require.Equal(t, "p99 is 4 s", alerts[0].Annotations["description"])
	require.Equal(t, bot.PersonID("rita"), h.last(bot.EventAlerts).Actor.Person)

	require.NotEqual(t, inc.ID, h.says(rob, c).Incident, "somebody else sees something else")
	c.Title, c.Severity = "the shop is down", bot.SeverityUnknown
	require.Equal(t, bot.SeverityHigh, h.read(h.says(rita, c).Incident).Severity)
}

func TestTheSameMessageIsOneIncidentWhoeverRaisesIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := bot.Command{Verb: bot.VerbRaise, Title: "look at this", Basis: basis}
	first := h.says(rita, c)
	alerts, err := h.store.Alerts(t.Context(), first.Incident, 1)
	require.NoError(t, err)
	require.Equal(t, basis.Message, alerts[0].Annotations["chat_message"])
	require.NotContains(t, alerts[0].Annotations, "message", "it is an id, and no text about what is wrong")
	c.Title = "in other words"
	second := h.says(rob, c)
	require.True(t, second.Repeated)
	require.Equal(t, "That message is an incident already: "+first.Incident.String()+".", second.Text)
	c.Basis.Message = "1700.02"
	require.NotEqual(t, first.Incident, h.says(rita, c).Incident)
	c.Basis.Place = "C4"
	require.NotEqual(t, first.Incident, h.says(rita, c).Incident)
}

func TestOfManyWhoRaiseOneMessageAtOnceThereIsOneIncident(t *testing.T) {
	t.Parallel()
	h := open(t)
	var mu sync.Mutex
	seen := map[bot.IncidentID]bool{}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			answer, err := h.tries(rita, bot.Command{Verb: bot.VerbRaise, Title: "look", Basis: basis})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[answer.Incident] = true
		})
	}
	wg.Wait()
	require.Len(t, seen, 1)
}

func TestWhatWasRaisedEndsWhenSomebodyClosesIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	c := bot.Command{Verb: bot.VerbRaise, Title: "look at this", Basis: basis}
	id := h.says(rita, c).Incident
	h.says(rob, bot.Command{Verb: bot.VerbClose, Incident: id, Reason: "a false alarm"})
	inc := h.read(id)
	require.Equal(t, bot.IncidentClosed, inc.State())
	require.Equal(t, "a false alarm", inc.CloseReason)
	require.Zero(t, inc.Firing)
	require.False(t, inc.ResolvedAt.IsZero())
	next := h.says(rita, c)
	require.NotEqual(t, id, next.Incident, "it is seen again")

	other := h.incident(2)
	h.says(rob, bot.Command{Verb: bot.VerbMerge, Incident: next.Incident, Into: other.ID})
	require.Equal(t, other.ID, h.says(rita, c).Incident)
	h.says(rob, bot.Command{Verb: bot.VerbClose, Incident: other.ID, Reason: "done"})
	require.Equal(t, 2, h.read(other.ID).Firing, "what a source said is for the source to end")
}

func TestWhatCannotBeRaised(t *testing.T) {
	t.Parallel()
	h := open(t)
	for name, c := range map[string]bot.Command{
		"nothing":             {Title: " \n"},
		"too much":            {Title: strings.Repeat("x", 5000)},
		"no text":             {Title: "\xff"},
		"an odd severity":     {Title: "x", Severity: 99},
		"a note that is long": {Title: "x", Reason: strings.Repeat("x", 5000)},
		"a note that rings":   {Title: "x", Reason: "\a"},
	} {
		c.Verb = bot.VerbRaise
		t.Log(name)
		h.refused(rita, c, bot.RefusedInput)
	}
	long := h.says(rita, bot.Command{Verb: bot.VerbRaise, Title: strings.Repeat("é", 2000)})
	require.LessOrEqual(t, len([]rune(h.read(long.Incident).Title)), 160)
	h.refused(vera, bot.Command{Verb: bot.VerbRaise, Title: "x"}, bot.RefusedForbidden, "not a responder")
}
