package ledger

import (
	"context"

	"salve/bot"
)

// Alone runs f in a transaction of the writer, between Changes. It is for what a
// store does beside them. What f writes must concern no row that the ledger
// remembers; it reports whether it wrote anything.
func (l *Ledger) Alone(ctx context.Context, f func(Session) (wrote bool, err error)) error {
	if l.writer == nil {
		return errReadOnly
	}
	_, err := l.writer.submit(ctx, &request{done: make(chan result, 1), apply: func(t *tx) (bot.Receipt, error) {
		wrote, err := f(t.session)
		t.wrote, t.half = t.wrote || wrote, t.half || wrote || err != nil
		return bot.Receipt{}, err
	}})
	return err
}
