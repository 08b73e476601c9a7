package expr_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/expr"
)

func sample() expr.Vars {
	return expr.AlertVars(bot.Alert{
		AlertKey: bot.AlertKey{Source: "prod", Fingerprint: "f1", StartsAt: time.Date(2026, 11, 24, 8, 30, 0, 0, time.UTC)},
		Title:    "High load", Severity: bot.SeverityHigh, State: bot.AlertFiring,
		Labels: map[string]string{"service": "db", "n": "7", "quote": `a"b'c`}, Annotations: map[string]string{"summary": "it is slow"},
	}, bot.Incident{ID: 142, Fold: bot.Fold{Title: "T", Firing: 2, Total: 3, Labels: map[string]string{"env": "x"}}}, map[string]string{"name": "nginx"})
}

func TestBooleansOverAnAlert(t *testing.T) {
	t.Parallel()
	tests := []struct {
		src  string
		want bool
	}{
		{`alert.labels["service"] == "db"`, true},
		{`alert.labels.service == "db" && alert.severity == "high"`, true},
		{`alert.labels["service"] != "db"`, false},
		{`alert.labels["missing"] == "db"`, false},
		{`alert.labels["missing"] != "db"`, false},
		{`has(alert.labels.missing)`, false},
		{`has(alert.labels.service)`, true},
		{`"service" in alert.labels`, true},
		{`severity(alert.severity) >= severity("medium")`, true},
		{`severity(alert.severity) >= severity("critical")`, false},
		{`severity(alert.labels["service"]) == 5`, true},
		{`alert.title.startsWith("High") && alert.title.contains("load")`, true},
		{`alert.labels["service"] in ["db", "web"]`, true},
		{`alert.labels["service"].matches("^d[a-z]$")`, true},
		{`alert.labels.exists(k, k == "n")`, true},
		{`incident.firing == 2 && incident.total > incident.firing`, true},
		{`incident.id == "I-142" && incident.labels["env"] == "x"`, true},
		{`params.name == "nginx"`, true},
		{`alert.starts_at.getHours() == 8`, true},
		{`alert.state == "firing" && alert.source == "prod" && alert.fingerprint == "f1"`, true},
		{`false && alert.labels["missing"] == "x"`, false},
		{`alert.labels["missing"] == "x" || true`, true},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			t.Parallel()
			b, err := expr.CompileBool(expr.AlertEnv, tt.src)
			require.NoError(t, err)
			got, err := b.Eval(sample())
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestWhatCannotBeMeantIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, src string
		line, col int
		msg       string
	}{
		{"misspelt field", "true &&\n alert.lables[\"x\"] == \"y\"", 2, 7, "undeclared reference to 'alert.lables' (did you mean 'alert.labels'?)"},
		{"unknown variable", `target == "x"`, 1, 1, "undeclared reference"},
		{"wrong operand", `alert.severity > 3`, 1, 16, "no matching overload"},
		{"not a bool", `alert.title`, 1, 1, "the expression gives string, not bool"},
		{"syntax", `alert.title ==`, 1, 15, "Syntax error"},
		{"empty", `  `, 1, 1, "is empty"},
		{"time zone", `alert.starts_at.getHours("Europe/Vienna") == 1`, 1, 25, "takes no time zone here"},
		{"unknown severity", `severity(alert.severity) > severity("dire")`, 1, 36, `"dire" is not a severity`},
		{"too long", `"` + strings.Repeat("a", 5000) + `" == ""`, 1, 1, "longer than 4096 bytes"},
		{"no such function", `env("HOME") == ""`, 1, 4, "undeclared reference to 'env'"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := expr.CompileBool(expr.AlertEnv, tt.src)
			ee, ok := errors.AsType[*expr.Error](err)
			require.True(t, ok, "%v", err)
			require.Contains(t, ee.Message, tt.msg)
			require.Equal(t, [2]int{tt.line, tt.col}, [2]int{ee.Line, ee.Column}, ee.Error())
		})
	}
}

func TestAMisspeltNameGetsAHint(t *testing.T) {
	t.Parallel()
	_, err := expr.CompileBool(expr.AlertEnv, `alarm == "x"`)
	require.ErrorContains(t, err, "known: alert.annotations, alert.fingerprint, alert.labels")
}

func TestAnExpensiveExpressionIsStopped(t *testing.T) {
	t.Parallel()
	list := "[" + strings.TrimSuffix(strings.Repeat("1,", 100), ",") + "]"
	b, err := expr.CompileBool(expr.AlertEnv, list+".all(a, "+list+".all(b, "+list+".all(c, a+b+c > 0)))")
	require.NoError(t, err)
	_, err = b.Eval(sample())
	require.ErrorIs(t, err, expr.ErrCost)
}

func TestStringsSayWhatIsMissing(t *testing.T) {
	t.Parallel()
	s, err := expr.CompileString(expr.AlertEnv, `alert.labels["service"] + "/" + incident.id`)
	require.NoError(t, err)
	got, err := s.Eval(sample())
	require.NoError(t, err)
	require.Equal(t, "db/I-142", got)

	s, err = expr.CompileString(expr.AlertEnv, `alert.labels["host"]`)
	require.NoError(t, err)
	_, err = s.Eval(sample())
	require.ErrorContains(t, err, `alert.labels["host"] reads "host": it is not there`)

	_, err = expr.CompileString(expr.AlertEnv, `1`)
	require.ErrorContains(t, err, "gives int, not string")
}

func TestProbesAreJudged(t *testing.T) {
	t.Parallel()
	vars := expr.ProbeVars(bot.Probe{Status: 200, Body: `{"ok":true,"n":3,"list":[{"a":"b"}]}`, Fields: map[string]string{"k": "v"}, Took: bot.Duration(time.Second)})
	for src, want := range map[string]bool{
		`status == 200 && json.ok`:             true,
		`json.n == 3 && json.list[0].a == "b"`: true,
		`json.missing == 1`:                    false,
		`body.contains("ok")`:                  true,
		`fields["k"] == "v"`:                   true,
		`took < duration("2s")`:                true,
		`json.ok`:                              true,
	} {
		b, err := expr.CompileBool(expr.ProbeEnv, src)
		require.NoError(t, err, src)
		got, err := b.Eval(vars)
		require.NoError(t, err, src)
		require.Equal(t, want, got, src)
	}
	b, err := expr.CompileBool(expr.ProbeEnv, `json == null && body == "no json"`)
	require.NoError(t, err)
	got, err := b.Eval(expr.ProbeVars(bot.Probe{Body: "no json"}))
	require.NoError(t, err)
	require.True(t, got)

	b, err = expr.CompileBool(expr.ProbeEnv, `json.n`)
	require.NoError(t, err)
	_, err = b.Eval(vars)
	require.ErrorContains(t, err, "not true or false")
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	tests := []struct {
		src  string
		want any
	}{
		{"plain", "plain"},
		{"", ""},
		{"${{ alert.title }}", "High load"},
		{"${{ incident.firing }}", int64(2)},
		{"${{ 1.5 }}", 1.5},
		{"${{ [1, 'a', true] }}", []any{int64(1), "a", true}},
		{"${{ {'a': {'b': 1}} }}", map[string]any{"a": map[string]any{"b": int64(1)}}},
		{"n=${{ incident.firing }} of ${{incident.total}}", "n=2 of 3"},
		{"${{ '}}' }}", "}}"},
		{"x${{ \"}} \\\" {\" }}y", "x}} \" {y"},
		{"${{ alert.labels.quote }}", `a"b'c`},
		{"${{ alert.starts_at }}", "2026-11-24T08:30:00Z"},
		{"cost $5 {{ x }}", "cost $5 {{ x }}"},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			t.Parallel()
			tpl, err := expr.CompileTemplate(expr.AlertEnv, tt.src)
			require.NoError(t, err)
			got, err := tpl.Eval(sample())
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
			lit, isLit := tpl.Literal()
			require.Equal(t, tpl.Parts() == 0, isLit)
			if isLit {
				require.Equal(t, tt.want, lit)
			}
		})
	}
}

func TestTemplateMistakesHaveTheirPlaceInTheText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		src       string
		line, col int
	}{
		{"a ${{ alert.title", 1, 3},
		{"a ${{ alert.nope }}", 1, 7},
		{"a\nbc ${{ 'x' + 1 }}", 2, 12},
		{"${{ }}", 1, 5},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			t.Parallel()
			_, err := expr.CompileTemplate(expr.AlertEnv, tt.src)
			ee, ok := errors.AsType[*expr.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, [2]int{tt.line, tt.col}, [2]int{ee.Line, ee.Column}, ee.Error())
		})
	}
}

func TestTextTakesOnlyScalarsOfOneLine(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		`x ${{ alert.labels }}`: "only text, numbers, booleans and times",
		"x ${{ 'a\\nb' }}":      "control character at byte 1",
		"x ${{ 'a\\u0000' }}":   "control character",
	} {
		tpl, err := expr.CompileTemplate(expr.AlertEnv, src)
		require.NoError(t, err, src)
		_, err = tpl.Eval(sample())
		require.ErrorContains(t, err, want, src)
	}
}

func TestEscapingSeesEachPart(t *testing.T) {
	t.Parallel()
	tpl, err := expr.CompileTemplate(expr.AlertEnv, "/${{ alert.labels.service }}/${{ params.name }}")
	require.NoError(t, err)
	got, err := tpl.EvalEscaped(sample(), func(i int, s string) (string, error) { return strings.Repeat("<", i+1) + s + ">", nil })
	require.NoError(t, err)
	require.Equal(t, "/<db>/<<nginx>", got)
	_, err = tpl.EvalEscaped(sample(), func(int, string) (string, error) { return "", errors.New("no") })
	require.ErrorContains(t, err, "alert.labels.service: no")
}

func TestEqualitiesAreWhatMustHold(t *testing.T) {
	t.Parallel()
	b, err := expr.CompileBool(expr.AlertEnv, `alert.labels["service"] == "db" && "high" == alert.severity && alert.labels.n == "7" &&
		(alert.title == "a" || alert.title == "b") && alert.source != "x" && alert.annotations["summary"] == alert.title`)
	require.NoError(t, err)
	require.Equal(t, []expr.Term{{`labels["service"]`, "db"}, {"severity", "high"}, {`labels["n"]`, "7"}}, b.Equalities())
	require.Equal(t, 6, b.Clauses())

	v, ok := expr.Value(bot.Alert{Labels: map[string]string{`a"b`: "c"}}, `labels["a\"b"]`)
	require.True(t, ok)
	require.Equal(t, "c", v)
	_, ok = expr.Value(bot.Alert{}, `labels["x"]`)
	require.False(t, ok)
	_, ok = expr.Value(bot.Alert{}, "nonsense")
	require.False(t, ok)
}

func BenchmarkMatch(b *testing.B) {
	p, err := expr.CompileBool(expr.AlertEnv, `alert.labels["service"] == "db" && severity(alert.severity) >= 3`)
	require.NoError(b, err)
	vars := sample()
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := p.Eval(vars); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

func FuzzBool(f *testing.F) {
	f.Add(`alert.labels["a"] == "b"`, "b")
	f.Add(`alert.title.matches("^(a+)+$")`, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")
	f.Add(`alert.labels.all(k, alert.labels[k] == "x")`, "x")
	f.Fuzz(func(t *testing.T, src, text string) {
		b, err := expr.CompileBool(expr.AlertEnv, src)
		if err != nil {
			return
		}
		v := expr.AlertVars(bot.Alert{Title: text, Labels: map[string]string{"a": text}}, bot.Incident{}, nil)
		one, err1 := b.Eval(v)
		two, err2 := b.Eval(v)
		require.Equal(t, one, two)
		require.Equal(t, err1 == nil, err2 == nil)
	})
}

func FuzzTemplate(f *testing.F) {
	f.Add("a ${{ alert.title }} b", "x")
	f.Add("${{ '}}' }}", "x")
	f.Add("${{ \"${{\" }}", "${{ alert.title }}")
	f.Fuzz(func(t *testing.T, src, text string) {
		tpl, err := expr.CompileTemplate(expr.AlertEnv, src)
		if err != nil {
			return
		}
		out, err := tpl.Eval(expr.AlertVars(bot.Alert{Title: text}, bot.Incident{}, nil))
		if s, ok := out.(string); ok && err == nil && tpl.Parts() == 0 {
			require.Equal(t, src, s)
		}
	})
}
