package decide

import (
	"context"
	"time"
)

// Settle looks at whatever is due until nothing is, as Run does, and waits for
// it.
func (l *Leg) Settle(ctx context.Context) {
	for again := true; again; {
		l.ended(ctx)
		l.scan(ctx)
		l.crew.group.Wait()
		select {
		case <-l.wake:
		default:
			again = false
		}
	}
}

// SetClock makes the leg live at another time.
func (l *Leg) SetClock(clock func() time.Time) { l.clock = clock }
