package prometheus

import (
	"context"
	"errors"
	"time"

	"salve/bot"
)

// How the log is followed: how often, and how much at once.
const (
	followEvery = time.Second
	followPage  = 1000
)

// follow takes in what happened, once a second. A scan of the log costs the
// senders of alerts less than to be told of each commit would.
func (m *Metrics) follow(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := m.catchUp(ctx)
		if ctx.Err() != nil {
			return
		}
		m.tellFollowing(ctx, err)
	}
}

func (m *Metrics) tellFollowing(ctx context.Context, err error) {
	if err != nil {
		m.counters.scrapeErrors.WithLabelValues(partEvents).Inc()
	}
	if was := m.behind; was != (err != nil) {
		m.behind = err != nil
		if m.behind {
			m.log.WarnContext(ctx, "the counters of /metrics stand still until the events can be read", "err", err)
		} else {
			m.log.InfoContext(ctx, "the counters of /metrics go on from where they stood")
		}
	}
}

// catchUp takes in all that is there.
func (m *Metrics) catchUp(ctx context.Context) error {
	for {
		after := m.seen.Load()
		page, err := m.ports.Record.EventPage(ctx, after, followPage)
		if err != nil {
			return err
		}
		if err := m.takeIn(ctx, after, page); err != nil {
			return err
		}
		if page.Last-after < followPage {
			return nil
		}
	}
}

// takeIn counts a page. Where it fails it goes on from there the next time; the
// alerts of the page are between its Events.
func (m *Metrics) takeIn(ctx context.Context, after int64, page bot.EventPage) error {
	alerts := m.counters.events.WithLabelValues(string(bot.EventAlerts))
	for _, e := range page.Events {
		switch err := m.count(ctx, e); {
		case err == nil:
		case errors.Is(err, bot.ErrUnavailable), ctx.Err() != nil:
			return err
		default:
			m.log.WarnContext(ctx, "an event could not be counted in /metrics", "seq", e.Seq, "kind", e.Kind, "err", err)
		}
		m.counters.events.WithLabelValues(m.counters.kinds.of(string(e.Kind))).Inc()
		alerts.Add(float64(max(0, e.Seq-after-1)))
		after = e.Seq
		m.seen.Store(after)
	}
	alerts.Add(float64(max(0, page.Last-after)))
	m.seen.Store(page.Last)
	return nil
}

// count takes in what an Event ends or begins.
func (m *Metrics) count(ctx context.Context, e bot.Event) error {
	switch e.Kind {
	case bot.EventRunEnded:
		return m.runEnded(ctx, e)
	case bot.EventExpired:
		return m.unanswered(bot.ApprovalExpired)
	case bot.EventWithdrawn:
		return m.unanswered(bot.ApprovalWithdrawn)
	case bot.EventApproved:
		return m.answered(ctx, e, bot.ApprovalApproved)
	case bot.EventDenied:
		return m.answered(ctx, e, bot.ApprovalDenied)
	case bot.EventTaken, bot.EventAssigned, bot.EventVoted, bot.EventRunPlanned:
		return m.acknowledged(ctx, e)
	case bot.EventClosed:
		return m.closed(ctx, e)
	default:
		return nil
	}
}

func (m *Metrics) runEnded(ctx context.Context, e bot.Event) error {
	r, err := m.ports.Record.Run(ctx, e.Run)
	if err != nil || r.Active() {
		return err
	}
	n := m.counters
	n.runsEnded.WithLabelValues(n.playbooks.of(r.Playbook), string(r.State)).Inc()
	n.run.WithLabelValues(string(r.State)).Observe(between(r.CreatedAt, r.EndedAt))
	switch r.Fix {
	case bot.FixPending:
	case bot.FixYes:
		n.verifications.WithLabelValues("fixed").Inc()
	case bot.FixNo:
		n.verifications.WithLabelValues("not_fixed").Inc()
	default:
		n.verifications.WithLabelValues("unknown").Inc()
	}
	return nil
}

func (m *Metrics) unanswered(state bot.ApprovalState) error {
	m.counters.approvalsEnded.WithLabelValues(string(state)).Inc()
	return nil
}

// answered reads all that it wants before it counts.
func (m *Metrics) answered(ctx context.Context, e bot.Event, state bot.ApprovalState) error {
	a, err := m.ports.Record.Approval(ctx, e.Approval)
	if err != nil {
		return err
	}
	if err := m.acknowledged(ctx, e); err != nil {
		return err
	}
	m.counters.approvalsEnded.WithLabelValues(string(state)).Inc()
	m.counters.approval.WithLabelValues(string(state)).Observe(between(a.OpenedAt, e.At))
	return nil
}

// between is a time span in seconds; clocks that went back make it 0.
func between(from, to time.Time) float64 { return max(0, to.Sub(from).Seconds()) }
