package ledger

import (
	"fmt"

	"salve/bot"
)

// book is what the writer knows of Incidents: rows as they stand in the
// transaction at work, and which of them must be written before it ends. A few
// are kept for the next transaction, since alerts of one Incident come together.
// Whoever changes a row in the book marks the transaction as half done, so that
// a failure afterwards rolls back and forgets.
type book struct {
	incidents map[bot.IncidentID]*incident
	takers    map[string]bot.IncidentID // by group key; only what is in the groups table
	dirty     []*incident

	// What the session read beforehand, for the transaction at work only.
	alerts map[bot.AlertKey]AlertRow // without an Incident: there is no row
	free   map[string]bool           // groups that no Incident takes
}

// bookLimit bounds what is kept from one transaction to the next.
const bookLimit = 8192

func newBook() *book {
	return &book{incidents: make(map[bot.IncidentID]*incident), takers: make(map[string]bot.IncidentID)}
}

// take notes what was read beforehand.
func (b *book) take(f Found) error {
	if f.Shared {
		b.forget()
	}
	b.alerts = f.Alerts
	b.free = make(map[string]bool)
	for group, id := range f.Groups {
		if id == 0 {
			b.free[group] = true
		} else {
			b.takers[group] = id
		}
	}
	for i := range f.Incidents {
		if b.incidents[f.Incidents[i].ID] != nil {
			continue
		}
		if _, err := b.enter(&f.Incidents[i]); err != nil {
			return err
		}
	}
	return nil
}

// enter adds an Incident as it stands in the database.
func (b *book) enter(row *IncidentRow) (*incident, error) {
	inc := &incident{
		id: row.ID, version: row.Version, foldRev: row.FoldRev, due: row.Due, state: bot.IncidentState(row.State), home: row.Home,
	}
	if err := decodeFold([]byte(row.Fold), &inc.fold); err != nil {
		return nil, fmt.Errorf("read incident %s: %w", row.ID, err)
	}
	b.incidents[row.ID] = inc
	return inc, nil
}

// remember keeps what was read beforehand true.
func (b *book) remember(key bot.AlertKey, row AlertRow) {
	if b.alerts != nil {
		b.alerts[key] = row
	}
}

// forget drops everything, after a rollback.
func (b *book) forget() {
	clear(b.incidents)
	clear(b.takers)
	clear(b.alerts)
	clear(b.free)
	b.dirty = b.dirty[:0]
}

// trim drops what has become too much, after a commit.
func (b *book) trim() {
	if len(b.incidents) > bookLimit {
		clear(b.incidents)
	}
	if len(b.takers) > bookLimit {
		clear(b.takers)
	}
}

func (b *book) mark(inc *incident) {
	if !inc.dirty {
		inc.dirty = true
		b.dirty = append(b.dirty, inc)
	}
}
