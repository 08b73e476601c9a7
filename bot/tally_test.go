package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func votes(groups ...string) bot.Approval {
	a := bot.Approval{Digest: "d"}
	for i, g := range groups {
		a.Votes = append(a.Votes, bot.Vote{Person: bot.PersonID(fmt.Sprint("p", i)), Yes: true, Digest: "d", Groups: strings.Fields(g)})
	}
	return a
}

func TestAPersonStandsForOneRequirementAlone(t *testing.T) {
	t.Parallel()
	one := bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1, Also: []string{"security"}}
	many := bot.ApprovalRule{Approvers: []string{"oncall", "sre"}, Quorum: 2, Also: []string{"security", "dba"}}
	for _, c := range []struct {
		name  string
		rule  bot.ApprovalRule
		votes []string
		open  []string // nil: agreed
	}{
		{"nobody yet", one, nil, []string{"oncall", "security"}},
		{"an approver alone", one, []string{"oncall"}, []string{"security"}},
		{"the second group alone", one, []string{"security"}, []string{"oncall"}},
		{"one of each", one, []string{"security", "oncall"}, nil},
		{"two approvers", one, []string{"oncall", "oncall"}, []string{"security"}},
		{"two of the second group", one, []string{"security", "security"}, []string{"oncall"}},
		{"one person in both is one person", one, []string{"oncall security"}, []string{"oncall", "security"}},
		{"who is in both makes room for an approver", one, []string{"oncall security", "oncall"}, nil},
		{"who is in both makes room for the second group", one, []string{"oncall security", "security"}, nil},
		{"a group that the rule does not name", one, []string{"oncall", "ops"}, []string{"security"}},
		{"people move along until all have a place", many, []string{"oncall security", "security dba", "dba sre", "sre"}, nil},
		{"four people of whom two can only be the same one", many, []string{"oncall", "sre", "dba", "dba"}, []string{"security"}},
		{"votes of before there were groups are of approvers", bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 2}, []string{"", ""}, nil},
		{"a quorum that is not set is one", bot.ApprovalRule{Approvers: []string{"oncall"}}, []string{"oncall"}, nil},
		{"a rule without approvers", bot.ApprovalRule{Quorum: 1}, []string{"oncall"}, []string{"nobody"}},
	} {
		a := votes(c.votes...)
		a.Rule = c.rule
		got := a.Tally()
		require.Equal(t, c.open, got.Open, c.name)
		require.Equal(t, c.open == nil, got.Agreed(), c.name)
		require.Equal(t, len(c.votes), got.Yes, c.name)
		slices.Reverse(a.Votes)
		require.Equal(t, got, a.Tally(), "%s, in the other order", c.name)
	}
}

func TestWhatIsNoYesToThisDigestIsNotCounted(t *testing.T) {
	t.Parallel()
	a := bot.Approval{Digest: "d", Rule: bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 2}, Votes: []bot.Vote{
		{Person: "ann", Yes: true, Digest: "d", Groups: []string{"oncall"}},
		{Person: "ann", Yes: true, Digest: "d", Groups: []string{"oncall"}, Surface: "slack"},
		{Person: "bob", Yes: true, Digest: "other", Groups: []string{"oncall"}},
		{Person: "cem", Digest: "d", Groups: []string{"oncall"}},
		{Yes: true, Digest: "d", Groups: []string{"oncall"}},
	}}
	require.Equal(t, bot.Tally{Yes: 1, Needed: 2, Open: []string{"oncall"}}, a.Tally())
}

func TestABasisBecomesTheDataOfAnEvent(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]string{"digest": "d"}, bot.Basis{}.AddTo(map[string]string{"digest": "d"}))
	b := bot.Basis{
		Transport: "socket", Identity: "T1/U2", Place: "C3", Message: "1.2", Gesture: "e9", Shown: strings.Repeat("é", 3000),
		Groups: []string{"oncall", "sre"}, GroupsAt: epoch, ReceivedAt: epoch,
	}
	got := b.AddTo(map[string]string{"gesture": "mine"})
	require.Equal(t, 2000, len([]rune(got["shown"])))
	require.Len(t, got["shown_sha256"], 64)
	require.Equal(t, "mine", got["gesture"], "what is there stays")
	require.Equal(t, "oncall sre", got["groups"])
	require.Equal(t, got["groups_at"], got["received_at"])
	require.Equal(t, "T1/U2", got["identity"])
	odd := bot.Basis{Shown: "\xff", Identity: strings.Repeat("\xff", 999)}.AddTo(nil)
	require.Equal(t, "\uFFFD", odd["shown"])
	require.NotContains(t, odd, "identity", "what is no text is not kept")
}
