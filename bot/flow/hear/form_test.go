package hear_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// opens hears a Gesture that opens a form, and gives the form as it is filled.
func (h *house) opens(g bot.Gesture) bot.Form {
	h.Helper()
	before := len(h.slack.shownForms())
	h.hears(g)
	forms := h.slack.shownForms()
	require.Len(h, forms, before+2, "one that loads, and the same filled")
	require.Empty(h, forms[before].Token, "nothing can be handed in while it loads")
	require.Empty(h, forms[before].Fields)
	return forms[before+1]
}

func (h *house) fills(user string, f bot.Form, fields map[string]string) bot.Gesture {
	g := h.gesture(bot.GestureFilled, user)
	g.Place, g.Token, g.Fields = "", f.Token, fields
	return g
}

func (h *house) offered(p bot.Press) string {
	h.Helper()
	h.n++
	o := bot.Offer{Token: "form-" + time.Now().String(), Surface: "slack", Press: p, ExpiresAt: time.Now().UTC().Add(time.Hour)}
	h.commit(bot.Change{Offers: []bot.Offer{o}})
	return o.Token
}

func denying(a bot.Approval) bot.Press {
	return bot.Press{Kind: bot.PressForm, Asks: []string{"reason"}, Command: bot.Command{Verb: bot.VerbDeny, Incident: a.Incident, Approval: a.ID, Digest: string(a.Digest)}}
}

func TestAFormAsksForTheReasonAndDenies(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	p, _ := h.card(a)
	f := h.opens(h.press("UOLGA", p, h.offered(denying(a))))
	require.Equal(t, "reason", f.Fields[0].Name)
	require.NotEmpty(t, f.Token)

	stolen := h.fills("UROSA", f, map[string]string{"reason": "mine now"})
	require.Contains(t, words(h.answered(stolen)), "given to somebody else")
	extra := h.fills("UOLGA", f, map[string]string{"reason": "no", "playbook": "restart"})
	require.Contains(t, words(h.answered(extra)), "was not asked for")
	empty := h.answered(h.fills("UOLGA", f, map[string]string{"reason": "  "}))
	require.Contains(t, words(empty), "needs a reason")
	require.Equal(t, bot.ApprovalPending, h.approval(a.ID).State)

	g := h.fills("UOLGA", f, map[string]string{"reason": "it is peak time"})
	require.Contains(t, words(h.answered(g)), "Denied.")
	require.Equal(t, "C1", h.slack.said()[len(h.slack.said())-1].to.Place, "the answer goes where the form was opened")
	got := h.approval(a.ID)
	require.Equal(t, bot.ApprovalDenied, got.State)
	require.Equal(t, "it is peak time", got.Reason)
	require.Equal(t, p.Mark.Ref, h.events(bot.EventVoted)[0].Data["message"], "the record names the card")
}

func TestWhoMayNotIsToldInTheFormThatWaits(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	p, _ := h.card(a)
	h.roll.set("T1/URITA", bot.Member{Why: "guest"})
	f := h.opens(h.press("URITA", p, h.offered(denying(a))))
	require.Contains(t, formWords(f), "guest")
	require.Empty(t, f.Fields)
	require.Empty(t, f.Token)
	require.Empty(t, h.slack.said(), "one answer is enough")
	require.Contains(t, formWords(h.opens(h.press("UNEW", p, h.offered(denying(a))))), "does not know who slack T1/UNEW is")
}

func TestAPlanIsShownAndApprovedInAForm(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	p, _ := h.card(a)
	show := h.offered(bot.Press{Kind: bot.PressShow, Show: bot.ShowPlan, Command: bot.Command{Incident: a.Incident, Approval: a.ID, Digest: string(a.Digest)}})
	f := h.opens(h.press("URITA", p, show))
	require.Empty(t, f.Submit, "whoever may not approve has no button for it")
	f = h.opens(h.press("UOLGA", p, show))
	require.Contains(t, formWords(f), string(a.Digest[:8]))
	for _, r := range f.Rows {
		require.NotEmpty(t, r.Button.Token)
	}
	require.Contains(t, words(h.answered(h.fills("UOLGA", f, nil))), "Approved.")
	require.Equal(t, bot.ApprovalApproved, h.approval(a.ID).State)
}

func TestAFormThatCannotBeOpenedBecomesAMessageWithTheSame(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.slack.noOpen = errors.New("expired_trigger_id")
	a := h.asks()
	p, _ := h.card(a)
	m := h.answered(h.press("UOLGA", p, h.offered(denying(a))))
	require.Contains(t, words(m), "/salve deny "+a.Incident.String()+" "+a.Digest.Short()+" REASON")
	show := h.offered(bot.Press{Kind: bot.PressShow, Show: bot.ShowPlan, Command: bot.Command{Incident: a.Incident, Approval: a.ID}})
	h.button(h.answered(h.press("UOLGA", p, show)), "Approve "+a.Digest.Short())
	more := h.offered(bot.Press{Kind: bot.PressShow, Show: bot.ShowMore, Command: bot.Command{Incident: a.Incident}})
	require.Contains(t, words(h.answered(h.press("UOLGA", p, more))), "Down")
	halt := h.offered(bot.Press{Kind: bot.PressForm, Command: bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltAll}, Asks: []string{"reason"}})
	m = h.answered(h.press("UNEW", p, halt))
	b := h.button(m, "Halt")
	g := h.gesture(bot.GesturePressed, "UNEW")
	g.Token = b.Token
	require.Contains(t, words(h.answered(g)), "Everything is halted")
}

func TestAnybodyHaltsByAFormAlsoWhenSlackCannotSayWhoTheyAre(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.roll.down(errDown)
	g := h.gesture(bot.GesturePressed, "UNEW")
	g.Token = h.offered(bot.Press{Kind: bot.PressForm, Command: bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltTarget, Name: "db-3"}, Asks: []string{"reason"}})
	f := h.opens(g)
	require.Contains(t, words(h.answered(h.fills("UNEW", f, map[string]string{"reason": "smoke"}))), "db-3 is halted")
	halts, err := h.store.Halts(t.Context())
	require.NoError(t, err)
	require.Equal(t, "smoke", halts[0].Reason)
	require.Equal(t, "slack T1/UNEW (unknown)", halts[0].By.Name)
}

func TestParametersThatAreWrongAreNamedAndCanBeEditedAgain(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	p, _ := h.card(a)
	edit := h.offered(bot.Press{Kind: bot.PressForm, Command: bot.Command{Verb: bot.VerbRun, Incident: a.Incident, Approval: a.ID, Playbook: "restart", Params: map[string]string{"count": "1"}}, Asks: []string{"param.count"}})
	f := h.opens(h.press("URITA", p, edit))
	require.Equal(t, "param.count", f.Fields[0].Name)
	require.Equal(t, "1", f.Fields[0].Value)
	m := h.answered(h.fills("URITA", f, map[string]string{"param.count": "99"}))
	require.Contains(t, words(m), "count: 99 is above 9")
	g := h.gesture(bot.GesturePressed, "URITA")
	g.Token = h.button(m, "Edit").Token
	f = h.opens(g)
	require.Equal(t, "99", f.Fields[0].Value, "what was written is there to be mended")
	require.Contains(t, words(h.answered(h.fills("URITA", f, map[string]string{"param.count": "2"}))), "Asked")

	m = h.answered(h.says("URITA", "run restart "+a.Incident.String()+" count=77"))
	require.Contains(t, words(m), "count: 77")
	g = h.gesture(bot.GesturePressed, "URITA")
	g.Token = h.button(m, "Edit").Token
	require.Equal(t, "77", h.opens(g).Fields[0].Value)
}

func TestFieldsAreReadAsTheyAreMeant(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	b := h.asks()
	of := func(verb bot.Verb) bot.Command { return bot.Command{Verb: verb, Incident: a.Incident} }
	for _, tc := range []struct {
		text   string
		c      bot.Command
		fields map[string]string
		says   string
	}{
		{"snooze", of(bot.VerbSnooze), map[string]string{"for": "soon"}, `For how long: "soon" is not a time`},
		{"snooze", of(bot.VerbSnooze), map[string]string{"for": "2h"}, "is quiet until"},
		{"merge", of(bot.VerbMerge), map[string]string{"into": "db-3"}, `"db-3" is not an incident`},
		{"assign", of(bot.VerbAssign), map[string]string{"to": "T1/UROSA"}, "Rosa"},
		{"handover", of(bot.VerbHandover), map[string]string{"to": "T1/URITA", "reason": "read it"}, "handed over to Rita"},
		{"note", of(bot.VerbNote), map[string]string{"reason": "the vendor is on the phone"}, "Noted"},
		{"run", of(bot.VerbRun), map[string]string{"playbook": "restart"}, "Asked"},
		{"merge", of(bot.VerbMerge), map[string]string{"into": b.Incident.String()}, "is part of " + b.Incident.String()},
	} {
		g := h.says("URITA", tc.text)
		g.Thread = "none"
		g.Text += " " + a.Incident.String()
		f := h.opens(g)
		require.Len(t, f.Fields, len(tc.fields), tc.text)
		require.Contains(t, words(h.answered(h.fills("URITA", f, tc.fields))), tc.says, tc.text)
	}
}

func TestAMessageBecomesOneIncidentHoweverOftenItIsChosen(t *testing.T) {
	t.Parallel()
	h := open(t)
	choose := func(user string) bot.Gesture {
		g := h.gesture(bot.GestureChose, user)
		g.Message, g.Text = "17000.77", "the checkout is slow\nsince noon"
		return g
	}
	f := h.opens(choose("URITA"))
	require.Contains(t, f.Fields[0].Value, "the checkout is slow")
	m := h.answered(h.fills("URITA", f, map[string]string{"title": "Checkout is slow", "severity": "high"}))
	require.Contains(t, words(m), "is open and nobody's yet")
	again := h.opens(choose("UROSA"))
	require.Contains(t, words(h.answered(h.fills("UROSA", again, map[string]string{"title": "Slow!", "severity": "low"}))), "That message is an incident already")
	all, err := h.store.Incidents(t.Context(), bot.IncidentQuery{})
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Equal(t, bot.SeverityHigh, all[0].Severity)
}

func TestAHomeShowsWhatWaitsForThePerson(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	h.hears(h.gesture(bot.GestureOpened, "UOLGA"))
	require.Len(t, h.slack.homes, 1)
	require.Contains(t, words(h.slack.homes[0]), a.Incident.String())
	for _, b := range buttons(h.slack.homes[0]) {
		require.NotEmpty(t, b.Token)
	}
	h.hears(h.gesture(bot.GestureOpened, "UNEW"))
	require.Contains(t, words(h.slack.homes[1]), "Nobody knows who you are here")
	require.Empty(t, h.slack.said())
	h.roll.down(errDown)
	require.Contains(t, h.hears(h.gesture(bot.GestureOpened, "UOLGA")).Result, "not shown")
	require.Len(t, h.slack.homes, 2, "what was shown stays while nobody can say who it is")
	h.roll.down(nil)

	g := h.gesture(bot.GesturePressed, "UOLGA")
	g.Place, g.Token = "", h.button(h.slack.homes[0], "Read and decide").Token
	f := h.opens(g)
	require.Contains(t, words(h.answered(h.fills("UOLGA", f, nil))), "Approved.")
	require.Len(t, h.slack.homes, 3, "what came from the page shows there")
	require.Contains(t, words(h.slack.homes[2]), "Waits for you: nothing")
}
