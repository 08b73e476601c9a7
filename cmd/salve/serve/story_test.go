package serve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/integrations/control"
	"salve/integrations/slack/slacktest"
)

// More people of the workspace than olga, guest and stranger.
const (
	omar     = "U0OMAR0001" // on call, as olga
	robot    = "U0ROBOT001" // in the user group, and a bot
	outsider = "U0OUTSIDE1" // in the user group, and of another organisation
	lesser   = "U0LESSER01" // in the user group, and a guest
)

// clinic heals each target by itself and counts.
type clinic struct {
	*httptest.Server
	mu     sync.Mutex
	healed map[string]int
	hold   chan struct{} // healing waits until it is closed; nil: it does not
	sick   bool          // healing does not help
}

func newClinic(t testing.TB) *clinic {
	t.Helper()
	c := &clinic{healed: map[string]int{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target := r.URL.Query().Get("of")
		c.mu.Lock()
		hold := c.hold
		if r.Method == http.MethodPost {
			c.healed[target]++
		} else if c.healed[target] == 0 || c.sick {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		c.mu.Unlock()
		if r.Method == http.MethodPost && hold != nil {
			select {
			case <-hold:
			case <-r.Context().Done():
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *clinic) times(target string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.healed[target]
}

const clinicPlaybook = `name: heal
title: Heal it
description: Asks the clinic to heal the target.
owner: tests
risk: low
match: alert.labels["alertname"] == "Ill"
target: alert.labels["service"]
mode: auto
auto_below: medium
approvers: [oncall]
cooldown: 1s
expires_in: %[2]s
params:
  doses: {type: integer, min: 1, max: 9, default: 1, docs: How many doses.}
steps:
  - id: heal
    title: Heal it
    uses: http
    repeat: safe # healing twice heals once
    timeout: 20s
    with: {url: "%[1]s/heal?of=${{ alert.labels[\"service\"] }}&doses=${{ params.doses }}", method: POST}
verify:
  within: 3s
  every: 1s
  checks:
    - id: healthy
      uses: http
      with: {url: "%[1]s/?of=${{ alert.labels[\"service\"] }}"}
      expect: status == 200
`

// setting is how a story differs from the usual one.
type setting struct {
	slack   slacktest.Options
	expires string // of questions; "": 1h
	config  func(*config.Config)
}

// story is a Salve with its Slack and with what it heals.
type story struct {
	*running
	*testing.T
	fake   *slacktest.Slack
	clinic *clinic
	cfg    config.Config
}

// tell begins a story.
func tell(t *testing.T, s setting) *story {
	t.Helper()
	st := prepare(t, s)
	st.running = run(t, st.cfg)
	st.ready()
	return st
}

func (st *story) ready() {
	st.Helper()
	if st.cfg.Slack.Socket() {
		require.True(st, st.fake.Await(20*time.Second, func() bool { return st.fake.Sockets() == 1 }))
	}
}

// prepare is a story in which Salve does not run so far.
func prepare(t *testing.T, s setting) *story {
	t.Helper()
	if s.slack.AckWithin == 0 {
		s.slack.AckWithin = waiting // a busy machine is not what is tested
	}
	st := &story{T: t, clinic: newClinic(t), fake: newSlack(t, s.slack)}
	st.fake.AddUser(slacktest.User{ID: omar, Name: "omar"})
	st.fake.AddUser(slacktest.User{ID: robot, Name: "robbie", Bot: true})
	st.fake.AddUser(slacktest.User{ID: lesser, Name: "les", OneGuest: true})
	st.fake.AddUser(slacktest.User{ID: outsider, Name: "out", Team: "T0OTHER001"})
	st.onCall(olga, omar, robot, lesser, outsider)
	st.cfg = withSlack(setUp(t, &shop{Server: st.clinic.Server}), st.fake)
	book := fmt.Appendf(nil, clinicPlaybook, st.clinic.URL, orElse(s.expires, "1h"))
	require.NoError(t, os.WriteFile(filepath.Join(st.cfg.Playbooks.Dirs[0], "heal.yaml"), book, 0o600))
	if s.config != nil {
		s.config(&st.cfg)
	}
	return st
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (st *story) onCall(users ...string) {
	st.fake.AddGroup(slacktest.Group{ID: oncallIDs, Handle: "oncall", Users: users})
}

// ill sends an alert that a target is ill.
func (st *story) ill(target string, more map[string]string) {
	st.Helper()
	st.tells("firing", target, more, nil)
}

func (st *story) tells(status, target string, more, annotations map[string]string) {
	st.Helper()
	labels := map[string]string{"alertname": "Ill", "severity": "high", "service": target}
	maps.Copy(labels, more)
	body, err := json.Marshal(map[string]any{
		"version": "4", "receiver": "x", "status": status, "truncatedAlerts": 0, "groupKey": "{}:{" + target + "}", "groupLabels": labels,
		"commonLabels": map[string]string{}, "commonAnnotations": map[string]string{}, "externalURL": "",
		"alerts": []any{map[string]any{
			"status": status, "labels": labels, "annotations": annotations, "startsAt": "2026-01-01T00:00:00Z",
			"endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": fmt.Sprintf("%016x", sumOf(target)),
		}},
	})
	require.NoError(st, err)
	req, err := http.NewRequestWithContext(st.Context(), http.MethodPost, st.URL()+"/v1/hooks/prod", bytes.NewReader(body))
	require.NoError(st, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+hookToken)
	code, answer := exchange(st.T, req)
	require.Equal(st, 200, code, answer)
}

func sumOf(s string) (n uint64) {
	for _, c := range []byte(s) {
		n = n*31 + uint64(c)
	}
	return n
}

// reads waits for the newest message of the channel that holds all the words.
func (st *story) reads(words ...string) slacktest.Message {
	st.Helper()
	return st.readsIn(opsChannel, words...)
}

func (st *story) readsIn(channel string, words ...string) slacktest.Message {
	st.Helper()
	var found slacktest.Message
	require.True(st, st.fake.Await(30*time.Second, func() bool {
		for _, m := range slices.Backward(st.fake.Messages(channel)) {
			if st.holds(m, words...) {
				found = m
				return true
			}
		}
		return false
	}), "nothing reads %q: %s", words, seen(st.fake))
	return found
}

func (st *story) holds(m slacktest.Message, words ...string) bool {
	text := st.fake.Render(m)
	return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) })
}

// asks makes a target ill and waits for the card that asks about it.
func (st *story) asks(target string) (slacktest.Message, bot.Approval) {
	st.Helper()
	st.ill(target, nil)
	a := st.question(target)
	return st.card(a.Incident, "Approve"), a
}

// card waits for the card of an incident that holds all the words.
func (st *story) card(id bot.IncidentID, words ...string) slacktest.Message {
	st.Helper()
	var found slacktest.Message
	require.True(st, st.fake.Await(2*time.Minute, func() bool {
		for _, m := range st.cards(id) {
			if found = m; st.holds(m, words...) {
				return true
			}
		}
		return false
	}), "no card of %s reads %q: %s", id, words, seen(st.fake))
	return found
}

// cards are the messages with a head that stand in no thread and name the incident.
func (st *story) cards(id bot.IncidentID) (out []slacktest.Message) {
	for _, m := range st.fake.Messages(opsChannel) {
		if m.Thread == "" && m.User == slacktest.BotUser && strings.HasPrefix(st.fake.Render(m), "# ") && strings.Contains(st.fake.Render(m), id.String()+" ") {
			out = append(out, m)
		}
	}
	return out
}

// question waits for the newest question about a target.
func (st *story) question(target string) (found bot.Approval) {
	st.Helper()
	require.Eventually(st, func() bool {
		all, err := st.Store().Approvals(st.Context(), bot.ApprovalQuery{States: []bot.ApprovalState{bot.ApprovalPending}, Limit: 1000})
		require.NoError(st, err)
		for _, a := range all {
			if a.Target == target && a.ID > found.ID {
				found = a
			}
		}
		return found.ID != 0
	}, 30*time.Second, 5*time.Millisecond, "nobody is asked about %s", target)
	return found
}

// edits lets omar ask for other parameters; the question takes the other's place.
func (st *story) edits(a bot.Approval, doses int) (b bot.Approval) {
	st.Helper()
	st.whispered(st.fake.Slash(omar, opsChannel, fmt.Sprintf("run heal %s doses=%d", a.Incident, doses)))
	require.Eventually(st, func() bool { b = st.question(a.Target); return b.ID != a.ID }, waiting, 5*time.Millisecond)
	return b
}

func (st *story) approval(id bot.ApprovalID) bot.Approval {
	st.Helper()
	a, err := st.Store().Approval(st.Context(), id)
	require.NoError(st, err)
	return a
}

// runsOf are the runs of an incident.
func (st *story) runsOf(id bot.IncidentID) []bot.Run {
	st.Helper()
	runs, err := st.Store().Runs(st.Context(), bot.RunQuery{Incident: id})
	require.NoError(st, err)
	return runs
}

// fixes waits for the only run of an incident to have fixed it.
func (st *story) fixes(id bot.IncidentID) bot.Run {
	st.Helper()
	var runs []bot.Run
	require.Eventually(st, func() bool {
		runs = st.runsOf(id)
		return len(runs) > 0 && runs[0].State == bot.RunFixed
	}, 30*time.Second, 5*time.Millisecond, "%v", runs)
	require.Len(st, runs, 1)
	return runs[0]
}

func (st *story) events(id bot.IncidentID, kind bot.EventKind) (out []bot.Event) {
	st.Helper()
	all, err := st.Store().Events(st.Context(), bot.EventQuery{Incident: id, Limit: 1000})
	require.NoError(st, err)
	for _, e := range all {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// whispered is what somebody alone was told about what they did.
func (st *story) whispered(h slacktest.Heard, words ...string) slacktest.Ephemeral {
	st.Helper()
	require.True(st, h.Acked, "it was not acknowledged: status %d", h.Status)
	var text string
	var found slacktest.Ephemeral
	require.True(st, st.fake.Await(10*time.Second, func() bool {
		for _, e := range h.Ephemerals() {
			found, text = e, st.fake.Render(e.Message)
			if st.holds(e.Message, words...) {
				return true
			}
		}
		return false
	}), "it was told %q and not %q", text, words)
	return found
}

// nothingDone requires that a question waits as it did.
func (st *story) nothingDone(a bot.Approval) {
	st.Helper()
	now := st.approval(a.ID)
	require.Equal(st, bot.ApprovalPending, now.State)
	require.Empty(st, now.Votes)
	require.Empty(st, st.runsOf(a.Incident))
	require.Zero(st, st.clinic.times(a.Target))
}

// decidedOnce requires that a question was decided by one person, and led to so
// many runs.
func (st *story) decidedOnce(a bot.Approval, state bot.ApprovalState, runs int) {
	st.Helper()
	now := st.approval(a.ID)
	require.Equal(st, state, now.State)
	require.Len(st, now.Votes, 1)
	require.Len(st, st.runsOf(a.Incident), runs)
	require.Len(st, st.events(a.Incident, bot.EventVoted), 1)
}

// adds makes somebody known who may decide.
func (st *story) adds(id bot.PersonID, identities ...bot.Identity) {
	st.Helper()
	require.NoError(st, st.People().Add(st.Context(), bot.Salve, bot.Person{
		ID: id, Name: string(id), Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}, Identities: identities,
	}))
}

// console is the control interface with somebody's token.
func (st *story) console(id bot.PersonID) *control.Client {
	st.Helper()
	token, _, err := st.People().Issue(st.Context(), bot.Salve, bot.Token{Kind: bot.TokenAPI, Person: id}, time.Hour)
	require.NoError(st, err)
	client, err := control.NewHTTPClient(st.URL(), secret.New(token))
	require.NoError(st, err)
	return client
}

// overHTTP is the configuration and the fake for the other transport.
func (st *story) overHTTP() {
	address, err := url.JoinPath(st.URL(), "/v1/slack")
	require.NoError(st, err)
	st.fake.OverHTTP(slacktest.Endpoints{Commands: address, Interactions: address, Events: address})
}

func httpTransport(c *config.Config) {
	c.Slack.Transport, c.Slack.AppToken, c.Slack.SigningSecret = config.SlackHTTP, "", "env:SLACK_SIGNING"
}

// waiting is how long anything may take before a test gives up on it.
const waiting = 30 * time.Second

func uid() string { return fmt.Sprint(os.Getuid()) }

// filled waits until an opened form is no empty one any more: until it has the
// text.
func (st *story) filled(v slacktest.View, text string) slacktest.View {
	st.Helper()
	require.True(st, st.fake.Await(waiting, func() bool {
		now, ok := st.fake.View(v.ID)
		v = now
		return ok && strings.Contains(st.fake.RenderView(now), text)
	}), "the form does not read %q: %s", text, st.fake.RenderView(v))
	return v
}
