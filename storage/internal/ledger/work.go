package ledger

import (
	"fmt"
	"strconv"
	"time"

	"salve/bot"
	"salve/storage/internal/query"
)

// part is what one Change does to one Incident.
type part struct {
	*incident
	of      *change
	touched bool // its alerts changed
	tally   tally
	at      time.Time     // when Observed last changed it
	work    *bot.Incident // to be written
	encoded string
	merging bool // work merges it into another, and it was not merged before
}

func (c *change) part(inc *incident) *part {
	if inc.part == nil || inc.part.of != c {
		inc.part = &part{incident: inc, of: c}
		c.parts = append(c.parts, inc.part)
	}
	return inc.part
}

// touch is tx.touch, and counts as one revision of the Fold for the Change.
func (c *change) touch(inc *incident, at int64) *part {
	c.tx.touch(inc, at)
	p := c.part(inc)
	if !p.touched {
		p.touched = true
		inc.foldRev++
	}
	return p
}

// checkIncidents looks at the versions before anything is written.
func (c *change) checkIncidents() error {
	for i := range c.in.Incidents {
		given := &c.in.Incidents[i]
		if given.ID <= 0 {
			return fmt.Errorf("an incident has no id; take one with NextID")
		}
		inc, err := c.given(given)
		if err != nil {
			return err
		}
		p := c.part(inc)
		if p.work != nil {
			return fmt.Errorf("incident %s comes twice in a change: %w", inc.id, bot.ErrConflict)
		}
		p.work, p.encoded = given, c.encoded.works[i]
	}
	return nil
}

// given finds the row that a Change wants to write, at the version it names.
func (c *change) given(given *bot.Incident) (*incident, error) {
	if given.Version == 0 {
		return c.givenNew(given.ID)
	}
	inc, err := c.load(given.ID)
	if err == nil && inc.version != given.Version {
		err = fmt.Errorf("incident %s is at version %d, not %d: %w", given.ID, inc.version, given.Version, bot.ErrConflict)
	}
	return inc, err
}

func (c *change) givenNew(id bot.IncidentID) (*incident, error) {
	var version int64
	found, err := c.session.One("read incident "+id.String(), query.IncidentExists, []any{int64(id)}, &version)
	if err != nil {
		return nil, err
	}
	if found || c.book.incidents[id] != nil {
		return nil, fmt.Errorf("incident %s exists: %w", id, bot.ErrConflict)
	}
	if err := c.writer.given(id); err != nil {
		return nil, err
	}
	return c.make(id), nil
}

// works takes over what people and decisions say about Incidents, and keeps the
// pointers of their groups right: who is closed or merged takes no alerts.
func (c *change) works() error {
	for i := range c.in.Incidents {
		if err := c.takeWork(c.book.incidents[c.in.Incidents[i].ID].part); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) takeWork(p *part) error {
	inc := p.incident
	if err := c.foldAgain(inc); err != nil {
		return err
	}
	c.half = true
	c.book.mark(inc)
	was, merged := inc.attachable(), inc.state == bot.IncidentMerged
	if p.work.FoldRev == inc.foldRev {
		inc.due = MS(p.work.DueAt)
	}
	inc.state = stateOf(p.work.Work, inc.fold.Fold)
	inc.owner, inc.work = string(p.work.Owner), p.encoded
	p.merging = inc.state == bot.IncidentMerged && !merged
	if !inc.fresh {
		inc.worked = true
		inc.version++
	}
	return c.point(inc, was)
}

func (c *change) point(inc *incident, was bool) error {
	if inc.fresh || was == inc.attachable() || inc.state == bot.IncidentMerged {
		return nil // a merged one hands its pointers on, see merges
	}
	clear(c.book.takers)
	clear(c.book.free)
	switch {
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

// finish notes which Incidents the Change touched.
func (c *change) finish() error {
	for _, p := range c.parts {
		if p.touched || p.work != nil {
			c.touched.Incidents = append(c.touched.Incidents, p.id)
		}
		p.incident.part = nil
	}
	return nil
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

// String is "2 new alerts, 1 resolved"; empty when nothing was counted.
func (t tally) String() string {
	var b []byte
	for _, part := range []struct {
		n    int
		what string
	}{{t.fresh, " new"}, {t.updated, " updated"}, {t.resolved, " resolved"}} {
		if part.n == 0 {
			continue
		}
		first := len(b) == 0
		if !first {
			b = append(b, ", "...)
		}
		b = append(strconv.AppendInt(b, int64(part.n), 10), part.what...)
		switch {
		case first && part.n == 1:
			b = append(b, " alert"...)
		case first:
			b = append(b, " alerts"...)
		}
	}
	return string(b)
}
