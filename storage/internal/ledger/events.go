package ledger

import (
	"fmt"
	"time"

	"salve/bot"
	"salve/storage/internal/query"
)

// chainName names the one chain of a store: there is one turn to write, whoever
// has it, so the order of its Events is total.
const chainName = "main"

// head is the last Event of the chain.
type head struct {
	seq  int64
	hash string
}

// takeUpChain finds the head of the chain; an empty log gets its first Event.
func (t *tx) takeUpChain(now time.Time) error {
	if t.end != nil {
		return t.goOnAfter(*t.end)
	}
	var row EventRow
	found, err := t.session.One("read the end of the audit log", query.LastEvent, nil, &row.Seq, (*int64)(&row.Incident), (*int64)(&row.Run), &row.Body)
	if err != nil {
		return err
	}
	if !found {
		return t.seal(bot.Event{Kind: bot.EventGenesis, At: now, Actor: bot.Salve, Text: "the audit log begins"})
	}
	return t.goOnAfter(row)
}

func (t *tx) goOnAfter(row EventRow) error {
	e, err := row.event()
	t.head = head{seq: e.Seq, hash: e.Hash}
	return err
}

// events seals what Observed did to each Incident, then the Change's own.
func (c *change) events() error {
	for _, p := range c.parts {
		if p.tally == (tally{}) {
			continue
		}
		e := bot.Event{Kind: bot.EventAlerts, At: p.at, Actor: c.in.By, Incident: p.id, Text: p.tally.String()}
		if err := c.seal(e); err != nil {
			return err
		}
	}
	for _, e := range c.in.Events {
		if err := c.seal(e); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) seal(e bot.Event) error {
	sealed, body, err := e.SealJSON(chainName, t.head.seq+1, t.head.hash)
	if err != nil {
		return err
	}
	if err := t.write("write event", query.InsertEvent, sealed.Seq, int64(e.Incident), int64(e.Run), string(body)); err != nil {
		return err
	}
	t.head = head{seq: sealed.Seq, hash: sealed.Hash}
	return nil
}

// event is what the row says, columns first: a column that was altered by hand
// shows in the hash as a field would.
func (r *EventRow) event() (bot.Event, error) {
	var e bot.Event
	if err := decode([]byte(r.Body), &e); err != nil {
		return bot.Event{}, fmt.Errorf("event %d of chain %s cannot be read: %w", r.Seq, chainName, err)
	}
	e.Seq, e.Incident, e.Run = r.Seq, r.Incident, r.Run
	return e, nil
}
