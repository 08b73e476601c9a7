package ledger

import (
	"context"
	"fmt"
	"time"

	"salve/bot"
	"salve/storage/internal/query"
)

// PruneChat drops what chat needs no more: Offers that expired before that time,
// Gestures that are done and came before it, and Posts that are not due, were
// sent last (or else opened) before it, and whose Incident is closed, merged or
// not there. A Post stays while another is due in its thread. It returns how many
// rows it dropped; between some of them the writer goes on with Changes.
func (l *Ledger) PruneChat(ctx context.Context, before time.Time) (int, error) {
	if l.writer == nil {
		return 0, errReadOnly
	}
	dropped := 0
	for _, kind := range [...]struct{ doing, text string }{
		{"drop offers", query.DropOffers}, {"drop gestures", query.DropGestures}, {"drop posts", query.DropPosts},
	} {
		for more := true; more; {
			var n int64
			_, err := l.writer.submit(ctx, &request{done: make(chan result, 1), apply: func(t *tx) (_ bot.Receipt, err error) {
				n, err = t.exec(kind.doing, kind.text, MS(before), int64(pruneBatch))
				return bot.Receipt{}, err
			}})
			if err != nil {
				return dropped, fmt.Errorf("prune chat: %w", err)
			}
			dropped += int(n)
			more = n == pruneBatch
		}
	}
	return dropped, nil
}
