package ledger

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"salve/bot"
	"salve/storage/internal/query"
)

func (t *tx) alertRow(key bot.AlertKey) (row AlertRow, found bool, err error) {
	if row, read := t.book.alerts[key]; read {
		return row, row.Incident != 0, nil
	}
	found, err = t.session.One("read alert "+key.Fingerprint, query.AlertByKey, []any{MS(key.StartsAt), key.Fingerprint, key.Source},
		(*int64)(&row.Incident), &row.ReceivedAt, &row.Sum, &row.Body)
	return row, found, err
}

// alert reads the whole of a row.
func (t *tx) alert(key bot.AlertKey, row AlertRow) (bot.Alert, error) {
	body := row.Text
	if body == "" {
		found, err := t.session.One("read alert "+key.Fingerprint, query.Body, []any{row.Body}, &body)
		if err != nil {
			return bot.Alert{}, err
		}
		if !found {
			return bot.Alert{}, fmt.Errorf("%w: alert %s has no body", ErrDamaged, key.Fingerprint)
		}
	}
	return decodeAlert(key, row.ReceivedAt, []byte(body))
}

// observe joins what was observed into the alert rows, one after the other.
func (c *change) observe() error {
	if len(c.encoded.seen) == 0 {
		return nil
	}
	c.receipt.Observed = make([]bot.Observation, 0, len(c.encoded.seen))
	for i := range c.encoded.seen {
		o, err := c.observeOne(&c.encoded.seen[i])
		if err != nil {
			return err
		}
		c.receipt.Observed = append(c.receipt.Observed, o)
	}
	if !c.changed || c.in.Delivery == nil {
		return nil
	}
	d, packed := c.in.Delivery, c.encoded.delivery
	if packed == nil {
		packed = c.writer.packing.pack(d.Body)
	}
	return c.write("keep the payload", query.InsertDelivery, d.Source, MS(d.ReceivedAt), int64(d.Alerts), int64(len(d.Body)), packed)
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
	o.Incident = row.Incident
	if a.sum == row.Sum {
		o.Outcome, o.Because = bot.OutcomeRepeat, becauseRepeat(row.ReceivedAt)
		return o, nil
	}
	old, err := c.alert(a.AlertKey, row)
	if err != nil {
		return o, err
	}
	joined := old.Merge(a.Alert)
	if !joined.Same(old) {
		return c.observeKnown(o, knownAlert{row: row, old: old, joined: joined, seen: a})
	}
	o.Outcome, o.Because = bot.OutcomeRepeat, becauseRepeat(row.ReceivedAt)
	if old.State == bot.AlertResolved && a.State == bot.AlertFiring {
		o.Outcome, o.Because = bot.OutcomeStale, becauseStale(old)
	}
	return o, nil
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
	body := c.writer.bodies.Next()
	if err := c.write("write alert", query.InsertBody, body, a.body); err != nil {
		return o, err
	}
	if err := c.write("write alert", query.InsertAlert, MS(a.StartsAt), a.Fingerprint, a.Source, int64(inc.id),
		rank(&a.Alert), MS(a.ReceivedAt), a.sum, body); err != nil {
		return o, err
	}
	c.book.remember(a.AlertKey, AlertRow{Incident: inc.id, ReceivedAt: MS(a.ReceivedAt), Sum: a.sum, Body: body, Text: a.body})
	c.absorb(inc, nil, &a.Alert, o.Outcome)
	c.due(inc, a.ReceivedAt)
	return o, nil
}

// takerOf is the Incident that takes alerts of the source and group, else a new
// one that does from now on. The id for a new one is set aside first, so that
// one statement finds out and writes.
func (c *change) takerOf(a *observed) (inc *incident, made bool, err error) {
	if id, ok := c.book.takers[a.group]; ok {
		inc, err = c.load(id)
		return inc, false, err
	}
	id := c.writer.spareID()
	if made, err = c.claimGroup(a.group, id); err != nil {
		return nil, false, err
	}
	if made {
		c.writer.spent(id)
		inc = c.make(id)
		inc.home = a.group
		c.book.takers[a.group] = id
		return inc, true, nil
	}
	if _, err := c.session.One("read group", query.IncidentOfKey, []any{a.group}, (*int64)(&id)); err != nil {
		return nil, false, err
	}
	c.book.takers[a.group] = id
	inc, err = c.load(id)
	return inc, false, err
}

// claimGroup makes an Incident the taker of a group, unless there is one.
func (c *change) claimGroup(group string, id bot.IncidentID) (made bool, err error) {
	if c.book.free[group] {
		delete(c.book.free, group)
		return true, c.writeOne("write group", query.InsertGroup, group, int64(id), int64(0))
	}
	n, err := c.exec("write group", query.InsertGroup, group, int64(id), int64(0))
	return n == 1, err
}

// knownAlert is a row that changes: what it was, what it becomes, and why.
type knownAlert struct {
	row         AlertRow
	old, joined bot.Alert
	seen        *observed
}

// observeKnown writes what an observation changed in a row.
func (c *change) observeKnown(o bot.Observation, k knownAlert) (bot.Observation, error) {
	inc, err := c.load(o.Incident)
	if err != nil {
		return o, err
	}
	o.Outcome, o.Because = bot.OutcomeUpdated, "known since "+clock(k.old.ReceivedAt)+", what it says has changed"
	if k.old.State == bot.AlertFiring && k.joined.State == bot.AlertResolved {
		o.Outcome, o.Because = bot.OutcomeResolved, "known since "+clock(k.old.ReceivedAt)+", ended at "+clock(k.joined.EndsAt)
	}
	if err := c.updateAlert(k.joined, k.row); err != nil {
		return o, err
	}
	c.absorb(inc, &k.old, &k.joined, o.Outcome)
	c.due(inc, k.seen.ReceivedAt)
	if k.seen.GroupKey == k.old.GroupKey || !inc.attachable() {
		return o, nil
	}
	// The source has put the alert into another group: alerts of that group
	// belong with it, unless another Incident takes them already.
	clear(c.book.free)
	return o, c.write("write group", query.InsertGroup, k.seen.group, int64(inc.id), int64(1))
}

func (c *change) updateAlert(a bot.Alert, row AlertRow) error {
	c.buf = appendAlert(c.buf[:0], a)
	row.ReceivedAt, row.Sum, row.Text = MS(a.ReceivedAt), sumOf(c.buf), string(c.buf)
	if err := c.write("write alert", query.UpdateBody, row.Text, row.Body); err != nil {
		return err
	}
	c.book.remember(a.AlertKey, row)
	return c.write("write alert", query.UpdateAlert, rank(&a), row.ReceivedAt, row.Sum,
		MS(a.StartsAt), a.Fingerprint, a.Source)
}

// absorb takes a changed row into the Fold, or notes that all must be read.
func (c *change) absorb(inc *incident, old, a *bot.Alert, outcome bot.Outcome) {
	c.changed, c.half = true, true
	c.part(inc).tally.count(outcome)
	if inc.refold {
		return
	}
	if !inc.fold.absorb(old, a) {
		inc.refold = true
		return
	}
	inc.settle()
}

// due makes the Incident due from the time at which the observation came.
func (c *change) due(inc *incident, at time.Time) {
	if p := c.touch(inc, MS(at.Add(c.in.Later.Std()))); at.After(p.at) {
		p.at = at
	}
}

func becauseNew(a *observed) string {
	return "a new incident: no other takes alerts of group " + short(a.GroupKey) + " from " + short(a.Source)
}

func becauseMerged(inc *incident, a *observed) string {
	return "merged because " + inc.id.String() + " takes alerts of group " + short(a.GroupKey) + " and is " + string(inc.state)
}

func becauseRepeat(receivedAt int64) string {
	return "already known since " + clock(FromMS(receivedAt)) + ", nothing changed"
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
