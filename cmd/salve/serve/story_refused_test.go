package serve_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/config"
	"salve/integrations/slack/slacktest"
)

func TestWhoMayNotApproveIsToldWhyAndNothingIsDone(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	card, a := st.asks("db-1")
	for who, words := range map[string][]string{
		stranger: {"salve user add", stranger},
		guest:    {"says of you: guest"},
		lesser:   {"says of you: guest"},    // though in the user group
		robot:    {"says of you: bot"},      // likewise
		outsider: {"says of you: external"}, // likewise, and of Slack Connect
	} {
		st.whispered(st.fake.Press(who, card, "Approve"), words...)
		if who != robot { // what bots say is not listened to
			st.whispered(st.fake.Mention(who, opsChannel, card.TS, "approve "+a.Digest.Short()), words...)
		}
		typed := st.fake.Slash(who, opsChannel, fmt.Sprintf("approve %s %s", a.Incident, a.Digest.Short()))
		if who == outsider {
			words = []string{"another workspace"} // commands come from the workspace that they are typed in
		}
		st.whispered(typed, words...)
	}
	st.nothingDone(a)
	st.whispered(st.fake.Press(olga, card, "Approve"), "R-1")
	st.fixes(a.Incident)
}

func TestWhoeverAskedForAPlanDoesNotApproveIt(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	_, first := st.asks("db-1")
	st.whispered(st.fake.Slash(omar, opsChannel, fmt.Sprintf("deny %s wrong time", first.Incident)))
	st.card(first.Incident, "denied")
	st.whispered(st.fake.Slash(olga, opsChannel, fmt.Sprintf("run heal %s", first.Incident)))
	a := st.question("db-1")
	card := st.card(first.Incident, "Approve")
	st.whispered(st.fake.Press(olga, card, "Approve"), "asked for")
	st.nothingDone(a)
	st.whispered(st.fake.Press(omar, card, "Approve"), "R-1")
	st.fixes(a.Incident)
}

func TestWhoeverLeftTheGroupDoesNotApproveAnyMore(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	card, a := st.asks("db-1")
	st.whispered(st.fake.Slash(olga, opsChannel, "whoami"), "oncall") // so that who is in the group is in memory
	st.onCall(omar)
	// What is remembered lasts a minute here; another Salve remembers nothing.
	require.NoError(t, st.end())
	st.running = run(t, st.cfg)
	st.ready()
	st.whispered(st.fake.Press(olga, card, "Approve"), "oncall")
	st.nothingDone(a)
	st.fake.WithoutGroups(true)
	require.NoError(t, st.end())
	st.running = run(t, st.cfg)
	st.ready()
	st.whispered(st.fake.Press(omar, card, "Approve"), "could not say just now who is in oncall")
	st.nothingDone(a)
}

func TestAClickAfterTheTimeIsOverDoesNothing(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	card, a := st.asks("db-1")
	a.ExpiresAt = time.Now().UTC().Truncate(time.Millisecond) // an hour later
	_, err := st.Rows().Commit(t.Context(), bot.Change{Approvals: []bot.Approval{a}})
	require.NoError(t, err)
	st.whispered(st.fake.Press(olga, card, "Approve"), "xpired")
	st.card(a.Incident, "Nobody decided")
	require.Equal(t, bot.ApprovalExpired, st.approval(a.ID).State)
	require.Empty(t, st.runsOf(a.Incident))
	require.Zero(t, st.clinic.times("db-1"))
}

func TestAClickOnAPlanThatHasChangedDoesNothing(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	card, a := st.asks("db-1")
	b := st.edits(a, 3)
	require.NotEqual(t, a.Digest, b.Digest)
	st.whispered(st.fake.Press(olga, card, "Approve")) // the card as it was
	st.whispered(st.fake.Slash(olga, opsChannel, fmt.Sprintf("approve %s %s", a.Incident, a.Digest.Short())))
	require.Empty(t, st.approval(b.ID).Votes)
	require.Empty(t, st.runsOf(a.Incident))
	require.Zero(t, st.clinic.times("db-1"))
	now := st.card(a.Incident, b.Digest.Short())
	st.whispered(st.fake.Press(olga, now, "Approve"), "R-1")
	st.fixes(a.Incident)
}

// copied is what a person sees of a button elsewhere than where it was put.
func copied(m slacktest.Message, channel, ts string) slacktest.Message {
	m.Channel, m.TS = channel, ts
	return m
}

func TestAButtonElsewhereThanWhereItWasPutDoesNothing(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	st.fake.AddChannel(slacktest.Channel{ID: "C0ELSE0001", Name: "else", Member: true})
	card, a := st.asks("db-1")
	st.whispered(st.fake.Press(olga, copied(card, "C0ELSE0001", card.TS), "Approve"), "not the one any more")
	st.whispered(st.fake.Press(olga, copied(card, opsChannel, "1700000000.000001"), "Approve"), "not the one any more")
	forged := card
	forged.Blocks = json.RawMessage(strings.ReplaceAll(string(card.Blocks), `"value":"`, `"value":"x`))
	st.whispered(st.fake.Press(olga, forged, "Approve"), "old and does nothing")
	st.nothingDone(a)
	st.whispered(st.fake.Press(olga, card, "Approve"), "R-1")
	st.fixes(a.Incident)
}

func TestAPrivateButtonIsItsOwnersAlone(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	_, a := st.asks("db-1")
	private := st.whispered(st.fake.Slash(olga, opsChannel, "approve "+a.Incident.String()), a.Digest.Short())
	yes := "Approve " + a.Digest.Short()
	st.whispered(st.fake.Press(omar, private.Message, yes), "given to somebody else")
	st.nothingDone(a)
	st.whispered(st.fake.Press(olga, private.Message, yes), "R-1")
	st.fixes(a.Incident)
	vote := st.events(a.Incident, bot.EventVoted)[0]
	require.Equal(t, "socket", vote.Data["transport"], "%v", vote.Data)
	require.Equal(t, slacktest.TeamID+"/"+olga, vote.Data["identity"])
	require.Contains(t, vote.Data["shown"], a.Digest.Short())
}

func TestARefusalNamesTheGroupThatIsNeeded(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}, config: func(c *config.Config) {
		c.Slack.Groups["dba"] = config.SlackGroup{UserGroup: "S0DBA00001", Admit: true}
	}})
	st.fake.AddGroup(slacktest.Group{ID: "S0DBA00001", Handle: "dba", Users: []string{stranger}})
	card, a := st.asks("db-1")
	st.whispered(st.fake.Press(stranger, card, "Approve"), "oncall")
	st.nothingDone(a)
}
