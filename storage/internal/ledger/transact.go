package ledger

import (
	"errors"
	"time"

	"salve/bot"
)

// unclean tells that a request failed after it had written something, so that
// the transaction is no good for the others.
type unclean struct{ error }

func (u unclean) Unwrap() error { return u.error }

func isUnclean(err error) bool {
	_, ok := errors.AsType[unclean](err)
	return ok
}

// Statements that set one request apart from those before it.
const (
	setApart = "SAVEPOINT one"
	UndoOne  = "ROLLBACK TO one"
	keepOne  = "RELEASE one"
)

// together is the fast way: no savepoints. A request that fails before it has
// written anything fails alone.
func (w *writer) together(group []*request, results []result) (bot.Touched, error) {
	return w.transact(group, func(t *tx) error {
		for i, r := range group {
			t.half = false
			results[i].receipt, results[i].err = r.apply(t)
			switch err := results[i].err; {
			case err == nil:
			case errors.Is(err, bot.ErrUnavailable):
				return err
			case t.half:
				return unclean{err}
			}
		}
		return soil(t.flush())
	})
}

// soil makes an error that is not the store's one of the transaction.
func soil(err error) error {
	if err == nil || errors.Is(err, bot.ErrUnavailable) {
		return err
	}
	return unclean{err}
}

// apart writes each request behind a savepoint.
func (w *writer) apart(group []*request, results []result) (bot.Touched, error) {
	return w.transact(group, func(t *tx) error {
		for i, r := range group {
			before := t.mark()
			if err := t.control(setApart); err != nil {
				return err
			}
			results[i].receipt, results[i].err = r.apply(t)
			if results[i].err == nil {
				results[i].err = t.flush()
			}
			if results[i].err == nil {
				results[i].err = t.session.Flush()
			}
			if err := results[i].err; err != nil {
				if errors.Is(err, bot.ErrUnavailable) {
					return err
				}
				results[i].receipt = bot.Receipt{}
				t.reset(before)
				t.book.forget()
				if err := t.control(UndoOne); err != nil {
					return err
				}
			}
			if err := t.control(keepOne); err != nil {
				return err
			}
		}
		return nil
	})
}

// transact runs f in a transaction of the writer's own and takes over what it
// left in memory once it is on disk. A transaction that wrote nothing ends
// without a flush.
func (w *writer) transact(group []*request, f func(*tx) error) (bot.Touched, error) {
	t := &tx{session: w.session, writer: w, book: w.book}
	err := w.takeTurn(t, group)
	if err == nil {
		err = f(t)
	}
	hint := t.touched.hint()
	if err == nil && t.wrote {
		err = soil(w.session.Commit(Counters{Incident: int64(w.next) - 1, Body: w.bodies.last.Load()}, hint))
	}
	if err != nil {
		w.book.forget()
		w.unsure = true
	}
	if err != nil || !t.wrote {
		if rerr := w.session.Rollback(); rerr != nil && err == nil {
			err = rerr
		}
		return bot.Touched{}, err
	}
	w.head = t.head
	w.book.trim()
	return hint, nil
}

// takeTurn begins a transaction and takes over what the session read for it.
func (w *writer) takeTurn(t *tx, group []*request) error {
	found, err := w.session.Begin(needsOf(group))
	if err != nil {
		return err
	}
	if found.Counted {
		w.next = bot.IncidentID(found.Last.Incident + 1)
		w.bodies.last.Store(found.Last.Body)
	}
	w.unsure = w.unsure || found.Shared
	if err := w.book.take(found); err != nil {
		return err
	}
	t.head, t.end = w.head, found.End
	return w.sure(t)
}

// needsOf is what a group is about to read.
func needsOf(group []*request) Needs {
	if len(group) == 1 {
		return group[0].needs
	}
	var all Needs
	for _, r := range group {
		all.Alerts = append(all.Alerts, r.needs.Alerts...)
		all.Incidents = append(all.Incidents, r.needs.Incidents...)
	}
	return all
}

// sure reads the head of the chain again after a failure, or when others have
// written: whether a commit that failed is on disk after all, only the database
// can tell.
func (w *writer) sure(t *tx) error {
	if !w.unsure {
		return nil
	}
	if err := t.takeUpChain(time.Now()); err != nil {
		return err
	}
	if !t.wrote {
		w.head = t.head
	}
	w.unsure = false
	return nil
}
