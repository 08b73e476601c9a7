package hear_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func TestAPressedButtonDecidesAndTheRecordSaysOnWhatItRests(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	p, o := h.card(a)
	h.roll.set("T1/UOLGA", bot.Member{Groups: []string{"sre"}})
	g := h.press("UOLGA", p, o.Token)
	m := h.answered(g)
	require.Contains(t, words(m), "Approved.")
	require.Equal(t, bot.ApprovalApproved, h.approval(a.ID).State)

	voted := h.events(bot.EventVoted)
	require.Len(t, voted, 1)
	require.Equal(t, bot.Actor{Person: "olga", Name: "Olga", Surface: "slack"}, voted[0].Actor)
	for k, v := range map[string]string{
		"transport": "socket", "identity": "T1/UOLGA", "place": "C1", "message": p.Mark.Ref, "gesture": g.Key,
		"shown": o.Shown, "groups": "sre", "relied_on": "oncall",
	} {
		require.Equal(t, v, voted[0].Data[k], k)
	}
	require.NotEmpty(t, voted[0].Data["groups_at"])
	require.NotEmpty(t, voted[0].Data["received_at"])

	stored, err := h.store.Person(t.Context(), "olga")
	require.NoError(t, err)
	require.Equal(t, []string{"oncall"}, stored.Groups, "what slack says of groups is never stored")
}

func TestTypingDecidesWithADigestAndShowsWithout(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	p, _ := h.card(a)
	mine := h.answered(h.says("UOLGA", "approve"))
	require.Contains(t, words(mine), a.Incident.String())
	inThread := h.says("UOLGA", "approve")
	inThread.Thread = p.Mark.Ref
	for _, g := range []bot.Gesture{h.says("UOLGA", "approve "+a.Incident.String()), inThread, h.says("UOLGA", "approve "+a.ID.String())} {
		m := h.answered(g)
		require.Contains(t, words(m), a.Digest.Short())
		require.Equal(t, bot.ApprovalPending, h.approval(a.ID).State, "showing decides nothing")
		h.button(m, "Approve "+a.Digest.Short())
	}
	m := h.answered(h.says("UOLGA", "approve "+a.Incident.String()+" deadbeef"))
	require.Contains(t, words(m), "No plan of")
	require.Contains(t, words(h.answered(h.says("UOLGA", "approve "+a.Incident.String()+" "+a.Digest.Short()))), "Approved.")
	require.Equal(t, bot.ApprovalApproved, h.approval(a.ID).State)
}

func TestAConfirmButtonOfAPrivateReplyIsForOnePersonAlone(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	m := h.answered(h.says("UOLGA", "approve "+a.Incident.String()))
	b := h.button(m, "Approve "+a.Digest.Short())
	g := h.gesture(bot.GesturePressed, "UROSA")
	g.Token, g.Message = b.Token, "1.2"
	require.Contains(t, words(h.answered(g)), "given to somebody else")
	require.Equal(t, bot.ApprovalPending, h.approval(a.ID).State)
	g = h.gesture(bot.GesturePressed, "UOLGA")
	g.Token, g.Message = b.Token, "1.2"
	require.Contains(t, words(h.answered(g)), "Approved.")
	require.Contains(t, h.events(bot.EventVoted)[0].Data["shown"], a.Digest.Short(), "the record holds what stood there")
}

func TestButtonsThatAreNotTheOnesAnyMoreSayWhatToDo(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	p, o := h.card(a)
	other, expired := o, o
	other.Token, other.Surface = "other", "discord"
	expired.Token, expired.ExpiresAt = "expired", time.Now().UTC().Add(-time.Second)
	h.commit(bot.Change{Offers: []bot.Offer{other, expired}})
	moved := h.press("UOLGA", p, o.Token)
	moved.Message = "17000.999"
	elsewhere := h.press("UOLGA", p, o.Token)
	elsewhere.Place = "C2"
	show := "/salve show " + a.Incident.String()
	for name, tc := range map[string]struct {
		g    bot.Gesture
		says []string
	}{
		"unknown token":   {h.press("UOLGA", p, "nothing"), []string{"This button is old", show}},
		"no token":        {h.press("UOLGA", p, ""), []string{"stands for nothing", show}},
		"expired":         {h.press("UOLGA", p, "expired"), []string{"This button is old", show}},
		"another surface": {h.press("UOLGA", p, "other"), []string{"another surface", show}},
		"a moved message": {moved, []string{"not the one any more", show}},
		"another channel": {elsewhere, []string{"not the one any more", show}},
	} {
		m := h.answered(tc.g)
		for _, w := range tc.says {
			require.Contains(t, words(m), w, name)
		}
	}
	require.Equal(t, bot.ApprovalPending, h.approval(a.ID).State)
}

func TestAButtonWorksBeforeItIsWrittenWhereItsMessageStands(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	p, o := h.card(a)
	p.Mark, p.Version = bot.Mark{}, 1
	h.commit(bot.Change{Posts: []bot.Post{p}})
	p.Mark.Ref = "17000.5"
	require.Contains(t, words(h.answered(h.press("UOLGA", p, o.Token))), "Approved.")
}

func TestWhoDecidesNothingMayHaltAndReadsWhereTheCardStandsAtMost(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	p, o := h.card(a)
	for _, tc := range []struct {
		name string
		user string
		set  func()
		says []string
		read string // where they read: "", "here" or "all"
	}{
		{"a guest with a name in Salve", "UOLGA", func() { h.roll.set("T1/UOLGA", bot.Member{Why: "guest", Groups: []string{"oncall"}}) }, []string{"guest", "may halt"}, ""},
		{"a bot", "UOLGA", func() { h.roll.set("T1/UOLGA", bot.Member{Why: "bot"}) }, []string{"bot"}, ""},
		{"somebody gone", "UOLGA", func() { h.roll.set("T1/UOLGA", bot.Member{Why: "gone"}) }, []string{"gone"}, ""},
		{"somebody unknown", "UNEW", func() {}, []string{"does not know who slack T1/UNEW is", "salve user add NAME --role responder --slack T1/UNEW"}, "here"},
		{"somebody in a group that nobody could read", "UNEW", func() { h.roll.set("T1/UNEW", bot.Member{Groups: []string{"oncall"}, Unread: []string{"oncall"}}) }, []string{"could not say just now who is in oncall"}, "here"},
		{"somebody disabled", "UDORA", func() { h.roll.set("T1/UDORA", bot.Member{Groups: []string{"oncall"}}) }, []string{"Dora is disabled"}, ""},
		{"somebody unknown when slack cannot be asked", "UNEW", func() { h.roll.down(errDown) }, []string{"could not say just now who you are", "console"}, ""},
		{"somebody who may read when slack cannot be asked", "UOLGA", func() { h.roll.down(errDown) }, []string{"could not say just now who you are", "console"}, "all"},
	} {
		h.roll.down(nil)
		tc.set()
		for _, g := range []bot.Gesture{h.press(tc.user, p, o.Token), h.says(tc.user, "approve"), h.says(tc.user, "deny "+a.Incident.String()+" no"), h.says(tc.user, "take "+a.Incident.String())} {
			m := h.answered(g)
			for _, w := range tc.says {
				require.Contains(t, words(m), w, tc.name)
			}
		}
		elsewhere := h.says(tc.user, "show "+a.Incident.String())
		elsewhere.Place = "C2"
		for _, ask := range []struct {
			g    bot.Gesture
			read string
		}{
			{h.says(tc.user, "show "+a.Incident.String()), "here all"}, {h.says(tc.user, "why "+a.Incident.String()), "here all"},
			{h.says(tc.user, "plan "+a.Incident.String()), "here all"}, {elsewhere, "all"}, {h.says(tc.user, "list"), "all"},
		} {
			m := h.answered(ask.g)
			if tc.read != "" && strings.Contains(ask.read, tc.read) {
				require.NotContains(t, words(m), tc.says[0], "%s: %s", tc.name, ask.g.Text)
				require.Contains(t, words(m), a.Incident.String(), "%s: %s", tc.name, ask.g.Text)
			} else {
				require.Contains(t, words(m), tc.says[0], "%s: %s", tc.name, ask.g.Text)
				require.NotContains(t, words(m), "Down", "%s: %s", tc.name, ask.g.Text)
				require.NotContains(t, words(m), "host-", "%s: %s", tc.name, ask.g.Text)
			}
		}
		require.Contains(t, words(h.answered(h.says(tc.user, "halt --target "+tc.user+" "+tc.name))), "halted", tc.name)
	}
	require.Equal(t, bot.ApprovalPending, h.approval(a.ID).State)
	require.Empty(t, h.approval(a.ID).Votes)
	halts, err := h.store.Halts(t.Context())
	require.NoError(t, err)
	require.Len(t, halts, 3, "one a user")
	refused := h.events(bot.EventRefused)
	require.NotEmpty(t, refused, "votes that were refused stand in the log")
	require.Equal(t, "slack T1/UOLGA (unknown)", refused[0].Actor.Name)
}

func TestSomebodyExternalIsNobodyWhateverTheDirectorySays(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	g := h.says("UOLGA", "approve "+a.Incident.String()+" "+a.Digest.Short())
	g.User.Tenant = "T9"
	require.Contains(t, words(h.answered(g)), "external")
	require.Equal(t, bot.ApprovalPending, h.approval(a.ID).State)
}

func TestAMappedGroupAdmitsAndDecides(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	p, o := h.card(a)
	h.roll.set("T1/UNEW", bot.Member{User: bot.ChatUser{Name: "Nora"}, Groups: []string{"oncall"}})
	require.Contains(t, words(h.answered(h.press("UNEW", p, o.Token))), "Approved.")
	stored, err := h.store.PersonBy(t.Context(), bot.Identity{Surface: "slack", ID: "T1/UNEW"})
	require.NoError(t, err)
	require.Empty(t, stored.Groups, "the group is of slack and not of the person")
	require.Equal(t, "oncall", h.events(bot.EventVoted)[0].Data["relied_on"])

	b := h.asks()
	h.roll.set("T1/UNEW", bot.Member{})
	m := h.answered(h.says("UNEW", "approve "+b.Incident.String()+" "+b.Digest.Short()))
	require.Contains(t, words(m), "not in group oncall", "who left the group decides no more")

	h.roll.set("T1/UNEW", bot.Member{Unread: []string{"oncall"}})
	m = h.answered(h.says("UNEW", "approve "+b.Incident.String()+" "+b.Digest.Short()))
	require.Contains(t, words(m), "not in group oncall")
	require.Contains(t, words(m), "could not say just now who is in oncall")
	require.Equal(t, bot.ApprovalPending, h.approval(b.ID).State)

	h.roll.set("T1/UOTHER", bot.Member{Groups: []string{"sre"}})
	require.Contains(t, words(h.answered(h.says("UOTHER", "take "+b.Incident.String()))), "does not know who", "a group that admits nobody")
}

func TestWhoIsKnownByTheirAddressIsNotAdmittedAsASecondPerson(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	p, o := h.card(a)
	nina := bot.Person{ID: "nina", Name: "Nina", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}, Identities: []bot.Identity{{Surface: "email", ID: "nina@example.com"}}}
	h.commit(bot.Change{People: []bot.Person{nina}})
	h.roll.set("T1/UNINA", bot.Member{Email: "Nina@Example.com", Groups: []string{"oncall"}})
	require.Contains(t, words(h.answered(h.press("UNINA", p, o.Token))), "salve user edit nina --slack T1/UNINA")
	_, err := h.store.PersonBy(t.Context(), bot.Identity{Surface: "slack", ID: "T1/UNINA"})
	require.ErrorIs(t, err, bot.ErrNotFound)
	require.Equal(t, bot.ApprovalPending, h.approval(a.ID).State)
}

func TestLittleIsKeptOfWhatIsSaidAndOfferedAtWill(t *testing.T) {
	t.Parallel()
	h := open(t)
	for range 5 {
		h.asks()
	}
	g := h.says("URITA", "note I-1 "+strings.Repeat("long ", 700))
	g.Fields = map[string]string{"reason": strings.Repeat("x", 8000)}
	done := h.hears(g)
	require.LessOrEqual(t, len(done.Text), 320)
	require.Empty(t, done.Fields)
	for _, b := range buttons(h.answered(h.says("URITA", "list"))) {
		o, err := h.store.Offer(t.Context(), b.Token)
		require.NoError(t, err)
		require.Empty(t, o.Shown, "a button of a list does not hold the list")
	}
}

func TestWhoamiSaysWhatWouldGrantTheRest(t *testing.T) {
	t.Parallel()
	h := open(t)
	require.Contains(t, words(h.answered(h.says("UNEW", "whoami"))), "salve user add NAME --role responder --slack T1/UNEW")
	said := words(h.answered(h.says("URITA", "whoami")))
	for _, want := range []string{"Rita", "T1/URITA", "salve user edit rita --group oncall", "salve user edit rita --group resumers", "user_group: S0123", "✗ approve for group oncall (", "✗ lift a halt (group resumers)"} {
		require.Contains(t, said, want)
	}
	require.NotContains(t, words(h.answered(h.says("UOLGA", "whoami"))), "user_group", "who is in the group needs no mapping")
	require.Contains(t, words(h.answered(h.says("UOLGA", "help approve"))), "/salve approve")
	require.Contains(t, words(h.answered(h.says("UOLGA", "aprove"))), "Did you mean approve?")
}

func TestOneGestureIsWorkedOnOnce(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	g := h.says("URITA", "note "+a.Incident.String()+" seen")
	for range 5 {
		require.NoError(t, h.leg.Hear(t.Context(), g), "what was heard before is acknowledged")
	}
	h.done(g.Key)
	require.NoError(t, h.leg.Hear(t.Context(), g))
	require.Len(t, h.slack.said(), 1)
	inc, err := h.store.Incident(t.Context(), a.Incident)
	require.NoError(t, err)
	require.Len(t, inc.Notes, 1)
}

func TestPeopleAreNamedAsTheSurfaceNamesThem(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks()
	id := a.Incident.String()
	require.Contains(t, words(h.answered(h.says("URITA", "assign "+id+" @UROSA"))), "Rosa")
	require.Contains(t, words(h.answered(h.says("URITA", "assign "+id+" me"))), "Rita")
	require.Contains(t, words(h.answered(h.says("URITA", "assign "+id+" rosa"))), "Rosa")
	require.Contains(t, words(h.answered(h.says("URITA", "assign "+id+" @UNOBODY"))), "does not know who slack T1/UNOBODY is")
}

func TestWhatIsBeyondBoundsIsNotHeard(t *testing.T) {
	t.Parallel()
	h := closed(t)
	long := string(make([]byte, 40_000))
	for name, change := range map[string]func(*bot.Gesture){
		"no key":            func(g *bot.Gesture) { g.Key = "" },
		"nobody":            func(g *bot.Gesture) { g.User.ID = "" },
		"a surface unknown": func(g *bot.Gesture) { g.Surface = "fax" },
		"a kind unknown":    func(g *bot.Gesture) { g.Kind = "sang" },
		"a long text":       func(g *bot.Gesture) { g.Text = long },
		"a long token":      func(g *bot.Gesture) { g.Token = long },
		"a long field":      func(g *bot.Gesture) { g.Fields = map[string]string{"reason": long} },
		"bytes":             func(g *bot.Gesture) { g.Text = "\xff\xfe" },
		"many handles": func(g *bot.Gesture) {
			for i := range 20 {
				g.Handles[string(rune('a'+i))] = "x"
			}
		},
	} {
		g := h.says("URITA", "list")
		change(&g)
		require.Error(t, h.leg.Hear(t.Context(), g), name)
	}
}
