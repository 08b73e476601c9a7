package prometheus

import (
	"context"
	"time"

	"salve/bot"
)

// How open incidents are counted: page by page, with so much rest in between that
// counting takes no more than a fiftieth of one processor.
const (
	openEvery = 15 * time.Second
	openPage  = 500
	openRest  = 100 * time.Millisecond // at least
	openShare = 50
)

// openCount is how many incidents fired at some time.
type openCount struct {
	by map[bot.Severity]int
	at time.Time
}

// countOpen counts open incidents by severity again and again. The severity
// stands in no index, so this is too much for a scrape.
func (m *Metrics) countOpen(ctx context.Context) {
	for {
		if err := m.countOpenOnce(ctx); err != nil && ctx.Err() == nil {
			m.counters.scrapeErrors.WithLabelValues(partSeverities).Inc()
			m.open.Store(nil)
		}
		if !rest(ctx, openEvery) {
			return
		}
	}
}

func (m *Metrics) countOpenOnce(ctx context.Context) error {
	total := make(map[bot.Severity]int)
	for after := bot.IncidentID(0); ; {
		began := time.Now()
		page, err := m.ports.Rows.OpenPage(ctx, after, openPage)
		if err != nil {
			return err
		}
		for severity, n := range page.Count {
			total[severity] += n
		}
		if page.Last == 0 {
			break
		}
		after = page.Last
		if !rest(ctx, max(openRest, openShare*time.Since(began))) {
			return ctx.Err()
		}
	}
	m.open.Store(&openCount{by: total, at: time.Now()})
	return nil
}

// rest waits; false means that it is over.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
