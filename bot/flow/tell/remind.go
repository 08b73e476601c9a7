package tell

import (
	"context"
	"fmt"
	"time"

	"salve/bot"
)

// Run reminds owners of the open Incidents that they hold, until ctx ends; then
// it returns nil.
func (l *Leg) Run(ctx context.Context) error {
	if l.opts.ReminderEvery < 0 {
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(l.opts.ScanEvery)
	defer tick.Stop()
	for {
		l.opts.Turned()
		if err := l.remindInTurn(ctx, time.Now()); err != nil && ctx.Err() == nil {
			l.log.WarnContext(ctx, "reminders are late, tried again at the next scan", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// remindInTurn leaves it to another process if it is that one's turn.
func (l *Leg) remindInTurn(ctx context.Context, now time.Time) error {
	if l.opts.Mine != nil {
		if mine, err := l.opts.Mine(ctx, now); err != nil || !mine {
			return err
		}
	}
	return l.remindAll(ctx, now)
}

func (l *Leg) remindAll(ctx context.Context, now time.Time) error {
	people, err := l.store.People(ctx)
	if err != nil {
		return fmt.Errorf("people: %w", err)
	}
	held := map[bot.IncidentID]bool{}
	for _, p := range people {
		q := bot.IncidentQuery{Owner: p.ID, States: []bot.IncidentState{bot.IncidentOpen}, Limit: listLimit}
		incidents, err := l.store.Incidents(ctx, q)
		if err != nil {
			return fmt.Errorf("incidents of %s: %w", p.ID, err)
		}
		for _, inc := range incidents {
			held[inc.ID] = true
			if err := l.remind(ctx, inc, now); err != nil {
				return fmt.Errorf("remind the owner of %s: %w", inc.ID, err)
			}
		}
	}
	for id := range l.reminded {
		if !held[id] {
			delete(l.reminded, id)
		}
	}
	return nil
}

// remind writes one reminder if the last word to the owner is long enough ago.
func (l *Leg) remind(ctx context.Context, inc bot.Incident, now time.Time) error {
	if inc.SnoozedUntil.After(now) {
		return nil
	}
	if last, ok := l.reminded[inc.ID]; ok && now.Sub(last) < l.opts.ReminderEvery {
		return nil // no need to read
	}
	last, err := l.lastWord(ctx, inc)
	if err != nil || now.Sub(last) < l.opts.ReminderEvery {
		return err
	}
	text := fmt.Sprintf("%s holds %s, which is open for %s: automation waits for it. Release it, hand it over or close it.",
		inc.OwnerName, inc.ID, now.Sub(inc.FirstAt).Round(time.Minute))
	_, err = l.store.Commit(ctx, bot.Change{Events: []bot.Event{{
		At: now, Kind: bot.EventReminded, Actor: bot.Salve, Incident: inc.ID, Text: text,
		Data: map[string]string{"owner": string(inc.Owner)},
	}}})
	if err != nil {
		return err
	}
	l.reminded[inc.ID] = now
	l.log.InfoContext(ctx, "owner reminded", "incident", inc.ID, "owner", inc.Owner)
	return nil
}

// lastWord is when the owner last heard of the Incident: took it, got it, or
// was reminded. A storm of alerts can push that out of what is read here; then
// it is the last reminder of this process, or its start, so that a restart
// reminds late rather than twice.
func (l *Leg) lastWord(ctx context.Context, inc bot.Incident) (time.Time, error) {
	events, err := l.store.Events(ctx, bot.EventQuery{Incident: inc.ID, Last: true, Limit: listLimit})
	if err != nil {
		return time.Time{}, err
	}
	for i := len(events) - 1; i >= 0; i-- {
		switch events[i].Kind {
		case bot.EventReminded, bot.EventTaken, bot.EventAssigned, bot.EventHandover:
			return events[i].At, nil
		}
	}
	if last, ok := l.reminded[inc.ID]; ok {
		return last, nil
	}
	return l.started, nil
}
