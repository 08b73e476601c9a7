package notary

import (
	"context"
	"fmt"
	"time"

	"salve/bot"
	"salve/bot/audit"
)

// boundary is where the log was pruned last.
func (l *Leg) boundary(ctx context.Context) (bot.Boundary, error) {
	if l.opts.Pruner == nil {
		return bot.Boundary{}, nil
	}
	b, err := l.opts.Pruner.Boundary(ctx)
	if err != nil {
		return b, fmt.Errorf("read where the audit log was pruned: %w", err)
	}
	return b, nil
}

// cut looks, while the log is read, for the place up to which it may go; nil:
// nothing is to go.
func (l *Leg) cut(ctx context.Context, at bot.Boundary, against audit.Against, now time.Time) (*audit.Cut, error) {
	if l.opts.Pruner == nil || l.opts.Keep <= 0 {
		return nil, nil
	}
	needed, err := l.opts.Pruner.FirstNeeded(ctx)
	if err != nil {
		return nil, fmt.Errorf("find what of the audit log is needed: %w", err)
	}
	var start audit.Edge
	for _, e := range against.Edges {
		if e.Size() == at.Size {
			start = e
		}
	}
	return audit.NewCut(now.Add(-l.opts.Keep), needed, start, at.Carried), nil
}

// prune drops what is too old. The log was proved just now, so that the head that
// is signed for the boundary is the one that was signed, or could have been, when
// the log was as long. What a pruning that was broken off has left goes too.
func (l *Leg) prune(ctx context.Context, at bot.Boundary, cut *audit.Cut, now time.Time) error {
	if cut == nil {
		return nil
	}
	next, head, err := cut.Boundary(l.signer)
	if err != nil {
		return err
	}
	var e bot.Event
	switch {
	case next.Size > at.Size:
		if e, err = audit.Pruned(next, head, now); err != nil {
			return err
		}
	case at.Size > 0:
		next = at
	default:
		return nil
	}
	n, err := l.opts.Pruner.PruneEvents(ctx, next, e)
	if n > 0 {
		l.log.InfoContext(ctx, "old events of the audit log were dropped", "events", n, "up_to", next.Size, "keep", l.opts.Keep.String())
	}
	return err
}
