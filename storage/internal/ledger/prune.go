package ledger

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"salve/bot"
	"salve/storage/internal/query"
)

// pruneBatch bounds how long the writer is away from Changes.
const pruneBatch = 500

// Prune drops raw payloads that came before now-age, then the oldest until what
// is kept is at most maxBytes, counted unpacked. Zero means no limit. What is
// held in quarantine stays; what was settled there loses its body by age. It
// returns the number of payloads dropped.
func (l *Ledger) Prune(ctx context.Context, now time.Time, age time.Duration, maxBytes int64) (int, error) {
	if l.writer == nil {
		return 0, errReadOnly
	}
	dropped := 0
	for {
		batch := 0
		_, err := l.writer.submit(ctx, &request{done: make(chan result, 1), apply: func(t *tx) (_ bot.Receipt, err error) {
			batch, err = t.prune(MS(now.Add(-age)), age > 0, maxBytes)
			return bot.Receipt{}, err
		}})
		if err != nil {
			return dropped, fmt.Errorf("prune payloads: %w", err)
		}
		dropped += batch
		if batch == 0 {
			return dropped, nil
		}
	}
}

// prune drops one batch, oldest first: ids grow with time.
func (t *tx) prune(before int64, byAge bool, maxBytes int64) (int, error) {
	n := 0
	if byAge {
		settled, err := t.exec("drop settled payloads", query.DropSettledPayload, before)
		if err != nil {
			return 0, err
		}
		n += int(settled)
	}
	var total int64
	if maxBytes > 0 {
		if _, err := t.session.One("measure payloads", query.DeliveredBytes, nil, &total); err != nil {
			return 0, err
		}
	}
	oldest, err := t.oldestPayloads()
	if err != nil {
		return 0, err
	}
	for _, p := range oldest {
		if tooOld := byAge && p.receivedAt < before; !tooOld && (maxBytes <= 0 || total <= maxBytes) {
			break
		}
		if err := t.write("drop payload", query.DeleteDelivery, p.id); err != nil {
			return 0, err
		}
		total -= p.size
		n++
	}
	return n, nil
}

type payload struct{ id, receivedAt, size int64 }

func (t *tx) oldestPayloads() ([]payload, error) {
	var found []payload
	err := t.session.Each("read payloads", query.OldestDeliveries, []any{int64(pruneBatch)}, func(row []driver.Value) error {
		var p payload
		err := Fill([]any{&p.id, &p.receivedAt, &p.size}, row)
		found = append(found, p)
		return err
	})
	return found, err
}
