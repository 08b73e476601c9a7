package prometheus_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// monitoring is where what is shipped for Prometheus and Grafana lies.
const monitoring = "../../docs/monitoring"

func shipped(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(monitoring, name))
	require.NoError(t, err)
	return string(b)
}

// promtool runs it, or skips the test.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("SALVE_REQUIRE_TOOLS") != "" {
			t.Fatal("promtool is required here and not installed")
		}
		t.Skip("promtool is not installed")
	}
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "promtool %s: %s", strings.Join(args, " "), out)
}

func TestTheAlertRulesAreRightAndDoWhatTheirTestsSay(t *testing.T) {
	t.Parallel()
	promtool(t, "", "check", "rules", filepath.Join(monitoring, "salve-rules.yml"))
	promtool(t, "", "test", "rules", filepath.Join(monitoring, "salve-rules.test.yml"))
}

func TestEveryAlertIsTestedAndHasItsPageToRead(t *testing.T) {
	t.Parallel()
	rules, tests := shipped(t, "salve-rules.yml"), shipped(t, "salve-rules.test.yml")
	b, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	alerts := regexp.MustCompile(`- alert: (\w+)\n`).FindAllStringSubmatch(rules, -1)
	require.NotEmpty(t, alerts)
	for _, a := range alerts {
		require.Contains(t, tests, a[1], "no test fires it")
		require.Contains(t, rules, "runbook_url: operations.md#"+strings.ToLower(a[1])+"\n")
		require.Contains(t, string(b), "\n### "+a[1]+"\n")
	}
	require.Len(t, regexp.MustCompile(`severity: (critical|warning)\}\n +annotations:\n +summary: .+\n +description: .+\n +runbook_url: `).FindAllString(rules, -1), len(alerts))
}

// board is what is looked at of a dashboard.
type board struct {
	Templating struct {
		List []struct{ Name, Type, Query string }
	}
	Panels []struct {
		ID      int
		Title   string
		Targets []struct{ Expr string }
	}
}

func dashboard(t *testing.T) board {
	t.Helper()
	var b board
	require.NoError(t, json.Unmarshal([]byte(shipped(t, "salve-dashboard.json")), &b))
	return b
}

func TestTheDashboardIsWholeAndItsQueriesAreRight(t *testing.T) {
	t.Parallel()
	b := dashboard(t)
	require.Equal(t, "datasource", b.Templating.List[0].Type)
	ids := map[int]bool{}
	rules := "groups:\n  - name: dashboard\n    rules:\n"
	for _, p := range b.Panels {
		require.False(t, ids[p.ID], "panel %d is there twice", p.ID)
		ids[p.ID] = true
		for i, target := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "5m", "$__range", "6h", "$job", "salve", "$instance", ".*").Replace(target.Expr)
			require.NotContains(t, expr, "$", p.Title)
			rules += fmt.Sprintf("      - {record: 'panel_%d_%d', expr: %q}\n", p.ID, i, expr)
		}
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	require.NoError(t, os.WriteFile(file, []byte(rules), 0o600))
	promtool(t, "", "check", "rules", file)
}

func TestAScrapeIsAsPrometheusLikesIt(t *testing.T) {
	t.Parallel()
	promtool(t, text(t, watch(t, newWorld())), "check", "metrics")
}
