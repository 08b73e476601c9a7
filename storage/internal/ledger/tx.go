package ledger

import (
	"slices"

	"salve/bot"
)

// tx is one transaction of the writer: the statements, and what memory becomes
// if it is committed.
type tx struct {
	session Session
	writer  *writer
	book    *book
	buf     []byte
	head    head
	end     *EventRow // the last row of the log, if it was read beforehand
	touched touched
	wrote   bool // something was written in the transaction
	half    bool // the request at work has written something, or changed the book
}

// mark is what reset goes back to.
type mark struct {
	head    head
	touched touched
	wrote   bool
}

func (t *tx) mark() mark { return mark{head: t.head, touched: t.touched.clip(), wrote: t.wrote} }

func (t *tx) reset(m mark) { t.head, t.touched, t.wrote = m.head, m.touched, m.wrote }

// control runs a statement that begins or ends something.
func (t *tx) control(text string) error {
	_, err := t.session.Exec(text, text)
	return err
}

// write runs a statement that writes; doing is for the error.
func (t *tx) write(doing, text string, args ...any) error {
	t.wrote, t.half = true, true
	return t.session.Put(Put{Doing: doing, Text: text, Args: args})
}

// writeOne runs a conditional statement that must hit its row.
func (t *tx) writeOne(doing, text string, args ...any) error {
	if err := t.session.Put(Put{Doing: doing, Text: text, Args: args, Hit: true}); err != nil {
		return err
	}
	t.wrote, t.half = true, true
	return nil
}

// exec runs a statement whose effect is wanted at once.
func (t *tx) exec(doing, text string, args ...any) (int64, error) {
	n, err := t.session.Exec(doing, text, args...)
	if n > 0 {
		t.wrote, t.half = true, true
	}
	return n, err
}

// touched collects the rows that a group changes.
type touched struct{ bot.Touched }

// clip makes later appends leave what is collected so far alone.
func (t touched) clip() touched {
	t.Incidents, t.Runs, t.Approvals = slices.Clip(t.Incidents), slices.Clip(t.Runs), slices.Clip(t.Approvals)
	return t
}

// hint is each row once.
func (t touched) hint() bot.Touched {
	return bot.Touched{
		Incidents: once(t.Incidents), Runs: once(t.Runs), Approvals: once(t.Approvals), Halts: t.Halts,
	}
}

func once[T ~int64](ids []T) []T {
	slices.Sort(ids)
	return slices.Compact(ids)
}
