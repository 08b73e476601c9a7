package bot_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func TestRightsSayWhatWouldGrantTheRest(t *testing.T) {
	t.Parallel()
	books := []bot.Playbook{
		{Name: "restart", Approvers: []string{"oncall"}},
		{Name: "failover", Approvers: []string{"dba", "oncall"}, Also: []string{"security"}},
	}
	rita := bot.Person{ID: "rita", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}}
	require.Equal(t, []bot.Right{
		{What: "take, note, run, cancel, deny, claim and raise", May: true},
		{What: "approve for group dba (failover)", Grant: "salve user edit rita --group dba"},
		{What: "approve for group oncall (restart, failover)", May: true},
		{What: "approve for group security (failover)", Grant: "salve user edit rita --group security"},
		{What: "lift a halt (group resumers)", Grant: "salve user edit rita --group resumers"},
		{What: "manage people", Grant: "salve user edit rita --role admin"},
	}, bot.Rights(rita, books, "resumers"))
	rita.Disabled = true
	for _, r := range bot.Rights(rita, books, "resumers") {
		require.Equal(t, bot.Right{What: r.What, Grant: "salve user enable rita"}, r)
	}
	for _, r := range bot.Rights(bot.Person{}, books, "") {
		require.False(t, r.May)
	}
}
