package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/sqlite"
)

const committers = 32 // at the same time, as connections of a load generator

var benchStart = time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)

// benchAlert is like what an Alertmanager sends; each has a group of its own.
func benchAlert(n int64) bot.Alert {
	fingerprint := fmt.Sprintf("%016x", uint64(n)*0x9E3779B97F4A7C15)
	at := benchStart.Add(time.Duration(n) * time.Millisecond)
	return bot.Alert{
		AlertKey: bot.AlertKey{Source: "prod", Fingerprint: fingerprint, StartsAt: at},
		GroupKey: `{}/{severity="critical"}:{alertname="HighErrorRate", instance="` + fingerprint + `"}`,
		State:    bot.AlertFiring, Severity: bot.SeverityCritical, Title: "HighErrorRate",
		Labels: map[string]string{
			"alertname": "HighErrorRate", "cluster": "prod-eu-1", "namespace": "shop", "service": "svc00042", "severity": "critical",
			"team": "payments", "job": "kubernetes-pods", "instance": fingerprint, "pod": "checkout-7c9f6d5b8-x2x4q",
		},
		Annotations: map[string]string{"summary": "Error rate of svc00042 is above 5% for 10 minutes", "runbook_url": "https://runbooks.example.com/shop/high-error-rate"},
		Link:        "http://prometheus.example.com/graph?g0.expr=rate&g0.tab=1", ReceivedAt: at,
	}
}

func benchDelivery(alerts int) *bot.Delivery {
	one := `{"status":"firing","labels":{"alertname":"HighErrorRate","cluster":"prod-eu-1","instance":"10.42.17.31:8080","job":"kubernetes-pods","namespace":"shop","pod":"checkout-7c9f6d5b8-x2x4q","service":"svc00042","severity":"critical","team":"payments"},"annotations":{"summary":"Error rate of svc00042 is above 5% for 10 minutes"},"startsAt":"2026-05-06T07:08:09Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus.example.com/graph","fingerprint":"0123456789abcdef"},`
	body := []byte(`{"receiver":"salve","version":"4","groupKey":"{}:{}","alerts":[`)
	for range alerts {
		body = append(body, one...)
	}
	return &bot.Delivery{Source: "prod", ReceivedAt: benchStart, Alerts: alerts, Body: body}
}

// together runs b.N times f, from many goroutines.
func together(b *testing.B, f func(n int64) error) {
	b.Helper()
	var next atomic.Int64
	var running sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range committers {
		running.Go(func() {
			for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
				if err := f(n); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	running.Wait()
	b.StopTimer()
}

func perSecond(b *testing.B, alerts int) {
	b.ReportMetric(float64(b.N*alerts)/b.Elapsed().Seconds(), "alerts/s")
}

func BenchmarkCommitNewAlerts(b *testing.B) {
	for name, group := range map[string]func(n int64) string{
		"of own incidents": func(n int64) string { return benchAlert(n).GroupKey },
		"of one incident":  func(int64) string { return "one" },
	} {
		b.Run(name, func(b *testing.B) {
			s := open(b, b.TempDir(), sqlite.Options{})
			b.Cleanup(func() { require.NoError(b, s.Close()) })
			delivery := benchDelivery(1)
			together(b, func(n int64) error {
				a := benchAlert(n)
				a.GroupKey = group(n)
				_, err := s.Commit(context.Background(), bot.Change{Observed: []bot.Alert{a}, By: bot.Salve, Delivery: delivery})
				return err
			})
			perSecond(b, 1)
		})
	}
}

func BenchmarkCommit64NewAlerts(b *testing.B) {
	s := open(b, b.TempDir(), sqlite.Options{})
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	delivery := benchDelivery(64)
	together(b, func(n int64) error {
		_, err := s.Commit(context.Background(), bot.Change{Observed: benchBatch(n, 64), By: bot.Salve, Delivery: delivery})
		return err
	})
	perSecond(b, 64)
}

func benchBatch(n, size int64) []bot.Alert {
	alerts := make([]bot.Alert, size)
	for i := range alerts {
		k := n*size + int64(i)
		alerts[i] = benchAlert(k)
		alerts[i].GroupKey = "group " + strconv.FormatInt(k/64, 10)
	}
	return alerts
}

func BenchmarkCommit64Repeats(b *testing.B) {
	const open100k = 100_000
	s := open(b, b.TempDir(), sqlite.Options{})
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	fill(b, s, open100k)
	delivery := benchDelivery(64)
	together(b, func(n int64) error {
		_, err := s.Commit(context.Background(), bot.Change{Observed: benchBatch(n%(open100k/512*8), 64), By: bot.Salve, Delivery: delivery})
		return err
	})
	perSecond(b, 64)
}

func fill(b *testing.B, s *sqlite.Store, n int64) {
	b.Helper()
	for i := range n / 512 {
		_, err := s.Commit(context.Background(), bot.Change{Observed: benchBatch(i, 512), By: bot.Salve})
		require.NoError(b, err)
	}
}

// BenchmarkFloor is a bare writer that commits one row a request in groups: what
// the others are compared with.
func BenchmarkFloor(b *testing.B) {
	db, err := sql.Open("sqlite", "file:"+b.TempDir()+"/floor.db?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, db.Close()) })
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	require.NoError(b, err)
	defer conn.Close()
	_, err = conn.ExecContext(ctx, `CREATE TABLE rows (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, at BIGINT NOT NULL, body TEXT NOT NULL)`)
	require.NoError(b, err)
	prepare := func(text string) *sql.Stmt {
		st, err := conn.PrepareContext(ctx, text)
		require.NoError(b, err)
		return st
	}
	begin, commit := prepare("BEGIN IMMEDIATE"), prepare("COMMIT")
	insert := prepare(`INSERT INTO rows (key, at, body) VALUES ($1, $2, $3) ON CONFLICT (key) DO UPDATE SET at = excluded.at`)
	type row struct {
		key, body string
		done      chan error
	}
	queue := make(chan row, 1024)
	defer close(queue)
	write := func(group []row) error {
		if _, err := begin.ExecContext(ctx); err != nil {
			return err
		}
		for _, r := range group {
			if _, err := insert.ExecContext(ctx, r.key, int64(1), r.body); err != nil {
				return err
			}
		}
		_, err := commit.ExecContext(ctx)
		return err
	}
	go func() {
		for r := range queue {
			group := []row{r}
			for more := true; more; {
				select {
				case r, more = <-queue:
					group = append(group, r)
				default:
					more = false
				}
			}
			err := write(group)
			for _, r := range group {
				r.done <- err
			}
		}
	}()
	body := string(benchDelivery(1).Body)
	together(b, func(n int64) error {
		r := row{key: benchAlert(n).Fingerprint, body: body, done: make(chan error, 1)}
		queue <- r
		return <-r.done
	})
	perSecond(b, 1)
}
