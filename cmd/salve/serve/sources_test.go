package serve_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
)

func TestEveryTypeOfSourceThatCanBeWrittenIsRead(t *testing.T) {
	t.Parallel()
	require.Equal(t, config.SourceTypes(), serve.SourceTypes())
}

// sender is one type of source from its configuration to what it sends.
type sender struct {
	source   config.Source
	prove    func(r *http.Request, body string)
	firing   string
	resolved string // "": it never says so
	title    string
	severity bot.Severity
}

func bearer(r *http.Request, _ string) { r.Header.Set("Authorization", "Bearer "+hookToken) }

func signed(header, prefix string) func(*http.Request, string) {
	return func(r *http.Request, body string) {
		mac := hmac.New(sha256.New, []byte(hookToken))
		mac.Write([]byte(body))
		r.Header.Set(header, prefix+hex.EncodeToString(mac.Sum(nil)))
	}
}

func senders() map[string]sender {
	began := time.Now().UTC().Add(-time.Minute).Format(time.RFC3339)
	grafana := func(state string) string {
		return fmt.Sprintf(`{"receiver":"salve","orgId":1,"version":"1","groupKey":"g","truncatedAlerts":0,"externalURL":"http://grafana.example.net/","alerts":[
{"status":%q,"labels":{"alertname":"DiskAlmostFull","severity":"warning"},"annotations":{"summary":"93 percent"},"startsAt":%q,"endsAt":"0001-01-01T00:00:00Z","fingerprint":"c6eadffa33fcdf37","values":{"A":93}}]}`, state, began)
	}
	pagerduty := func(status string) string {
		return fmt.Sprintf(`{"event":{"id":"01","event_type":"incident.%[1]s","resource_type":"incident","occurred_at":%[2]q,"data":{"id":"PGR0VU2","type":"incident","number":2,"status":%[1]q,"created_at":%[2]q,"title":"A little bump","priority":null,"urgency":"low"}}}`, status, began)
	}
	return map[string]sender{
		"alertmanager": {config.Source{Bearer: "env:HOOK"}, bearer, strings.Replace(grafana("firing"), `"1"`, `"4"`, 1), strings.Replace(grafana("resolved"), `"1"`, `"4"`, 1), "DiskAlmostFull: 93 percent", bot.SeverityMedium},
		"falco": {config.Source{Basic: &config.Basic{User: "falco", Password: "env:HOOK"}}, func(r *http.Request, _ string) { r.SetBasicAuth("falco", hookToken) },
			fmt.Sprintf(`{"rule":"Write below etc","priority":"Error","time":%q,"hostname":"node-7","output":"x","output_fields":{"proc.name":"vi"}}`, began), "", "Write below etc on node-7", bot.SeverityHigh},
		"pagerduty": {config.Source{Secret: "env:HOOK"}, signed("X-PagerDuty-Signature", "v1="), pagerduty("triggered"), pagerduty("resolved"), "A little bump", bot.SeverityLow},
		"grafana":   {config.Source{Secret: "env:HOOK"}, signed("X-Grafana-Alerting-Signature", ""), grafana("firing"), grafana("resolved"), "DiskAlmostFull: 93 percent", bot.SeverityMedium},
	}
}

func TestEverySenderMakesAnIncidentAndEndsIt(t *testing.T) {
	t.Parallel()
	all := senders()
	require.Len(t, all, len(config.SourceTypes()))
	for kind, s := range all {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			cfg := setUp(t, newShop(t))
			s.source.Name, s.source.Type = "prod", kind
			cfg.Sources = []config.Source{s.source}
			r := run(t, cfg)
			post := func(body string, prove func(*http.Request, string)) (int, string) {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL()+"/v1/hooks/prod", bytes.NewReader([]byte(body)))
				require.NoError(t, err)
				req.Header.Set("Content-Type", "application/json")
				prove(req, body)
				return exchange(t, req)
			}
			code, _ := post(s.firing, func(*http.Request, string) {})
			require.Equal(t, 401, code)
			code, _ = post(s.firing, func(r *http.Request, body string) { s.prove(r, body+" "); r.Header.Del("Authorization") })
			require.Equal(t, 401, code)
			for range 2 {
				code, body := post(s.firing, s.prove)
				require.Equal(t, 200, code, body)
			}
			inc := r.incident(t)
			require.Equal(t, bot.IncidentOpen, inc.State())
			require.Equal(t, []any{"prod", s.title, s.severity, 1, 1}, []any{inc.Source, inc.Title, inc.Severity, inc.Firing, inc.Total})
			if s.resolved != "" {
				code, body := post(s.resolved, s.prove)
				require.Equal(t, 200, code, body)
				require.Equal(t, bot.IncidentResolved, r.incident(t).State())
			}
			require.NoError(t, r.end())
		})
	}
}

// incident is the only one there is.
func (r *running) incident(t *testing.T) bot.Incident {
	t.Helper()
	var list []bot.Incident
	require.NoError(t, r.Get(t.Context(), "/v1/incidents", nil, &list))
	require.Len(t, list, 1)
	return list[0]
}

// samples are where the payloads of others are, by type of source.
var samples = map[string][]string{
	"alertmanager": {"alertmanager-webhooks/*/*.json", "misc/alertmanager/*.json"},
	"falco":        {"falco/events/*.json"},
	"pagerduty":    {"pagerduty-webhooks/incident-v3/*.json"},
	"grafana":      {"keep-mocks/grafana/*.json"},
}

// refused are the samples that are not taken, and why.
var refused = map[string]string{
	"falco-talon-07.json": `"rule" is missing`, // the output fields of an event, alone
	"falco-talon-09.json": `"rule" is missing`,
	"talon-00.json":       `"rule" is missing`, // "Rule"
	"talon-02.json":       `"rule" is missing`,
	"talon-04.json":       `"rule" is missing`,

	"incident.priority_updated.json": "created_at",         // of before PagerDuty sent it
	"HighMemoryConsumption.json":     "no Grafana webhook", // a rule, not what is sent when it fires
}

func TestEverySampleIsTakenOrRefusedForAReason(t *testing.T) {
	t.Parallel()
	root := os.Getenv("SALVE_SHARED")
	if root == "" {
		root = "../../../../shared/samples"
	}
	if _, err := os.Stat(root); err != nil {
		t.Skip("the samples are not here; SALVE_SHARED names their folder")
	}
	for kind, patterns := range samples {
		taken, held := 0, 0
		for _, pattern := range patterns {
			files, err := filepath.Glob(filepath.Join(root, pattern))
			require.NoError(t, err)
			for _, file := range files {
				body, err := os.ReadFile(file)
				require.NoError(t, err)
				alerts, err := serve.Decode(kind)("s", body, time.Now())
				if why, ok := refused[filepath.Base(file)]; ok {
					require.ErrorContains(t, err, why, file)
					require.Empty(t, alerts, file)
					held++
					continue
				}
				require.NoError(t, err, file)
				require.NotEmpty(t, alerts, file)
				taken++
			}
		}
		require.NotZero(t, taken+held, "%s: no sample", kind)
	}
}
