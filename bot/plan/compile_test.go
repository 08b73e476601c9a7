package plan_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/plan"
)

func TestADeclarationThatNoValueFitsIsRefused(t *testing.T) {
	t.Parallel()
	one, two := int64(1), int64(2)
	tests := []struct {
		name  string
		param bot.Param
		want  string
	}{
		{"no type", bot.Param{}, "write string, enum, integer or duration"},
		{"string without a pattern", bot.Param{Type: bot.ParamString}, "a string needs a pattern"},
		{"pattern that ends its group", bot.Param{Type: bot.ParamString, Pattern: `a)|(?:.*`}, "pattern: "},
		{"enum without values", bot.Param{Type: bot.ParamEnum}, "an enum needs its values"},
		{"bounds the wrong way round", bot.Param{Type: bot.ParamInteger, Min: &two, Max: &one}, "no number is from 2 to 1"},
		{"default out of bounds", bot.Param{Type: bot.ParamInteger, Default: "0", Min: &one}, "default: 0 is below 1; write that or more"},
		{"default not among the values", bot.Param{Type: bot.ParamEnum, Default: "c", Values: []string{"a", "b"}}, `"c" is not one of a, b; write one of them`},
		{"default that does not match", bot.Param{Type: bot.ParamString, Default: "x y", Pattern: `\w+`}, "does not match"},
		{"default from another param", bot.Param{Type: bot.ParamString, Default: "${{ params.p }}", Pattern: `\w+`}, `there is no param "p"`},
		{"default that does not compile", bot.Param{Type: bot.ParamString, Default: "${{ alert.nope }}", Pattern: `\w+`}, "1:5: undeclared reference"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := playbook()
			p.Params["p"] = tt.param
			_, err := plan.Compile([]bot.Playbook{p}, actions())
			require.ErrorContains(t, err, "playbook restart: param p: ")
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestMistakesInAPlaybookAreFoundWhenItIsCompiled(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*bot.Playbook)
		want   string
	}{
		{"a target pattern that ends its group", func(p *bot.Playbook) { p.Targets = []string{`web)|(db`} }, "targets: "},
		{"a target from a param that there is not", func(p *bot.Playbook) { p.Target = "params.host" }, `target: there is no param "host"; the playbook has: count, how, service, wait`},
		{"two steps of one id", func(p *bot.Playbook) { p.Steps[1].ID = "call" }, `there are two steps with the id "call"`},
		{"a step without an id", func(p *bot.Playbook) { p.Steps[1].ID = "" }, "step 2 has no id"},
		{"two checks of one id", func(p *bot.Playbook) { p.Verify.Checks[1].ID = "up" }, `there are two checks with the id "up"`},
		{"an undo of an undo", func(p *bot.Playbook) { p.Steps[0].Undo.Undo = &bot.StepSpec{} }, "an undo has no undo of its own"},
		{"a probe that there is not", func(p *bot.Playbook) { p.Verify.Checks[0].Uses = "command" }, `there is no probe "command"`},
		{"an expectation that does not compile", func(p *bot.Playbook) { p.Verify.Checks[0].Expect = "status = 200" }, "check up: expect: 1:"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := playbook()
			tt.change(&p)
			_, err := plan.Compile([]bot.Playbook{p}, actions())
			require.ErrorContains(t, err, tt.want)
		})
	}
	_, err := plan.Compile([]bot.Playbook{playbook(), playbook()}, actions())
	require.ErrorContains(t, err, "there are two of that name")
}

func TestDataKeepsItsLineBreaks(t *testing.T) {
	t.Parallel()
	s := compile(t, one("http", map[string]any{"url": "https://a.example/", "body": map[string]any{"note": "Alert: ${{ alert.annotations.d }}"}}))
	in := input()
	in.Alert.Annotations = map[string]string{"d": "first\nsecond\t<b> & \u202e"}
	p, err := s.Build(in)
	require.NoError(t, err)
	require.Equal(t, map[string]any{"note": "Alert: first\nsecond\t<b> & \u202e"}, p.Steps[0].Args["body"])
	in.Alert.Annotations["d"] = "a\xffb"
	_, err = s.Build(in)
	require.ErrorContains(t, err, "not valid UTF-8", "it would be stored as another text than the one approved")
}

func TestAPlanThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	list := make([]any, 20000)
	for i := range list {
		list[i] = "twenty bytes of text"
	}
	s := compile(t, one("http", map[string]any{"url": "https://a.example/", "body": list}))
	_, err := s.Build(input())
	require.ErrorContains(t, err, "larger than 256 KiB")
}

// What decides the digest is what will run: two alerts that render alike have
// one digest, whatever else differs in them.
func TestADigestFollowsWhatWillRunAndNothingElse(t *testing.T) {
	t.Parallel()
	s := compile(t, playbook())
	rapid.Check(t, func(t *rapid.T) {
		one, two := drawInput(t), drawInput(t)
		p, err := s.Build(one)
		require.NoError(t, err)
		q, err := s.Build(two)
		require.NoError(t, err)
		require.Equal(t, rendered(t, p) == rendered(t, q), p.Digest == q.Digest)

		b, err := json.Marshal(p)
		require.NoError(t, err)
		var stored bot.Plan
		require.NoError(t, json.Unmarshal(b, &stored))
		again, err := stored.ComputeDigest()
		require.NoError(t, err)
		require.Equal(t, p.Digest, again)
	})
}

func drawInput(t *rapid.T) plan.Input {
	in := input()
	in.Alert.Labels = maps.Clone(in.Alert.Labels)
	in.Alert.Labels["note"] = rapid.SampledFrom([]string{"a", "b", "a/b", "1.50", "1e400"}).Draw(t, "note")
	in.Alert.Title = rapid.String().Draw(t, "title")
	in.Alert.Fingerprint = rapid.StringN(0, 8, -1).Draw(t, "fingerprint")
	in.Incident.Firing = rapid.SampledFrom([]int{1, 2, 1 << 40}).Draw(t, "firing")
	in.Incident.Total = rapid.Int().Draw(t, "total")
	in.Params = map[string]string{"how": rapid.SampledFrom([]string{"soft", "hard"}).Draw(t, "how")}
	in.Now = now.AddDate(0, 0, rapid.IntRange(0, 100).Draw(t, "days"))
	return in
}

func rendered(t *rapid.T, p bot.Plan) string {
	b, err := json.Marshal([]any{p.Target, p.Steps, p.Verify, p.Rule})
	require.NoError(t, err)
	return string(b)
}

func FuzzTarget(f *testing.F) {
	f.Add("web-1")
	f.Add("web-1\nweb-2")
	f.Add("web-1\u200b")
	p := playbook()
	p.Targets = nil
	open, err := plan.Compile([]bot.Playbook{p}, actions())
	require.NoError(f, err)
	listed, err := plan.Compile([]bot.Playbook{playbook()}, actions())
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, target string) {
		a := alert()
		a.Labels["instance"] = target
		if got, err := open.Target("restart", a, bot.Incident{}); err == nil {
			require.Equal(t, target, got)
			require.LessOrEqual(t, len(got), 256)
		}
		if got, err := listed.Target("restart", a, bot.Incident{}); err == nil {
			require.Regexp(t, `\Aweb-[0-9]+\z`, got)
		}
	})
}

func FuzzArgv(f *testing.F) {
	for _, h := range slices.Concat(hostile, climbing) {
		f.Add(h)
	}
	p := one("command", map[string]any{"argv": []any{"/bin/echo", "${{ alert.labels.x }}", "--n=${{ alert.labels.x }}"}})
	s, err := plan.Compile([]bot.Playbook{p}, actions())
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		in := input()
		in.Alert.Labels = map[string]string{"x": text}
		got, err := s.Build(in)
		if err != nil {
			return
		}
		require.Equal(t, []any{"/bin/echo", text, "--n=" + text}, got.Steps[0].Args["argv"])
		require.NotRegexp(t, `^-`, text)
	})
}
