package approval_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/approval"
)

func TestASecondFactorIsAskedOfEachPerson(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	olga := bot.Person{ID: "olga", Name: "Olga", Groups: []string{"oncall"}, Roles: []bot.Role{bot.RoleResponder}}
	rule := bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1, SecondFactor: true}
	a := approval.Open(1, bot.Plan{Digest: "0123456789abcdef", Rule: rule}, bot.Verdict{}, now)
	require.Equal(t, "1 of group oncall, each on two surfaces", approval.WhoMay(a))

	say := func(surface string) {
		var err error
		a, err = approval.Cast(a, olga, bot.Vote{Digest: "01234567", Yes: true, Surface: surface}, now)
		require.NoError(t, err)
	}
	say("slack")
	say("slack")
	require.Equal(t, bot.ApprovalPending, a.State)
	require.Len(t, a.Votes, 1, "the same surface again says nothing new")
	require.False(t, a.Voted("olga"), "there is more to say")
	require.Contains(t, approval.WhoMay(a), "Olga said yes on one surface")
	say("console")
	require.Equal(t, bot.ApprovalApproved, a.State)
	require.True(t, a.Voted("olga"))
}

func TestNoOrderOfVotesGetsRoundTheSecondFactor(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		quorum := rapid.IntRange(1, 3).Draw(t, "quorum")
		a := approval.Open(1, bot.Plan{Digest: "0123456789abcdef", Rule: bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: quorum, SecondFactor: true}}, bot.Verdict{}, now)
		on := map[bot.PersonID]map[string]bool{}
		for range rapid.IntRange(0, 20).Draw(t, "votes") {
			id := bot.PersonID(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "who"))
			surface := rapid.SampledFrom([]string{"slack", "console", "cli"}).Draw(t, "surface")
			next, err := approval.Cast(a, bot.Person{ID: id, Name: string(id), Groups: []string{"oncall"}}, bot.Vote{Digest: "01234567", Yes: true, Surface: surface}, now)
			if err != nil {
				break // decided
			}
			if a = next; on[id] == nil {
				on[id] = map[string]bool{}
			}
			on[id][surface] = true
			whole := 0
			for _, s := range on {
				if len(s) > 1 {
					whole++
				}
			}
			if got := a.State == bot.ApprovalApproved; got != (whole >= quorum) {
				t.Fatalf("%d people said yes on two surfaces, %d are needed, approved: %v", whole, quorum, got)
			}
		}
	})
}
