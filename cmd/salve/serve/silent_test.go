package serve_test

import (
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack/slacktest"
)

// A Slack that does not answer must not keep anybody from the command line, least
// of all whoever wants to halt.
func TestTheCommandLineDoesNotWaitForASlackThatIsSilent(t *testing.T) {
	t.Parallel()
	fake := newSlack(t, slacktest.Options{})
	salve := run(t, withSlack(setUp(t, newShop(t)), fake))
	require.NoError(t, salve.Send(t.Context(), http.MethodPost, "/v1/people", bot.Person{
		ID: "olga", Name: "Olga", Roles: []bot.Role{bot.RoleResponder},
		Identities: []bot.Identity{{Surface: "unix", ID: strconv.Itoa(os.Getuid())}, {Surface: "slack", ID: slacktest.TeamID + "/" + olga}},
	}, nil))
	fake.Fail(slacktest.Fault{Times: -1, Delay: 15 * time.Second})
	defer fake.Mend()
	for range 3 {
		began := time.Now()
		_, err := salve.Do(t.Context(), bot.Command{Verb: bot.VerbHalt})
		require.NoError(t, err)
		require.Less(t, time.Since(began), 5*time.Second)
	}
}
