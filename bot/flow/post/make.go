package post

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/brief"
)

// How long those who are asked beside the store may take.
const askWithin = 5 * time.Second

// pageEvents is how far back the reason for a page is looked for.
const pageEvents = 100

var zeroTime time.Time

// made is what a Post is to show now.
type made struct {
	message bot.Message
	moot    string         // why there is nothing to show; "": there is
	open    bool           // storm: it goes on
	quietly bool           // card: the Incident is over, and nothing happened but alerts
	wakes   bool           // who is on call is mentioned, when it is posted
	about   bot.IncidentID // whose on-call that is, where the Post is about several
	shares  bool           // progress: the Run is over, and its output is to be shared
}

func moot(format string, args ...any) made { return made{moot: fmt.Sprintf(format, args...)} }

// make makes the Message of a Post from the rows as they are.
func (l *Leg) make(ctx context.Context, p bot.Post) (made, error) {
	switch p.Kind {
	case bot.MessageStorm:
		return l.makeStorm(ctx, p)
	case bot.MessageWeekly:
		return l.makeWeekly(ctx, p)
	case bot.MessagePlot:
		return l.makePlot(p), nil
	}
	c, err := l.cards.Card(ctx, p.Incident, bot.Person{})
	if errors.Is(err, bot.ErrNotFound) {
		return moot("%s is not there any more", p.Incident), nil
	}
	if err != nil {
		return made{}, fmt.Errorf("read %s: %w", p.Incident, err)
	}
	switch p.Kind {
	case bot.MessageCard:
		return l.makeCard(p, c), nil
	case bot.MessageProgress:
		return l.makeProgress(p, c), nil
	case bot.MessageOutput:
		m, ok := brief.Output(c, p.Run)
		if !ok {
			return moot("there is no output of %s to share", p.Run), nil
		}
		return made{message: m}, nil
	case bot.MessageNotice:
		return l.makeNotice(ctx, p, c)
	case bot.MessagePage:
		return l.makePage(ctx, p, c)
	default:
		return moot("this version does not know what %q is", p.Kind), nil
	}
}

func (l *Leg) makeCard(p bot.Post, c bot.Card) made {
	if c.State == bot.IncidentMerged && p.Mark == (bot.Mark{}) {
		return moot("%s was merged before its card was posted", c.Incident)
	}
	m := brief.Card(c, l.opts.Brief[p.Surface])
	if p.Moved != "" {
		m.Lines = append(m.Lines, quiet("Shown here because "+p.Moved+"; it belongs in "+belongs(p)+"."))
	}
	quietly := c.State != bot.IncidentOpen && len(c.Runs)+len(c.Proposals) == 0 && c.Owner == ""
	return made{message: m, quietly: quietly}
}

// belongs is the place that a card was made for, wherever it was moved to.
func belongs(card bot.Post) string {
	place, _, _ := strings.Cut(strings.TrimPrefix(card.Key, card.Surface+"/"), "/card/")
	return place
}

func (l *Leg) makeProgress(p bot.Post, c bot.Card) made {
	m, ok := brief.Progress(c, p.Run, l.now(), l.opts.Brief[p.Surface])
	if !ok {
		return moot("%s is not among the runs of the card any more", p.Run)
	}
	m.Broadcast = false // a failure has a notice of its own, which is
	_, shares := brief.Output(c, p.Run)
	return made{message: m, shares: shares}
}

// makeNotice says something once. One that was said and is settled since loses
// its buttons.
func (l *Leg) makeNotice(ctx context.Context, p bot.Post, c bot.Card) (made, error) {
	e, err := l.event(ctx, p.About)
	if err != nil {
		return made{}, err
	}
	if m, ok := brief.Notice(c, e, l.now(), l.opts.Brief[p.Surface]); ok {
		if w := deserves(e); !w.once || p.Mark != (bot.Mark{}) {
			return made{message: m, wakes: w.wakes}, nil
		}
		raging, err := l.rages(ctx, p)
		if raging {
			return moot("the summary of the storm has called for it"), nil
		}
		return made{message: m, wakes: true}, err
	}
	if p.Mark == (bot.Mark{}) {
		return moot("it was settled before it could be told"), nil
	}
	return made{message: l.settled(p, c, bot.MessageNotice)}, nil
}

// settled is what is left of a Message that called for people.
func (l *Leg) settled(p bot.Post, c bot.Card, kind bot.MessageKind) bot.Message {
	m := brief.Card(c, l.opts.Brief[p.Surface])
	tone := bot.ToneQuiet
	if kind == bot.MessagePage {
		tone = bot.ToneGood // the pager's incident ends
	}
	return bot.Message{Kind: kind, Tone: tone, Alone: m.Alone, Title: m.Title, Lines: []bot.Line{quiet("Nobody needs to answer this any more.")}}
}

// makePage is the newest reason to wake people that still holds.
func (l *Leg) makePage(ctx context.Context, p bot.Post, c bot.Card) (made, error) {
	o, now := l.opts.Brief[p.Surface], l.now()
	events, err := l.store.Events(ctx, bot.EventQuery{Incident: p.Incident, Last: true, Limit: pageEvents})
	if err != nil {
		return made{}, fmt.Errorf("read the history of %s: %w", p.Incident, err)
	}
	for i := len(events) - 1; i >= 0; i-- {
		if m, ok := brief.Page(c, events[i], now, o); ok && deserves(events[i]).page {
			return made{message: m}, nil
		}
	}
	if p.Moved != "" {
		e, err := l.event(ctx, p.About)
		if err != nil {
			return made{}, err
		}
		if m, ok := brief.Notice(c, e, now, o); ok {
			m.Kind, m.Buttons, m.Broadcast = bot.MessagePage, nil, false
			m.Lines = append(m.Lines, quiet("This pages because "+p.Moved+"."))
			return made{message: m}, nil
		}
	}
	if p.Mark == (bot.Mark{}) {
		return moot("nobody needed to be woken any more"), nil
	}
	return made{message: l.settled(p, c, bot.MessagePage)}, nil
}

// event is one Event of the log; a zero one, if it is not kept any more.
func (l *Leg) event(ctx context.Context, seq int64) (bot.Event, error) {
	events, err := l.store.Events(ctx, bot.EventQuery{After: seq - 1, Limit: 1})
	if err != nil {
		return bot.Event{}, fmt.Errorf("read event %d: %w", seq, err)
	}
	if len(events) == 0 || events[0].Seq != seq {
		return bot.Event{}, nil
	}
	return events[0], nil
}

// wakes mentions who is on call for an Incident.
func (l *Leg) wakes(ctx context.Context, p bot.Post, id bot.IncidentID) []bot.Mention {
	if l.opts.OnCall == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, askWithin, errors.New("it took too long to tell who is on call"))
	defer cancel()
	inc, err := l.store.Incident(ctx, id)
	if err != nil {
		l.opts.Log.WarnContext(ctx, "nobody is mentioned", "post", p.Key, "error", err)
		return nil
	}
	return l.opts.OnCall.Wakes(ctx, p.Surface, inc)
}

func quiet(text string) bot.Line {
	return bot.Line{Kind: bot.LineQuiet, Spans: []bot.Span{{Text: brief.Cut(brief.Clean(text), maxWhy)}}}
}

const maxWhy = 300

// sumOf tells Messages apart, whatever their tokens.
func sumOf(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "" // is sent again rather than never
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// plain is a Message as text, for the record.
func plain(m bot.Message) string {
	var b strings.Builder
	write := func(spans []bot.Span) {
		for _, s := range spans {
			if !s.At.IsZero() {
				b.WriteString(s.At.UTC().Format("2006-01-02 15:04:05 UTC"))
				continue
			}
			b.WriteString(s.Text)
		}
		b.WriteByte('\n')
	}
	write(m.Title)
	for _, l := range m.Lines {
		write(l.Spans)
	}
	for _, r := range m.Rows {
		write(r.Line.Spans)
	}
	return brief.Cut(strings.TrimSpace(b.String()), maxShown)
}

// maxShown bounds what is kept of what people read, in runes.
const maxShown = 4000
