package plan_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParamsAreHeldAgainstTheirBoundsBeforeAPlanIsMade(t *testing.T) {
	t.Parallel()
	s := compile(t, playbook())
	require.NoError(t, s.Check("restart", nil))
	require.NoError(t, s.Check("restart", map[string]string{"count": "3", "how": "hard"}))
	require.ErrorContains(t, s.Check("restart", map[string]string{"how": "gently"}), `param how: "gently" is not one of soft, hard`)
	require.ErrorContains(t, s.Check("restart", map[string]string{"count": "999"}), "param count: 999 is above")
	require.ErrorContains(t, s.Check("restart", map[string]string{"cuont": "1"}), `there is no param "cuont"; it has:`)
	require.ErrorContains(t, s.Check("dance", nil), "salve playbook list")
}

func TestTheTargetOfOtherParamsIsThatOfThePlan(t *testing.T) {
	t.Parallel()
	s := compile(t, playbook())
	in := input()
	in.Params = map[string]string{"how": "hard"}
	p, err := s.Build(in)
	require.NoError(t, err)
	target, err := s.TargetOf(in.Playbook, in.Alert, in.Incident, in.Params)
	require.NoError(t, err)
	require.Equal(t, p.Target, target)
	_, err = s.TargetOf(in.Playbook, in.Alert, in.Incident, map[string]string{"how": "gently"})
	require.ErrorContains(t, err, "param how")
	_, err = s.TargetOf("dance", in.Alert, in.Incident, nil)
	require.Error(t, err)
}
