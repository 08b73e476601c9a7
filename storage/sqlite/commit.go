package sqlite

import (
	"context"
	"fmt"

	"salve/bot"
)

// Commit writes a Change whole or not at all and answers once it is on disk. It
// is written together with the Changes that wait at the same time.
func (s *Store) Commit(ctx context.Context, in bot.Change) (bot.Receipt, error) {
	if s.writer == nil {
		return bot.Receipt{}, fmt.Errorf("%w: it was opened for reading", bot.ErrUnavailable)
	}
	seen := prepare(in.Observed)
	return s.writer.submit(ctx, &request{
		apply: func(t *tx) (bot.Receipt, error) { return t.apply(&in, seen) },
		size:  len(in.Observed),
		done:  make(chan result, 1),
	})
}

// apply writes one Change. Rows that may be in conflict come first, so that
// most conflicts are found before anything is written; what refers to a row
// comes after it.
func (t *tx) apply(in *bot.Change, seen []observed) (bot.Receipt, error) {
	c := &change{tx: t, in: in, seen: seen}
	for _, step := range []func() error{
		c.checkIncidents, c.versions, c.works, c.inserts, c.moves, c.merges,
		c.observe, c.flush, c.holds, c.quarantine, c.events,
	} {
		if err := step(); err != nil {
			return bot.Receipt{}, err
		}
	}
	return c.receipt, nil
}

// change is a Change while it is being written.
type change struct {
	*tx
	in      *bot.Change
	seen    []observed // in.Observed
	receipt bot.Receipt
	rows    []*incident                  // those that this Change has read or makes, in the order in which they came up
	byID    map[bot.IncidentID]*incident // the first of rows, when they are many
	changed bool                         // Observed changed something
	buf     []byte
}
