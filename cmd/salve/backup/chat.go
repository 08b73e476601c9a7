package backup

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"salve/bot"
	"salve/storage/sqlite"
)

// ever is later than anything is due.
var ever = time.UnixMilli(math.MaxInt64).UTC()

// chatBatch is how many rows of chat are written at once.
const chatBatch = 500

// putAside ends what people had asked for in chat when the backup was made and
// nobody had worked on: it was carried out since, and must not be again. It
// returns how much that was.
func putAside(ctx context.Context, store *sqlite.Store) (aside int, err error) {
	for {
		due, err := store.DueGestures(ctx, ever, chatBatch)
		if err != nil || len(due) == 0 {
			return aside, err
		}
		for i := range due {
			due[i].Done, due[i].Handles = true, nil
			due[i].Result = "It was not carried out: the database was restored from a backup."
		}
		if _, err := store.Commit(ctx, bot.Change{Gestures: due}); err != nil {
			return aside, fmt.Errorf("put aside what people asked for in chat: %w", err)
		}
		aside += len(due)
	}
}

// doubtPosts makes each Post that may have been sent since the backup one that is
// looked for on its surface before it is sent.
func doubtPosts(ctx context.Context, store *sqlite.Store) error {
	due, err := store.Posts(ctx, bot.PostQuery{Due: ever, Limit: math.MaxInt32})
	if err != nil {
		return err
	}
	due = slices.DeleteFunc(due, func(p bot.Post) bool {
		return p.Mark != bot.Mark{} || p.Nonce == "" || !p.Unsure.IsZero()
	})
	for batch := range slices.Chunk(due, chatBatch) {
		for i := range batch {
			batch[i].Unsure = batch[i].OpenedAt
		}
		if _, err := store.Commit(ctx, bot.Change{Posts: batch}); err != nil {
			return fmt.Errorf("note what may have been posted: %w", err)
		}
	}
	return nil
}
