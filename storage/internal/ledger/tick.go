package ledger

import (
	"context"
	"time"

	"salve/storage/internal/query"
)

// Tick reports whether whoever asks is to do now what is done every so often: of
// all processes that share the database, one is told so in each such time. The
// first to ask ever is.
func (l *Ledger) Tick(ctx context.Context, name string, at time.Time, every time.Duration) (bool, error) {
	var took bool // read only when the writer has answered: it may still be at it when ctx ends
	err := l.Alone(ctx, func(s Session) (bool, error) {
		n, err := s.Exec("take the tick of "+name, query.TakeTick, name, MS(at.Add(every)), MS(at))
		took = n == 1
		return took, err
	})
	if err != nil {
		return false, err
	}
	return took, nil
}
