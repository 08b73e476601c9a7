package sqlite

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"salve/bot"
	"salve/storage/internal/query"
)

// incident is the row of an Incident while a Change is at work on it.
type incident struct {
	id      bot.IncidentID
	version int64
	foldRev int64
	due     int64
	state   bot.IncidentState
	home    string // key of the group that it was made for; empty if for none
	fold    bot.Fold
	fresh   bool // there is no row yet

	touched bool          // its alerts changed
	refold  bool          // the Fold must be computed from all rows
	tally   tally         // what Observed did to it, for the Event
	at      time.Time     // when Observed last changed it
	work    *bot.Incident // to be written
	merging bool          // work merges it into another, and it was not merged before
}

// attachable reports whether it takes alerts of its group.
func (i *incident) attachable() bool {
	return i.state == bot.IncidentOpen || i.state == bot.IncidentResolved
}

// load reads a row once in a Change.
func (c *change) load(id bot.IncidentID) (*incident, error) {
	if inc := c.row(id); inc != nil {
		return inc, nil
	}
	inc := &incident{id: id}
	var fold string
	found, err := c.conn.one(query.IncidentHead, []any{int64(id)}, &inc.version, &inc.foldRev, &inc.due, (*string)(&inc.state), &inc.home, &fold)
	if err != nil {
		return nil, failure("read incident "+id.String(), err)
	}
	if !found {
		return nil, fmt.Errorf("incident %s: %w", id, bot.ErrNotFound)
	}
	if err := decodeFold([]byte(fold), &inc.fold); err != nil {
		return nil, failure("read incident "+id.String(), err)
	}
	c.rows = append(c.rows, inc)
	return inc, nil
}

// row finds an Incident that came up before. There are few in a Change, but for
// one with very many groups.
func (c *change) row(id bot.IncidentID) *incident {
	if len(c.rows) > len(c.byID)+16 {
		if c.byID == nil {
			c.byID = make(map[bot.IncidentID]*incident)
		}
		for _, inc := range c.rows[len(c.byID):] {
			c.byID[inc.id] = inc
		}
	}
	for _, inc := range c.rows[len(c.byID):] {
		if inc.id == id {
			return inc
		}
	}
	return c.byID[id]
}

// make adds an Incident that has no row yet.
func (c *change) make(id bot.IncidentID) *incident {
	inc := &incident{id: id, fresh: true, state: bot.IncidentResolved}
	c.rows = append(c.rows, inc)
	return inc
}

// touch marks that alerts of the Incident changed: it becomes due at once.
func (i *incident) touch(at int64) {
	i.touched = true
	if at = max(at, 1); i.due == 0 || at < i.due {
		i.due = at
	}
}

// checkIncidents looks at the versions before anything is written.
func (c *change) checkIncidents() error {
	for i := range c.in.Incidents {
		given := &c.in.Incidents[i]
		if given.ID <= 0 {
			return fmt.Errorf("an incident has no id; take one with NextID")
		}
		if given.Version == 0 {
			if err := c.checkNew(given); err != nil {
				return err
			}
			continue
		}
		inc, err := c.load(given.ID)
		if err != nil {
			return err
		}
		if inc.version != given.Version {
			return fmt.Errorf("incident %s is at version %d, not %d: %w", given.ID, inc.version, given.Version, bot.ErrConflict)
		}
		inc.work = given
	}
	return nil
}

func (c *change) checkNew(given *bot.Incident) error {
	var version int64
	found, err := c.conn.one(query.IncidentExists, []any{int64(given.ID)}, &version)
	if err != nil {
		return failure("read incident "+given.ID.String(), err)
	}
	if found || c.row(given.ID) != nil {
		return fmt.Errorf("incident %s exists: %w", given.ID, bot.ErrConflict)
	}
	c.store.ids[bot.KindIncident].reach(int64(given.ID))
	if c.store.writer.spare == given.ID {
		c.store.writer.spare = 0
	}
	c.make(given.ID).work = given
	return nil
}

// works takes over what people and decisions say about Incidents, and keeps the
// pointers of their groups right: who is closed or merged takes no alerts.
func (c *change) works() error {
	for i := range c.in.Incidents {
		inc := c.row(c.in.Incidents[i].ID)
		was, merged := inc.attachable(), inc.state == bot.IncidentMerged
		if !inc.touched && inc.work.FoldRev == inc.foldRev {
			inc.due = ms(inc.work.DueAt)
		}
		inc.state = stateOf(inc.work.Work, inc.fold)
		inc.merging = inc.state == bot.IncidentMerged && !merged
		if err := c.point(inc, was); err != nil {
			return err
		}
	}
	return nil
}

func stateOf(w bot.Work, f bot.Fold) bot.IncidentState { return bot.Incident{Work: w, Fold: f}.State() }

func (c *change) point(inc *incident, was bool) error {
	switch {
	case inc.fresh, was == inc.attachable(), inc.state == bot.IncidentMerged:
		return nil // a merged one hands its pointers on, see merges
	case was:
		if err := c.write("close "+inc.id.String(), query.DeleteHome, int64(inc.id), inc.home); err != nil {
			return err
		}
		return c.write("close "+inc.id.String(), query.DeleteExtra, int64(inc.id))
	case inc.home != "":
		return c.write("reopen "+inc.id.String(), query.InsertGroup, inc.home, int64(inc.id), int64(0))
	default:
		return c.write("reopen "+inc.id.String(), query.InsertGroup, groupKey(inc.fold.Source, inc.fold.GroupKey), int64(inc.id), int64(1))
	}
}

// flush writes the Incidents that the Change made, folded or worked on.
func (c *change) flush() error {
	for _, inc := range c.rows {
		if err := c.flushOne(inc); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) flushOne(inc *incident) error {
	if !inc.touched && inc.work == nil {
		return nil
	}
	if inc.refold {
		if err := c.foldAgain(inc); err != nil {
			return err
		}
	}
	if inc.touched {
		inc.foldRev++
		if inc.attachable() {
			inc.state = stateOf(bot.Work{}, inc.fold)
		}
	}
	c.touched.Incidents = append(c.touched.Incidents, inc.id)
	if inc.fresh {
		return c.insertIncident(inc)
	}
	return c.updateIncident(inc)
}

// foldAgain computes the Fold from all rows. An Incident that has lost all of
// them keeps what it was called, with nothing in it.
func (c *change) foldAgain(inc *incident) error {
	alerts, err := c.alertsOf(inc.id)
	if err != nil {
		return err
	}
	if len(alerts) > 0 {
		inc.fold = bot.FoldAlerts(alerts)
		return nil
	}
	inc.fold.Firing, inc.fold.Total, inc.fold.Truncated = 0, 0, 0
	return nil
}

func (c *change) insertIncident(inc *incident) error {
	owner, work := "", "{}"
	if inc.work != nil {
		var err error
		if owner, work, err = encodeWork(inc.work.Work); err != nil {
			return err
		}
	}
	return c.write("write incident "+inc.id.String(), query.InsertIncident, int64(inc.id), int64(1), inc.foldRev, inc.due,
		string(inc.state), inc.fold.Source, inc.fold.Title, strings.ToLower(inc.fold.Title), owner, inc.home, c.encodeFold(inc.fold), work)
}

func (c *change) updateIncident(inc *incident) error {
	doing := "write incident " + inc.id.String()
	if inc.touched {
		if err := c.write(doing, query.UpdateFold, inc.foldRev, inc.due, string(inc.state), inc.fold.Source, inc.fold.Title,
			strings.ToLower(inc.fold.Title), c.encodeFold(inc.fold), int64(inc.id)); err != nil {
			return err
		}
	}
	if inc.work == nil {
		return nil
	}
	owner, work, err := encodeWork(inc.work.Work)
	if err != nil {
		return err
	}
	return c.writeOne(doing, query.UpdateWork, inc.due, string(inc.state), owner, work, int64(inc.id), inc.version)
}

func (c *change) encodeFold(f bot.Fold) string {
	c.buf = appendFold(c.buf[:0], f)
	return string(c.buf)
}

func encodeWork(w bot.Work) (owner, work string, err error) {
	work, err = encode(w)
	return string(w.Owner), work, err
}

// tally counts what became of the alerts of an Incident in one Change.
type tally struct{ fresh, updated, resolved int }

func (t *tally) count(o bot.Outcome) {
	switch o {
	case bot.OutcomeNew:
		t.fresh++
	case bot.OutcomeResolved:
		t.resolved++
	default:
		t.updated++
	}
}

// String is "2 new, 1 resolved"; empty when nothing was counted.
func (t tally) String() string {
	var b []byte
	for _, part := range []struct {
		n    int
		what string
	}{{t.fresh, " new"}, {t.updated, " updated"}, {t.resolved, " resolved"}} {
		if part.n == 0 {
			continue
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(strconv.AppendInt(b, int64(part.n), 10), part.what...)
	}
	return string(b)
}
