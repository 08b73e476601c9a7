package post

import (
	"context"
	"errors"
	"fmt"
	"time"

	"salve/bot"
)

// orphanRest is how long ago what a Post stands under was posted, for it to be
// posted anew when it is gone.
const orphanRest = time.Minute

// fault writes what is to become of a Post that the surface did not take, and
// tells what that means for the place and the surface.
func (s *sending) fault(ctx context.Context, err error) (end, error) {
	f, known := errors.AsType[*bot.SendError](err)
	if !known {
		f = &bot.SendError{Fault: bot.SendUnsure, Why: "the surface did not say what became of it", Cause: err}
	}
	s.leg.opts.Log.DebugContext(ctx, "not sent", "post", s.post.Key, "fault", f.Fault, "error", err)
	if s.post.Kind == bot.MessagePlot && f.Fault != bot.SendLater {
		s.leg.opts.Log.WarnContext(ctx, "a plot is not shown", "post", s.post.Key, "error", err)
		s.leg.plots.drop(s.post.Key)
		return end{what: endSent}, s.over(ctx, bot.PostMoot, f.Why)
	}
	switch f.Fault {
	case bot.SendLater:
		what := endLater
		switch {
		case f.Wide:
			what = endQuiet
		case !s.posting():
			what = endEdit
		}
		return end{what: what, after: f.After, why: f.Why}, s.release(ctx, func(p *bot.Post) { p.Attempts = max(p.Attempts-1, 0) })
	case bot.SendUnsure:
		return s.unsure(ctx, f)
	case bot.SendGone:
		return s.gone(ctx, f)
	case bot.SendNoPlace:
		return s.noPlace(ctx, f)
	case bot.SendRefused:
		return end{what: endSent}, s.over(ctx, bot.PostFailed, f.Why)
	case bot.SendDenied:
		return end{what: endDenied, why: f.Why}, s.release(ctx, because(f))
	default:
		return end{what: endDown, why: f.Why}, s.release(ctx, because(f))
	}
}

func because(f *bot.SendError) func(*bot.Post) {
	return func(p *bot.Post) { p.Error = f.Why }
}

// release gives the claim back: the Post was surely not taken, and is due where it
// stood in the order.
func (s *sending) release(ctx context.Context, change func(*bot.Post)) error {
	posting := s.posting()
	return s.settle(ctx, nil, func(p *bot.Post) {
		p.DueAt, p.Sum = s.was, s.before
		if posting {
			p.Unsure, p.Sum = zeroTime, ""
		}
		change(p)
	})
}

// over is a Post that is not sent any more.
func (s *sending) over(ctx context.Context, state bot.PostState, why string) error {
	return s.settle(ctx, nil, func(p *bot.Post) {
		p.State, p.Error, p.DueAt, p.Unsure, p.Shown = state, why, zeroTime, zeroTime, p.Wanted
	})
}

// unsure: what was posted is looked for after a moment; an edit is made again.
func (s *sending) unsure(ctx context.Context, f *bot.SendError) (end, error) {
	e := end{what: endDown, why: f.Why}
	if !s.posting() {
		return e, s.settle(ctx, nil, func(p *bot.Post) { p.Error, p.DueAt = f.Why, s.was })
	}
	return e, s.settle(ctx, nil, func(p *bot.Post) { p.Error, p.DueAt = f.Why, s.leg.now().Add(findAfter) })
}

// gone: a Message that people deleted is posted anew; so is what a Post stands
// under. What was said is not said again.
func (s *sending) gone(ctx context.Context, f *bot.SendError) (end, error) {
	e := end{what: endSent}
	switch {
	case s.posting() && s.thread != (bot.Mark{}):
		return s.orphaned(ctx, f)
	case s.posting():
		return e, s.over(ctx, bot.PostFailed, f.Why)
	case s.post.Kind == bot.MessageNotice:
		return e, s.over(ctx, bot.PostShown, f.Why)
	default:
		was := s.was
		return e, s.settle(ctx, nil, func(p *bot.Post) {
			renew(p, was)
			p.Error = f.Why
		})
	}
}

// orphaned: what the Post stands under is posted anew first. Where that was done
// a moment ago, the Post stands by itself.
func (s *sending) orphaned(ctx context.Context, f *bot.SendError) (end, error) {
	over, err := s.leg.store.Post(ctx, s.post.Parent)
	if err == nil && over.Mark == s.thread && s.leg.now().Sub(over.SentAt) > orphanRest {
		if err := s.anew(ctx, func(p *bot.Post) { renew(p, s.leg.now()) }); err != nil {
			return end{}, err
		}
		return end{what: endSent}, s.release(ctx, because(f))
	}
	if err == nil && over.Mark != s.thread {
		return end{what: endSent}, s.release(ctx, because(f)) // it was posted anew meanwhile
	}
	s.thread = bot.Mark{}
	mark, err := s.call(ctx, s.made.message)
	if err != nil {
		return s.fault(ctx, err)
	}
	return end{what: endSent}, s.done(ctx, mark)
}

// renew makes a Post be posted as if it never was.
func renew(p *bot.Post, due time.Time) {
	p.State, p.DueAt, p.Attempts = bot.PostDue, due, 0
	p.Mark, p.Nonce, p.Sum, p.Unsure = bot.Mark{}, secret(), "", zeroTime
}

// anew changes what the Post stands under, if it is still there where it stood.
func (s *sending) anew(ctx context.Context, change func(*bot.Post)) error {
	over, err := s.leg.store.Post(ctx, s.post.Parent)
	if errors.Is(err, bot.ErrNotFound) || err == nil && over.Mark != s.thread {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what %s stands under: %w", s.post.Key, err)
	}
	change(&over)
	_, err = s.leg.write(ctx, over)
	s.leg.lanes.stir(over.Surface, over.Place, s.leg.opts.Share(over.Place))
	return err
}

// noPlace: the Post, and what it stands under, go to the default place of the
// surface. Where there is none they wait for people to mend that.
func (s *sending) noPlace(ctx context.Context, f *bot.SendError) (end, error) {
	to := s.leg.opts.Defaults[s.post.Surface]
	switch {
	case to == "" || to == s.post.Place:
		return end{what: endStuck, why: f.Why}, s.release(ctx, because(f))
	case s.post.Kind == bot.MessageNotice && !s.posting():
		return end{what: endSent}, s.over(ctx, bot.PostShown, f.Why)
	case s.post.Kind == bot.MessageStorm || s.post.Kind == bot.MessagePlot:
		return end{what: endSent}, s.over(ctx, bot.PostMoot, f.Why)
	}
	if s.post.Parent != "" {
		err := s.anew(ctx, func(p *bot.Post) { moveTo(p, to, f.Why, s.leg.now()) })
		if err != nil {
			return end{}, err
		}
	}
	twin, err := s.twin(ctx, to)
	if err != nil {
		return end{}, err
	}
	if twin {
		return end{what: endSent}, s.settle(ctx, nil, func(p *bot.Post) {
			p.State, p.DueAt, p.Unsure, p.Shown, p.Mark = bot.PostMoot, zeroTime, zeroTime, p.Wanted, bot.Mark{}
			p.Place, p.Moved, p.Error = to, f.Why, "the same is shown there already"
		})
	}
	was := s.was
	err = s.settle(ctx, nil, func(p *bot.Post) { moveTo(p, to, f.Why, was) })
	s.leg.lanes.stir(s.post.Surface, to, s.leg.opts.Share(to))
	return end{what: endSent}, err
}

func moveTo(p *bot.Post, to, why string, due time.Time) {
	renew(p, due)
	p.Place, p.Moved = to, why
}

// twin reports whether the same is shown at that place already, so that what
// moves there would stand twice.
func (s *sending) twin(ctx context.Context, place string) (bool, error) {
	if s.post.Incident == 0 {
		return false, nil
	}
	posts, err := s.leg.store.Posts(ctx, bot.PostQuery{Incident: s.post.Incident, Limit: maxPerIncident})
	if err != nil {
		return false, fmt.Errorf("read what is shown of %s: %w", s.post.Incident, err)
	}
	for _, p := range posts {
		if p.Key != s.post.Key && p.Surface == s.post.Surface && p.Place == place && p.Kind == s.post.Kind &&
			p.Run == s.post.Run && p.About == s.post.About && p.State != bot.PostMoot {
			return true, nil
		}
	}
	return false, nil
}

// humbly tries what every surface takes after it refused the whole Message: its
// title and the line that says it all.
func (s *sending) humbly(ctx context.Context, f *bot.SendError) (bot.Mark, error) {
	s.leg.opts.Log.ErrorContext(ctx, "a surface refuses a message; its text alone is tried", "post", s.post.Key, "why", f.Why)
	s.leg.lanes.refusedOne(s.leg.front(s.post.Surface, s.post.Place), time.Now())
	m := s.made.message
	return s.call(ctx, bot.Message{Kind: m.Kind, Alone: m.Alone, Tone: m.Tone, Title: bare(m.Title), Wakes: m.Wakes, Broadcast: m.Broadcast})
}

func bare(spans []bot.Span) []bot.Span {
	out := make([]bot.Span, 0, len(spans))
	for _, sp := range spans {
		out = append(out, bot.Span{Text: sp.Text, At: sp.At})
	}
	return out
}
