package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/internal/trial"
	"salve/integrations/slack/slacktest"
)

const (
	slackChannel = "C0OPS00001"
	slackOnCall  = "S0ONCALL01"
	slackOlga    = "U0OLGA0001"
)

// slackConfig of a Salve that heals what is ill; %s: token file, playbooks, the
// host of what heals, and Slack's API.
const slackConfig = `sources:
  - {name: prod, type: alertmanager, bearer: "file:%s"}
playbooks: {dirs: [%s], library: false}
egress: {allow: [%q]}
slack:
  bot_token: env:SLACK_BOT
  app_token: env:SLACK_APP
  default_channel: ` + slackChannel + `
  api_url: %s
  groups: {oncall: {user_group: ` + slackOnCall + `, admit: true}}
`

const slackPlaybook = `name: heal
title: Heal it
description: Asks for the target to be healed.
owner: tests
risk: low
match: alert.labels["alertname"] == "Ill"
target: alert.labels["service"]
mode: auto
auto_below: medium
approvers: [oncall]
steps:
  - id: heal
    title: Heal it
    uses: http
    repeat: safe # healing twice heals once
    with: {url: "%[1]s/heal", method: POST}
verify:
  within: 20s
  every: 1s
  checks:
    - id: healthy
      uses: http
      with: {url: "%[1]s/"}
      expect: status == 200
`

// inSlack is the setting of a Salve in a Slack in memory.
func inSlack(t *testing.T) (trial.Setting, *slacktest.Slack) {
	t.Helper()
	fake := slacktest.New(t, slacktest.Options{Unlimited: true})
	fake.AddChannel(slacktest.Channel{ID: slackChannel, Name: "ops", Member: true})
	fake.AddUser(slacktest.User{ID: slackOlga, Name: "olga"})
	fake.AddGroup(slacktest.Group{ID: slackOnCall, Handle: "oncall", Users: []string{slackOlga}})
	healer := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(healer.Close)
	dir := shortDir(t)
	token, books := filepath.Join(dir, "token"), filepath.Join(dir, "playbooks")
	require.NoError(t, os.WriteFile(token, []byte(hookToken), 0o600))
	require.NoError(t, os.Mkdir(books, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(books, "heal.yaml"), fmt.Appendf(nil, slackPlaybook, healer.URL), 0o600))
	address, err := trial.FreeAddress()
	require.NoError(t, err)
	return trial.Setting{
		Binary: binary, Dir: dir, Listen: address, Config: fmt.Sprintf(slackConfig, token, books, host(t, healer.URL), fake.APIURL()),
		Env: []string{"SLACK_BOT=" + slacktest.BotToken, "SLACK_APP=" + slacktest.AppToken},
	}, fake
}

// falls sends the alert that a target is ill, until it is acknowledged.
func falls(t *testing.T, base, target string) {
	t.Helper()
	body := fmt.Sprintf(`{"version":"4","receiver":"x","status":"firing","truncatedAlerts":0,"groupKey":"{}:{%[1]s}","groupLabels":{},"commonLabels":{},
"commonAnnotations":{},"externalURL":"","alerts":[{"status":"firing","labels":{"alertname":"Ill","severity":"high","service":%[1]q},"annotations":{},
"startsAt":"2026-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"%016[2]x"}]}`, target, len(target)*1000+int(target[len(target)-1]))
	until(t, "the alert is taken", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/v1/hooks/prod", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+hookToken)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	})
}

// heads are the cards of an incident.
func heads(fake *slacktest.Slack, id bot.IncidentID) (out []slacktest.Message) {
	for _, m := range fake.Messages(slackChannel) {
		if text := fake.Render(m); m.Thread == "" && strings.HasPrefix(text, "# ") && strings.Contains(text, " "+id.String()+" ") {
			out = append(out, m)
		}
	}
	return out
}

// moments are how long after the click the process is killed: while it is heard,
// decided, told, carried out, verified, shown.
var moments = []time.Duration{0, 2, 5, 9, 15, 25, 40, 80, 300, 900, 1300}

func TestASalveThatIsKilledInTheMiddleOfAStoryInSlackTellsItOnce(t *testing.T) {
	t.Parallel()
	set, fake := inSlack(t)
	h := startWith(t, set)
	var ids []bot.IncidentID
	var clicks sync.WaitGroup
	for i, moment := range moments {
		target := fmt.Sprintf("db-%c", 'a'+i)
		falls(t, h.URL, target)
		var a bot.Approval
		until(t, "somebody is asked about "+target, func() bool {
			var all []bot.Approval
			require.NoError(t, h.Door.Get(t.Context(), "/v1/approvals", url.Values{"state": {"pending"}}, &all))
			for _, one := range all {
				if one.Target == target {
					a = one
				}
			}
			return a.ID != 0
		})
		ids = append(ids, a.Incident)
		if i%3 == 2 { // the card may be on its way
			time.Sleep(moment * time.Millisecond)
			h.Kill()
			h = startWith(t, set)
		}
		var card slacktest.Message
		until(t, "the card asks about "+target, func() bool {
			for _, m := range heads(fake, a.Incident) {
				if card = m; strings.Contains(fake.Render(m), "[+Approve]") {
					return true
				}
			}
			return false
		})
		clicks.Go(func() {
			for click := fake.Press(slackOlga, card, "Approve"); !click.Acked && t.Context().Err() == nil; { // as people do
				click = fake.Again(click)
			}
		})
		time.Sleep(moment * time.Millisecond)
		h.Kill()
		h = startWith(t, set)
	}
	clicks.Wait()
	for _, id := range ids {
		requireToldOnce(t, h, fake, id)
	}
	require.Contains(t, h.does(t, "audit", "verify"), "the audit log proves")
	require.NoError(t, h.Stop())
}

// requireToldOnce requires one decision, one run and one card in the end, and
// nothing twice in its thread.
func requireToldOnce(t *testing.T, h *house, fake *slacktest.Slack, id bot.IncidentID) {
	t.Helper()
	var runs []bot.Run
	until(t, "the run of "+id.String()+" is over", func() bool {
		require.NoError(t, h.Door.Get(t.Context(), "/v1/runs", url.Values{"incident": {id.String()}}, &runs))
		return len(runs) > 0 && !runs[0].Active()
	})
	require.Len(t, runs, 1)
	until(t, "the card of "+id.String()+" says so", func() bool {
		all := heads(fake, id)
		return len(all) > 0 && strings.Contains(fake.Render(all[0]), "Fixed by heal")
	})
	all := heads(fake, id)
	require.Len(t, all, 1)
	doubles := map[string]int{}
	for _, m := range fake.Thread(slackChannel, all[0].TS) {
		doubles[strings.SplitN(fake.Render(m), "\n", 2)[0]]++
	}
	for line, n := range doubles {
		require.Equal(t, 1, n, line)
	}
	var events []bot.Event
	require.NoError(t, h.Door.Get(t.Context(), "/v1/incidents/"+id.String()+"/events", nil, &events))
	voted := 0
	for _, e := range events {
		if e.Kind == bot.EventVoted {
			voted++
		}
	}
	require.Equal(t, 1, voted)
}
