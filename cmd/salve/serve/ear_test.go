package serve_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
)

func TestWhoLacksAGroupIsToldTheUserGroupThatIsConfigured(t *testing.T) {
	t.Parallel()
	grants := serve.SlackMapping(map[string]config.SlackGroup{"security": {UserGroup: "S0SECUR001"}})
	require.Equal(t, "or in Slack: add them to user group S0SECUR001, which is group security", grants("security"))
	require.Equal(t, "or in salve.yaml: slack: {groups: {oncall: {user_group: S0123456789, admit: true}}}", grants("oncall"))
}
