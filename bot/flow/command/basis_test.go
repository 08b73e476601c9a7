package command_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

var basis = bot.Basis{
	Transport: "socket", Identity: "T1/U2", Place: "C3", Message: "1700.01", Gesture: "e9", Shown: "Approve plan?",
	GroupsAt: time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC), ReceivedAt: time.Date(2026, 3, 1, 14, 1, 0, 0, time.UTC),
}

func TestADecisionIsWrittenWithWhatItRestsOn(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	a := h.asks(inc)
	fromChat := basis
	fromChat.Groups = []string{"oncall"}
	h.says(rita, bot.Command{Verb: bot.VerbApprove, Approval: a.ID, Digest: a.Digest.Short(), Basis: fromChat})
	require.Equal(t, bot.ApprovalApproved, h.approval(a.ID).State, "the groups of the surface count")
	require.Equal(t, []string{"oncall"}, h.approval(a.ID).Votes[0].Groups)
	for _, kind := range []bot.EventKind{bot.EventVoted, bot.EventApproved} {
		data := h.last(kind).Data
		require.Equal(t, "T1/U2", data["identity"])
		require.Equal(t, "Approve plan?", data["shown"])
		require.Equal(t, "oncall", data["groups"])
		require.Equal(t, "2026-03-01T14:00:00.000Z", data["groups_at"])
		require.Equal(t, string(a.Digest), data["digest"])
	}
	require.Equal(t, "oncall", h.last(bot.EventVoted).Data["relied_on"])

	b := h.asks(h.incident(1))
	h.says(rita, bot.Command{Verb: bot.VerbDeny, Approval: b.ID, Reason: "no", Basis: basis})
	require.Equal(t, "1700.01", h.last(bot.EventDenied).Data["message"])
	require.NotContains(t, h.last(bot.EventDenied).Data, "groups")
	stored, err := h.store.Person(t.Context(), "rita")
	require.NoError(t, err)
	require.Empty(t, stored.Groups, "they count for that command alone")
}

func TestNobodyGetsRightsFromTheGroupsOfASurface(t *testing.T) {
	t.Parallel()
	h := open(t)
	a := h.asks(h.incident(1))
	fromChat := basis
	fromChat.Groups = []string{"oncall"}
	yes := bot.Command{Verb: bot.VerbApprove, Approval: a.ID, Digest: a.Digest.Short(), Basis: fromChat}
	h.refused(stranger, yes, bot.RefusedIdentity)
	h.refused(dora, yes, bot.RefusedForbidden, "disabled")
}

func TestARefusedVoteIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	h := open(t)
	a, b := h.asks(h.incident(1)), h.asks(h.incident(1))
	refusals := func() (out []bot.Event) {
		for _, e := range h.events() {
			if e.Kind == bot.EventRefused {
				out = append(out, e)
			}
		}
		return out
	}
	yes := bot.Command{Verb: bot.VerbApprove, Approval: a.ID, Digest: a.Digest.Short(), Basis: basis}
	for range 20 {
		h.refused(bob(), yes, bot.RefusedForbidden, "--group oncall")
	}
	got := refusals()
	require.Len(t, got, 1)
	e := got[0]
	require.Equal(t, "Bob tried to approve "+a.ID.String()+" (restart on "+a.Target+"): Bob is not in group oncall.", e.Text)
	require.Equal(t, a.ID, e.Approval)
	require.Equal(t, a.Incident, e.Incident)
	require.Equal(t, bot.PersonID("bob"), e.Actor.Person)
	require.Equal(t, "forbidden", e.Data["code"])
	require.Equal(t, "T1/U2", e.Data["identity"])
	require.NotEmpty(t, e.Data["shown_sha256"])

	for i := range 20 { // what somebody varies does not make it another refusal
		wrong := yes
		wrong.Digest = strings.Repeat("0", 8+i)
		h.refused(olga, wrong, bot.RefusedMoved)
	}
	require.Len(t, refusals(), 2)
	h.refused(stranger, yes, bot.RefusedIdentity)
	require.Len(t, refusals(), 3, "somebody else")
	yes.Approval = b.ID
	h.refused(bob(), yes, bot.RefusedForbidden)
	require.Len(t, refusals(), 4, "another question")
	h.refused(rita, bot.Command{Verb: bot.VerbDeny, Approval: a.ID, Digest: "!"}, bot.RefusedInput)
	h.refused(stranger, bot.Command{Verb: bot.VerbApprove, Approval: 999, Digest: "00000000"}, bot.RefusedIdentity)
	h.refused(vera, bot.Command{Verb: bot.VerbNote, Incident: a.Incident, Reason: "x"}, bot.RefusedForbidden)
	require.Len(t, refusals(), 4, "what is no vote on a question is none")
}

func TestARefusedVoteOnOneOfSeveralQuestionsIsWrittenOnTheIncident(t *testing.T) {
	t.Parallel()
	h := open(t)
	inc := h.incident(1)
	h.asks(inc)
	h.asks(inc, func(p *bot.Plan) { p.Target = "elsewhere" })
	h.refused(olga, bot.Command{Verb: bot.VerbApprove, Incident: inc.ID, Digest: "00000000"}, bot.RefusedMoved)
	e := h.last(bot.EventRefused)
	require.Zero(t, e.Approval)
	require.Equal(t, inc.ID, e.Incident)
	require.Equal(t, "00000000", e.Data["digest"])
}

func TestASecondGroupMustAgreeBeforeARunStarts(t *testing.T) {
	t.Parallel()
	h := open(t)
	sam := bot.Person{ID: "sam", Name: "Sam", Roles: []bot.Role{bot.RoleViewer}}
	a := h.asks(h.incident(1), func(p *bot.Plan) { p.Rule.Also = []string{"security"} })
	yes := bot.Command{Verb: bot.VerbApprove, Approval: a.ID, Digest: a.Digest.Short()}
	first := h.says(olga, yes)
	require.Contains(t, first.Text, "1 of group oncall and 1 of group security (1 so far; next: somebody of security)")
	require.Contains(t, h.says(omar, yes).Text, "2 so far")
	require.Zero(t, first.Run)
	yes.Basis.Groups = []string{"security"}
	require.NotZero(t, h.says(sam, yes).Run)
	require.Equal(t, []string{"security"}, h.approval(a.ID).Votes[2].Groups)
}

func bob() bot.Person {
	return bot.Person{ID: "bob", Name: "Bob", Roles: []bot.Role{bot.RoleResponder}}
}
