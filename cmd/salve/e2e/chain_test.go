package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/internal/trial"
	"salve/cmd/salve/demo"
)

// %s: shop, Alertmanager.
const prometheusConfig = `global: {scrape_interval: 1s, scrape_timeout: 900ms, evaluation_interval: 1s}
rule_files: [rules.yml]
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
scrape_configs:
  - job_name: shop
    static_configs: [{targets: [%q], labels: {service: demo-shop}}]
`

const prometheusRules = `groups:
  - name: shop
    rules:
      - alert: DemoMemoryLeak
        expr: demo_shop_leaked_bytes > 48 * 1024 * 1024
        labels: {severity: low}
        annotations:
          summary: demo-shop holds {{ $value | humanize1024 }}B that it does not need
      - alert: DemoServiceHangs
        expr: up{job="shop"} == 0
        labels: {severity: high}
        annotations:
          summary: demo-shop does not answer
          description: Scrapes of {{ $labels.instance }} time out. Customers see nothing.
`

// %s: Salve's hook, token file.
const alertmanagerConfig = `route:
  receiver: salve
  group_by: [alertname, service]
  group_wait: 1s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: salve
    webhook_configs:
      - url: %s/v1/hooks/prod
        send_resolved: true
        http_config: {authorization: {credentials_file: %s}}
`

// monitor starts a Prometheus that watches the shop and an Alertmanager that
// tells Salve.
func monitor(t *testing.T, h *house, shopURL string) {
	t.Helper()
	prometheus, alertmanager := tool(t, "prometheus"), tool(t, "prometheus-alertmanager", "alertmanager")
	amAddr, amDir := free(t), t.TempDir()
	write(t, filepath.Join(amDir, "am.yml"), fmt.Sprintf(alertmanagerConfig, h.URL, filepath.Join(h.Dir, "token")))
	background(t, amDir, alertmanager, "--config.file=am.yml", "--storage.path=data", "--web.listen-address="+amAddr, "--cluster.listen-address=")
	until(t, "Alertmanager is ready", func() bool { return answers(t, "http://"+amAddr+"/-/ready") == http.StatusOK })

	promAddr, promDir := free(t), t.TempDir()
	write(t, filepath.Join(promDir, "prometheus.yml"), fmt.Sprintf(prometheusConfig, amAddr, host(t, shopURL)))
	write(t, filepath.Join(promDir, "rules.yml"), prometheusRules)
	background(t, promDir, prometheus, "--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address="+promAddr,
		"--web.external-url=http://prometheus.example.org/", "--web.route-prefix=/")
	until(t, "Prometheus is ready", func() bool { return answers(t, "http://"+promAddr+"/-/ready") == http.StatusOK })
}

func free(t *testing.T) string {
	t.Helper()
	addr, err := trial.FreeAddress()
	require.NoError(t, err)
	return addr
}

func write(t *testing.T, file, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
}

// background runs a program until the test ends; what it wrote is told if the
// test failed.
func background(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	var logs bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &logs, &logs
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself, and the log says so
		_ = cmd.Wait()         // killed: always an error
		if t.Failed() {
			t.Logf("%s:\n%s", filepath.Base(program), logs.String())
		}
	})
}

func TestARealPrometheusFiresAndTheShopIsHealedWithoutAPerson(t *testing.T) {
	t.Parallel()
	shop := shop(t)
	h := start(t, shop.ShopURL, shop.URL)
	monitor(t, h, shop.ShopURL)

	// The shop begins to leak, and its health check fails.
	require.NoError(t, shop.Break(t.Context(), "leak"))
	until(t, "the shop is unhealthy", func() bool { return answers(t, shop.ShopURL+"/healthz") == http.StatusServiceUnavailable })

	// The rule fires, and Salve heals by itself: low is below the playbook's threshold.
	card := h.sees(t, demo.AlertLeak, "is fixed", fixed)
	require.Equal(t, bot.SeverityLow, card.Severity)
	require.Empty(t, card.Proposals, "nobody was asked")
	r := card.Runs[0].Run
	require.Equal(t, "demo-flush-cache", r.Playbook)
	require.Equal(t, demo.ServiceName, r.Target)
	require.Equal(t, bot.FixYes, r.Fix)
	require.Equal(t, bot.StepSucceeded, r.Steps[0].State)
	require.Contains(t, r.Steps[0].Output, "released_bytes")
	require.Equal(t, bot.Salve, r.StartedBy)
	require.NotEmpty(t, card.Diagnosis.Evidence)
	require.Contains(t, card.Alerts[0].Annotations["summary"], "MiB that it does not need")

	// The shop is well again, and what watches it sees that too.
	require.Equal(t, http.StatusOK, answers(t, shop.ShopURL+"/healthz"))
	card = h.sees(t, demo.AlertLeak, "is resolved", func(c bot.Card) bool { return c.State == bot.IncidentResolved })
	require.Zero(t, card.Firing)
	require.Len(t, card.Runs, 1, "healed once")

	// All of it is on record, and the record proves.
	timeline := h.does(t, "timeline", card.Incident.String())
	for _, part := range []string{"demo-flush-cache", "fixed", "resolved"} {
		require.Contains(t, strings.ToLower(timeline), part)
	}
	require.Contains(t, h.does(t, "audit", "verify"), "the audit log proves")
	require.NoError(t, h.Stop())
}
