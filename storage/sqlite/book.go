package sqlite

import "salve/bot"

// book is what the writer knows of Incidents: rows as they stand in the
// transaction at work, and which of them must be written before it ends. A few
// are kept for the next transaction, since alerts of one Incident come together.
// Whoever changes a row in the book marks the transaction as half done, so that
// a failure afterwards rolls back and forgets.
type book struct {
	incidents map[bot.IncidentID]*incident
	takers    map[string]bot.IncidentID // by group key; only what is in the groups table
	dirty     []*incident
}

// bookLimit bounds what is kept from one transaction to the next.
const bookLimit = 8192

func newBook() *book {
	return &book{incidents: make(map[bot.IncidentID]*incident), takers: make(map[string]bot.IncidentID)}
}

// forget drops everything, after a rollback.
func (b *book) forget() {
	clear(b.incidents)
	clear(b.takers)
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
