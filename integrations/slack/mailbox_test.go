package slack_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
)

func TestSomebodyOnCallIsFoundByTheirAddress(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	fake.AddUser(slacktest.User{ID: "U0ANN0000", Name: "ann", Email: "ann@example.com"})
	fake.AddUser(slacktest.User{ID: "U0BOT0000", Name: "robot", Email: "bot@example.com", Bot: true})
	c := client(t, fake, slack.Options{})
	id, ok, err := c.ByEmail(t.Context(), "ann@example.com")
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, "U0ANN0000", id)
	for _, nobody := range []string{"who@example.com", "bot@example.com"} {
		_, ok, err = c.ByEmail(t.Context(), nobody)
		require.NoError(t, err)
		require.False(t, ok, nobody)
	}
	fake.Fail(slacktest.Fault{Method: "users.lookupByEmail", Error: "missing_scope", Times: -1})
	_, _, err = c.ByEmail(t.Context(), "ann@example.com")
	require.Error(t, err)
}
