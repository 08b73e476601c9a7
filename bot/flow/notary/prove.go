package notary

import (
	"context"
	"errors"
	"fmt"
	"time"

	"salve/bot"
	"salve/bot/audit"
)

const (
	pageSize   = 500
	restWrong  = 10 * time.Minute // between two readings of a log that does not prove
	restFailed = 10 * time.Second // and of one that could not be read
	chainStart = ""               // what the first Event follows
)

// proveNew takes what was added since into the tree, and reports false when the
// log does not go on from there.
func (l *Leg) proveNew(ctx context.Context) (bool, error) {
	edge, last := l.edge.Clone(), l.last
	for after := max(edge.Size()-1, 0); ; after = edge.Size() {
		page, err := l.store.Events(ctx, bot.EventQuery{After: after, Limit: pageSize})
		if err != nil {
			return false, fmt.Errorf("read the audit log after event %d: %w", after, err)
		}
		if after < edge.Size() { // the last one that was proved comes first
			if len(page) == 0 || page[0].Seq != last.Seq || page[0].Hash != last.Hash {
				return false, nil
			}
			page = page[1:]
		}
		for _, e := range page {
			if !follows(e, edge.Size(), last) {
				return false, nil
			}
			edge.Add(e.Hash)
			last = e
		}
		if len(page) < pageSize-1 {
			l.edge, l.last = edge, last
			return true, nil
		}
	}
}

// follows reports whether e is the next Event after last, as it was sealed.
func follows(e bot.Event, size int64, last bot.Event) bool {
	prev := chainStart
	if size > 0 {
		prev = last.Hash
		if e.Chain != last.Chain {
			return false
		}
	}
	again, err := e.Seal(e.Chain, size+1, prev)
	return err == nil && e.Seq == size+1 && e.Prev == prev && again.Hash == e.Hash
}

// proveAll reads all of the log and compares it with the newest head of each
// place. If it proves, the leg goes on from its end, and what is too old is
// dropped; else people are told.
func (l *Leg) proveAll(ctx context.Context, now time.Time) error {
	at, err := l.boundary(ctx)
	if err != nil {
		return err
	}
	against, err := l.against(at)
	if err != nil {
		return err
	}
	cut, err := l.cut(ctx, at, against, now)
	if err != nil {
		return err
	}
	last, report, err := l.read(ctx, against, cut)
	if err != nil {
		return err
	}
	if !report.OK() {
		return l.wronged(ctx, at, report, against, now)
	}
	if report.Edge(last.Chain).Size() != last.Seq {
		return errors.New("the log was pruned and its edge is not known, so that no head can be signed")
	}
	l.edge, l.last, l.proved, l.stale = report.Edge(last.Chain), last, now, false
	if l.note == nil {
		l.resume()
	}
	if err := l.tellRight(ctx, now); err != nil {
		return err
	}
	return l.prune(ctx, at, cut, now)
}

// read verifies the whole log, a page at a time.
func (l *Leg) read(ctx context.Context, against audit.Against, cut *audit.Cut) (last bot.Event, report audit.Report, err error) {
	report, err = audit.Prove(audit.Pages(func(after int64, limit int) ([]bot.Event, error) {
		page, err := l.store.Events(ctx, bot.EventQuery{After: after, Limit: limit})
		for _, e := range page {
			last = e
			if cut != nil {
				cut.Take(e)
			}
		}
		return page, err
	}), against)
	return last, report, err
}

// wronged tells people, unless the log was pruned by another process while it
// was read.
func (l *Leg) wronged(ctx context.Context, at bot.Boundary, report audit.Report, against audit.Against, now time.Time) error {
	since, err := l.boundary(ctx)
	if err != nil {
		return err
	}
	l.stale = true
	if since.Size != at.Size {
		return nil // the next look reads it again
	}
	l.again = now.Add(restWrong)
	return l.tellWrong(ctx, report.Faults[0], against, now)
}

// resume goes on from the newest head that a place has, so that a start without
// news signs nothing.
func (l *Leg) resume() {
	for _, p := range l.places {
		if p.note != nil && p.has.Size > l.signed.Size {
			l.note = p.note
			l.set(func() { l.signed = p.has })
		}
	}
}

// against is what the log must agree with: the newest head of each place, the
// one signed last, and those at which it was pruned.
func (l *Leg) against(at bot.Boundary) (audit.Against, error) {
	var out audit.Against
	for _, p := range l.places {
		if p.has.Size > 0 {
			out.Signed = append(out.Signed, p.has)
		}
	}
	if l.signed.Size > 0 {
		out.Signed = append(out.Signed, l.signed)
	}
	return out.Opened(at, l.keys)
}
