package sqlite

import (
	"database/sql/driver"
	"strconv"
	"time"
	"unicode/utf8"

	"salve/bot"
	"salve/storage/internal/query"
)

// alertRow is the row of an alert; body is not decoded before it must be.
type alertRow struct {
	id         int64
	incident   bot.IncidentID
	receivedAt int64
	body       string
}

func (c *change) alertRow(key bot.AlertKey) (row alertRow, found bool, err error) {
	found, err = c.conn.one(query.AlertByKey, []any{ms(key.StartsAt), key.Fingerprint, key.Source},
		&row.id, (*int64)(&row.incident), &row.receivedAt, &row.body)
	if err != nil {
		err = failure("read alert "+key.Fingerprint, err)
	}
	return row, found, err
}

func (c *change) alertsOf(id bot.IncidentID) ([]bot.Alert, error) {
	var alerts []bot.Alert
	err := c.conn.each(query.Alerts, []any{int64(id)}, func(row []driver.Value) error {
		var key bot.AlertKey
		var startsAt, receivedAt int64
		var body string
		if err := fill([]any{&startsAt, &key.Fingerprint, &key.Source, &receivedAt, &body}, row); err != nil {
			return err
		}
		key.StartsAt = fromMS(startsAt)
		a, err := decodeAlert(key, receivedAt, []byte(body))
		alerts = append(alerts, a)
		return err
	})
	return alerts, failure("read alerts of "+id.String(), err)
}

// observe joins what was observed into the alert rows, one after the other.
func (c *change) observe() error {
	if len(c.seen) == 0 {
		return nil
	}
	c.receipt.Observed = make([]bot.Observation, 0, len(c.seen))
	for i := range c.seen {
		o, err := c.observeOne(&c.seen[i])
		if err != nil {
			return err
		}
		c.receipt.Observed = append(c.receipt.Observed, o)
	}
	if !c.changed || c.in.Delivery == nil {
		return nil
	}
	d := c.in.Delivery
	return c.write("keep the payload", query.InsertDelivery, d.Source, ms(d.ReceivedAt), int64(d.Alerts), int64(len(d.Body)), c.store.packing.pack(d.Body))
}

func (c *change) observeOne(a *observed) (bot.Observation, error) {
	o := bot.Observation{Key: a.AlertKey}
	row, found, err := c.alertRow(a.AlertKey)
	if err != nil {
		return o, err
	}
	if !found {
		return c.observeNew(a)
	}
	o.Incident = row.incident
	if a.body == row.body {
		o.Outcome, o.Because = bot.OutcomeRepeat, becauseRepeat(row.receivedAt)
		return o, nil
	}
	old, err := decodeAlert(a.AlertKey, row.receivedAt, []byte(row.body))
	if err != nil {
		return o, err
	}
	joined := old.Merge(a.Alert)
	if joined.Same(old) {
		o.Outcome, o.Because = bot.OutcomeRepeat, becauseRepeat(row.receivedAt)
		if old.State == bot.AlertResolved && a.State == bot.AlertFiring {
			o.Outcome, o.Because = bot.OutcomeStale, becauseStale(old)
		}
		return o, nil
	}
	return c.observeKnown(o, knownAlert{id: row.id, old: old, joined: joined, seen: a})
}

// observeNew writes the first observation of an alert.
func (c *change) observeNew(a *observed) (bot.Observation, error) {
	o := bot.Observation{Key: a.AlertKey, Outcome: bot.OutcomeNew}
	inc, made, err := c.takerOf(a)
	if err != nil {
		return o, err
	}
	o.Incident = inc.id
	if made {
		o.Because = becauseNew(a)
	} else {
		o.Because = becauseMerged(inc, a)
	}
	if err := c.write("write alert "+a.Fingerprint, query.InsertAlert, int64(inc.id), ms(a.StartsAt), a.Fingerprint, a.Source,
		rank(a.Alert), ms(a.ReceivedAt), a.body); err != nil {
		return o, err
	}
	c.absorb(inc, nil, a.Alert, o.Outcome)
	c.due(inc, a.ReceivedAt)
	return o, nil
}

// takerOf is the Incident that takes alerts of the source and group, else a new
// one that does from now on. The id for a new one is set aside first, so that
// one statement finds out and writes.
func (c *change) takerOf(a *observed) (inc *incident, made bool, err error) {
	fresh := c.store.writer.spareID()
	n, err := c.conn.exec(query.InsertGroup, a.group, int64(fresh), int64(0))
	if err != nil {
		return nil, false, failure("write group", err)
	}
	if n == 1 {
		c.store.writer.spare = 0
		c.wrote, c.half = true, true
		inc = c.make(fresh)
		inc.home = a.group
		return inc, true, nil
	}
	var id bot.IncidentID
	if _, err := c.conn.one(query.IncidentOfKey, []any{a.group}, (*int64)(&id)); err != nil {
		return nil, false, failure("read group", err)
	}
	inc, err = c.load(id)
	return inc, false, err
}

// knownAlert is a row that changes: what it was, what it becomes, and why.
type knownAlert struct {
	id          int64
	old, joined bot.Alert
	seen        *observed
}

// observeKnown writes what an observation changed in a row.
func (c *change) observeKnown(o bot.Observation, k knownAlert) (bot.Observation, error) {
	old, joined := k.old, k.joined
	inc, err := c.load(o.Incident)
	if err != nil {
		return o, err
	}
	o.Outcome, o.Because = bot.OutcomeUpdated, "known since "+clock(old.ReceivedAt)+", what it says has changed"
	if old.State == bot.AlertFiring && joined.State == bot.AlertResolved {
		o.Outcome, o.Because = bot.OutcomeResolved, "known since "+clock(old.ReceivedAt)+", ended at "+clock(joined.EndsAt)
	}
	c.buf = appendAlert(c.buf[:0], joined)
	if err := c.write("write alert "+joined.Fingerprint, query.UpdateAlert, rank(joined), ms(joined.ReceivedAt), string(c.buf), k.id); err != nil {
		return o, err
	}
	c.absorb(inc, &old, joined, o.Outcome)
	c.due(inc, k.seen.ReceivedAt)
	if k.seen.GroupKey == old.GroupKey || !inc.attachable() {
		return o, nil
	}
	// The source has put the alert into another group: alerts of that group
	// belong with it, unless another Incident takes them already.
	return o, c.write("write group", query.InsertGroup, k.seen.group, int64(inc.id), int64(1))
}

// absorb takes a changed row into the Fold, or notes that all must be read.
func (c *change) absorb(inc *incident, old *bot.Alert, a bot.Alert, outcome bot.Outcome) {
	c.changed = true
	inc.tally.count(outcome)
	if inc.refold {
		return
	}
	fold, ok := inc.fold.Absorb(old, a)
	if !ok {
		inc.refold = true
		return
	}
	inc.fold = fold
}

// due makes the Incident due from the time at which the observation came.
func (c *change) due(inc *incident, at time.Time) {
	inc.touch(ms(at))
	if at.After(inc.at) {
		inc.at = at
	}
}

func becauseNew(a *observed) string {
	return "a new incident: no other takes alerts of group " + short(a.GroupKey) + " from " + short(a.Source)
}

func becauseMerged(inc *incident, a *observed) string {
	return "merged because " + inc.id.String() + " takes alerts of group " + short(a.GroupKey) + " and is " + string(inc.state)
}

func becauseRepeat(receivedAt int64) string {
	return "already known since " + clock(fromMS(receivedAt)) + ", nothing changed"
}

func becauseStale(old bot.Alert) string {
	return "this firing is older than its own resolution at " + clock(old.EndsAt)
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// short quotes untrusted text for a sentence.
func short(s string) string {
	const most = 120 // bytes
	if len(s) <= most {
		return strconv.Quote(s)
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strconv.Quote(s[:cut] + "…")
}
