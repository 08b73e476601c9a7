package bot_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func TestWithASecondFactorAYesCountsOnTwoSurfaces(t *testing.T) {
	t.Parallel()
	yes := func(who, surface string, groups ...string) bot.Vote {
		return bot.Vote{Person: bot.PersonID(who), Name: who, Surface: surface, Digest: "d", Yes: true, Groups: groups}
	}
	for name, tt := range map[string]struct {
		votes  []bot.Vote
		agreed bool
		half   []string
	}{
		"nobody":                     {},
		"one surface":                {[]bot.Vote{yes("olga", "slack", "oncall")}, false, []string{"olga"}},
		"the same surface twice":     {[]bot.Vote{yes("olga", "slack", "oncall"), yes("olga", "slack", "oncall")}, false, []string{"olga"}},
		"two people, one each":       {[]bot.Vote{yes("olga", "slack", "oncall"), yes("rob", "console", "oncall")}, false, []string{"olga", "rob"}},
		"two surfaces":               {[]bot.Vote{yes("olga", "slack", "oncall"), yes("olga", "console", "oncall")}, true, nil},
		"two of three surfaces":      {[]bot.Vote{yes("olga", "slack", "oncall"), yes("rob", "cli", "oncall"), yes("olga", "cli", "oncall")}, true, []string{"rob"}},
		"out of the group meanwhile": {[]bot.Vote{yes("olga", "slack", "oncall"), yes("olga", "console", "security")}, false, nil},
		"another plan's":             {[]bot.Vote{yes("olga", "slack", "oncall"), {Person: "olga", Name: "olga", Surface: "cli", Digest: "e", Yes: true}}, false, []string{"olga"}},
	} {
		a := bot.Approval{Digest: "d", Rule: bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1, SecondFactor: true}, Votes: tt.votes}
		require.Equal(t, tt.agreed, a.Tally().Agreed(), name)
		require.Equal(t, tt.half, a.Tally().Half, name)
	}
}

func TestADigestWithoutASecondFactorIsWhatItWas(t *testing.T) {
	t.Parallel()
	p := bot.Plan{Playbook: "heal", Rule: bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1}}
	plain, err := p.ComputeDigest()
	require.NoError(t, err)
	p.Rule.SecondFactor = true
	strict, err := p.ComputeDigest()
	require.NoError(t, err)
	require.NotEqual(t, plain, strict, "it is part of what people agree to")
}
