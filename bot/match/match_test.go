package match_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/expr"
	"salve/bot/match"
)

func book(name, src string) bot.Playbook { return bot.Playbook{Name: name, Match: src} }

func alert(labels map[string]string) bot.Alert {
	return bot.Alert{AlertKey: bot.AlertKey{Source: "prod"}, Title: "T", Severity: bot.SeverityHigh, State: bot.AlertFiring, Labels: labels}
}

func names(fits []match.Fit) (out []string) {
	for _, f := range fits {
		out = append(out, f.Playbook.Name)
	}
	return out
}

func TestTheMostSpecificPlaybookComesFirst(t *testing.T) {
	t.Parallel()
	urgent := book("urgent", `alert.labels["service"] == "db"`)
	urgent.Priority = 5
	x, err := match.New([]bot.Playbook{
		book("any", `true`), book("b-db", `alert.labels["service"] == "db"`), book("a-db", `alert.labels["service"] == "db"`), urgent,
		book("db-high", `alert.labels["service"] == "db" && alert.severity == "high"`),
		book("web", `alert.labels["service"] == "web"`),
		book("either", `alert.labels["service"] == "db" || alert.labels["service"] == "web"`),
	})
	require.NoError(t, err)
	got := x.Rank(alert(map[string]string{"service": "db"}), bot.Incident{})
	require.Equal(t, []string{"db-high", "urgent", "a-db", "b-db", "any", "either"}, names(got))
	for _, f := range got {
		require.True(t, f.Fits)
	}
	require.Equal(t, []string{"any"}, names(x.Rank(alert(nil), bot.Incident{})))
	require.True(t, x.May(alert(nil)))
}

func TestMissesAreExplainedNearestFirst(t *testing.T) {
	t.Parallel()
	x, err := match.New([]bot.Playbook{
		book("far", `alert.labels["service"] == "web" && alert.labels["env"] == "dev"`),
		book("near", `alert.labels["service"] == "db" && alert.labels["env"] == "dev"`),
		book("other", `alert.title.contains("disk")`),
		book("fits", `alert.labels["service"] == "db"`),
	})
	require.NoError(t, err)
	got := x.Explain(alert(map[string]string{"service": "db"}), bot.Incident{}, 10)
	require.Equal(t, []string{"fits", "near", "other", "far"}, names(got))
	require.Equal(t, `alert.labels["env"] is missing, the playbook wants "dev"`, got[1].Reason)
	require.Equal(t, `this does not hold: alert.title.contains("disk")`, got[2].Reason)
	require.Contains(t, got[3].Reason, `alert.labels["service"] is "db", the playbook wants "web"; `)
	require.Len(t, x.Explain(alert(nil), bot.Incident{}, 2), 2)
	require.Empty(t, x.Explain(alert(nil), bot.Incident{}, 0))
}

func TestAPlaybookThatDoesNotCompileIsNamed(t *testing.T) {
	t.Parallel()
	_, err := match.New([]bot.Playbook{book("broken", `alert.lables`)})
	require.ErrorContains(t, err, "match of playbook broken: 1:6: undeclared reference")
}

func TestTheIndexFindsWhatTryingEveryPlaybookFinds(t *testing.T) {
	t.Parallel()
	clauses := []string{
		`alert.labels["a"] == "1"`, `alert.labels["a"] == "2"`, `alert.labels.b == "1"`, `"x" == alert.labels["c"]`, `alert.severity == "high"`,
		`alert.labels["a"] != "1"`, `alert.title == "T"`, `alert.source == "prod"`, `severity(alert.severity) >= 3`, `alert.annotations["s"] == "1"`,
	}
	values := []string{"1", "2", "x", ""}
	rapid.Check(t, func(t *rapid.T) {
		var books []bot.Playbook
		for i := range rapid.IntRange(1, 12).Draw(t, "books") {
			src := rapid.SampledFrom(clauses).Draw(t, "first")
			for range rapid.IntRange(0, 2).Draw(t, "more") {
				src += rapid.SampledFrom([]string{" && ", " || "}).Draw(t, "op") + rapid.SampledFrom(clauses).Draw(t, "clause")
			}
			books = append(books, book(fmt.Sprintf("p%02d", i), src))
		}
		x, err := match.New(books)
		require.NoError(t, err)
		labels := map[string]string{}
		for _, k := range []string{"a", "b", "c"} {
			if rapid.Bool().Draw(t, "has") {
				labels[k] = rapid.SampledFrom(values).Draw(t, "value")
			}
		}
		a := alert(labels)
		var want []string
		for _, p := range books {
			b, err := expr.CompileBool(expr.AlertEnv, p.Match)
			require.NoError(t, err)
			if ok, err := b.Eval(expr.AlertVars(a, bot.Incident{}, nil)); ok && err == nil {
				want = append(want, p.Name)
			}
		}
		require.ElementsMatch(t, want, names(x.Rank(a, bot.Incident{})))
		require.True(t, x.May(a) || len(want) == 0)
		var explained []string
		for _, f := range x.Explain(a, bot.Incident{}, 0) {
			explained = append(explained, f.Playbook.Name)
		}
		require.Equal(t, names(x.Rank(a, bot.Incident{})), explained)
	})
}

func BenchmarkRank(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			books := make([]bot.Playbook, n)
			for i := range books {
				books[i] = book(fmt.Sprintf("p%d", i), fmt.Sprintf(`alert.labels["service"] == "svc%d" && severity(alert.severity) >= 3`, i))
			}
			x, err := match.New(books)
			require.NoError(b, err)
			a := alert(map[string]string{"service": fmt.Sprintf("svc%d", n/2), "instance": "i", "job": "j"})
			b.ReportAllocs()
			for b.Loop() {
				if len(x.Rank(a, bot.Incident{})) != 1 {
					b.Fatal("not found")
				}
			}
		})
	}
}

func TestReasonsNameTheClauseThatFails(t *testing.T) {
	t.Parallel()
	x, err := match.New([]bot.Playbook{
		book("clause", `alert.labels["service"] == "db" && alert.title.contains("disk")`),
		book("lacks", `alert.labels["service"] == "db" && alert.labels["zone"].startsWith("eu")`),
		book("broken", `alert.labels["service"] == "db" && alert.title.charAt(99) == "x"`),
	})
	require.NoError(t, err)
	reasons := map[string]string{}
	for _, f := range x.Explain(alert(map[string]string{"service": "db"}), bot.Incident{}, 10) {
		require.False(t, f.Fits)
		reasons[f.Playbook.Name] = f.Reason
	}
	require.Equal(t, `this does not hold: alert.title.contains("disk")`, reasons["clause"])
	require.Equal(t, `the alert has no "zone", which is read in: alert.labels["zone"].startsWith("eu")`, reasons["lacks"])
	require.Contains(t, reasons["broken"], "this cannot be evaluated: ")
}

func TestAMatchCannotReadParams(t *testing.T) {
	t.Parallel()
	_, err := match.New([]bot.Playbook{book("early", `params.service == "db"`)})
	require.ErrorContains(t, err, "match of playbook early: it reads params.service, but params have no values before a playbook fits")
}

func TestTheOrderDoesNotDependOnTheOrderOfPlaybooks(t *testing.T) {
	t.Parallel()
	var books []bot.Playbook
	for i := range 20 {
		p := book(fmt.Sprintf("p%02d", i), []string{`true`, `alert.title == "T"`, `alert.source == "prod"`, `alert.title.contains("T")`}[i%4])
		p.Priority = i % 3
		books = append(books, p)
	}
	a := alert(nil)
	x, err := match.New(books)
	require.NoError(t, err)
	want := names(x.Rank(a, bot.Incident{}))
	require.Len(t, want, 20)
	rapid.Check(t, func(t *rapid.T) {
		y, err := match.New(rapid.Permutation(books).Draw(t, "books"))
		require.NoError(t, err)
		require.Equal(t, want, names(y.Rank(a, bot.Incident{})))
	})
}

func TestManyRankAtOnce(t *testing.T) {
	t.Parallel()
	x, err := match.New([]bot.Playbook{book("any", `true`), book("db", `alert.labels["service"] == "db"`), book("prod", `alert.source == "prod"`), book("web", `alert.labels["service"] == "web"`)})
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 8 {
		service, want := "db", []string{"db", "prod", "any"}
		if i%2 == 1 {
			service, want = "web", []string{"prod", "web", "any"}
		}
		wg.Go(func() {
			for range 200 {
				assert.Equal(t, want, names(x.Rank(alert(map[string]string{"service": service}), bot.Incident{})))
			}
		})
	}
	wg.Wait()
}

func FuzzRank(f *testing.F) {
	x, err := match.New([]bot.Playbook{
		book("a", `alert.labels["a"] == "1"`), book("b", `alert.labels["a"] == "1" && alert.title.matches("^x+$")`), book("c", `alert.labels.exists(k, k == alert.title)`),
	})
	require.NoError(f, err)
	f.Add("a", "1", "xxx")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, label, value, title string) {
		a := alert(map[string]string{label: value})
		a.Title = title
		fits := x.Rank(a, bot.Incident{})
		all := x.Explain(a, bot.Incident{}, 10)
		require.Len(t, all, 3)
		require.Equal(t, names(fits), names(all[:len(fits)]))
		for _, m := range all {
			require.NotEmpty(t, m.Reason)
		}
	})
}

func TestWhatNoPlaybookAsksForCannotFit(t *testing.T) {
	t.Parallel()
	x, err := match.New([]bot.Playbook{{Name: "db", Match: `alert.labels["service"] == "db" && alert.severity == "high"`}})
	require.NoError(t, err)
	require.False(t, x.May(alert(map[string]string{"service": "web"})))
	require.True(t, x.May(alert(map[string]string{"service": "db"})), "the rest of the match is Rank's")
}
