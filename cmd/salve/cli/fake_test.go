package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/cmd/salve/cli"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
	"salve/integrations/slack/slacktest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) {
	time.Local = time.UTC // what people read does not depend on the machine
	os.Exit(m.Run())
}

// hostile is text from outside: colours, a hidden direction, something invisible,
// a one-byte escape, and a second line.
const hostile = "\x1b[31mred\x1b[0m \u202egpj.exe\u200b\u009b2J\nID  I-9"

// door answers from memory as a running Salve would.
type door struct {
	answers  map[string]any // by method and path
	text     string
	commands []bot.Command
	sent     []string // method, path and body of what was sent
	asked    []string // path and query of what was read
	fail     error
	changes  int // how many changes to tell before the wait is broken off
}

func (d *door) Do(_ context.Context, c bot.Command) (bot.Answer, error) {
	d.commands = append(d.commands, c)
	return bot.Answer{Text: "Done: " + hostile, Incident: c.Incident}, d.fail
}

func (d *door) Get(_ context.Context, path string, q url.Values, out any) error {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	d.asked = append(d.asked, path)
	return d.give("GET "+strings.Split(path, "?")[0], out)
}

func (d *door) give(what string, out any) error {
	if d.fail != nil {
		return d.fail
	}
	v, ok := d.answers[what]
	if !ok {
		return bot.Refuse(bot.RefusedUnknown, "There is no "+what+".", "salve incidents")
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, out)
}

func (d *door) Text(_ context.Context, path string) (string, error) {
	d.asked = append(d.asked, path)
	return d.text, d.fail
}

func (d *door) Send(_ context.Context, method, path string, in, out any) error {
	b, err := json.Marshal(in)
	if err != nil {
		return err
	}
	d.sent = append(d.sent, method+" "+path+" "+string(b))
	return d.give(method+" "+path, out)
}

func (d *door) WaitForChange(context.Context) error {
	if d.changes == 0 {
		return context.Canceled
	}
	d.changes--
	return nil
}

// result is what somebody sees who has typed a command.
type result struct {
	out, err string
	code     int
}

// typed runs a command line. The clock stands still.
func typed(t *testing.T, d *door, args ...string) result {
	t.Helper()
	var r result
	synctest.Test(t, func(t *testing.T) { r = ticking(t, d, args...) })
	return r
}

// ticking is typed for what needs the real clock, such as a socket.
func ticking(t *testing.T, d *door, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	var g struct {
		JSON bool `name:"json"`
		cli.Commands
	}
	parser, err := kong.New(&g, kong.Name("salve"), kong.BindTo(t.Context(), (*context.Context)(nil)))
	require.NoError(t, err)
	kctx, err := parser.Parse(args)
	if err != nil {
		return result{err: err.Error(), code: 2}
	}
	env := &cli.Env{Out: &out, Err: &errs, JSON: g.JSON, Dial: func() (cli.Door, error) {
		if d == nil {
			return nil, errors.New("no Salve was found")
		}
		return d, nil
	}}
	kctx.BindTo(noSecrets{}, (*secret.Resolver)(nil))
	kctx.Bind(cli.Examiner(func(ctx context.Context, cfg config.Config, x serve.Examination) { serve.Examine(ctx, cfg, tokens, x) }))
	kctx.Bind(env, cli.Loader(func(config.Config) (int, []string, error) { return 3, []string{"loose " + hostile}, nil }))
	err = kctx.Run()
	cli.Report(&errs, err)
	return result{out: out.String(), err: errs.String(), code: cli.ExitCode(err)}
}

// tokens are those of the fake Slack, and nothing else.
var tokens = envOf(map[string]string{"BOT": slacktest.BotToken, "APP": slacktest.AppToken, "STALE": "xoxb-stale-token", "KEY": "a-key-of-the-pager"})

type envOf map[string]string

func (e envOf) Resolve(_ context.Context, ref secret.Ref) (secret.Secret, error) {
	if v, ok := e[ref.Name()]; ok {
		return secret.New(v), nil
	}
	return secret.Secret{}, fmt.Errorf("environment variable %s is not set", ref.Name())
}

type noSecrets struct{}

func (noSecrets) Resolve(context.Context, secret.Ref) (secret.Secret, error) {
	return secret.New("s3cret"), nil
}

// golden holds text against a file in testdata.
func golden(t *testing.T, name, text string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err, "write it with -update")
	require.Equal(t, string(want), text)
}

// epoch is when the clock of a synctest bubble begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func ago(d time.Duration) time.Time { return epoch.Add(-d) }

var (
	rita = bot.Person{ID: "rita", Name: "Rita", Version: 4, Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}, Identities: []bot.Identity{{Surface: "unix", ID: "1000"}}}
	dora = bot.Person{ID: "dora", Name: "Dora " + hostile, Roles: []bot.Role{bot.RoleViewer, bot.RoleAdmin}, Disabled: true}
	plan = bot.Plan{
		ID: 7, Incident: 142, Playbook: "restart", Title: "Restart", Target: "web-1", Digest: "3fa9c1d2e4b5a697", Risk: bot.RiskMedium,
		Steps: []bot.PlanStep{
			{ID: "stop", Title: "Stop " + hostile, Action: "command", Args: map[string]any{"argv": []any{"/bin/stop", "a b", hostile}, "n": 1000000}, Undo: &bot.PlanStep{ID: "stop", Title: "Start again", Action: "http", Args: map[string]any{"url": "http://10.0.0.1/start", "body": ""}}},
		},
		Verify: &bot.PlanVerify{Within: bot.Duration(time.Minute), Checks: []bot.PlanCheck{{ID: "up", Probe: "http", Args: map[string]any{"url": "http://10.0.0.1/"}, Expect: "status == 200"}}},
	}
	run = bot.Run{
		ID: 88, Incident: 142, Plan: 7, Playbook: "restart", Target: "web-1", State: bot.RunWaiting, Reason: "interrupted " + hostile, CreatedAt: ago(3 * time.Minute),
		StartedAt: ago(2 * time.Minute), EndedAt: ago(time.Minute), Checks: []bot.CheckResult{{ID: "up", Fix: bot.FixUnknown, Reason: "no answer"}},
		Steps: []bot.Step{
			{ID: "look", State: bot.StepSucceeded, StartedAt: ago(2 * time.Minute), EndedAt: ago(119 * time.Second), Output: "fine " + hostile},
			{ID: "stop", State: bot.StepUnknown, StartedAt: ago(time.Minute), Error: hostile},
			{ID: "stop", Undo: true, State: bot.StepPlanned},
		},
	}
	pending = bot.Approval{ID: 5, Incident: 142, Plan: 7, Digest: plan.Digest, Playbook: "restart", Target: "web-1", State: bot.ApprovalPending, ExpiresAt: epoch.Add(9*time.Minute + 5*time.Second), Verdict: bot.Verdict{Ruling: bot.AskPerson, Rule: "severity", Reason: "high is not below medium"}}
	denied  = bot.Approval{ID: 4, Incident: 142, Digest: "00aa00aa00aa", State: bot.ApprovalDenied, DecidedBy: bot.Actor{Name: "Rita"}, Reason: "wrong host", ExpiresAt: epoch, Playbook: "restart", Target: "web-2"}
)

func card() bot.Card {
	return bot.Card{
		Incident: 142, Phase: bot.PhaseLooking, Headline: "Restart of web-1 waits for oncall.", Title: "Errors " + hostile, Severity: bot.SeverityHigh,
		Since: ago(130 * time.Minute), Firing: 2, Total: 3, Truncated: 4, Source: "prod", Owner: "Rita",
		Diagnosis: bot.Diagnosis{Summary: "web-1 hangs", Hypotheses: []bot.Hypothesis{{Cause: "the pool is full", Confidence: .8, Evidence: []string{"E1"}}}, Evidence: []bot.Evidence{{ID: "E1", Text: "seen before", Cites: "I-9"}}, Gaps: []string{"metrics: not configured"}},
		Proposals: []bot.CardProposal{
			{Approval: pending, Plan: plan, WhoMay: "1 of group oncall"},
			{Approval: pending, Plan: plan, WhoMay: "1 of group oncall", MayVote: "You asked for it."},
			{Approval: denied, Plan: bot.Plan{Playbook: "restart", Target: "web-2"}, WhoMay: "1 of group oncall"},
		},
		Runs:    []bot.CardRun{{Run: run, Plan: plan}},
		Nearest: &bot.CardNearest{Playbook: "reboot", WhyNot: "it wants a host"},
		Runbook: "https://wiki.example.org/web", Checklist: []string{"Look at the log."},
		Actions: []bot.CardAction{{Label: "Take", CLI: "salve take I-142"}},
	}
}

// full is a Salve with one of everything.
func full() *door {
	return &door{text: "# I-142 " + strings.ReplaceAll(hostile, "\n", " ") + "\n\n- noted", answers: map[string]any{
		"GET /v1/incidents": []bot.Incident{
			{ID: 142, Fold: bot.Fold{Title: "Errors " + hostile, Severity: bot.SeverityHigh, Firing: 2, FirstAt: ago(130 * time.Minute)}, Work: bot.Work{OwnerName: "Rita", Decision: bot.Decision{Headline: "Restart of web-1 waits for oncall."}}},
			{ID: 141, Fold: bot.Fold{Title: strings.Repeat("long ", 30), Severity: bot.SeverityInfo, FirstAt: ago(77 * time.Hour)}, Work: bot.Work{ClosedAt: ago(time.Hour)}},
		},
		"GET /v1/incidents/I-142": card(),
		"GET /v1/incidents/I-142/why": map[string]any{
			"headline": "It waits.", "alert": "Errors", "others": []any{map[string]any{"playbook": "reboot", "reason": "it wants a host"}, map[string]any{"playbook": "flush", "fits": true, "reason": "matches"}},
			"candidates": []bot.Candidate{{Playbook: "restart", Target: "web-1", Verdict: bot.Verdict{Ruling: bot.AskPerson, Rule: "guard", Reason: "a person is asked", Children: []bot.Verdict{{Ruling: bot.Allow, Rule: "halt", Reason: "nothing is halted"}, {Ruling: bot.Deny, Rule: "cooldown", Reason: hostile}}}}},
		},
		"GET /v1/incidents/I-142/events": []bot.Event{{Seq: 3, At: epoch, Kind: bot.EventNoted, Text: hostile}},
		"GET /v1/runs":                   []bot.Run{run, {ID: 87, Incident: 141, State: bot.RunFixed, Playbook: "flush", Target: "web-2", CreatedAt: ago(5 * time.Second)}},
		"GET /v1/runs/R-88":              bot.CardRun{Run: run, Plan: plan},
		"GET /v1/approvals":              []bot.Approval{pending, denied},
		"GET /v1/events":                 []bot.Event{{Seq: 3, At: epoch, Kind: bot.EventNoted, Actor: bot.Actor{Name: "Rita"}, Incident: 142, Run: 88, Text: hostile}},
		"GET /v1/audit/verify":           map[string]any{"chains": 1, "events": 3, "heads": []any{map[string]any{"chain": "main", "seq": 3, "hash": "abc"}}},
		"GET /v1/quarantine":             []bot.Quarantined{{ID: 3, State: bot.QuarantineHeld, Source: "prod", Reason: "not JSON: " + hostile, ReceivedAt: ago(time.Hour), Size: 12, Repeats: 2}},
		"GET /v1/quarantine/Q-3":         map[string]any{"id": "Q-3", "state": "held", "source": "prod", "reason": "not JSON", "size": 12, "received_at": ago(time.Hour), "body": "{\n  " + hostile},
		"GET /v1/playbooks":              []bot.Playbook{{Name: "flush", Mode: bot.ModeAuto, AutoBelow: bot.SeverityMedium, Risk: bot.RiskLow, Approvers: []string{"oncall", "sre"}, Also: []string{"security"}, Owner: "web", Match: "true"}},
		"GET /v1/halts":                  []bot.Halt{{Scope: bot.HaltTarget, Name: "web-1", By: bot.Actor{Name: "Rita"}, At: ago(time.Minute), Reason: hostile}},
		"GET /v1/claims":                 []bot.Claim{{Target: "db-3", Holder: "rita", Name: "Rita", At: ago(time.Minute), Until: epoch.Add(time.Hour), Reason: hostile}},
		"GET /v1/status": map[string]any{"version": "v1", "since": ago(time.Hour), "url": "http://127.0.0.1:8080", "data_dir": "/var/lib/salve", "epoch": 2, "ready": true, "playbooks": 1, "halts": 1,
			"halted":     []bot.Halt{{Scope: bot.HaltTarget, Name: "db-3", By: bot.Actor{Name: "Alice"}, Reason: "repair", At: ago(time.Minute)}},
			"queues":     []map[string]any{{"leg": "decide", "age": "1m30s", "oldest": "I-142"}, {"leg": "act", "age": "0s"}},
			"conditions": []bot.Condition{{Name: "disk-low", Severity: bot.SeverityHigh, Says: "less than 5 % of the disk is free", Do: "Free some space.", Detail: "1 of 100 bytes are free", Since: ago(time.Hour)}}},
		"GET /v1/whoami": struct {
			bot.Person
			Rights []bot.Right `json:"rights"`
		}{rita, bot.Rights(rita, []bot.Playbook{{Name: "restart", Approvers: []string{"oncall"}, Also: []string{"security"}}}, "resumers")},
		"GET /v1/oncall": []map[string]any{
			{"source": "pagerduty P1", "error": "it answers 500 " + hostile},
			{"source": "icalendar", "people": []bot.Contact{{Name: "Ann " + hostile, Email: "ann@example.com", Until: epoch}, {Name: "bob@example.com", Email: "bob@example.com"}}, "decides": true},
			{"source": "slack", "group": "S0123456789"}, {"source": "opsgenie ops"},
		},
		"POST /v1/pages/test":        []map[string]any{{"pager": "pd", "ok": true, "says": "it was taken and resolved"}, {"pager": "mail", "ok": false, "says": "refused " + hostile}},
		"GET /v1/people":             []bot.Person{rita, dora},
		"GET /v1/people/rita":        rita,
		"GET /v1/people/rita/tokens": []bot.Token{{Hash: "abcdef0123456789", Kind: bot.TokenAPI, Person: "rita", Label: "laptop", ExpiresAt: epoch.Add(time.Hour)}, {Hash: "0123456789ab", Kind: bot.TokenLogin, Person: "rita", ExpiresAt: epoch}},
		"POST /v1/people":            rita, "PUT /v1/people/rita": rita, "POST /v1/people/rita/disable": rita, "POST /v1/people/rita/enable": rita,
		"POST /v1/people/rita/login-link":          map[string]any{"url": "https://salve.example.org/login?token=once", "expires_at": epoch.Add(15 * time.Minute)},
		"POST /v1/people/rita/tokens":              map[string]any{"secret": "salve_api_fresh", "expires_at": epoch.Add(90 * 24 * time.Hour)},
		"DELETE /v1/people/rita/tokens/abcdef0123": map[string]any{"revoked": true},
	}}
}
