package ledger

import (
	"database/sql/driver"
	"fmt"
	"strings"

	"salve/bot"
	"salve/storage/internal/query"
)

// incident is the row of an Incident in the writer's book.
type incident struct {
	id      bot.IncidentID
	version int64
	foldRev int64
	due     int64
	state   bot.IncidentState
	home    string // key of the group that it was made for; empty if for none
	fold    tallied

	fresh  bool // there is no row yet
	dirty  bool // it is in the book's list
	folded bool // its Fold, or what goes with it, must be written
	refold bool // its Fold must be computed from all rows first
	worked bool // owner and work must be written
	owner  string
	work   string

	part *part // of the Change at work
}

// attachable reports whether it takes alerts of its group.
func (i *incident) attachable() bool {
	return i.state == bot.IncidentOpen || i.state == bot.IncidentResolved
}

// settle makes the state follow the Fold.
func (i *incident) settle() {
	if i.attachable() {
		i.state = stateOf(bot.Work{}, i.fold.Fold)
	}
}

func stateOf(w bot.Work, f bot.Fold) bot.IncidentState { return bot.Incident{Work: w, Fold: f}.State() }

// load finds a row in the book, else in the database.
func (t *tx) load(id bot.IncidentID) (*incident, error) {
	if inc := t.book.incidents[id]; inc != nil {
		return inc, nil
	}
	row := IncidentRow{ID: id}
	found, err := t.session.One("read incident "+id.String(), query.IncidentHead, []any{int64(id)},
		&row.Version, &row.FoldRev, &row.Due, &row.State, &row.Home, &row.Fold)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, fmt.Errorf("incident %s: %w", id, bot.ErrNotFound)
	}
	return t.book.enter(&row)
}

// make adds an Incident that has no row yet.
func (t *tx) make(id bot.IncidentID) *incident {
	inc := &incident{id: id, version: 1, fresh: true, state: bot.IncidentResolved, work: "{}"}
	t.half = true
	t.book.incidents[id] = inc
	t.book.mark(inc)
	return inc
}

// touch marks that alerts of the Incident changed: it becomes due at once.
func (t *tx) touch(inc *incident, at int64) {
	t.half = true
	t.book.mark(inc)
	inc.folded = true
	if at = max(at, 1); inc.due == 0 || at < inc.due {
		inc.due = at
	}
}

// foldAgain computes the Fold from all rows, if that is called for.
func (t *tx) foldAgain(inc *incident) error {
	if !inc.refold {
		return nil
	}
	alerts, err := t.alertsOf(inc.id)
	if err != nil {
		return err
	}
	inc.refold, inc.fold = false, foldAll(inc.fold.Fold, alerts)
	inc.settle()
	return nil
}

func (t *tx) alertsOf(id bot.IncidentID) ([]bot.Alert, error) {
	var alerts []bot.Alert
	err := t.session.Each("read alerts of "+id.String(), query.Alerts, []any{int64(id)}, func(row []driver.Value) error {
		var key bot.AlertKey
		var startsAt, receivedAt int64
		var body string
		if err := Fill([]any{&startsAt, &key.Fingerprint, &key.Source, &receivedAt, &body}, row); err != nil {
			return err
		}
		key.StartsAt = FromMS(startsAt)
		a, err := decodeAlert(key, receivedAt, []byte(body))
		alerts = append(alerts, a)
		return err
	})
	return alerts, err
}

// flush writes the Incidents that were made, folded or worked on.
func (t *tx) flush() error {
	for _, inc := range t.book.dirty {
		if err := t.foldAgain(inc); err != nil {
			return err
		}
		if err := t.flushOne(inc); err != nil {
			return err
		}
		inc.dirty, inc.fresh, inc.folded, inc.worked, inc.work = false, false, false, false, ""
	}
	t.book.dirty = t.book.dirty[:0]
	return nil
}

func (t *tx) flushOne(inc *incident) error {
	doing := "write incident " + inc.id.String()
	f := &inc.fold
	if inc.fresh {
		return t.write(doing, query.InsertIncident, int64(inc.id), inc.version, inc.foldRev, inc.due, string(inc.state),
			f.Source, f.Title, strings.ToLower(f.Title), inc.owner, inc.home, t.encodeFold(f), inc.work)
	}
	if inc.folded {
		if err := t.write(doing, query.UpdateFold, inc.foldRev, inc.due, string(inc.state),
			f.Source, f.Title, strings.ToLower(f.Title), t.encodeFold(f), int64(inc.id)); err != nil {
			return err
		}
	}
	if !inc.worked {
		return nil
	}
	return t.writeOne(doing, query.UpdateWork, inc.version, inc.due, string(inc.state), inc.owner, inc.work, int64(inc.id))
}

func (t *tx) encodeFold(f *tallied) string {
	t.buf = appendFold(t.buf[:0], f)
	return string(t.buf)
}
