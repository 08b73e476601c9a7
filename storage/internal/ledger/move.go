package ledger

import (
	"fmt"

	"salve/bot"
	"salve/storage/internal/query"
)

// moves puts alerts into other Incidents. Both become due and are folded again.
func (c *change) moves() error {
	for _, m := range c.in.Moves {
		if err := c.move(m); err != nil {
			return fmt.Errorf("move alert %s: %w", m.Alert.Fingerprint, err)
		}
	}
	return nil
}

func (c *change) move(m bot.Move) error {
	m.Alert.StartsAt = cut(m.Alert.StartsAt)
	row, found, err := c.alertRow(m.Alert)
	if err != nil {
		return err
	}
	if !found {
		return bot.ErrNotFound
	}
	if row.Incident == m.To {
		return nil
	}
	from, err := c.load(row.Incident)
	if err != nil {
		return err
	}
	to, err := c.destination(m.To)
	if err != nil {
		return err
	}
	c.moved(from, to)
	delete(c.book.alerts, m.Alert)
	return c.write("write alert", query.MoveAlert, int64(to.id), MS(m.Alert.StartsAt), m.Alert.Fingerprint, m.Alert.Source)
}

// destination is an Incident that may take alerts from another.
func (c *change) destination(id bot.IncidentID) (*incident, error) {
	to, err := c.load(id)
	if err != nil {
		return nil, err
	}
	if !to.attachable() {
		return nil, fmt.Errorf("incident %s is %s: %w", to.id, to.state, bot.ErrConflict)
	}
	return to, nil
}

// moved marks two Incidents whose alerts are others now.
func (c *change) moved(from, to *incident) {
	for _, inc := range [...]*incident{from, to} {
		inc.refold = true
		c.touch(inc, c.when(inc))
	}
}

// when is the time of a Change that carries no alerts: that of its Events.
func (c *change) when(inc *incident) int64 {
	if len(c.in.Events) > 0 {
		return MS(c.in.Events[0].At)
	}
	return MS(inc.fold.LastAt)
}

// merges hands what is left of the Incidents that were merged in this Change to
// those that stay: their alerts and the pointers of their groups.
func (c *change) merges() error {
	for i := range c.in.Incidents {
		p := c.book.incidents[c.in.Incidents[i].ID].part
		if !p.merging {
			continue
		}
		if err := c.merge(p.incident, p.work.MergedInto); err != nil {
			return fmt.Errorf("merge incident %s into %s: %w", p.id, p.work.MergedInto, err)
		}
	}
	return nil
}

func (c *change) merge(from *incident, into bot.IncidentID) error {
	to, err := c.destination(into)
	if err != nil {
		return err
	}
	clear(c.book.takers)
	clear(c.book.free)
	if err := c.write("move groups", query.RepointHome, int64(to.id), int64(from.id), from.home); err != nil {
		return err
	}
	if err := c.write("move groups", query.RepointExtra, int64(to.id), int64(from.id)); err != nil {
		return err
	}
	clear(c.book.alerts)
	n, err := c.exec("move alerts", query.MoveAllAlerts, int64(to.id), int64(from.id))
	if err != nil {
		return err
	}
	if n > 0 {
		c.moved(from, to)
	}
	return nil
}
