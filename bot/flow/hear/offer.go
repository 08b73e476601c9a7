package hear

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"salve/bot"
)

const (
	offersFor = time.Hour
	maxShown  = 4000 // runes of what a private offer remembers of what stood there
)

// pressed finds what the button stands for.
func (t *turn) pressed(ctx context.Context) string {
	o, err := t.offered(ctx)
	if err != nil {
		return t.refuse(ctx, err)
	}
	return t.act(ctx, o.Press)
}

// offered is the Offer of the token that came, if it is this person's, here and
// now. It says where the answer goes and what the decision rests on.
func (t *turn) offered(ctx context.Context) (bot.Offer, error) {
	if t.g.Token == "" {
		return bot.Offer{}, t.old(ctx, 0, "This button stands for nothing.")
	}
	o, err := t.Store.Offer(ctx, t.g.Token)
	if errors.Is(err, bot.ErrNotFound) {
		return o, t.old(ctx, 0, "This button is old and does nothing any more.")
	}
	if err != nil {
		return o, err
	}
	about := o.Press.Command.Incident
	switch {
	case o.Surface != t.g.Surface:
		return o, t.old(ctx, about, "This button belongs to another surface.")
	case o.For != "" && o.For != t.g.User.ID:
		return o, bot.Refuse(bot.RefusedForbidden, "This button was given to somebody else.", "Say it yourself: "+looking(about))
	case !t.now.Before(o.ExpiresAt):
		return o, t.old(ctx, about, "This button is old and does nothing any more.")
	}
	if o.For == "" && o.Post != "" {
		p, err := t.Store.Post(ctx, o.Post)
		if err != nil && !errors.Is(err, bot.ErrNotFound) {
			return o, err
		}
		if err != nil || p.Surface != t.g.Surface || p.Mark != (bot.Mark{}) && p.Mark != t.from {
			return o, t.old(ctx, about, "This button stands on a message that is not the one any more.")
		}
	}
	t.shown = o.Shown
	if o.From != (bot.Mark{}) {
		t.from = o.From
		if t.to.Place == "" {
			t.to.Place = o.From.Place
		}
	}
	return o, nil
}

// old refuses a button, and tells what to do instead.
func (t *turn) old(ctx context.Context, id bot.IncidentID, why string) *bot.Refusal {
	if id == 0 && t.g.Place != "" && t.g.Message != "" {
		if p, err := t.Store.PostAt(ctx, t.g.Surface, t.from); err == nil {
			id = p.Incident
		}
	}
	return bot.Refuse(bot.RefusedState, why, "Look at it as it is now: "+looking(id))
}

func looking(id bot.IncidentID) string {
	if id == 0 {
		return "salve list"
	}
	return "salve show " + id.String()
}

// dress gives each button of a private Message its token. Without the store it
// has none, and says what to type.
func (t *turn) dress(ctx context.Context, m *bot.Message) {
	var all []*bot.Button
	for i := range m.Buttons {
		all = append(all, &m.Buttons[i])
	}
	for i := range m.More {
		all = append(all, &m.More[i])
	}
	for i := range m.Rows {
		if b := m.Rows[i].Button; b != nil {
			own := *b
			m.Rows[i].Button = &own
			all = append(all, &own)
		}
	}
	if t.grant(ctx, read(m.Title, m.Lines, m.Rows), all, nil) {
		return
	}
	m.Buttons, m.More = nil, nil
	for i := range m.Rows {
		m.Rows[i].Button = nil
	}
	for _, b := range all[:min(len(all), 3)] {
		if b.Twin != "" {
			m.Lines = append(m.Lines, bot.Line{Spans: []bot.Span{{Text: b.Label + ": "}, {Text: t.typed(b.Twin), Style: bot.SpanCode}}})
		}
	}
}

// dressForm gives a Form and the buttons in it their tokens; false: it has none.
func (t *turn) dressForm(ctx context.Context, f *bot.Form) bool {
	var all []*bot.Button
	for i := range f.Rows {
		if b := f.Rows[i].Button; b != nil {
			own := *b
			f.Rows[i].Button = &own
			all = append(all, &own)
		}
	}
	return t.grant(ctx, read([]bot.Span{{Text: f.Title}}, f.Lines, f.Rows), all, f)
}

// grant writes down what buttons, and a Form that can be handed in, stand for.
func (t *turn) grant(ctx context.Context, shown string, buttons []*bot.Button, f *bot.Form) bool {
	var change bot.Change
	offer := func(p bot.Press) string {
		o := bot.Offer{
			Token: rand.Text(), Surface: t.g.Surface, For: t.g.User.ID, Press: p, From: t.from,
			ExpiresAt: instant(time.Now()).Add(offersFor),
		}
		if p.Command.Verb == bot.VerbApprove || p.Command.Verb == bot.VerbDeny { // what a vote rests on; a list has a button for each row
			o.Shown = shown
		}
		change.Offers = append(change.Offers, o)
		return o.Token
	}
	for _, b := range buttons {
		b.Token = offer(b.Press)
	}
	if f != nil && f.Submit != "" {
		f.Token = offer(f.Press)
	}
	if len(change.Offers) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeoutCause(ctx, hearTimeout, errSlow)
	defer cancel()
	if _, err := t.Store.Commit(ctx, change); err != nil {
		t.log.WarnContext(ctx, "buttons could not be offered", "gesture", t.g.Key, "err", err)
		return false
	}
	return true
}

// read is the text of what is shown, for the record of a decision.
func read(head []bot.Span, lines []bot.Line, rows []bot.Row) string {
	var b strings.Builder
	put := func(spans []bot.Span) {
		for _, s := range spans {
			if s.At.IsZero() {
				b.WriteString(s.Text)
			} else {
				b.WriteString(s.Text + s.At.UTC().Format("2006-01-02 15:04 UTC"))
			}
		}
		b.WriteByte('\n')
	}
	put(head)
	for _, l := range lines {
		put(l.Spans)
	}
	for _, r := range rows {
		put(r.Line.Spans)
	}
	return short(strings.TrimSpace(b.String()), maxShown)
}

func (t *turn) typed(twin string) string {
	return strings.TrimSpace(t.venue.Brief.Command + " " + strings.TrimPrefix(twin, "salve "))
}
