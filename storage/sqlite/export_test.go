package sqlite

import (
	"context"
	"database/sql/driver"

	"salve/bot"
)

// Exec runs a statement on the writing connection, for tests that break things.
func (s *Store) Exec(ctx context.Context, text string) error {
	_, err := s.writer.submit(ctx, &request{done: make(chan result, 1), apply: func(t *tx) (bot.Receipt, error) {
		return bot.Receipt{}, t.write("test", text)
	}})
	return err
}

// Explain says how a query is carried out.
func (s *Store) Explain(ctx context.Context, text string, args ...any) (string, error) {
	var plan string
	_, err := s.writer.submit(ctx, &request{done: make(chan result, 1), apply: func(t *tx) (bot.Receipt, error) {
		return bot.Receipt{}, t.conn.each("EXPLAIN QUERY PLAN "+text, args, func(row []driver.Value) error {
			plan += row[3].(string) + "\n"
			return nil
		})
	}})
	return plan, err
}

// CommitQueued puts a Change into the queue and waits for no answer.
func (s *Store) CommitQueued(in bot.Change) error {
	enc, err := encodeChange(&in)
	if err != nil {
		return err
	}
	return s.writer.enqueue(&request{
		apply: func(t *tx) (bot.Receipt, error) { return t.apply(&in, &enc) },
		done:  make(chan result, 1),
	})
}

// KeepLogShort is for before the first Commit: from how many pages on the log is
// copied into the database.
func (s *Store) KeepLogShort(pages int64) { s.writer.checkpoints.long = pages }

// Queued is how many Changes wait.
func (s *Store) Queued() int { return len(s.writer.queue) }

// RoundTrip encodes an alert and its Fold as they are stored, and reads both.
func RoundTrip(a bot.Alert) (bot.Alert, bot.Fold, error) {
	body := appendAlert(nil, a)
	back, err := decodeAlert(a.AlertKey, ms(a.ReceivedAt), body)
	if err != nil {
		return back, bot.Fold{}, err
	}
	var folded tallied
	f := foldAll(bot.Fold{}, []bot.Alert{a})
	err = decodeFold(appendFold(nil, &f), &folded)
	return back, folded.Fold, err
}

// AtLeast compares versions of SQLite.
func AtLeast(have, want string) bool { return atLeast(have, want) }
