package approval_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/approval"
)

var (
	t0     = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)
	digest = bot.Digest("3fa9c1d2aaaabbbbccccddddeeeeffff00001111222233334444555566667777")
	other  = bot.Digest("99999999aaaabbbbccccddddeeeeffff00001111222233334444555566667777")

	alice = bot.Person{ID: "alice", Name: "Alice", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}}
	bob   = bot.Person{ID: "bob", Name: "Bob", Roles: []bot.Role{bot.RoleResponder}}
	carol = bot.Person{ID: "carol", Name: "Carol", Roles: []bot.Role{bot.RoleViewer}, Groups: []string{"oncall"}}
	vera  = bot.Person{ID: "vera", Name: "Vera", Roles: []bot.Role{bot.RoleViewer}}
	adam  = bot.Person{ID: "adam", Name: "Adam", Roles: []bot.Role{bot.RoleAdmin}}
	dora  = bot.Person{ID: "dora", Name: "Dora", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}, Disabled: true}
)

func open(change ...func(*bot.Plan)) bot.Approval {
	plan := bot.Plan{
		ID: 3, Incident: 142, Playbook: "restart", Target: "web-1", Digest: digest,
		Rule: bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1, ExpiresIn: bot.Duration(10 * time.Minute)},
	}
	for _, c := range change {
		c(&plan)
	}
	return approval.Open(7, plan, bot.Verdict{Ruling: bot.AskPerson, Rule: "guard", Reason: "high is not below medium"}, t0)
}

func quorum(n int) func(*bot.Plan) { return func(p *bot.Plan) { p.Rule.Quorum = n } }

func yes() bot.Vote             { return bot.Vote{Yes: true, Digest: digest, Surface: "cli"} }
func no(reason string) bot.Vote { return bot.Vote{Digest: digest, Surface: "console", Reason: reason} }

func code(t *testing.T, err error) bot.RefusalCode {
	t.Helper()
	r, ok := errors.AsType[*bot.Refusal](err)
	require.True(t, ok, "%v", err)
	require.NotEmpty(t, r.Why)
	require.NotEmpty(t, r.Next, "a refusal says what to do next")
	return r.Code
}

func TestOpenAsksAboutOneDigestUntilItExpires(t *testing.T) {
	t.Parallel()
	a := open(quorum(0))
	require.Equal(t, bot.ApprovalPending, a.State)
	require.Equal(t, digest, a.Digest)
	require.Equal(t, 1, a.Rule.Quorum, "an unset quorum is one person")
	require.Equal(t, t0.Add(10*time.Minute), a.ExpiresAt)
	unset := open(func(p *bot.Plan) { p.Rule.ExpiresIn = 0 })
	require.Equal(t, t0.Add(time.Hour), unset.ExpiresAt)
}

func TestEveryStateMeetsEveryEvent(t *testing.T) {
	t.Parallel()
	states := map[bot.ApprovalState]bot.Approval{
		bot.ApprovalPending:   open(),
		bot.ApprovalApproved:  must(approval.Cast(open(), carol, yes(), t0.Add(time.Minute))),
		bot.ApprovalDenied:    must(approval.Cast(open(), carol, no("not now"), t0.Add(time.Minute))),
		bot.ApprovalWithdrawn: approval.Withdraw(open(), "the alert resolved", t0.Add(time.Minute)),
	}
	expired, did := approval.Expire(open(), t0.Add(10*time.Minute))
	require.True(t, did)
	states[bot.ApprovalExpired] = expired
	events := map[string]func(bot.Approval) (bot.Approval, error){
		"yes": func(a bot.Approval) (bot.Approval, error) {
			return approval.Cast(a, alice, yes(), t0.Add(2*time.Minute))
		},
		"no": func(a bot.Approval) (bot.Approval, error) {
			return approval.Cast(a, bob, no("wrong host"), t0.Add(2*time.Minute))
		},
		"late yes": func(a bot.Approval) (bot.Approval, error) { return approval.Cast(a, alice, yes(), t0.Add(time.Hour)) },
		"expire": func(a bot.Approval) (bot.Approval, error) {
			next, _ := approval.Expire(a, t0.Add(time.Hour))
			return next, nil
		},
		"withdraw": func(a bot.Approval) (bot.Approval, error) {
			return approval.Withdraw(a, "taken by Alice", t0.Add(2*time.Minute)), nil
		},
	}
	pending := map[string]bot.ApprovalState{
		"yes": bot.ApprovalApproved, "no": bot.ApprovalDenied, "expire": bot.ApprovalExpired, "withdraw": bot.ApprovalWithdrawn,
	}
	for state, a := range states {
		require.Equal(t, state, a.State)
		for event, apply := range events {
			t.Run(string(state)+" meets "+event, func(t *testing.T) {
				t.Parallel()
				next, err := apply(a)
				if want, moves := pending[event]; moves && state == bot.ApprovalPending {
					require.NoError(t, err)
					require.Equal(t, want, next.State)
					require.False(t, next.DecidedAt.IsZero())
					require.NotEmpty(t, next.DecidedBy.Name)
					return
				}
				require.Equal(t, a, next, "a final state stays as it is")
				if event == "yes" || event == "no" || event == "late yes" {
					require.Equal(t, bot.RefusedState, code(t, err))
				}
			})
		}
	}
}

func TestWhoMayVote(t *testing.T) {
	t.Parallel()
	excluded := func(p *bot.Plan) { p.Rule.Excluded = []bot.PersonID{"alice"} }
	nobody := func(p *bot.Plan) { p.Rule.Approvers = nil }
	tests := []struct {
		name  string
		a     bot.Approval
		voter bot.Person
		vote  bot.Vote
		want  bot.RefusalCode
		says  string
	}{
		{name: "an approver says yes", a: open(), voter: alice, vote: yes()},
		{name: "a viewer in the group says yes", a: open(), voter: carol, vote: yes()},
		{name: "a viewer in the group says no", a: open(), voter: carol, vote: no("no")},
		{name: "a responder outside the group says no", a: open(), voter: bob, vote: no("no")},
		{name: "a responder outside the group may not say yes", a: open(), voter: bob, vote: yes(), want: bot.RefusedForbidden, says: "salve user edit bob --group oncall"},
		{name: "an admin is not exempt", a: open(), voter: adam, vote: yes(), want: bot.RefusedForbidden, says: "--group oncall"},
		{name: "an admin who is no responder may not deny", a: open(), voter: adam, vote: no("no"), want: bot.RefusedForbidden, says: "--role responder"},
		{name: "a viewer may not deny", a: open(), voter: vera, vote: no("no"), want: bot.RefusedForbidden, says: "salve user edit vera --role responder"},
		{name: "a disabled person may not say yes", a: open(), voter: dora, vote: yes(), want: bot.RefusedForbidden, says: "disabled"},
		{name: "a disabled person may not say no", a: open(), voter: dora, vote: no("no"), want: bot.RefusedForbidden, says: "disabled"},
		{name: "someone unknown may not vote", a: open(), voter: bot.Person{Name: "uid 1000", Groups: []string{"oncall"}}, vote: yes(), want: bot.RefusedIdentity, says: "salve user add"},
		{name: "an excluded person may not say yes", a: open(excluded), voter: alice, vote: yes(), want: bot.RefusedForbidden, says: "somebody else of group oncall"},
		{name: "an excluded person may say no", a: open(excluded), voter: alice, vote: no("my mistake")},
		{name: "no approvers means nobody", a: open(nobody), voter: alice, vote: yes(), want: bot.RefusedForbidden, says: "names no approvers"},
		{name: "a denial needs a reason", a: open(), voter: alice, vote: no("  "), want: bot.RefusedInput, says: "reason"},
		{name: "another digest has moved", a: open(), voter: alice, vote: bot.Vote{Yes: true, Digest: other}, want: bot.RefusedMoved, says: "99999999"},
		{name: "eight characters name a digest", a: open(), voter: alice, vote: bot.Vote{Yes: true, Digest: "3FA9c1d2"}},
		{name: "seven characters do not", a: open(), voter: alice, vote: bot.Vote{Yes: true, Digest: "3fa9c1d"}, want: bot.RefusedInput, says: "3fa9c1d2"},
		{name: "no digest is refused", a: open(), voter: alice, vote: bot.Vote{Yes: true}, want: bot.RefusedInput, says: "3fa9c1d2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			next, err := approval.Cast(tt.a, tt.voter, tt.vote, t0.Add(time.Minute))
			if tt.want == "" {
				require.NoError(t, err)
				require.NotEqual(t, bot.ApprovalPending, next.State)
				require.Equal(t, digest, next.Votes[0].Digest, "the whole digest is written down")
				require.Empty(t, tt.a.Votes, "the input stays as it was")
				return
			}
			require.Equal(t, tt.want, code(t, err))
			require.Contains(t, err.Error(), tt.says)
			require.Equal(t, tt.a, next)
		})
	}
}

func TestMayVoteAgreesWithCast(t *testing.T) {
	t.Parallel()
	for _, p := range []bot.Person{alice, bob, carol, vera, adam, dora, {}} {
		_, err := approval.Cast(open(), p, yes(), t0)
		assert.Equal(t, err == nil, open().MayApprove(p, t0) == nil, p.Name)
		_, err = approval.Cast(open(), p, no("no"), t0)
		assert.Equal(t, err == nil, open().MayDeny(p, t0) == nil, p.Name)
	}
	denied := must(approval.Cast(open(), bob, no("wrong host"), t0))
	require.Equal(t, bot.RefusedState, denied.MayApprove(alice, t0).Code)
	require.Contains(t, denied.MayApprove(alice, t0).Why, "denied by Bob: wrong host")
}

func TestQuorumCountsDistinctPeople(t *testing.T) {
	t.Parallel()
	a := must(approval.Cast(open(quorum(2)), alice, yes(), t0))
	require.Equal(t, bot.ApprovalPending, a.State)
	console := yes()
	console.Surface = "console"
	again := must(approval.Cast(a, alice, console, t0.Add(time.Minute)))
	require.Equal(t, a, again, "one person on another surface is a repeat, not a second vote")
	require.Equal(t, "2 of group oncall (1 so far)", approval.WhoMay(again))
	done := must(approval.Cast(again, carol, yes(), t0.Add(2*time.Minute)))
	require.Equal(t, bot.ApprovalApproved, done.State)
	require.Equal(t, bot.Actor{Person: "carol", Name: "Carol", Surface: "cli"}, done.DecidedBy)
	repeat := must(approval.Cast(done, alice, yes(), t0.Add(time.Hour)))
	require.Equal(t, done, repeat, "a repeat after the decision changes nothing")
}

func TestAYesCanBeTakenBackByDenying(t *testing.T) {
	t.Parallel()
	a := must(approval.Cast(open(quorum(2)), alice, yes(), t0))
	a = must(approval.Cast(a, alice, no("looked again"), t0.Add(time.Minute)))
	require.Equal(t, bot.ApprovalDenied, a.State)
	require.Equal(t, "looked again", a.Reason)
}

func TestARepeatIsNoAnswerToAQuestionThatExpired(t *testing.T) {
	t.Parallel()
	a := must(approval.Cast(open(quorum(2)), alice, yes(), t0))
	_, err := approval.Cast(a, alice, yes(), t0.Add(10*time.Minute))
	require.Equal(t, bot.RefusedState, code(t, err))
	require.Contains(t, err.Error(), "expired at 14:10 UTC; nothing was done")
}

func TestExpireWaitsForItsTime(t *testing.T) {
	t.Parallel()
	a, did := approval.Expire(open(), t0.Add(10*time.Minute-time.Millisecond))
	require.False(t, did)
	require.Equal(t, bot.ApprovalPending, a.State)
}

func TestWhoMaySaysWho(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1 of group oncall", approval.WhoMay(open()))
	require.Contains(t, approval.WhoMay(open(func(p *bot.Plan) { p.Rule.Approvers = nil })), "nobody")
	both := open(func(p *bot.Plan) {
		p.Rule = bot.ApprovalRule{Approvers: []string{"oncall", "sre"}, Quorum: 2, Excluded: []bot.PersonID{"eve"}}
	})
	require.Equal(t, "2 of groups oncall, sre, but not eve", approval.WhoMay(both))
}

func TestASecondGroupMustAgreeToo(t *testing.T) {
	t.Parallel()
	sam := bot.Person{ID: "sam", Name: "Sam", Roles: []bot.Role{bot.RoleViewer}, Groups: []string{"security"}}
	both := bot.Person{ID: "bea", Name: "Bea", Roles: []bot.Role{bot.RoleViewer}, Groups: []string{"oncall", "security"}}
	a := open(func(p *bot.Plan) { p.Rule.Also = []string{"security"} })
	require.Equal(t, "1 of group oncall and 1 of group security", approval.WhoMay(a))
	require.Nil(t, a.MayApprove(sam, t0), "whoever must agree may approve")
	require.Nil(t, a.MayDeny(sam, t0))
	require.Contains(t, a.MayApprove(bob, t0).Why, "Bob is not in groups oncall, security")

	first := must(approval.Cast(a, both, yes(), t0))
	require.Equal(t, bot.ApprovalPending, first.State, "one person is not two")
	require.Equal(t, []string{"oncall", "security"}, first.Votes[0].Groups)
	require.Equal(t, "1 of group oncall and 1 of group security (1 so far; next: somebody of oncall or security)", approval.WhoMay(first))
	for _, second := range []bot.Person{alice, sam} {
		require.Equal(t, bot.ApprovalApproved, must(approval.Cast(first, second, yes(), t0)).State, second.Name)
	}
	late := must(approval.Cast(a, carol, yes(), t0))
	late = must(approval.Cast(late, alice, yes(), t0))
	require.Equal(t, "1 of group oncall and 1 of group security (2 so far; next: somebody of security)", approval.WhoMay(late))
	require.Equal(t, bot.ApprovalApproved, must(approval.Cast(late, sam, yes(), t0)).State)
}

// A vote counts for the groups of its time, as those of chat are not on record.
func TestAVoteCountsForTheGroupsThatItWasGivenFor(t *testing.T) {
	t.Parallel()
	once := bob
	once.Groups = []string{"security"}
	a := must(approval.Cast(open(func(p *bot.Plan) { p.Rule.Also = []string{"security"} }), once, yes(), t0))
	require.Equal(t, a, must(approval.Cast(a, once, yes(), t0)))
	require.Equal(t, bot.ApprovalApproved, must(approval.Cast(a, alice, yes(), t0)).State, "whatever Bob is in by now")
}

// No order of votes approves without somebody else for each place of the rule.
func TestVotesInAnyOrderKeepTheGroups(t *testing.T) {
	t.Parallel()
	groups := []string{"oncall", "sre", "security", "dba"}
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, least int) []string {
			return rapid.SliceOfNDistinct(rapid.SampledFrom(groups), least, 3, rapid.ID[string]).Draw(t, name)
		}
		rule := bot.ApprovalRule{Approvers: draw("approvers", 1), Also: draw("also", 0), Quorum: rapid.IntRange(1, 3).Draw(t, "quorum")}
		a := open(func(p *bot.Plan) { p.Rule = rule })
		for i := range rapid.IntRange(1, 7).Draw(t, "voters") {
			p := bot.Person{ID: bot.PersonID(rune('a' + i)), Name: "P", Roles: []bot.Role{bot.RoleViewer}, Groups: draw("of", 0)}
			before := a.State
			next, err := approval.Cast(a, p, yes(), t0)
			if err == nil {
				a = next
			}
			require.Equal(t, before == bot.ApprovalPending && p.In(rule.Voters()), err == nil)
		}
		require.Equal(t, placed(rule, a.Votes), a.State == bot.ApprovalApproved)
	})
}

// placed tries every way of giving each place of the rule another person.
func placed(rule bot.ApprovalRule, votes []bot.Vote) bool {
	var places [][]string
	for range rule.Quorum {
		places = append(places, rule.Approvers)
	}
	for _, g := range rule.Also {
		places = append(places, []string{g})
	}
	used := make([]bool, len(votes))
	var try func(i int) bool
	try = func(i int) bool {
		if i == len(places) {
			return true
		}
		for v, vote := range votes {
			if used[v] || !(bot.Person{ID: vote.Person, Groups: vote.Groups}).In(places[i]) {
				continue
			}
			used[v] = true
			if try(i + 1) {
				return true
			}
			used[v] = false
		}
		return false
	}
	return try(0)
}

// No sequence of votes approves with fewer than Quorum distinct entitled people
// or after one no.
func TestVotesInAnyOrderKeepTheRules(t *testing.T) {
	t.Parallel()
	people := []bot.Person{alice, bob, carol, vera, adam, dora, {}}
	rapid.Check(t, func(t *rapid.T) {
		a := open(quorum(rapid.IntRange(1, 3).Draw(t, "quorum")))
		for range rapid.IntRange(0, 12).Draw(t, "votes") {
			vote := bot.Vote{Yes: rapid.Bool().Draw(t, "yes"), Digest: rapid.SampledFrom([]bot.Digest{digest, other, ""}).Draw(t, "digest"), Reason: rapid.SampledFrom([]string{"", "no"}).Draw(t, "reason")}
			before := a
			next, err := approval.Cast(a, rapid.SampledFrom(people).Draw(t, "voter"), vote, t0.Add(time.Duration(rapid.IntRange(0, 12).Draw(t, "minute"))*time.Minute))
			if err != nil {
				require.Equal(t, before, next)
			}
			a = next
		}
		agreed := map[bot.PersonID]bool{}
		for _, v := range a.Votes {
			require.Contains(t, []bot.PersonID{"alice", "bob", "carol"}, v.Person)
			if v.Yes {
				require.NotEqual(t, bot.PersonID("bob"), v.Person)
				agreed[v.Person] = true
			} else {
				require.Equal(t, bot.ApprovalDenied, a.State)
			}
		}
		if a.State == bot.ApprovalApproved {
			require.GreaterOrEqual(t, len(agreed), a.Rule.Quorum)
		}
	})
}

func must(a bot.Approval, err error) bot.Approval {
	if err != nil {
		panic(err)
	}
	return a
}
