package sqlite_test

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/sqlite"
)

// BenchmarkCommitBesideABackup is how long commits take, of 32 committers who rest
// in between, with 100,000 incidents open, while backups are made and while not.
func BenchmarkCommitBesideABackup(b *testing.B) {
	const open100k = 100_000
	dir := b.TempDir()
	s := open(b, dir, sqlite.Options{})
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	fill(b, s, open100k)
	next := int64(open100k)
	for _, beside := range []bool{false, true} {
		name := map[bool]string{false: "alone", true: "beside a backup"}[beside]
		b.Run(name, func(b *testing.B) {
			ctx, stop := context.WithCancel(context.Background())
			var copying sync.WaitGroup
			copies := 0
			if beside {
				copying.Go(func() {
					for to := b.TempDir(); ctx.Err() == nil; copies++ {
						if _, err := sqlite.Backup(ctx, dir, filepath.Join(to, strconv.Itoa(copies)), nil); err != nil && ctx.Err() == nil {
							b.Error(err)
							return
						}
					}
				})
			}
			var mu sync.Mutex
			var took []time.Duration
			first := next
			together(b, func(n int64) error {
				began := time.Now()
				_, err := s.Commit(context.Background(), bot.Change{Observed: []bot.Alert{benchAlert(first + n)}, By: bot.Salve})
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
				time.Sleep(8 * time.Millisecond)
				return err
			})
			next += int64(b.N)
			stop()
			copying.Wait()
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "p50-ms")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "p99-ms")
			b.ReportMetric(float64(copies), "backups")
			perSecond(b, 1)
		})
	}
}
