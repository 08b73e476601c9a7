package expr_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
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
		{`${{ r"\" }}${{ '' }}`, `\`},
		{`a${{ '\'}}' }}b`, `a'}}b`},
		{`${{ """a"}}"b""" }}`, `a"}}"b`},
		{"${{ '''a\n}}''' }}", "a\n}}"},
		{`${{ {"a":{"b":'}'}}.a.b}}`, "}"},
		{"${{ null }}", nil},
		{"${{ duration('90s') }}", "1m30s"},
		{"${{ '${{ 1 }}' }}", "${{ 1 }}"},
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
		"x ${{ 'a\\u0000' }}":   "control character",
	} {
		tpl, err := expr.CompileTemplate(expr.AlertEnv, src)
		require.NoError(t, err, src)
		_, err = tpl.Eval(sample())
		require.ErrorContains(t, err, want, src)
	}
}

func TestOnlyDataMayHaveLineBreaks(t *testing.T) {
	t.Parallel()
	asIs := func(_ int, s string) (string, error) { return s, nil }
	for _, bad := range []string{"a\nb", "a\tb", "a\x1b[31mb", "a\u2028b", "a\u0085b", "a\x7f"} {
		v := expr.AlertVars(bot.Alert{Title: bad}, bot.Incident{}, nil)
		for _, src := range []string{"${{ alert.title }}", "x ${{ alert.title }}"} {
			tpl, err := expr.CompileTemplate(expr.AlertEnv, src)
			require.NoError(t, err)
			_, err = tpl.EvalEscaped(v, asIs)
			require.ErrorContains(t, err, "control character at byte 1", "%q", bad)
			got, err := tpl.Eval(v)
			require.NoError(t, err)
			require.Equal(t, strings.Replace(src, "${{ alert.title }}", bad, 1), got)
		}
	}
	for bad, want := range map[string]string{"a\x00": "NUL", "a\xff": "not valid UTF-8"} {
		v := expr.AlertVars(bot.Alert{Title: bad, Labels: map[string]string{bad: "x"}}, bot.Incident{}, nil)
		for _, src := range []string{"${{ alert.title }}", "x ${{ alert.title }}", "${{ [alert.title] }}", "${{ alert.labels }}"} {
			tpl, err := expr.CompileTemplate(expr.AlertEnv, src)
			require.NoError(t, err)
			_, err = tpl.Eval(v)
			require.ErrorContains(t, err, want, "%q", src)
		}
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

func TestComparisonsThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		src  string
		line int
		col  int
		want string
	}{
		{`alert.severity == "hihg"`, 1, 19, `alert.severity is never "hihg"; it is one of info, low, medium, high, critical, unknown`},
		{`true && "High" != incident.severity`, 1, 9, `incident.severity is never "High"`},
		{`alert.severity in ["high", "dire"]`, 1, 28, `alert.severity is never "dire"`},
		{`alert.state == "ok"`, 1, 16, `alert.state is never "ok"; it is one of firing, resolved`},
		{`alert.severity >= "high"`, 1, 16, `severities compare as text here; write severity(alert.severity) and severity("high")`},
		{`alert.title.matches(alert.labels["p"])`, 1, 33, "a pattern is written out as one text"},
		{`alert.title.matches("(a")`, 1, 21, "missing closing )"},
		{`dyn(alert.starts_at).getHours("Europe/Vienna") == 1`, 1, 30, "takes no time zone here"},
	}
	for _, tt := range tests {
		t.Run(tt.src, func(t *testing.T) {
			t.Parallel()
			_, err := expr.CompileBool(expr.AlertEnv, tt.src)
			ee, ok := errors.AsType[*expr.Error](err)
			require.True(t, ok, "%v", err)
			require.ErrorContains(t, ee, tt.want)
			require.Equal(t, [2]int{tt.line, tt.col}, [2]int{ee.Line, ee.Column})
		})
	}
}

func TestLongRulesAreTaken(t *testing.T) {
	t.Parallel()
	b, err := expr.CompileBool(expr.AlertEnv, strings.Repeat(`alert.labels["service"] == "db" && `, 80)+"true")
	require.NoError(t, err)
	ok, err := b.Eval(sample())
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, 81, b.Clauses())
	require.Len(t, b.Equalities(), 80)
}

func TestALoopOverLargeDataIsStopped(t *testing.T) {
	t.Parallel()
	labels := map[string]string{}
	for i := range 5000 {
		labels[strings.Repeat("a", i%50)+string(rune('a'+i%26))+strings.Repeat("b", i/50)] = "x"
	}
	b, err := expr.CompileBool(expr.AlertEnv, `alert.labels.all(k, alert.labels.all(j, k != j || k == j))`)
	require.NoError(t, err)
	_, err = b.Eval(expr.AlertVars(bot.Alert{Labels: labels}, bot.Incident{}, nil))
	require.ErrorIs(t, err, expr.ErrCost)
	s, err := expr.CompileString(expr.AlertEnv, `alert.title.replace("", alert.title).replace("", alert.title)`)
	require.NoError(t, err)
	_, err = s.Eval(expr.AlertVars(bot.Alert{Title: strings.Repeat("a", 500)}, bot.Incident{}, nil))
	require.ErrorIs(t, err, expr.ErrCost)
}

func TestWhatDoesNotHoldIsNamed(t *testing.T) {
	t.Parallel()
	b, err := expr.CompileBool(expr.AlertEnv, `alert.labels["service"] == "web" && alert.severity == "high" && has(alert.labels.zone) &&
		alert.labels["host"].startsWith("a") && (alert.title == "x" || alert.title.contains("disk")) && alert.labels.exists(k, k == "nope") &&
		alert.labels["n"].charAt(9) == "x" && alert.labels["a\"b"] == "c"`)
	require.NoError(t, err)
	got := b.Unmet(sample())
	require.Equal(t, []expr.Clause{
		{Source: `alert.labels["service"] == "web"`, Equal: &expr.Term{Path: `labels["service"]`, Value: "web"}},
		{Source: `has(alert.labels.zone)`},
		{Source: `alert.labels["host"].startsWith("a")`, Missing: "host"},
		{Source: `alert.title == "x" || alert.title.contains("disk")`},
		{Source: `alert.labels.exists(k, k == "nope")`},
		{Source: got[5].Source, Err: got[5].Err},
		{Source: `alert.labels["a\"b"] == "c"`, Equal: &expr.Term{Path: `labels["a\"b"]`, Value: "c"}, Missing: `a"b`},
	}, got)
	require.ErrorContains(t, got[5].Err, "index out of range")
	require.Equal(t, `alert.labels["service"] == "web"`, b.Unmet(expr.Vars{})[0].Source)
	require.Len(t, b.Unmet(sample()), len(got), "what did not hold once says nothing of the next")
}

func TestManyMayAskAtOnceWhatDoesNotHold(t *testing.T) {
	t.Parallel()
	b, err := expr.CompileBool(expr.AlertEnv, `alert.labels["host"] == "a" && alert.severity == "low"`)
	require.NoError(t, err)
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			got := b.Unmet(sample())
			assert.Len(t, got, 2)
			assert.Equal(t, "host", got[0].Missing)
		})
	}
	asking.Wait()
}

func BenchmarkUnmet(b *testing.B) {
	match, err := expr.CompileBool(expr.AlertEnv, `alert.labels["service"] == "web" && alert.severity == "high" && has(alert.labels.zone)`)
	require.NoError(b, err)
	v := sample()
	b.ReportAllocs()
	for b.Loop() {
		match.Unmet(v)
	}
}

func TestParamsThatAreReadAreKnown(t *testing.T) {
	t.Parallel()
	tpl, err := expr.CompileTemplate(expr.AlertEnv, `${{ params.b + params["a"] }}/${{ has(params.c) ? params.b : alert.title }}`)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, tpl.Params())
	b, err := expr.CompileBool(expr.AlertEnv, `alert.title == "params.x"`)
	require.NoError(t, err)
	require.Empty(t, b.Params())
}

func TestTheBodyOfAProbeIsReadOnceHoweverOftenItIsAskedFor(t *testing.T) { // counts allocations, so not in parallel
	b, err := expr.CompileBool(expr.ProbeEnv, `[1,2,3,4,5].all(x, [1,2,3,4,5].all(y, json.list[0] == "x"))`)
	require.NoError(t, err)
	v := expr.ProbeVars(bot.Probe{Body: `{"list":["x"` + strings.Repeat(`,"y"`, 1000) + `]}`})
	per := testing.AllocsPerRun(20, func() { _, err = b.Eval(v) })
	require.NoError(t, err)
	require.Less(t, per, 1000.0)
}

func TestExpressionsAreUsedByManyAtOnce(t *testing.T) {
	t.Parallel()
	b, err := expr.CompileBool(expr.AlertEnv, `alert.labels["service"] == "db" && alert.labels.exists(k, k == "n")`)
	require.NoError(t, err)
	v := sample()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				ok, err := b.Eval(v)
				assert.True(t, ok)
				assert.NoError(t, err)
			}
		})
	}
	wg.Wait()
}

func TestRoutesReadTheService(t *testing.T) {
	t.Parallel()
	v := expr.RouteVars(
		bot.Alert{Labels: map[string]string{"env": "live"}, Severity: bot.SeverityLow},
		bot.Incident{ID: 7, Fold: bot.Fold{Severity: bot.SeverityHigh, Firing: 3}},
		bot.Service{Name: "shop", Title: "The shop", Owner: "team", System: "store", Tier: "1", Labels: map[string]string{"region": "eu"}},
	)
	for _, src := range []string{
		`service.name == "shop" && service.title == "The shop" && service.owner == "team"`,
		`service.system == "store" && service.tier == "1" && service.labels["region"] == "eu"`,
		`alert.labels.env == "live" && incident.firing == 3 && severity(incident.severity) > severity(alert.severity)`,
	} {
		b, err := expr.CompileBool(expr.RouteEnv, src)
		require.NoError(t, err, src)
		ok, err := b.Eval(v)
		require.NoError(t, err, src)
		require.True(t, ok, src)
	}
	unknown, err := expr.CompileBool(expr.RouteEnv, `service.owner == "" && !("x" in service.labels)`)
	require.NoError(t, err)
	ok, err := unknown.Eval(expr.RouteVars(bot.Alert{}, bot.Incident{}, bot.Service{}))
	require.NoError(t, err)
	require.True(t, ok, "a service that nobody knows is empty")

	_, err = expr.CompileBool(expr.RouteEnv, `params.x == ""`)
	require.ErrorContains(t, err, "undeclared reference")
	_, err = expr.CompileBool(expr.AlertEnv, `service.owner == ""`)
	require.ErrorContains(t, err, "undeclared reference")
}
