package serve

import (
	"context"
	"time"

	"salve/bot"
)

// outbox is what is shown on chat surfaces, and what is yet to be.
type outbox interface {
	Posts(ctx context.Context, q bot.PostQuery) ([]bot.Post, error)
	Post(ctx context.Context, key string) (bot.Post, error)
	PostAt(ctx context.Context, surface string, m bot.Mark) (bot.Post, error)
	Offer(ctx context.Context, token string) (bot.Offer, error)
	Cursor(ctx context.Context, name string) (bot.Cursor, error)
}

// inbox is what people did there.
type inbox interface {
	Gesture(ctx context.Context, key string) (bot.Gesture, error)
	DueGestures(ctx context.Context, now time.Time, limit int) ([]bot.Gesture, error)
	PruneChat(ctx context.Context, before time.Time) (int, error)
}

// chatKept is for how long chat is remembered once it is over: so long who
// presses an old button hears that it is old.
const chatKept = 30 * 24 * time.Hour

// pruneChat drops what chat needs no more.
func (s *Salve) pruneChat(ctx context.Context, now time.Time) {
	n, err := s.store.PruneChat(ctx, now.Add(-chatKept))
	if err != nil {
		s.log.WarnContext(ctx, "old rows of chat could not be dropped; the next hour tries again", "err", err)
		return
	}
	s.log.DebugContext(ctx, "old rows of chat dropped", "count", n)
}
