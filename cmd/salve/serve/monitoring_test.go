package serve_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/config"
	"salve/integrations/prometheus"
)

// monitoring is where what is shipped for Prometheus and Grafana lies.
const monitoring = "../../../docs/monitoring"

func shipped(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(monitoring, name))
	require.NoError(t, err)
	return string(b)
}

func TestARealScrapeHasWhatRulesAndDashboardAskFor(t *testing.T) {
	t.Parallel()
	cfg, _, _ := withHeads(t, setUp(t, newShop(t)))
	s, err := startReading(t, cfg)
	require.NoError(t, err)
	r := goes(t, s)
	code, body := alert(t, r.URL(), "ShopIll", "low")
	require.Equal(t, 200, code, body)
	r.until(t, bot.RunFixed)
	var shown string
	has := func(line string) bool {
		_, shown = get(t, r.URL()+"/metrics")
		return strings.Contains(shown, "\n"+line+"\n")
	}
	for _, line := range []string{
		`salve_runs_ended_total{outcome="fixed",playbook="heal"} 1`,
		`salve_verifications_total{result="fixed"} 1`,
		`salve_alerts_total{outcome="new",source="prod"} 1`,
		`salve_deliveries_total{result="taken",source="prod"} 1`,
		`salve_incident_acknowledge_seconds_count{by="automation"} 1`,
		`salve_verdicts_total{decision="allow",rule="none"} 1`,
		`salve_ready 1`,
		`salve_build_info{version="test"} 1`,
	} {
		require.Eventually(t, func() bool { return has(line) }, 30*time.Second, 50*time.Millisecond, line)
	}
	require.Eventually(t, func() bool { return strings.Contains(shown, "\nsalve_open_incidents{") }, 30*time.Second, 50*time.Millisecond)
	for _, f := range prometheus.Families() {
		require.Contains(t, shown, fmt.Sprintf("\n# TYPE %s %s\n", f.Name, f.Kind))
	}
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z_]+)[{ ]`).FindAllStringSubmatch(shown, -1) {
		names[m[1]] = true
	}
	asked := shipped(t, "salve-rules.yml") + shipped(t, "salve-dashboard.json")
	found := regexp.MustCompile(`\b(salve|go|process)_[a-z_]+\b`).FindAllString(asked, -1)
	require.Greater(t, len(found), 60)
	for _, name := range found {
		require.True(t, names[name], "%s is asked for and not shown", name)
	}
	require.NoError(t, r.end())
}

// ask asks without a network, from this machine.
func ask(h http.Handler, path, token string) (int, string) {
	req, w := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8080"+path, nil), httptest.NewRecorder()
	req.RemoteAddr = "127.0.0.1:99"
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	h.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

func TestWhereNotEverybodyIsLocalOnlyTheTokenReadsMetrics(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*config.Config)
		token  string
		want   int
	}{
		"on loopback everybody":        {func(*config.Config) {}, "", 200},
		"behind a proxy nobody":        {func(c *config.Config) { c.PublicURL = "https://salve.example.com" }, hookToken, 404},
		"behind a proxy the token":     {func(c *config.Config) { c.PublicURL, c.Metrics.Bearer = "https://salve.example.com", "env:HOOK" }, hookToken, 200},
		"behind a proxy without token": {func(c *config.Config) { c.PublicURL, c.Metrics.Bearer = "https://salve.example.com", "env:HOOK" }, "", 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := setUp(t, newShop(t))
			tt.change(&cfg)
			s, err := start(t, cfg)
			require.NoError(t, err)
			code, body := ask(s.Handler(), "/metrics", tt.token)
			require.Equal(t, tt.want, code)
			require.Equal(t, tt.want == 200, strings.Contains(body, "salve_ready"))
			require.NoError(t, s.Store().Close())
			code, body = ask(s.Handler(), "/metrics", tt.token)
			require.Equal(t, tt.want, code, "also when the store is gone")
			require.Equal(t, tt.want == 200, strings.Contains(body, "\nsalve_store_up 0\n"))
			require.NoError(t, s.BreakListener())
		})
	}
	cfg := setUp(t, newShop(t))
	cfg.Metrics.Bearer = "env:NONE"
	_, err := start(t, cfg)
	require.ErrorContains(t, err, "metrics.bearer")
}
