package serve_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack/slacktest"
)

func TestWithASecondFactorAStolenChatAccountStartsNothing(t *testing.T) {
	t.Parallel()
	shop := newShop(t)
	fake := newSlack(t, slacktest.Options{})
	cfg := withSlack(setUp(t, shop), fake)
	book := fmt.Sprintf(playbook, shop.URL) + "second_factor: true\n"
	require.NoError(t, os.WriteFile(filepath.Join(cfg.Playbooks.Dirs[0], "heal.yaml"), []byte(book), 0o600))
	salve := run(t, cfg)
	require.NoError(t, salve.People().Add(t.Context(), bot.Salve, bot.Person{
		ID: "olga", Name: "Olga", Roles: []bot.Role{bot.RoleResponder},
		Identities: []bot.Identity{{Surface: "slack", ID: slacktest.TeamID + "/" + olga}, {Surface: "unix", ID: strconv.Itoa(os.Getuid())}},
	}))
	code, body := alert(t, salve.URL(), "ShopIll", "high")
	require.Equal(t, 200, code, body)
	asked := card(t, fake, "each on two surfaces")

	whisper, ok := fake.Press(olga, asked, "Approve").Whispered()
	require.True(t, ok)
	require.Contains(t, fake.Render(whisper.Message), "It counts when you say so on another surface, too")
	require.Zero(t, shop.healed.Load())
	whisper, ok = fake.Press(olga, asked, "Approve").Whispered()
	require.True(t, ok)
	require.Contains(t, fake.Render(whisper.Message), "You have said so already")
	card(t, fake, "Olga said yes here or elsewhere; needed on one more surface")
	require.Zero(t, shop.healed.Load())

	// Her groups come of Slack, on the command line as well.
	var pending []bot.Approval
	require.NoError(t, salve.Get(t.Context(), "/v1/approvals", nil, &pending))
	require.Len(t, pending, 1)
	a := pending[0]
	answer, err := salve.Do(t.Context(), bot.Command{Verb: bot.VerbApprove, Incident: a.Incident, Digest: string(a.Digest)})
	require.NoError(t, err)
	require.Contains(t, answer.Text, "Approved.")
	salve.until(t, bot.RunFixed)
	require.Equal(t, int32(1), shop.healed.Load())
	require.NoError(t, salve.end())
}
