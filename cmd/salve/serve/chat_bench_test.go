package serve_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/config"
	"salve/integrations/slack/slacktest"
)

// measure makes the benchmarks of chat as long as figures need. Without it they
// only show that they work.
var measure = flag.Bool("measure", false, "benchmarks of chat: as long as figures need, some minutes")

// size is how much a benchmark does in one round.
func size(smoke, full int) int {
	if *measure {
		return full
	}
	return smoke
}

// teams are channels, each with the incidents of one team.
func teams(cfg *config.Config, n int) (channels []string) {
	for i := range n {
		channels = append(channels, fmt.Sprintf("C0TEAM%04d", i))
		cfg.Slack.Routes = append(cfg.Slack.Routes, config.Route{When: fmt.Sprintf(`alert.labels["team"] == "t%d"`, i), Channel: channels[i]})
	}
	return channels
}

// open makes channels of those names.
func open(fake *slacktest.Slack, channels []string) {
	for _, c := range channels {
		fake.AddChannel(slacktest.Channel{ID: c, Name: strings.ToLower(c), Member: true})
	}
}

// firing sends alerts, each of a group of its own, and fails when they are not
// taken.
func firing(b *testing.B, base, name string, teams []int, from int) {
	b.Helper()
	alerts := make([]map[string]any, len(teams))
	for i, team := range teams {
		alerts[i] = map[string]any{
			"status": "firing", "startsAt": "2026-01-01T00:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
			"fingerprint": fmt.Sprintf("%016x", from+i), "annotations": map[string]string{"summary": nth(from+i) + " is ill"},
			"labels": map[string]string{"alertname": name, "severity": "high", "service": nth(from + i), "team": fmt.Sprintf("t%d", team)},
		}
	}
	body, err := json.Marshal(map[string]any{
		"version": "4", "receiver": "x", "status": "firing", "truncatedAlerts": 0, "groupKey": "{}", "externalURL": "", "alerts": alerts,
		"groupLabels": map[string]string{}, "commonLabels": map[string]string{}, "commonAnnotations": map[string]string{},
	})
	require.NoError(b, err)
	req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, base+"/v1/hooks/prod", bytes.NewReader(body))
	require.NoError(b, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+hookToken)
	code, answer := exchange(b, req)
	require.Equal(b, http.StatusOK, code, answer)
}

// nth is the service that the n-th alert is about.
func nth(n int) string { return fmt.Sprintf("svc-%05d", n) }

// report reports two quantiles in milliseconds.
func report(b *testing.B, prefix string, took []time.Duration) {
	slices.Sort(took)
	at := func(q float64) float64 {
		return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), prefix+"p50-ms")
	b.ReportMetric(at(0.99), prefix+"p99-ms")
}

// BenchmarkChatAlertToCard is the time from the begin of an alert's POST until
// Slack has its card. Alerts come at random moments, and Slack takes one message a
// second and channel. Each asks for approval, so that a notice follows the card.
func BenchmarkChatAlertToCard(b *testing.B) {
	for _, bench := range []struct {
		name     string
		channels int
		alerts   int
		every    time.Duration // between two alerts, on average
	}{
		{"20-channels", 20, size(8, 300), 400 * time.Millisecond},
		{"1-channel", 1, size(2, 40), 6 * time.Second},
	} {
		b.Run(bench.name, func(b *testing.B) {
			fake := newSlack(b, slacktest.Options{})
			cfg := withSlack(setUp(b, newShop(b)), fake)
			cfg.Sources[0].GroupBy = []string{"service"}
			open(fake, teams(&cfg, bench.channels))
			salve := run(b, cfg)
			every := bench.every
			if !*measure {
				every = 100 * time.Millisecond
			}
			rnd := rand.New(rand.NewPCG(1, 2))
			alerts := bench.alerts * b.N
			sent := make([]time.Time, alerts)
			var posts sync.WaitGroup
			b.ResetTimer()
			for n := range alerts {
				sent[n] = time.Now()
				posts.Go(func() { firing(b, salve.URL(), "ShopIll", []int{n % bench.channels}, n) })
				time.Sleep(time.Duration(rnd.ExpFloat64() * float64(every)))
			}
			posts.Wait()
			var cards map[string]time.Time
			require.True(b, fake.Await(time.Minute, func() bool { cards = firstShown(fake); return len(cards) == alerts }), "%d of %d cards", len(cards), alerts)
			b.StopTimer()
			var took []time.Duration
			for n, at := range sent {
				took = append(took, cards[nth(n)].Sub(at))
			}
			report(b, "", took)
			b.ReportMetric(0, "ns/op")
			require.NoError(b, salve.end())
		})
	}
}

// firstShown is when Slack took the first message about each service.
func firstShown(fake *slacktest.Slack) map[string]time.Time {
	out := map[string]time.Time{}
	for _, c := range fake.Calls("chat.postMessage") {
		_, after, found := strings.Cut(c.Args["text"], "svc-")
		if !found || !c.Done || len(after) < 5 {
			continue
		}
		if at, known := out["svc-"+after[:5]]; !known || c.At.Before(at) {
			out["svc-"+after[:5]] = c.At
		}
	}
	return out
}
