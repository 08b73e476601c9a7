package slack_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
)

func TestOnlyFullMembersOfOursHaveGroups(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	for _, u := range []slacktest.User{
		{ID: "U2", Name: "guest", Guest: true}, {ID: "U3", Name: "guest of one", OneGuest: true}, {ID: "U4", Name: "bot", Bot: true},
		{ID: "U5", Name: "left", Deleted: true}, {ID: "U6", Name: "stranger", Team: "T0OTHER"},
	} {
		fake.AddUser(u)
	}
	fake.AddGroup(slacktest.Group{ID: "S0ONCALL", Handle: "oncall", Users: []string{"U1", "U2", "U3", "U4", "U5", "U6"}})
	fake.AddGroup(slacktest.Group{ID: "S0DBA", Handle: "dba", Users: []string{"U9"}})
	c := client(t, fake, slack.Options{Groups: map[string]string{"oncall": "S0ONCALL", "dba": "S0DBA"}})
	for id, why := range map[string]string{"U1": "", "U2": "guest", "U3": "guest", "U4": "bot", "U5": "gone", "U6": "external"} {
		m, err := c.Member(t.Context(), bot.ChatUser{ID: "T0SALVE01/" + id})
		require.NoError(t, err, id)
		require.Equal(t, why, m.Why, id)
		require.Equal(t, "T0SALVE01/"+id, m.User.ID)
		require.Empty(t, m.Unread)
		require.False(t, m.ReadAt.IsZero())
		if why == "" {
			require.Equal(t, []string{"oncall"}, m.Groups)
			continue
		}
		require.Empty(t, m.Groups, id)
	}
	_, err := c.Member(t.Context(), bot.ChatUser{ID: "T0SALVE01/U404"})
	require.Equal(t, bot.SendNoPlace, fault(t, err).Fault, "nobody knows who that is")
	_, err = c.Member(t.Context(), bot.ChatUser{ID: "ada"})
	require.Error(t, err)
	m, err := c.Member(t.Context(), bot.ChatUser{ID: "T0OTHER/U1"})
	require.NoError(t, err)
	require.Equal(t, "external", m.Why)
}

func TestAGroupThatCannotBeReadHasNobodyInIt(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*slacktest.Slack){
		"the free plan": func(f *slacktest.Slack) { f.WithoutGroups(true) },
		"Slack is down": func(f *slacktest.Slack) {
			f.Fail(slacktest.Fault{Method: "usergroups.users.list", Status: 503, Times: -1})
		},
		"a missing scope": func(f *slacktest.Slack) {
			f.Fail(slacktest.Fault{Method: "usergroups.users.list", Error: "missing_scope", Times: -1})
		},
		"an unknown one": func(*slacktest.Slack) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := open(t, slacktest.Options{Unlimited: true})
			groups := map[string]string{"oncall": "S0ONCALL"}
			if name != "an unknown one" {
				fake.AddGroup(slacktest.Group{ID: "S0ONCALL", Users: []string{"U1"}})
			}
			c := client(t, fake, slack.Options{Groups: groups})
			fail(fake)
			m, err := c.Member(t.Context(), bot.ChatUser{ID: "T0SALVE01/U1"})
			require.NoError(t, err)
			require.Empty(t, m.Groups)
			require.Equal(t, []string{"oncall"}, m.Unread)
		})
	}
}

func TestManyWhoAskAtOnceAskSlackOnce(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	fake.AddGroup(slacktest.Group{ID: "S0ONCALL", Users: []string{"U1"}})
	c := client(t, fake, slack.Options{Groups: map[string]string{"oncall": "S0ONCALL"}})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			m, err := c.Member(t.Context(), bot.ChatUser{ID: "T0SALVE01/U1"})
			if err != nil || len(m.Groups) != 1 {
				t.Errorf("%v %v", m, err)
			}
		})
	}
	all.Wait()
	for _, method := range []string{"auth.test", "users.info", "usergroups.users.list"} {
		require.Len(t, fake.Calls(method), 1, method)
	}
}

func TestSlackIsAskedAgainWhenItFailed(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	fake.Fail(slacktest.Fault{Method: "users.info", Status: 503})
	_, err := c.Member(t.Context(), bot.ChatUser{ID: "T0SALVE01/U1"})
	require.Equal(t, bot.SendDown, fault(t, err).Fault)
	_, err = c.Member(t.Context(), bot.ChatUser{ID: "T0SALVE01/U1"})
	require.Error(t, err, "for a moment it is left alone")
	require.Len(t, fake.Calls("users.info"), 1)
}
