package slack_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
)

func TestAChannelIsJoinedHoweverItIsNamed(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	fake.AddChannel(slacktest.Channel{ID: "C0PUBLIC", Name: "public"})
	fake.AddChannel(slacktest.Channel{ID: "C0OLD", Name: "old", Archived: true})
	fake.AddChannel(slacktest.Channel{ID: "G0INVITED", Name: "invited", Private: true, Member: true})
	fake.AddChannel(slacktest.Channel{ID: "G0SECRET", Name: "secret", Private: true})
	c := client(t, fake, slack.Options{})
	for _, named := range []string{"#public", "Public", " C0PUBLIC ", "https://examples.slack.com/archives/C0PUBLIC", "https://examples.slack.com/archives/C0PUBLIC/p1700000000000100", "https://app.slack.com/client/T0SALVE01/C0PUBLIC"} {
		at, err := c.Join(t.Context(), named)
		require.NoError(t, err, named)
		require.Equal(t, slack.Place{ID: "C0PUBLIC", Name: "public"}, at, named)
	}
	require.Equal(t, 1, fake.Count("conversations.join", ""), "it joins once")
	at, err := c.Join(t.Context(), "#invited")
	require.NoError(t, err)
	require.Equal(t, slack.Place{ID: "G0INVITED", Name: "invited"}, at)
	for named, says := range map[string]string{"#nowhere": "#nowhere", "#secret": "/invite @salve", "G0SECRET": "/invite", "C0OLD": "#old is archived", "": "there is no channel"} {
		_, err := c.Join(t.Context(), named)
		require.ErrorContains(t, err, says, named)
		require.Equal(t, bot.SendNoPlace, fault(t, err).Fault)
	}
}

func TestAPersonIsFoundByAddressOrId(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	fake.AddUser(slacktest.User{ID: "U2", Name: "gus", Email: "gus@example.com", Guest: true})
	c := client(t, fake, slack.Options{})
	for _, text := range []string{"ada@example.com", " Ada@Example.com ", "U1", slacktest.TeamID + "/U1"} {
		m, err := c.Person(t.Context(), text)
		require.NoError(t, err, text)
		require.Equal(t, slacktest.TeamID+"/U1", m.User.ID)
		require.Equal(t, "ada", m.User.Name)
		require.Empty(t, m.Why)
	}
	m, err := c.Person(t.Context(), "gus@example.com")
	require.NoError(t, err)
	require.Equal(t, "guest", m.Why)
	for text, says := range map[string]string{
		"eve@example.com": "nobody in", "ada": "neither an e-mail address nor a member id", "": "neither", "T0OTHER/U1": "neither", "U404": "the person is not there",
	} {
		_, err := c.Person(t.Context(), text)
		require.ErrorContains(t, err, says, text)
	}
}
