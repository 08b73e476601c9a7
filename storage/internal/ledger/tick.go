package ledger

import (
	"context"
	"time"

	"salve/storage/internal/query"
)

// Tick reports whether whoever asks is to do now what is done every so often: of
// all processes that share the database, one is told so in each such time. The
// first to ask ever is.
func (l *Ledger) Tick(ctx context.Context, name string, at time.Time, every time.Duration) (mine bool, err error) {
	err = l.Alone(ctx, func(s Session) (bool, error) {
		n, err := s.Exec("take the tick of "+name, query.TakeTick, name, MS(at.Add(every)), MS(at))
		mine = n == 1
		return mine, err
	})
	return mine && err == nil, err
}
