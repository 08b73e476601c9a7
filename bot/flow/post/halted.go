package post

import (
	"context"
	"fmt"
	"slices"

	"salve/bot"
)

// halted is the newest of the Events that set or lift a halt; 0: none does. It
// names no Incident, and cards of all of them may tell of it.
func halted(events []bot.Event) (seq int64) {
	for _, e := range events {
		if e.Kind == bot.EventHalted || e.Kind == bot.EventResumed {
			seq = e.Seq
		}
	}
	return seq
}

// echo makes the cards of what is open due again. They are written one by one,
// before the Cursor moves, so that a crash or a conflict repeats it (done is false
// then); those that are written already change nothing. What is in the batch is written with it. An edit
// that would change nothing is not sent.
func (l *Leg) echo(ctx context.Context, seq int64, batch []*news) (done bool, err error) {
	if seq == 0 {
		return true, nil
	}
	open, err := l.store.Incidents(ctx, bot.IncidentQuery{States: []bot.IncidentState{bot.IncidentOpen, bot.IncidentResolved}, Limit: openLimit})
	if err != nil {
		return false, fmt.Errorf("read whose cards tell of a halt: %w", err)
	}
	for _, inc := range open {
		if i := slices.IndexFunc(batch, func(n *news) bool { return n.id == inc.ID }); i >= 0 {
			batch[i].seq = max(batch[i].seq, seq)
			continue
		}
		posts, err := l.about(ctx, &news{id: inc.ID, seq: seq, echo: true}, l.now())
		if err != nil {
			return false, fmt.Errorf("what chat shows of %s: %w", inc.ID, err)
		}
		if len(posts) == 0 {
			continue
		}
		if what, err := l.write(ctx, posts...); err != nil || what != didWrite {
			return false, err
		}
		for _, p := range posts {
			l.lanes.stir(p.Surface, p.Place, l.opts.Share(p.Place))
		}
	}
	return true, nil
}
