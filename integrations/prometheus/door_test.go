package prometheus_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/prometheus"
)

func TestOnlyWhoMayReadsTheMetrics(t *testing.T) {
	t.Parallel()
	m := watch(t, newWorld())
	token := secret.New("a-long-token")
	tests := []struct {
		name   string
		access prometheus.Access
		header []string
		want   int
	}{
		{"somebody on this machine", prometheus.Access{Local: true}, nil, 200},
		{"somebody on this machine, token or not", prometheus.Access{Local: true, Bearer: token}, []string{"Bearer wrong"}, 200},
		{"the token", prometheus.Access{Bearer: token}, []string{"Bearer a-long-token"}, 200},
		{"the scheme in other letters", prometheus.Access{Bearer: token}, []string{"bearer a-long-token"}, 200},
		{"no token", prometheus.Access{Bearer: token}, nil, 401},
		{"a wrong token", prometheus.Access{Bearer: token}, []string{"Bearer a-long-tokem"}, 401},
		{"the beginning of the token", prometheus.Access{Bearer: token}, []string{"Bearer a-long"}, 401},
		{"an empty token", prometheus.Access{Bearer: token}, []string{"Bearer "}, 401},
		{"another scheme", prometheus.Access{Bearer: token}, []string{"Basic a-long-token"}, 401},
		{"the token twice", prometheus.Access{Bearer: token}, []string{"Bearer a-long-token", "Bearer a-long-token"}, 401},
		{"nobody", prometheus.Access{}, nil, 404},
		{"nobody, with an empty token", prometheus.Access{}, []string{"Bearer "}, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, w := httptest.NewRequest(http.MethodGet, "http://localhost:8080/metrics", nil), httptest.NewRecorder()
			r.Header["Authorization"], r.RemoteAddr = tt.header, "127.0.0.1:99"
			m.Handler(tt.access).ServeHTTP(w, r)
			require.Equal(t, tt.want, w.Code)
			if tt.want != 200 {
				require.NotContains(t, w.Body.String(), "salve_")
				require.NotContains(t, w.Body.String(), "a-long-token")
			}
		})
	}
}

func TestALocalListenerKnowsWhoIsNear(t *testing.T) {
	t.Parallel()
	m := watch(t, newWorld())
	for name, tt := range map[string]struct {
		from, host, header, value string
		want                      bool
	}{
		"a Prometheus beside it":           {"127.0.0.1:99", "127.0.0.1:8080", "", "", true},
		"over IPv6":                        {"[::1]:99", "[::1]:8080", "", "", true},
		"a person who typed the address":   {"127.0.0.1:99", "localhost:8080", "Sec-Fetch-Site", "none", true},
		"another machine":                  {"192.0.2.1:99", "127.0.0.1:8080", "", "", false},
		"a proxy on this machine":          {"127.0.0.1:99", "127.0.0.1:8080", "X-Forwarded-For", "192.0.2.1", false},
		"a name that leads to this one":    {"127.0.0.1:99", "evil.example:8080", "", "", false},
		"a page of another site":           {"127.0.0.1:99", "127.0.0.1:8080", "Sec-Fetch-Site", "cross-site", false},
		"a page of another site in script": {"127.0.0.1:99", "127.0.0.1:8080", "Origin", "https://evil.example", false},
	} {
		for _, bearer := range []string{"", "a-long-token"} {
			r, w := httptest.NewRequest(http.MethodGet, "/metrics", nil), httptest.NewRecorder()
			r.RemoteAddr, r.Host = tt.from, tt.host
			if tt.header != "" {
				r.Header.Set(tt.header, tt.value)
			}
			m.Handler(prometheus.Access{Local: true, Bearer: secret.New(bearer)}).ServeHTTP(w, r)
			require.Equal(t, tt.want, w.Code == http.StatusOK, "%s: %d", name, w.Code)
			require.Equal(t, tt.want, strings.Contains(w.Body.String(), "salve_ready"), name)
		}
	}
}

func TestEveryPostIsCountedOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   map[string]float64
	}{
		{"taken", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }, map[string]float64{`salve_deliveries_total{result="taken",source="prod"}`: 1}},
		{"taken without a word", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }, map[string]float64{`salve_deliveries_total{result="taken",source="prod"}`: 1}},
		{"quarantined", status(422), map[string]float64{`salve_deliveries_total{result="quarantined",source="prod"}`: 1}},
		{"no credential", status(401), map[string]float64{`salve_deliveries_refused_total{reason="credential",source="prod"}`: 1, `salve_deliveries_total{result="refused",source="prod"}`: 1}},
		{"too large", status(413), map[string]float64{`salve_deliveries_refused_total{reason="too_large",source="prod"}`: 1}},
		{"overload", status(503), map[string]float64{`salve_deliveries_refused_total{reason="try_later",source="prod"}`: 1}},
		{"a fault", status(500), map[string]float64{`salve_deliveries_refused_total{reason="fault",source="prod"}`: 1}},
		{"something new", status(418), map[string]float64{`salve_deliveries_refused_total{reason="other",source="prod"}`: 1}},
		{"given up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, map[string]float64{`salve_deliveries_refused_total{reason="other",source="prod"}`: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := watch(t, newWorld())
			h := m.Source("prod", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				scrape(t, m).has(t, map[string]float64{"salve_deliveries_in_flight": 1})
				tt.answer(w, r)
			}))
			func() {
				defer func() { _ = recover() }() // as net/http does
				h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil))
			}()
			got := scrape(t, m)
			got.has(t, tt.want)
			got.has(t, map[string]float64{"salve_deliveries_in_flight": 0, `salve_delivery_duration_seconds_count{source="prod"}`: 1})
			total := 0.0
			for _, result := range []string{"taken", "quarantined", "refused"} {
				total += got[`salve_deliveries_total{result="`+result+`",source="prod"}`]
			}
			require.InDelta(t, 1, total, 0)
		})
	}
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func TestTheDoorBehindReachesItsConnection(t *testing.T) {
	t.Parallel()
	m := watch(t, newWorld())
	s := httptest.NewServer(m.Source("prod", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			w.WriteHeader(http.StatusTeapot)
		}
	})))
	defer s.Close()
	resp, err := s.Client().Get(s.URL)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
}

func TestWritesAreCountedByWhatBecameOfThem(t *testing.T) {
	t.Parallel()
	m := watch(t, newWorld())
	seen := func(source string, o bot.Outcome) bot.Observation {
		return bot.Observation{Key: bot.AlertKey{Source: source}, Outcome: o}
	}
	m.Committed(bot.Receipt{Observed: []bot.Observation{
		seen("prod", bot.OutcomeNew), seen("prod", bot.OutcomeNew), seen("prod", bot.OutcomeRepeat), seen("prod", bot.OutcomeNew), seen("elsewhere", bot.OutcomeStale),
	}}, 20*time.Millisecond, nil)
	lost := bot.Receipt{Observed: []bot.Observation{seen("prod", bot.OutcomeResolved)}}
	for _, err := range []error{
		fmt.Errorf("commit: %w", bot.ErrConflict), bot.ErrOverloaded, fmt.Errorf("%w: disk", bot.ErrUnavailable),
		fmt.Errorf("it may still be written: %w", context.Canceled), context.DeadlineExceeded, errors.New("no id"),
	} {
		m.Committed(lost, time.Hour, err)
	}
	scrape(t, m).has(t, map[string]float64{
		`salve_alerts_total{outcome="new",source="prod"}`: 3, `salve_alerts_total{outcome="repeat",source="prod"}`: 1,
		`salve_alerts_total{outcome="stale",source="other"}`: 1, `salve_alerts_total{outcome="resolved",source="prod"}`: 0,
		`salve_commits_total{result="done"}`: 1, `salve_commits_total{result="conflict"}`: 1, `salve_commits_total{result="overloaded"}`: 1,
		`salve_commits_total{result="unavailable"}`: 1, `salve_commits_total{result="left"}`: 2, `salve_commits_total{result="refused"}`: 1,
		"salve_commit_duration_seconds_count": 1, "salve_commit_duration_seconds_sum": .02, "salve_commit_last_duration_seconds": .02,
	})
}

func TestAVerdictIsCountedByTheRuleThatDecided(t *testing.T) {
	t.Parallel()
	m := watch(t, newWorld())
	rule := func(name string, r bot.Ruling) bot.Verdict { return bot.Verdict{Rule: name, Ruling: r} }
	m.Decided(bot.Decision{Candidates: []bot.Candidate{
		{Verdict: bot.Judge("guard", rule("mode", bot.Allow), rule("severity", bot.Allow))},
		{Verdict: bot.Judge("guard", rule("mode", bot.Allow), rule("severity", bot.AskPerson), rule("taken", bot.AskPerson))},
		{Verdict: bot.Judge("guard", rule("severity", bot.AskPerson), rule("cooldown", bot.Deny))},
		{Verdict: bot.Judge("guard")},
	}})
	scrape(t, m).has(t, map[string]float64{
		`salve_verdicts_total{decision="allow",rule="none"}`: 1, `salve_verdicts_total{decision="ask",rule="severity"}`: 1,
		`salve_verdicts_total{decision="deny",rule="cooldown"}`: 1, `salve_verdicts_total{decision="deny",rule="guard"}`: 1,
	})
}
