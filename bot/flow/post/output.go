package post

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"salve/bot"
)

// share makes the file with the output of a Run due, beside its progress, once.
// It is written before the end of the Run is shown, so that a crash between the
// two loses neither.
func (l *Leg) share(ctx context.Context, progress bot.Post) error {
	now := l.now()
	p := bot.Post{
		Key:     strings.TrimSuffix(progress.Key, "/progress/"+progress.Run.String()) + "/output/" + progress.Run.String(),
		Surface: progress.Surface, Place: progress.Place, Moved: progress.Moved, Kind: bot.MessageOutput, State: bot.PostDue,
		Incident: progress.Incident, Run: progress.Run, Parent: progress.Parent, Rank: rankTold, DueAt: now, OpenedAt: now,
		Wanted: 1, Nonce: secret(),
	}
	_, err := l.store.Post(ctx, p.Key)
	if !errors.Is(err, bot.ErrNotFound) {
		if err != nil {
			return fmt.Errorf("read the output that is shared: %w", err)
		}
		return nil
	}
	_, err = l.write(ctx, p)
	return err
}
