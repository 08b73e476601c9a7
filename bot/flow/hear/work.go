package hear

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/phrase"
)

// turn is one Gesture being worked on.
type turn struct {
	*Leg
	g      bot.Gesture
	to     bot.Gesture // g with where the answer goes
	venue  Venue
	now    time.Time
	who    *who
	from   bot.Mark // what the person looked at, for Basis
	shown  string   // what stood there
	opened string   // the Form that waits to be filled; "": none
}

// work does what the Gesture asks for, answers, and says what became of it.
func (t *turn) work(ctx context.Context) string {
	t.from = bot.Mark{Place: t.g.Place, Ref: t.g.Message}
	switch t.g.Kind {
	case bot.GestureSaid:
		return t.said(ctx)
	case bot.GesturePressed:
		return t.pressed(ctx)
	case bot.GestureFilled:
		return t.filled(ctx)
	case bot.GestureChose:
		return t.act(ctx, bot.Press{Kind: bot.PressForm, Command: t.raising(), Asks: []string{"title", "severity"}})
	case bot.GestureOpened:
		t.from = bot.Mark{} // the page is in no channel
		return t.home(ctx)
	default:
		return t.refuse(ctx, bot.Refuse(bot.RefusedInput, "Nobody knows what that was.", "salve help lists what can be said."))
	}
}

// live reports whether a Form can still be opened: nobody else had the Gesture
// in hand before.
func (t *turn) live() bool { return t.g.Attempts == 0 }

func (t *turn) said(ctx context.Context) string {
	here := phrase.Here{}
	if t.g.Thread != "" {
		p, err := t.Store.PostAt(ctx, t.g.Surface, bot.Mark{Place: t.g.Place, Ref: t.g.Thread})
		switch {
		case err == nil:
			here.Incident, here.Run = p.Incident, p.Run
		case !errors.Is(err, bot.ErrNotFound) && !halts(t.g):
			return t.refuse(ctx, err)
		}
	}
	if p, ok, err := t.People.ByIdentity(ctx, t.identity()); err == nil && ok {
		here.By = p
	}
	p, err := phrase.Parse(t.g.Text, here)
	if err != nil {
		return t.refuse(ctx, err)
	}
	return t.act(ctx, p)
}

// act does what a line, a button or a form stands for.
func (t *turn) act(ctx context.Context, p bot.Press) string {
	if age := t.now.Sub(t.g.ReceivedAt); age > tooOld && (p.Kind != bot.PressCommand || p.Command.Verb != bot.VerbHalt) {
		return t.refuse(ctx, bot.Refuse(bot.RefusedState, fmt.Sprintf("Salve could not look at this for %s, so it was not done.", bot.Duration(age.Round(time.Minute))),
			"Look again, and say it once more if it is still right: salve list"))
	}
	switch p.Kind {
	case bot.PressCommand:
		return t.do(ctx, p.Command)
	case bot.PressForm:
		return t.ask(ctx, p)
	case bot.PressShow:
		return t.show(ctx, p)
	default:
		return t.refuse(ctx, bot.Refuse(bot.RefusedInput, "Nobody knows what this button is for.", "salve help lists what can be said."))
	}
}

// do carries out a command.
func (t *turn) do(ctx context.Context, c bot.Command) string {
	return t.doOr(ctx, c, nil)
}

// doOr carries out a command; again leads back to the form that it came of.
func (t *turn) doOr(ctx context.Context, c bot.Command, again *bot.Press) string {
	c, err := t.prepared(ctx, c)
	if err == nil {
		var answer bot.Answer
		if answer, err = t.Desk.Do(ctx, c); err == nil {
			t.reply(ctx, brief.Answer(answer, t.venue.Brief))
			if t.g.Kind != bot.GestureSaid && t.from.Place == "" {
				t.home(ctx) // it came from there, and is not as it was
			}
			return answer.Text
		}
	}
	r := t.reworded(ctx, c, err)
	if book, ok := t.books[c.Playbook]; ok && again == nil && c.Verb == bot.VerbRun && len(book.Params) > 0 {
		again = &bot.Press{Kind: bot.PressForm, Command: c, Asks: paramAsks(book)}
	}
	if r.Code != bot.RefusedInput {
		again = nil
	}
	return t.wrong(ctx, r, again)
}

// wrong answers with a refusal, and with a way to say it again.
func (t *turn) wrong(ctx context.Context, r *bot.Refusal, again *bot.Press) string {
	if again == nil {
		return t.refuse(ctx, r)
	}
	m := brief.Refusal(r, t.venue.Brief)
	m.Buttons = append(m.Buttons, bot.Button{Label: "Edit", Style: "primary", Press: *again, Twin: strings.TrimPrefix(hint(*again), "salve ")})
	t.reply(ctx, m)
	return "refused: " + r.Why
}

// prepared fills in who says it and on what that rests.
func (t *turn) prepared(ctx context.Context, c bot.Command) (bot.Command, error) {
	w := t.identify(ctx, c.Verb)
	c.By, c.Surface, c.Caller = w.person, t.g.Surface, t.g.Surface+" "+t.g.User.ID
	c.Basis = bot.Basis{
		Transport: t.g.Transport, Identity: t.g.User.ID, Place: t.from.Place, Message: t.from.Ref, Gesture: t.g.Key,
		Shown: t.shown, ReceivedAt: t.g.ReceivedAt,
	}
	if w.person.ID != "" {
		c.Basis.Groups, c.Basis.GroupsAt = w.member.Groups, w.member.ReadAt
	}
	if c.To != "" {
		to, err := t.named(ctx, c.To)
		if err != nil {
			return c, err
		}
		c.To = to
	}
	return c, nil
}

// named is the person's id for what was typed or chosen: an id, or a user of the
// surface.
func (t *turn) named(ctx context.Context, to string) (string, error) {
	user, mention := strings.CutPrefix(to, "@")
	if !mention && !strings.Contains(to, "/") {
		return to, nil
	}
	if tenant, _, ok := strings.Cut(t.g.User.ID, "/"); ok && !strings.Contains(user, "/") {
		user = tenant + "/" + user
	}
	p, ok, err := t.People.ByIdentity(ctx, bot.Identity{Surface: t.g.Surface, ID: user})
	switch {
	case err != nil:
		return "", err
	case ok:
		return string(p.ID), nil
	case mention:
		if id := strings.TrimPrefix(to, "@"); !strings.HasPrefix(id, "U") && !strings.HasPrefix(id, "W") {
			return id, nil // @alice, as people write names
		}
	}
	return "", bot.Refuse(bot.RefusedUnknown, "Salve does not know who "+t.g.Surface+" "+short(user, 80)+" is.",
		"Name them by their id in Salve, or let an admin add them: salve user add NAME --role responder --"+t.g.Surface+" "+short(user, 80)+".")
}

// refuse answers with a refusal, or with what to do about an error.
func (t *turn) refuse(ctx context.Context, err error) string {
	r := t.reworded(ctx, bot.Command{}, err)
	t.reply(ctx, brief.Refusal(r, t.venue.Brief))
	return "refused: " + r.Why
}

// reworded puts errors into words for this person on this surface.
func (t *turn) reworded(ctx context.Context, c bot.Command, err error) *bot.Refusal {
	r, ok := errors.AsType[*bot.Refusal](err)
	switch {
	case !ok && errors.Is(err, bot.ErrNotFound):
		return bot.Refuse(bot.RefusedUnknown, "There is no such thing (any more).", "salve list shows what is open.")
	case !ok:
		t.log.ErrorContext(ctx, "a gesture could not be worked on", "gesture", t.g.Key, "surface", t.g.Surface, "kind", t.g.Kind, "err", err)
		return bot.Refuse(bot.RefusedLater, "That could not be done: the store did not answer.", "Try again; `salve status` on the host of Salve says how it is.")
	case t.who == nil:
		return r
	case r.Code == bot.RefusedIdentity && t.who.person.ID == "" && c.Verb != "":
		return t.who.refusal(t.g)
	case r.Code == bot.RefusedForbidden && len(t.who.member.Unread) > 0:
		return bot.Refuse(r.Code, r.Why, strings.TrimSpace(r.Next+" "+unread(t.g.Surface, t.who.member.Unread)))
	default:
		return r
	}
}

func unread(surface string, groups []string) string {
	return fmt.Sprintf("%s could not say just now who is in %s, so that nobody is; if you are, try again in some minutes, or use the console.", title(surface), strings.Join(groups, ", "))
}

// reply shows a Message to the person alone: in the Form that they wait at, else
// as a private message.
func (t *turn) reply(ctx context.Context, m bot.Message) {
	if t.opened != "" {
		opened := t.opened
		t.opened = ""
		if t.refill(ctx, opened, formOf(m)) {
			return
		}
	}
	t.dress(ctx, &m)
	if err := t.venue.Surface.Whisper(ctx, t.to, m); err != nil {
		t.log.WarnContext(ctx, "an answer could not be shown", "gesture", t.g.Key, "surface", t.g.Surface, "user", t.g.User.ID, "err", err)
	}
}

// apologise tells of an error inside of Salve, if that can be.
func (t *turn) apologise(ctx context.Context) {
	defer func() {
		if p := recover(); p != nil {
			t.log.ErrorContext(ctx, "an apology panicked", "gesture", t.g.Key, "panic", fmt.Sprint(p))
		}
	}()
	t.reply(ctx, brief.Refusal(bot.Refuse(bot.RefusedLater, "That failed by an error inside of Salve; it is not known whether it was done.",
		"Look before you say it again; the log has the rest, by "+t.g.Key+"."), t.venue.Brief))
}

// flooded tells that it is too much.
func (t *turn) flooded(ctx context.Context) string {
	return t.refuse(ctx, bot.Refuse(bot.RefusedLater, fmt.Sprintf("%d things that you did wait to be looked at; what you did after them was not done.", t.opts.PerUser),
		"Wait for the answers. Only a halt is always taken: salve halt."))
}

func (t *turn) home(ctx context.Context) string {
	w := t.identify(ctx, "")
	if w.unsure || w.err != nil {
		return "not shown: " + w.refusal(t.g).Why
	}
	state := brief.HomeState{Person: w.person, At: t.now}
	var err error
	if w.person.ID != "" {
		if state, err = t.homeState(ctx, w.person); err != nil {
			t.log.WarnContext(ctx, "a page could not be made", "gesture", t.g.Key, "err", err)
			return "not shown: the store did not answer"
		}
	}
	m := brief.Home(state, t.venue.Brief)
	t.dress(ctx, &m)
	if err := t.venue.Surface.Home(ctx, t.g.User, m); err != nil {
		t.log.WarnContext(ctx, "a page could not be shown", "gesture", t.g.Key, "surface", t.g.Surface, "user", t.g.User.ID, "err", err)
		return "not shown: the surface did not take it"
	}
	return "shown: home"
}

func (t *turn) identity() bot.Identity { return bot.Identity{Surface: t.g.Surface, ID: t.g.User.ID} }

// title is the name of a surface at the head of a sentence.
func title(surface string) string {
	if surface == "" {
		return "The surface"
	}
	return strings.ToUpper(surface[:1]) + surface[1:]
}

// short cuts by runes.
func short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "..."
}
