package ledger

import (
	"context"
	"fmt"

	"salve/bot"
)

// Commit writes a Change whole or not at all and answers once it is on disk. It
// is written together with the Changes that wait at the same time.
func (l *Ledger) Commit(ctx context.Context, in bot.Change) (bot.Receipt, error) {
	if l.writer == nil {
		return bot.Receipt{}, errReadOnly
	}
	enc, err := encodeChange(&in)
	if err != nil {
		return bot.Receipt{}, err
	}
	if in.Delivery != nil && len(in.Observed) > 0 {
		enc.delivery = l.packing.ahead(in.Delivery.Body)
	}
	return l.writer.submit(ctx, &request{
		apply: func(t *tx) (bot.Receipt, error) { return t.apply(&in, &enc) },
		size:  len(in.Observed),
		needs: needs(&in, &enc),
		done:  make(chan result, 1),
	})
}

// apply writes one Change. Rows that may be in conflict come first, so that
// most conflicts are found before anything is written; what refers to a row
// comes after it. The rows of Incidents wait in the book.
func (t *tx) apply(in *bot.Change, enc *encoded) (bot.Receipt, error) {
	c := &change{tx: t, in: in, encoded: enc}
	for _, step := range [...]func(*change) error{
		(*change).checkIncidents, (*change).chat, (*change).versions, (*change).works, (*change).inserts, (*change).moves, (*change).merges,
		(*change).observe, (*change).holds, (*change).quarantine, (*change).events, (*change).finish,
	} {
		if err := step(c); err != nil {
			return bot.Receipt{}, err
		}
	}
	return c.receipt, nil
}

// needs is what a Change is about to read.
func needs(in *bot.Change, enc *encoded) Needs {
	var n Needs
	if len(enc.seen) > 0 {
		n.Alerts = make([]Sight, len(enc.seen))
	}
	for i := range enc.seen {
		a := &enc.seen[i]
		n.Alerts[i] = Sight{Key: a.AlertKey, Sum: a.sum, Group: a.group}
	}
	for i := range in.Incidents {
		if in.Incidents[i].Version != 0 {
			n.Incidents = append(n.Incidents, in.Incidents[i].ID)
		}
	}
	return n
}

// change is a Change while it is being written.
type change struct {
	*tx
	in      *bot.Change
	encoded *encoded
	receipt bot.Receipt
	parts   []*part // the Incidents that it touches, in the order in which they came up
	changed bool    // Observed changed something
}

// encoded is what of a Change can be computed beforehand: whoever commits does
// it, the writer has enough to do.
type encoded struct {
	seen                          []observed
	works, plans, approvals, runs []string
	posts, offers, gestures       []string
	delivery                      []byte // packed; nil: the writer packs it if it must
}

func encodeChange(in *bot.Change) (enc encoded, err error) {
	enc.seen = prepare(in.Observed)
	if enc.works, err = encodeEach(in.Incidents, "incident", func(i *bot.Incident) any { return i.Work }); err != nil {
		return enc, err
	}
	if enc.plans, err = encodeEach(in.Plans, "plan", func(p *bot.Plan) any { return p }); err != nil {
		return enc, err
	}
	if enc.approvals, err = encodeEach(in.Approvals, "approval", func(a *bot.Approval) any { return a }); err != nil {
		return enc, err
	}
	if enc.runs, err = encodeEach(in.Runs, "run", func(r *bot.Run) any { return r }); err != nil {
		return enc, err
	}
	return enc, enc.chat(in)
}

func encodeEach[T any](rows []T, what string, of func(*T) any) ([]string, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	all := make([]string, len(rows))
	for i := range rows {
		var err error
		if all[i], err = encode(of(&rows[i])); err != nil {
			return nil, fmt.Errorf("write %s: %w", what, err)
		}
	}
	return all, nil
}
