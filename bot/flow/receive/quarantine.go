package receive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"salve/bot"
)

// Quarantine holds a delivery that could not be understood. The same body from
// the same source is one row while it is held; its Repeats are counted. A
// *bot.Refusal says that there is no room: the sender should come again.
func (d *Door) Quarantine(ctx context.Context, del bot.Delivery, reason string) (bot.QuarantineID, error) {
	_, id, err := d.hold(ctx, bot.Change{By: sender(del.Source), Delivery: &del}, reason)
	return id, err
}

// hold commits the change together with its Delivery as a held payload.
func (d *Door) hold(ctx context.Context, change bot.Change, reason string) (bot.Receipt, bot.QuarantineID, error) {
	unlock, err := d.alone(ctx)
	if err != nil {
		return bot.Receipt{}, 0, err
	}
	defer unlock()
	del := change.Delivery
	sum := sha256.Sum256(del.Body)
	q := bot.Quarantined{
		State: bot.QuarantineHeld, Source: del.Source, Reason: reason, ReceivedAt: del.ReceivedAt,
		Size: len(del.Body), SHA256: hex.EncodeToString(sum[:]), Body: del.Body,
	}
	if q.ID, err = d.find(ctx, q); err != nil {
		return bot.Receipt{}, 0, err
	}
	if q.ID == 0 { // a repeat is counted, but is no new fact for the audit
		q.ID = bot.QuarantineID(d.store.NextID(bot.KindQuarantine))
		text := fmt.Sprintf("A delivery from %s could not be taken in whole and is held as %s: %s", q.Source, q.ID, reason)
		change.Events = append(change.Events, event(bot.EventQuarantined, q, change.By, text))
	}
	change.Quarantined = []bot.Quarantined{q}
	receipt, err := d.store.Commit(ctx, change)
	if err != nil {
		return bot.Receipt{}, 0, fmt.Errorf("hold delivery of %s: %w", q.Source, err)
	}
	return receipt, q.ID, nil
}

// find gives the id of the row that holds the payload already, 0 if there is
// none and there is room for one.
func (d *Door) find(ctx context.Context, q bot.Quarantined) (bot.QuarantineID, error) {
	held, err := d.store.QuarantineList(ctx, bot.QuarantineQuery{States: []bot.QuarantineState{bot.QuarantineHeld}, Limit: d.maxHeld})
	if err != nil {
		return 0, fmt.Errorf("look for a held payload: %w", err)
	}
	size := int64(q.Size)
	for _, h := range held {
		if h.Source == q.Source && h.SHA256 == q.SHA256 {
			return h.ID, nil
		}
		size += int64(h.Size)
	}
	if len(held) >= d.maxHeld || size > d.maxBytes {
		return 0, bot.Refuse(bot.RefusedLater, fmt.Sprintf("the quarantine is full (%d payloads held)", len(held)),
			"look at it with `salve quarantine`, replay or discard what is there; the sender will come again")
	}
	return 0, nil
}

// Replay reads a held payload again, as the source's decoder and rules are now,
// commits its alerts and marks it replayed in the same change. What still cannot
// be taken stays held.
func (d *Door) Replay(ctx context.Context, id bot.QuarantineID, by bot.Actor) (bot.Answer, error) {
	return d.settle(ctx, id, bot.QuarantineReplayed, func(q bot.Quarantined) (bot.Answer, error) {
		return d.replay(ctx, q, by)
	})
}

func (d *Door) replay(ctx context.Context, q bot.Quarantined, by bot.Actor) (bot.Answer, error) {
	source, ok := d.sources[q.Source]
	if !ok {
		return bot.Answer{}, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s came from the source %q, which is no longer configured.", q.ID, q.Source),
			"Configure it again, or discard the payload.")
	}
	// Clocks are judged as of now: a start that was ahead may have come.
	alerts, fault := source.Decode(q.Source, q.Body, time.Now().UTC())
	good, problems := source.Rules.Apply(alerts)
	still := describe(problems)
	if fault != nil {
		still = strings.TrimSuffix(fault.Error()+"; "+still, "; ")
	}
	if still != "" && len(good) == 0 {
		return bot.Answer{}, bot.Refuse(bot.RefusedInput, fmt.Sprintf("%s still cannot be understood: %s.", q.ID, still),
			"Nothing was changed. Correct the sender or the rules of the source, or discard the payload.")
	}
	change := bot.Change{Observed: good, By: sender(q.Source),
		Delivery: &bot.Delivery{Source: q.Source, ReceivedAt: q.ReceivedAt, Alerts: len(good), Body: q.Body}}
	if still == "" {
		q.State = bot.QuarantineReplayed
		change.Quarantined = []bot.Quarantined{q}
		text := fmt.Sprintf("%s was taken in again: %s", q.ID, count(len(good)))
		change.Events = []bot.Event{event(bot.EventReplayed, q, by, text)}
	}
	receipt, err := d.store.Commit(ctx, change)
	if err != nil {
		return bot.Answer{}, fmt.Errorf("replay %s: %w", q.ID, err)
	}
	return replayed(q, receipt, still), nil
}

func replayed(q bot.Quarantined, receipt bot.Receipt, still string) bot.Answer {
	a := bot.Answer{Quarantine: q.ID, Text: fmt.Sprintf("%s was taken in: %s.", q.ID, count(len(receipt.Observed)))}
	if len(receipt.Observed) > 0 {
		a.Incident = receipt.Observed[0].Incident
		a.Text = fmt.Sprintf("%s was taken in: %s, the first in %s.", q.ID, count(len(receipt.Observed)), a.Incident)
	}
	if still != "" {
		a.Text = fmt.Sprintf("%s was taken in for a part: %s. It stays held, because %s.", q.ID, count(len(receipt.Observed)), still)
	}
	return a
}

// Discard gives a held payload up.
func (d *Door) Discard(ctx context.Context, id bot.QuarantineID, by bot.Actor) (bot.Answer, error) {
	return d.settle(ctx, id, bot.QuarantineDiscarded, func(q bot.Quarantined) (bot.Answer, error) {
		q.State = bot.QuarantineDiscarded
		change := bot.Change{Quarantined: []bot.Quarantined{q},
			Events: []bot.Event{event(bot.EventDiscarded, q, by, fmt.Sprintf("%s was discarded", q.ID))}}
		if _, err := d.store.Commit(ctx, change); err != nil {
			return bot.Answer{}, fmt.Errorf("discard %s: %w", q.ID, err)
		}
		return bot.Answer{Quarantine: q.ID, Text: fmt.Sprintf("%s was discarded.", q.ID)}, nil
	})
}

// settle runs do on a payload that is held. One that is settled that way
// already answers so; one that was settled otherwise refuses.
func (d *Door) settle(ctx context.Context, id bot.QuarantineID, to bot.QuarantineState, do func(bot.Quarantined) (bot.Answer, error)) (bot.Answer, error) {
	unlock, err := d.alone(ctx)
	if err != nil {
		return bot.Answer{}, err
	}
	defer unlock()
	q, err := d.store.QuarantineItem(ctx, id)
	switch {
	case errors.Is(err, bot.ErrNotFound):
		return bot.Answer{}, bot.Refuse(bot.RefusedUnknown, "There is no such payload in quarantine.", "See `salve quarantine`.")
	case err != nil:
		return bot.Answer{}, fmt.Errorf("read %s: %w", id, err)
	case q.State == to:
		return bot.Answer{Quarantine: id, Repeated: true, Text: fmt.Sprintf("%s was %s already.", id, to)}, nil
	case q.State != bot.QuarantineHeld:
		return bot.Answer{}, bot.Refuse(bot.RefusedState, fmt.Sprintf("%s was %s already.", id, q.State), "See `salve quarantine`.")
	default:
		return do(q)
	}
}

// alone waits for the right to change the quarantine.
func (d *Door) alone(ctx context.Context) (unlock func(), err error) {
	select {
	case d.lock <- struct{}{}:
		return func() { <-d.lock }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the quarantine: %w", context.Cause(ctx))
	}
}

func event(kind bot.EventKind, q bot.Quarantined, by bot.Actor, text string) bot.Event {
	return bot.Event{At: time.Now().UTC(), Kind: kind, Actor: by, Text: text,
		Data: map[string]string{"quarantine": q.ID.String(), "source": q.Source, "sha256": q.SHA256}}
}

func count(n int) string {
	if n == 1 {
		return "1 alert"
	}
	return fmt.Sprintf("%d alerts", n)
}
