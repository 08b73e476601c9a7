package chat_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/chat"
)

func verbs(c bot.Card) []bot.Verb {
	var out []bot.Verb
	for _, a := range c.Actions {
		out = append(out, a.Command.Verb)
	}
	return out
}

func TestSomebodyUnknownIsOfferedTheHaltAlone(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		for _, p := range []bot.Person{unknown, disabled} {
			for _, v := range verbs(chat.Card(sc.state, p, now)) {
				require.Equal(t, bot.VerbHalt, v, sc.name)
			}
		}
	}
}

func TestEverybodyIsOfferedTheHaltInEveryPhase(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		for _, p := range []bot.Person{unknown, viewer, responder, approver, admin} {
			require.Contains(t, verbs(chat.Card(sc.state, p, now)), bot.VerbHalt, sc.name)
		}
	}
}

func TestWhoIsOfferedAVote(t *testing.T) {
	t.Parallel()
	excluded := func(a *bot.Approval) { a.Rule.Excluded = []bot.PersonID{"alice"} }
	nobody := func(a *bot.Approval) { a.Rule.Approvers = nil }
	voted := func(a *bot.Approval) {
		a.Rule.Quorum, a.Votes = 2, []bot.Vote{{Person: "alice", Yes: true, Digest: a.Digest}}
	}
	late := func(a *bot.Approval) { a.ExpiresAt = now }
	for _, tc := range []struct {
		name     string
		who      bot.Person
		change   func(*bot.Approval)
		yes, no  bool
		whyNotIn string
	}{
		{"an approver may say both", approver, func(*bot.Approval) {}, true, true, ""},
		{"an approver who is no responder may say both", voter, func(*bot.Approval) {}, true, true, ""},
		{"a responder may only deny", responder, func(*bot.Approval) {}, false, true, "not in group oncall"},
		{"a viewer may say neither", viewer, func(*bot.Approval) {}, false, false, "not in group oncall"},
		{"an admin is not exempt", admin, func(*bot.Approval) {}, false, false, "not in group oncall"},
		{"somebody unknown may say neither", unknown, func(*bot.Approval) {}, false, false, "Nobody knows who is asking"},
		{"somebody disabled may say neither", disabled, func(*bot.Approval) {}, false, false, "disabled"},
		{"who is excluded may only deny", approver, excluded, false, true, "has no vote"},
		{"without a group nobody may approve", approver, nobody, false, true, "names no approvers"},
		{"one person has one vote", approver, voted, false, true, "has voted already"},
		{"after its time nobody may say anything", approver, late, false, false, "expired at"},
		{"after a decision nobody may say anything", approver, close7(bot.ApprovalDenied, "Bob", "no"), false, false, "denied"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := chat.Card(asked(tc.change), tc.who, now)
			require.Equal(t, tc.yes, slices.Contains(verbs(c), bot.VerbApprove))
			require.Equal(t, tc.no, slices.Contains(verbs(c), bot.VerbDeny))
			require.Equal(t, tc.yes, c.Proposals[0].MayVote == "")
			require.Contains(t, c.Proposals[0].MayVote, tc.whyNotIn)
		})
	}
}

func TestAVoteIsBoundToTheDigestThatIsShown(t *testing.T) {
	t.Parallel()
	for _, a := range chat.Card(asked(), approver, now).Actions {
		if a.Command.Verb == bot.VerbApprove || a.Command.Verb == bot.VerbDeny {
			require.Equal(t, string(digest), a.Command.Digest)
			require.Equal(t, bot.ApprovalID(7), a.Command.Approval)
			require.Contains(t, a.CLI, digest.Short())
		}
	}
}

func TestAtMostOneActionIsPrimary(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		n := 0
		for _, a := range chat.Card(sc.state, approver, now).Actions {
			if a.Style == "primary" {
				n++
			}
		}
		require.LessOrEqual(t, n, 1, sc.name)
	}
}

func TestAHaltedRunIsNotOfferedToGoOnBeforeTheHaltIsLifted(t *testing.T) {
	t.Parallel()
	settles := func(name string) []bot.Settlement {
		var out []bot.Settlement
		for _, sc := range scenes() {
			if sc.name != name {
				continue
			}
			for _, a := range chat.Card(sc.state, responder, now).Actions {
				if a.Command.Verb == bot.VerbSettle {
					out = append(out, a.Command.Settle)
				}
			}
		}
		return out
	}
	require.Equal(t, []bot.Settlement{bot.SettleUndo, bot.SettleAbandon}, settles("halted-run"))
	require.Equal(t, []bot.Settlement{bot.SettleContinue, bot.SettleUndo, bot.SettleAbandon}, settles("halt-was-lifted"))
	require.Equal(t, []bot.Settlement{bot.SettleDone, bot.SettleNotDone, bot.SettleRetry, bot.SettleUndo, bot.SettleAbandon}, settles("unknown-step"))
}

func TestAnUndoIsOfferedOnceAndInItsTime(t *testing.T) {
	t.Parallel()
	offered := func(change func(*chat.State)) bool {
		return slices.Contains(verbs(chat.Card(with(ran(bot.RunFixed, done...), change), responder, now)), bot.VerbUndo)
	}
	require.True(t, offered(func(*chat.State) {}))
	require.False(t, offered(func(s *chat.State) { s.Runs[0].UndoneBy = 90 }))
	require.False(t, offered(func(s *chat.State) { s.Runs[0].UndoUntil = now }))
	require.False(t, offered(func(s *chat.State) { s.Runs[0].Kind = bot.PlanUndo }))
	require.False(t, offered(func(s *chat.State) { s.Plans[0].Steps[0].Undo = nil }))
}

func TestATargetFromAnAlertCannotBecomeShell(t *testing.T) {
	t.Parallel()
	s := asked(func(a *bot.Approval) { a.Target = "x'; reboot #" })
	c := chat.Card(s, unknown, now)
	require.Equal(t, `salve halt --target='x'\''; reboot #'`, c.Actions[0].CLI)
}

func TestTheRevisionGrowsWithEveryEvent(t *testing.T) {
	t.Parallel()
	s := came()
	before := chat.Card(s, viewer, now).Revision
	s.Events = append(s.Events, bot.Event{Seq: 6, At: now, Kind: bot.EventNoted})
	require.Greater(t, chat.Card(s, viewer, now).Revision, before)
}

func TestACardIsPureAndSurvivesJSON(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		before, err := json.Marshal(sc.state.Runs)
		require.NoError(t, err)
		one, err := json.Marshal(chat.Card(sc.state, approver, now))
		require.NoError(t, err)
		two, err := json.Marshal(chat.Card(sc.state, approver, now))
		require.NoError(t, err)
		require.JSONEq(t, string(one), string(two), sc.name)
		after, err := json.Marshal(sc.state.Runs)
		require.NoError(t, err)
		require.Equal(t, string(before), string(after), "the state was changed")
		var back bot.Card
		require.NoError(t, json.Unmarshal(one, &back))
		require.Equal(t, sc.phase, back.Phase)
	}
}

func TestAStormOfAlertsIsOneLine(t *testing.T) {
	t.Parallel()
	s := came()
	for i := range 5000 {
		s.Events = append(s.Events, bot.Event{Seq: int64(6 + i), At: began.Add(time.Duration(i) * time.Millisecond), Kind: bot.EventAlerts, Text: "one more"})
	}
	s.Events = append(s.Events, bot.Event{Seq: 6000, At: now, Kind: bot.EventTaken, Actor: bot.Actor{Name: "Rob"}, Text: "Rob took it"})
	c := chat.Card(s, viewer, now)
	require.Len(t, c.Timeline, 2)
	require.Contains(t, c.Timeline[0].Text, "5000 more changes")
	require.Equal(t, "Rob took it", c.Timeline[1].Text)
}

func TestOnlyWebLinksAreRunbooks(t *testing.T) {
	t.Parallel()
	s := came()
	s.Alerts[0].Annotations["runbook_url"] = "javascript:alert(1)"
	require.Empty(t, chat.Card(s, viewer, now).Runbook)
}

func TestATimelineAsPeopleFileIt(t *testing.T) {
	t.Parallel()
	s := ran(bot.RunFixed, done...)
	s.Incident.ResolvedAt, s.Incident.Firing = began.Add(8*time.Minute), 0
	s.Incident.Notes = []bot.Note{{At: began.Add(3 * time.Minute), By: bot.Actor{Name: "Rob"}, Text: "Customers\nsee it."}}
	s.Events = append(s.Events,
		bot.Event{Seq: 6, At: began.Add(2 * time.Second), Kind: bot.EventProposed, Actor: bot.Salve, Text: "asked whether to run service-restart on shop-1"},
		bot.Event{Seq: 7, At: began.Add(5 * time.Minute), Kind: bot.EventApproved, Actor: bot.Actor{Name: "Alice"}, Text: "approved plan 3fa9c1d2"},
		bot.Event{Seq: 8, At: began.Add(7 * time.Minute), Kind: bot.EventRunEnded, Actor: bot.Salve, Text: "R-88 fixed it"},
	)
	golden(t, "timeline", chat.Timeline(s))
}

func FuzzTextStaysTextInATimeline(f *testing.F) {
	for _, seed := range []string{"<script>", "[x](http://evil)", "| a | b |", "# h", "@everyone", "a\nb", "`code`", "![i](x)", "www.evil.example", "\\"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := came()
		s.Incident.Title = text
		s.Events[0].Text = text
		out := chat.Timeline(s)
		require.Equal(t, strings.Count(chat.Timeline(came()), "\n"), strings.Count(out, "\n"), "text from outside made a line")
		for _, bad := range []string{"<", ">", "://", "@", "www."} {
			require.NotContains(t, out, bad)
		}
	})
}

func TestAMergedIncidentSaysWhatIsStillAskedHere(t *testing.T) {
	t.Parallel()
	s := asked()
	s.Incident.MergedInto = 140
	c := chat.Card(s, approver, now)
	require.Equal(t, bot.PhaseClosed, c.Phase)
	require.Contains(t, c.Headline, "Merged into I-140")
	require.Contains(t, c.Headline, "Here still: service-restart on shop-1 waits for 1 of group oncall.")
	require.Contains(t, verbs(c), bot.VerbApprove)
}
