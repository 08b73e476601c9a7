package slack_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
)

func TestWhoeverIsOnCallIsFoundByTheirAddress(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{})
	fake.AddUser(slacktest.User{ID: "U0ONCALL1", Name: "olga", Email: "olga@example.com"})
	fake.AddUser(slacktest.User{ID: "U0GONE123", Name: "gone", Email: "gone@example.com", Deleted: true})
	c := client(t, fake, slack.Options{})
	for range 2 {
		id, ok, err := c.ByEmail(t.Context(), " Olga@Example.com ")
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, "U0ONCALL1", id)
	}
	require.Equal(t, 1, fake.Count("users.lookupByEmail", ""), "the answer is kept")
	for _, nobody := range []string{"", "nobody@example.com", "gone@example.com"} {
		_, ok, err := c.ByEmail(t.Context(), nobody)
		require.NoError(t, err, nobody)
		require.False(t, ok, nobody)
	}
	fake.Fail(slacktest.Fault{Method: "users.lookupByEmail", Times: 1, Status: 500})
	_, ok, err := c.ByEmail(t.Context(), "other@example.com")
	require.Error(t, err)
	require.False(t, ok)
}
