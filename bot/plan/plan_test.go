package plan_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/plan"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func actions() map[string]bot.ActionInfo {
	return map[string]bot.ActionInfo{
		"http": {Name: "http", Effect: bot.EffectChanges, Probe: true, Args: map[string]bot.ArgInfo{
			"url": {Kind: bot.ArgURL, Required: true}, "method": {Kind: bot.ArgString, Values: []string{"GET", "POST"}},
			"headers": {Kind: bot.ArgMap}, "body": {Kind: bot.ArgJSON}, "text": {Kind: bot.ArgString}, "bearer": {Kind: bot.ArgSecret}, "expect_status": {Kind: bot.ArgInt},
		}},
		"command": {Name: "command", Args: map[string]bot.ArgInfo{"argv": {Kind: bot.ArgArgv, Required: true}}},
		"wait":    {Name: "wait", Effect: bot.EffectReads, Args: map[string]bot.ArgInfo{"for": {Kind: bot.ArgDuration, Required: true}}},
	}
}

func playbook() bot.Playbook {
	five := int64(5)
	return bot.Playbook{
		Name: "restart", Owner: "ops", Author: "carol", Hash: "h", Target: `alert.labels["instance"]`, Targets: []string{`web-[0-9]+`},
		Mode: bot.ModeAuto, AutoBelow: bot.SeverityMedium, Approvers: []string{"oncall"}, Quorum: 2, Risk: bot.RiskLow, Cooldown: bot.Duration(time.Minute),
		Params: map[string]bot.Param{
			"service": {Type: bot.ParamString, Pattern: `[a-z-]+`, Default: "${{ alert.labels.service }}"},
			"count":   {Type: bot.ParamInteger, Default: "2", Max: &five},
			"how":     {Type: bot.ParamEnum, Values: []string{"soft", "hard"}, Default: "soft"},
			"wait":    {Type: bot.ParamDuration, Default: "90s"},
		},
		Steps: []bot.StepSpec{
			{ID: "call", Uses: "http", With: map[string]any{
				"url": "https://api.example.com/v1/${{ params.service }}/restart?by=${{ incident.id }}&note=${{ alert.labels.note }}", "method": "POST",
				"headers": map[string]any{"X-Service": "${{ params.service }}"}, "bearer": "env:TOKEN",
				"body":          map[string]any{"n": "${{ incident.firing }}", "labels": "${{ alert.labels }}", "list": []any{uint64(1), "a ${{ params.how }}", true, nil, 1.5}},
				"expect_status": uint64(202),
			}, Undo: &bot.StepSpec{Uses: "command", With: map[string]any{"argv": []any{"/bin/undo", "${{ params.service }}"}}}},
			{ID: "pause", Uses: "wait", With: map[string]any{"for": "${{ params.wait }}"}},
		},
		Verify: &bot.VerifySpec{Within: bot.Duration(time.Minute), Every: bot.Duration(time.Second), Checks: []bot.CheckSpec{
			{ID: "up", Uses: "http", With: map[string]any{"url": "https://api.example.com/health"}, Expect: "status == 200"}, {ID: "over", Uses: "resolved"},
		}},
	}
}

func alert() bot.Alert {
	return bot.Alert{
		AlertKey: bot.AlertKey{Source: "prod", Fingerprint: "f", StartsAt: now}, Severity: bot.SeverityLow,
		Labels: map[string]string{"instance": "web-1", "service": "shop", "note": "a b&c=/d?e"},
	}
}

func input() plan.Input {
	return plan.Input{Playbook: "restart", Incident: bot.Incident{ID: 142, Fold: bot.Fold{Firing: 3}}, Alert: alert(), Now: now}
}

func compile(t *testing.T, p bot.Playbook) *plan.Set {
	t.Helper()
	s, err := plan.Compile([]bot.Playbook{p}, actions())
	require.NoError(t, err)
	return s
}

func TestAPlanHoldsEverythingThatWillRun(t *testing.T) {
	t.Parallel()
	p, err := compile(t, playbook()).Build(input())
	require.NoError(t, err)
	require.Equal(t, "web-1", p.Target)
	require.Equal(t, map[string]string{"service": "shop", "count": "2", "how": "soft", "wait": "1m30s"}, p.Params)
	args := p.Steps[0].Args
	require.Equal(t, "https://api.example.com/v1/shop/restart?by=I-142&note=a+b%26c%3D%2Fd%3Fe", args["url"])
	require.Equal(t, map[string]any{"X-Service": "shop"}, args["headers"])
	require.Equal(t, "env:TOKEN", args["bearer"], "a reference, never the value")
	require.Equal(t, map[string]any{
		"n": 3.0, "labels": map[string]any{"instance": "web-1", "service": "shop", "note": "a b&c=/d?e"}, "list": []any{1.0, "a soft", true, nil, 1.5},
	}, args["body"])
	require.Equal(t, []any{"/bin/undo", "shop"}, p.Steps[0].Undo.Args["argv"])
	require.Equal(t, "1m30s", p.Steps[1].Args["for"])
	require.Equal(t, bot.RepeatNever, p.Steps[0].Repeat)
	require.Equal(t, bot.Duration(30*time.Second), p.Steps[0].Timeout)
	require.Equal(t, bot.EffectUnknown, p.Steps[0].Undo.Effect)
	require.Equal(t, []bot.PersonID{"carol"}, p.Rule.Excluded, "nobody else has reviewed her version")
	require.Equal(t, "resolved", p.Verify.Checks[1].Probe)
	require.Len(t, string(p.Digest), 64)
	require.Equal(t, bot.SeverityMedium, p.AutoBelow)
	require.Zero(t, p.ID)
}

func TestADigestSurvivesStorage(t *testing.T) {
	t.Parallel()
	p, err := compile(t, playbook()).Build(input())
	require.NoError(t, err)
	b, err := json.Marshal(p)
	require.NoError(t, err)
	var stored bot.Plan
	require.NoError(t, json.Unmarshal(b, &stored))
	require.Equal(t, p, stored)
	d, err := stored.ComputeDigest()
	require.NoError(t, err)
	require.Equal(t, p.Digest, d)
	again, err := compile(t, playbook()).Build(input())
	require.NoError(t, err)
	require.Equal(t, p.Digest, again.Digest)
}

func TestWhoeverAskedMayNotVote(t *testing.T) {
	t.Parallel()
	in := input()
	in.AskedBy = bot.Actor{Person: "alice", Name: "Alice"}
	p, err := compile(t, playbook()).Build(in)
	require.NoError(t, err)
	require.Equal(t, []bot.PersonID{"alice", "carol"}, p.Rule.Excluded)

	reviewed := playbook()
	reviewed.ReviewedBy = "bob"
	p, err = compile(t, reviewed).Build(input())
	require.NoError(t, err)
	require.Empty(t, p.Rule.Excluded)
}

func TestParamsKeepTheirBounds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		params map[string]string
		want   string
	}{
		{"unknown", map[string]string{"nope": "1"}, `there is no param "nope"; it has: count, how, service, wait`},
		{"pattern is anchored", map[string]string{"service": "shop; rm"}, `"shop; rm" does not match [a-z-]+`},
		{"enum", map[string]string{"how": "sideways"}, `"sideways" is not one of soft, hard`},
		{"not a number", map[string]string{"count": "two"}, `"two" is not a whole number`},
		{"above", map[string]string{"count": "6"}, "6 is above 5"},
		{"duration", map[string]string{"wait": "long"}, "is not a duration"},
		{"control", map[string]string{"how": "soft\n"}, "control characters"},
		{"too long", map[string]string{"service": strings.Repeat("a", 2000)}, "longer than 1024 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in := input()
			in.Params = tt.params
			_, err := compile(t, playbook()).Build(in)
			require.ErrorContains(t, err, tt.want)
		})
	}
	in := input()
	in.Alert.Labels = map[string]string{"instance": "web-1"}
	_, err := compile(t, playbook()).Build(in)
	require.ErrorContains(t, err, `param service: alert.labels.service reads "service": it is not there; give it: -p service=VALUE`)
}

func TestTargetsStayInTheirList(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"web-1": "", "web-1x": "not among the targets", "xweb-1": "not among the targets", "": "it is empty",
		"web-1 ": "begins or ends with a space", "web-1\xff": "not valid UTF-8", "web-1\n": "cannot be seen", "web-\u202e1": "cannot be seen", strings.Repeat("a", 300): "longer than 256 bytes",
	} {
		a := alert()
		a.Labels["instance"] = target
		got, err := compile(t, playbook()).Target("restart", a, bot.Incident{})
		if want == "" {
			require.NoError(t, err)
			require.Equal(t, target, got)
			continue
		}
		require.ErrorContains(t, err, want, "%q", target)
	}
	_, err := compile(t, playbook()).Target("other", alert(), bot.Incident{})
	require.ErrorContains(t, err, `there is no playbook "other"`)
}

func one(uses string, with map[string]any) bot.Playbook {
	return bot.Playbook{Name: "restart", Target: `"t"`, Steps: []bot.StepSpec{{ID: "s", Uses: uses, With: with}}}
}

func TestWhatIsLiteralMustBeLiteral(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, uses string
		with       map[string]any
		want       string
	}{
		{"host from an alert", "http", map[string]any{"url": "http://${{ alert.labels.h }}/x"}, "scheme and host must be literal"},
		{"part of a host", "http", map[string]any{"url": "http://a${{ alert.labels.h }}.example/x"}, "scheme and host must be literal"},
		{"port from an alert", "http", map[string]any{"url": "http://a:${{ alert.labels.h }}/x"}, "address"},
		{"host by prefix", "http", map[string]any{"url": "http://a.example${{ alert.labels.h }}"}, "scheme and host must be literal"},
		{"whole address", "http", map[string]any{"url": "${{ alert.labels.h }}"}, "write http:// or https://"},
		{"user in the address", "http", map[string]any{"url": "http://u:p@a/x"}, "no user"},
		{"other scheme", "http", map[string]any{"url": "file:///etc/passwd"}, "write http:// or https://"},
		{"program from an alert", "command", map[string]any{"argv": []any{"${{ alert.labels.p }}", "x"}}, "the program must be literal"},
		{"argv as text", "command", map[string]any{"argv": "rm -rf /"}, "it is a list"},
		{"secret from an alert", "http", map[string]any{"url": "http://a/", "bearer": "env:${{ alert.labels.s }}"}, "literal reference"},
		{"a secret's value", "http", map[string]any{"url": "http://a/", "bearer": "hunter2"}, "not a secret reference"},
		{"query name from an alert", "http", map[string]any{"url": "http://a/?${{ alert.labels.n }}=1"}, "the names in the query must be literal"},
		{"a second query name", "http", map[string]any{"url": "http://a/?a=1&b${{ alert.labels.n }}=1"}, "the names in the query must be literal"},
		{"fragment from an alert", "http", map[string]any{"url": "http://a/#${{ alert.labels.n }}"}, "no fragment"},
		{"header name from an alert", "http", map[string]any{"url": "http://a/", "headers": map[string]any{"${{ alert.labels.n }}": "x"}}, "is literal"},
		{"header with a line break", "http", map[string]any{"url": "http://a/", "headers": map[string]any{"X-A": "a\r\nX-B: b"}}, "control character"},
		{"a value that is not among those", "http", map[string]any{"url": "http://a/", "method": "BREW"}, `"BREW" is not one of GET, POST`},
		{"relative program", "command", map[string]any{"argv": []any{"./run"}}, "depends on where it is run from"},
		{"climbing program", "command", map[string]any{"argv": []any{"/bin/../tmp/run"}}, "depends on where it is run from"},
		{"option for a program", "command", map[string]any{"argv": []any{"--help"}}, "is not a program"},
		{"NUL in an argument", "command", map[string]any{"argv": []any{"/bin/echo", "a\x00b"}}, "control character at byte 1"},
		{"undeclared param", "command", map[string]any{"argv": []any{"/bin/echo", "${{ params.servce }}"}}, `there is no param "servce"; the playbook has: none`},
		{"undeclared param in data", "http", map[string]any{"url": "http://a/", "body": map[string]any{"l": []any{"${{ params.x }}"}}}, `there is no param "x"`},
		{"unknown argument", "http", map[string]any{"url": "http://a/", "urk": "x"}, `http has no argument "urk"`},
		{"missing argument", "http", map[string]any{}, "http needs the argument url"},
		{"unknown action", "ftp", nil, `there is no action "ftp"`},
		{"inexact number", "http", map[string]any{"url": "http://a/", "body": int64(1) << 60}, "too large to be exact"},
		{"bad duration", "wait", map[string]any{"for": "soon"}, "is not a duration"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := plan.Compile([]bot.Playbook{one(tt.uses, tt.with)}, actions())
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

// climbing are those of the hostile texts that some server might take for a way
// out of the path.
var climbing = []string{"..", ".", "../../etc/passwd", "%2e%2e", "..\\..\\x", "..;/x", "%252e%252e", "a/../b"}

// hostile are texts that have broken other tools when they came from an alert.
var hostile = []string{
	"; rm -rf /", "$(id)", "`id`", "a b", "'", `"`, "{{7*7}}", "${7*7}", "${{ 1 }}", "%0a", "..", ".", "../../etc/passwd", "a/b", "a\\b", "//evil.example",
	"@evil.example", "evil.example:80", "?x=1", "#frag", "&admin=1", "%2e%2e", "%2f", "http://evil.example/", "<script>alert(1)</script>", "<!channel>", "--server=https://evil.example",
	"..\\..\\x", "..;/x", "%252e%252e", "a/../b", "100%", "a;b", "{{ .Values }}", "{% raw %}", "<%= 7*7 %>", "#{7*7}", "@{x}", "%s%n", "${IFS}", "a'||'b", "\u202etxt", "ﬀ",
	"-A", "é", "日本", "a\u200bb", strings.Repeat("x", 3000),
}

func TestHostileTextStaysData(t *testing.T) {
	t.Parallel()
	web := compile(t, one("http", map[string]any{"url": "https://api.example.com/v1/${{ alert.labels.x }}/go?q=${{ alert.labels.x }}", "body": "${{ alert.labels.x }}"}))
	run := compile(t, one("command", map[string]any{"argv": []any{"/bin/echo", "${{ alert.labels.x }}", "--name=${{ alert.labels.x }}"}}))
	for _, text := range hostile {
		in := input()
		in.Alert.Labels = map[string]string{"x": text}
		if p, err := web.Build(in); err == nil {
			u := p.Steps[0].Args["url"].(string)
			require.True(t, strings.HasPrefix(u, "https://api.example.com/v1/"), u)
			require.Equal(t, 5, strings.Count(u, "/"), "%q made segments: %s", text, u)
			require.Equal(t, 1, strings.Count(u, "?"), u)
			require.NotContains(t, u, "#")
			require.NotContains(t, u[strings.Index(u, "?"):], "&")
			require.Equal(t, text, p.Steps[0].Args["body"], "JSON holds it as it is")
		} else {
			require.Contains(t, climbing, text, err.Error())
		}
		p, err := run.Build(in)
		if strings.HasPrefix(text, "-") {
			require.ErrorContains(t, err, "begins with a dash and would be an option")
			continue
		}
		require.NoError(t, err)
		require.Equal(t, []any{"/bin/echo", text, "--name=" + text}, p.Steps[0].Args["argv"], "one template is one element")
	}
	for _, text := range []string{"a\nb", "a\x00b", "a\rb", "\x1b[31m"} {
		in := input()
		in.Alert.Labels = map[string]string{"x": text}
		_, err := web.Build(in)
		require.ErrorContains(t, err, "control character", "%q", text)
		_, err = run.Build(in)
		require.ErrorContains(t, err, "control character", "%q", text)
	}
}

func TestUndoIsWhatActedNewestFirst(t *testing.T) {
	t.Parallel()
	of := bot.Plan{Incident: 1, Playbook: "p", Target: "t", Rule: bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1, Excluded: []bot.PersonID{"carol"}}}
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		st := bot.PlanStep{ID: id, Action: "http", Undo: &bot.PlanStep{ID: id, Action: "undo " + id}}
		if id == "d" {
			st.Undo = nil
		}
		of.Steps = append(of.Steps, st)
	}
	run := bot.Run{ID: 9, Steps: []bot.Step{
		{ID: "a", State: bot.StepSucceeded}, {ID: "b", State: bot.StepUnknown}, {ID: "c", State: bot.StepSucceeded},
		{ID: "d", State: bot.StepSucceeded}, {ID: "e", State: bot.StepFailed, Untouched: true}, {ID: "c", Undo: true, State: bot.StepSucceeded},
		{ID: "f", State: bot.StepPlanned, Attempt: 1}, // to be repeated: nobody knows what the first attempt did
	}}
	p, err := plan.Undo(run, of, bot.Actor{Person: "alice"}, now)
	require.NoError(t, err)
	require.Equal(t, bot.PlanUndo, p.Kind)
	require.Equal(t, bot.RunID(9), p.Undoes)
	require.Equal(t, []string{"undo-f", "undo-b", "undo-a"}, []string{p.Steps[0].ID, p.Steps[1].ID, p.Steps[2].ID})
	require.Len(t, p.Steps, 3)
	require.Equal(t, []bot.PersonID{"alice", "carol"}, p.Rule.Excluded, "an author whom nobody has reviewed stays excluded")
	require.NotEmpty(t, p.Digest)

	_, err = plan.Undo(bot.Run{ID: 9}, of, bot.Actor{}, now)
	require.ErrorContains(t, err, "R-9 did nothing that the playbook p can undo")
}

func TestAnyTextEitherRendersWholeOrIsRefused(t *testing.T) {
	t.Parallel()
	s := compile(t, one("command", map[string]any{"argv": []any{"/bin/echo", "${{ alert.labels.x }}"}}))
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		in := input()
		in.Alert.Labels = map[string]string{"x": text}
		p, err := s.Build(in)
		if err != nil {
			return
		}
		require.Equal(t, []any{"/bin/echo", text}, p.Steps[0].Args["argv"])
	})
}

func FuzzURL(f *testing.F) {
	for _, h := range hostile {
		f.Add(h, h)
	}
	p := one("http", map[string]any{"url": "https://api.example.com/a/${{ alert.labels.x }}/b-${{ alert.labels.y }}?q=${{ alert.labels.x }}"})
	s, err := plan.Compile([]bot.Playbook{p}, actions())
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, x, y string) {
		in := input()
		in.Alert.Labels = map[string]string{"x": x, "y": y}
		got, err := s.Build(in)
		if err != nil {
			return
		}
		u, err := url.Parse(got.Steps[0].Args["url"].(string))
		require.NoError(t, err)
		require.Equal(t, "https://api.example.com", u.Scheme+"://"+u.Host)
		require.Nil(t, u.User)
		require.Len(t, strings.Split(u.EscapedPath(), "/"), 4)
		require.NotContains(t, strings.Split(u.Path, "/"), "..")
		require.Equal(t, url.Values{"q": {x}}, u.Query())
	})
}
