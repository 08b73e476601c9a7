package serve_test

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
	"salve/integrations/discord/discordtest"
	"salve/integrations/slack/slacktest"
)

// room is a surface as a person meets it.
type room interface {
	// name is how Events call the surface.
	name() string
	// says types a command and gives what this person alone is told.
	says(t *testing.T, who, line string) string
	// shows waits until the surface shows something that reads so.
	shows(t *testing.T, reads string)
	// approves presses what approves the first question that is shown.
	approves(t *testing.T, who string) string
}

// who there is, by what a room calls them.
const (
	onCall  = "on call"
	unknown = "unknown"
)

type slackRoom struct{ *slacktest.Slack }

func (slackRoom) name() string { return "slack" }

func (slackRoom) user(who string) string {
	return map[string]string{onCall: olga, unknown: stranger}[who]
}

func (r slackRoom) says(t *testing.T, who, line string) string {
	t.Helper()
	m, ok := r.Slash(r.user(who), opsChannel, line).Whispered()
	require.True(t, ok, line)
	return r.Render(m.Message)
}

func (r slackRoom) shows(t *testing.T, reads string) { card(t, r.Slack, reads) }

func (r slackRoom) approves(t *testing.T, who string) string {
	t.Helper()
	m, ok := r.Press(r.user(who), card(t, r.Slack, "Needs approval"), "Approve").Whispered()
	require.True(t, ok)
	return r.Render(m.Message)
}

type discordRoom struct{ *discordtest.Discord }

func (discordRoom) name() string { return "discord" }

func (discordRoom) user(who string) string {
	return map[string]string{onCall: discordOlga, unknown: discordStranger}[who]
}

// says hands the words over as the options of the subcommand, as Discord's own
// form does.
func (r discordRoom) says(t *testing.T, who, line string) string {
	t.Helper()
	words := strings.Fields(line)
	options := map[string]string{}
	for i, w := range words[1:] {
		options[map[string][]string{
			"approve": {"incident", "digest"}, "show": {"incident-or-run"}, "why": {"incident"}, "take": {"incident"}, "release": {"incident"},
			"deny": {"incident", "digest", "reason"},
		}[words[0]][i]] = w
	}
	command := words[0]
	if command == "whoami" {
		command = "more whoami"
	}
	m, ok := r.Slash(r.user(who), discordtest.General, command, options).Replied()
	require.True(t, ok, line)
	return r.Render(m)
}

func (r discordRoom) shows(t *testing.T, reads string) { discordCard(t, r.Discord, reads) }

func (r discordRoom) approves(t *testing.T, who string) string {
	t.Helper()
	sure, ok := r.Press(r.user(who), discordCard(t, r.Discord, "Needs approval"), "Approve").Whispered()
	require.True(t, ok)
	m, ok := r.Press(r.user(who), sure, "Yes, do it").Replied()
	require.True(t, ok)
	return r.Render(m)
}

// registered tells Discord the commands, as `salve discord register` does.
func registered(t *testing.T, cfg config.Config) config.Config {
	t.Helper()
	resolver, _ := secrets(t)
	client, err := serve.OpenDiscord(t.Context(), cfg, resolver, nil, nil)
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.Register(t.Context()))
	return cfg
}

// each plays the same on every chat.
func each(t *testing.T, play func(t *testing.T, salve *running, r room, s *shop)) {
	t.Helper()
	for name, open := range map[string]func(t *testing.T, cfg config.Config) (config.Config, room){
		"slack": func(t *testing.T, cfg config.Config) (config.Config, room) {
			fake := newSlack(t, slacktest.Options{})
			return withSlack(cfg, fake), slackRoom{fake}
		},
		"discord": func(t *testing.T, cfg config.Config) (config.Config, room) {
			fake := newDiscord(t, discordtest.Options{})
			return registered(t, withDiscord(cfg, fake)), discordRoom{fake}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			cfg, r := open(t, setUp(t, s))
			salve := run(t, cfg)
			play(t, salve, r, s)
			require.NoError(t, salve.end())
		})
	}
}

func TestTheSameIncidentIsHandledAlikeOnEveryChat(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, salve *running, r room, s *shop) {
		code, body := alert(t, salve.URL(), "ShopIll", "high")
		require.Equal(t, 200, code, body)
		r.shows(t, "Needs approval")

		require.Contains(t, r.approves(t, unknown), "Salve does not know who", "whoever is not known decides nothing")
		require.Contains(t, r.says(t, unknown, "take I-1"), "salve user add NAME --role responder --"+r.name(), "and is told how to become known")
		require.Zero(t, s.healed.Load())

		require.Contains(t, r.says(t, onCall, "whoami"), "oncall")
		require.Contains(t, r.says(t, onCall, "list"), "I-1")
		require.Contains(t, r.says(t, onCall, "show I-1"), "ShopIll")
		require.Contains(t, r.says(t, onCall, "approve"), "I-1", "what I may approve")
		require.Contains(t, r.says(t, onCall, "approve I-1 0123456789abcdef"), "No plan of I-1 has the digest", "another plan's digest decides nothing")
		require.Contains(t, r.says(t, onCall, "help"), "approve")
		require.Zero(t, s.healed.Load())

		require.Contains(t, r.approves(t, onCall), "Approved")
		salve.until(t, bot.RunFixed)
		require.Equal(t, int32(1), s.healed.Load())
		r.shows(t, "Fixed by heal on shop")
		events, err := salve.Rows().Events(t.Context(), bot.EventQuery{Incident: 1, Limit: 1000})
		require.NoError(t, err)
		require.Equal(t, r.name(), surfaceOf(events, bot.EventApproved), "the record says where")
	})
}

// surfaceOf is where the first Event of a kind came from.
func surfaceOf(events []bot.Event, kind bot.EventKind) string {
	for _, e := range events {
		if e.Kind == kind {
			return e.Actor.Surface
		}
	}
	return ""
}

// decisions is how often the three decide at once about a question of its own;
// a thousand times many decide in story_rounds_test.go, without the chats before.
const decisions = 300

func TestOfAllSurfacesAtOnceOneDecides(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	slackFake, discordFake := newSlack(t, slacktest.Options{Unlimited: true}), newDiscord(t, discordtest.Options{Unlimited: true})
	salve := run(t, registered(t, withDiscord(withSlack(setUp(t, s), slackFake), discordFake)))
	require.NoError(t, salve.People().Add(t.Context(), bot.Salve, bot.Person{
		ID: "carol", Name: "Carol", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"},
		Identities: []bot.Identity{{Surface: "unix", ID: strconv.Itoa(os.Getuid())}},
	}))
	for from := 0; from < decisions; from += 50 {
		manyAlerts(t, salve.URL(), from, 50)
	}
	var open []bot.Approval
	require.Eventually(t, func() bool {
		var err error
		open, err = salve.Rows().Approvals(t.Context(), bot.ApprovalQuery{States: []bot.ApprovalState{bot.ApprovalPending}, Limit: decisions + 1})
		return err == nil && len(open) == decisions
	}, 2*time.Minute, 50*time.Millisecond)
	for i, a := range open {
		id, digest := a.Incident.String(), string(a.Digest)
		late := func(who int) { time.Sleep(time.Duration((i+who)%3) * 3 * time.Millisecond) } // each is ahead in turn
		var at sync.WaitGroup
		at.Go(func() { late(0); slackFake.Slash(olga, opsChannel, "approve "+id+" "+digest) })
		at.Go(func() {
			late(1)
			discordFake.Slash(discordOlga, discordtest.General, "approve", map[string]string{"incident": id, "digest": digest})
		})
		at.Go(func() {
			late(2)
			_, _ = salve.Do(t.Context(), bot.Command{Verb: bot.VerbApprove, Incident: a.Incident, Digest: digest}) // one of the three is first
		})
		at.Wait()
	}
	require.Eventually(t, func() bool { return int(s.healed.Load()) > decisions-1 }, 2*time.Minute, 50*time.Millisecond)
	by := map[string]int{}
	for _, a := range open {
		now, err := salve.Rows().Approval(t.Context(), a.ID)
		require.NoError(t, err)
		require.Equal(t, bot.ApprovalApproved, now.State, a.ID)
		require.Len(t, now.Votes, 1, a.ID)
		runs, err := salve.Rows().Runs(t.Context(), bot.RunQuery{Incident: a.Incident})
		require.NoError(t, err)
		require.Len(t, runs, 1, a.ID)
		by[now.DecidedBy.Surface]++
	}
	require.Equal(t, decisions, int(s.healed.Load()), "each was carried out once")
	for _, surface := range []string{"slack", "discord", "cli"} {
		require.NotZero(t, by[surface], "each of them was first at times: %v", by)
	}
	require.NoError(t, salve.end())
}

// manyAlerts sends alerts that are incidents of their own, each about another
// shop.
func manyAlerts(t *testing.T, base string, from, count int) {
	t.Helper()
	for i := from; i < from+count; i++ {
		body := fmt.Sprintf(`{"version":"4","groupKey":"g%[1]d","alerts":[{"status":"firing","labels":{"alertname":"ShopIll","severity":"high","service":"shop-%[1]d"},
"annotations":{},"startsAt":"2026-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"%016[1]x"}]}`, i+1)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/hooks/prod", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+hookToken)
		code, said := exchange(t, req)
		require.Equal(t, 200, code, said)
	}
}
