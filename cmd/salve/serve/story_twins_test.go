package serve_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/brief"
	"salve/integrations/slack/slacktest"
)

// filledIn is what a person writes into a form, and into the twin in place of
// its words in capitals.
var filledIn = map[bot.Verb]struct {
	form  map[string]string
	typed []string
}{
	bot.VerbDeny:     {map[string]string{"Reason": "not now"}, []string{"REASON", "not now"}},
	bot.VerbHandover: {map[string]string{"Who": omar, "Message": "all yours"}, []string{"PERSON", "<@" + omar + ">", "MESSAGE", "all yours"}},
	bot.VerbRun:      {map[string]string{"Playbook": "heal"}, []string{"PLAYBOOK", "heal"}},
}

// twins presses each button of a card in a state, and types the twin of each at
// another incident in the same state; both do the same.
func (st *story) twins(state string, make func(target string) bot.IncidentID) {
	st.Helper()
	n := 0
	fresh := func() bot.IncidentID {
		n++
		return make(strings.ReplaceAll(state, " ", "-") + "-" + string(rune('a'+n)))
	}
	id := fresh()
	c, err := st.Window().Card(st.Context(), id, bot.Person{})
	require.NoError(st, err)
	m := brief.Card(c, brief.Options{Command: "/salve"})
	for i, b := range append(m.Buttons, m.More...) {
		require.NotEmpty(st, b.Twin, "%s: %s has no twin", state, b.Label)
		pressed, typed, acts := id, id, b.Press.Kind != bot.PressShow
		if acts { // what shows leaves all as it is
			pressed, typed = fresh(), fresh()
		}
		now, err := st.Window().Card(st.Context(), pressed, bot.Person{})
		require.NoError(st, err)
		other, err := st.Window().Card(st.Context(), typed, bot.Person{})
		require.NoError(st, err)
		all, twin := brief.Card(now, brief.Options{Command: "/salve"}), brief.Card(other, brief.Options{Command: "/salve"})
		label := append(all.Buttons, all.More...)[i].Label
		line := append(twin.Buttons, twin.More...)[i].Twin
		one := st.changes(pressed, acts, func() { st.press(olga, st.card(pressed, label), label, b) })
		if line != b.Twin || pressed != typed {
			line = strings.NewReplacer(filledIn[b.Press.Command.Verb].typed...).Replace(line)
		}
		two := st.changes(typed, acts, func() { st.answers(st.fake.Slash(olga, opsChannel, line), "") })
		require.Equal(st, one, two, "%s: pressing %s and typing %s differ", state, label, line)
	}
}

// press presses a button, and fills in the form if it leads to one.
func (st *story) press(who string, card slacktest.Message, label string, b bot.Button) {
	st.Helper()
	h := st.fake.Press(who, card, label)
	require.True(st, h.Acked)
	if b.Press.Kind != bot.PressForm {
		st.answers(h, b.Label)
		return
	}
	v, ok := h.Opened()
	require.True(st, ok, "%s opens no form", label)
	fields := filledIn[b.Press.Command.Verb].form
	for name := range fields {
		v = st.filled(v, name)
	}
	done := st.fake.Submit(v, fields)
	require.Empty(st, done.Blocked)
	require.Empty(st, done.Errors)
	require.True(st, done.Acked)
}

// answers requires that the person was told or shown something, and no refusal.
func (st *story) answers(h slacktest.Heard, what string) {
	st.Helper()
	require.True(st, h.Acked)
	var text string
	require.True(st, st.fake.Await(waiting, func() bool {
		for _, e := range h.Ephemerals() {
			text = st.fake.Render(e.Message)
		}
		for _, v := range st.fake.Views(olga) {
			if v.Trigger == h.Trigger && v.Updates > 0 {
				text = st.fake.RenderView(v)
			}
		}
		return text != ""
	}), "%s: nothing came", what)
	for _, w := range []string{"There is no", "Nobody knows", "Nothing waits", "Salve does not know", "may read and halt only"} {
		require.NotContains(st, text, w, what)
	}
}

// changes are the events that something leads to, where it is to do something.
func (st *story) changes(id bot.IncidentID, acts bool, do func()) (kinds []bot.EventKind) {
	st.Helper()
	read := func() (out []bot.Event) {
		all, err := st.Store().Events(st.Context(), bot.EventQuery{Incident: id, Limit: 1000})
		require.NoError(st, err)
		for _, e := range all {
			if e.Actor.Surface == "slack" { // what follows by itself comes when it comes
				out = append(out, e)
			}
		}
		return out
	}
	before := len(read())
	do()
	if acts {
		require.Eventually(st, func() bool { return len(read()) > before }, waiting, 5*time.Millisecond, "nothing is done")
	}
	for _, e := range read()[before:] {
		require.NotEqual(st, bot.EventRefused, e.Kind, e.Text)
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func TestEachButtonOfACardThatAsksHasATwinThatDoesTheSame(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	st.twins("asking", func(target string) bot.IncidentID {
		_, a := st.asks(target)
		return a.Incident
	})
}

func TestEachButtonOfACardThatIsTakenHasATwinThatDoesTheSame(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	st.whispered(st.fake.Slash(omar, opsChannel, "whoami")) // so that he is known
	st.twins("taken", func(target string) bot.IncidentID {
		_, a := st.asks(target)
		st.whispered(st.fake.Slash(olga, opsChannel, "take "+a.Incident.String()))
		st.card(a.Incident, "aken by olga")
		return a.Incident
	})
}

func TestEachButtonOfACardWhosePlaybookRunsHasATwinThatDoesTheSame(t *testing.T) {
	t.Parallel()
	st := prepare(t, setting{slack: slacktest.Options{Unlimited: true}})
	st.clinic.hold = make(chan struct{})
	st.running = run(t, st.cfg)
	st.ready()
	defer close(st.clinic.hold)
	st.twins("running", func(target string) bot.IncidentID {
		card, a := st.asks(target)
		st.whispered(st.fake.Press(omar, card, "Approve"))
		st.card(a.Incident, "[!Cancel")
		return a.Incident
	})
}

func TestEachButtonOfACardThatNeedsAPersonHasATwinThatDoesTheSame(t *testing.T) {
	t.Parallel()
	st := prepare(t, setting{slack: slacktest.Options{Unlimited: true}})
	st.clinic.sick = true
	st.running = run(t, st.cfg)
	st.ready()
	st.twins("in need", func(target string) bot.IncidentID {
		card, a := st.asks(target)
		st.whispered(st.fake.Press(omar, card, "Approve"))
		st.card(a.Incident, "Needs a person")
		return a.Incident
	})
}

func TestEachButtonOfACardThatIsFixedHasATwinThatDoesTheSame(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	st.twins("fixed", func(target string) bot.IncidentID {
		card, a := st.asks(target)
		st.whispered(st.fake.Press(omar, card, "Approve"))
		st.card(a.Incident, "Fixed by heal")
		return a.Incident
	})
}
