package post

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"salve/bot"
)

// sending is one Post on its way.
type sending struct {
	leg     *Leg
	surface Surface
	post    bot.Post  // as it is kept
	was     time.Time // when it was due before the claim
	thread  bot.Mark
	made    made
	sum     string
	before  string      // Sum before the claim
	known   []bot.Offer // what their buttons stand on is written after it is shown
}

// errSend is why a call of a surface ends.
var errSend = fmt.Errorf("the surface did not answer within %s", sendWithin)

// send claims the Post, calls the surface, and writes what came of it.
func (s *sending) send(ctx context.Context) (end, did, error) {
	if s.made.wakes && s.posting() {
		s.made.message.Wakes = s.leg.wakes(ctx, s.post, cmp.Or(s.made.about, s.post.Incident))
	}
	what, err := s.claim(ctx)
	if err != nil || what != didWrite {
		return end{}, what, err
	}
	if time.Until(s.post.DueAt) < sendWithin { // this process stood still, and others may soon have the Post
		return end{more: true}, didNothing, s.release(ctx, func(*bot.Post) {})
	}
	mark, err := s.call(ctx, s.made.message)
	if fault, ok := errors.AsType[*bot.SendError](err); ok && fault.Fault == bot.SendRefused {
		mark, err = s.humbly(ctx, fault)
	}
	if err != nil {
		e, err := s.fault(ctx, err)
		return e, didAsk, err
	}
	return end{what: endSent}, didAsk, s.done(ctx, mark)
}

// posting reports whether the surface does not have the Post so far.
func (s *sending) posting() bool { return s.post.Mark == (bot.Mark{}) }

// claim writes that the Post is about to be sent, with what its buttons stand
// for. Until the claim runs out nobody else sends it.
func (s *sending) claim(ctx context.Context) (did, error) {
	p, now := s.post, s.leg.now()
	fresh, known := offers(&p, &s.made.message, now)
	p.Attempts++
	p.DueAt = now.Add(claimFor)
	s.before, p.Sum = p.Sum, "" // an edit whose end is not known may be shown or not
	if s.posting() {
		p.Unsure, p.Sum = now, s.sum
		if p.Nonce == "" {
			p.Nonce = secret()
		}
	}
	_, err := s.leg.store.Commit(ctx, bot.Change{Posts: []bot.Post{p}, Offers: fresh})
	if errors.Is(err, bot.ErrConflict) {
		return didNothing, nil
	}
	if err != nil {
		return didNothing, fmt.Errorf("write that it is about to be sent: %w", err)
	}
	p.Version++
	s.post, s.known = p, known
	return didWrite, nil
}

// parcel is the Post on its way, without what it shows.
func (s *sending) parcel() bot.Parcel {
	return bot.Parcel{Place: s.post.Place, Thread: s.thread, Nonce: s.post.Nonce, Key: s.post.Key}
}

// call sends a Message to the surface. Once begun it goes on though the process
// is to stop, so that its end is known.
func (s *sending) call(ctx context.Context, m bot.Message) (bot.Mark, error) {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), sendWithin, errSend)
	defer cancel()
	parcel := s.parcel()
	parcel.Message = m
	if s.posting() {
		return s.surface.Post(ctx, parcel)
	}
	return s.post.Mark, s.surface.Edit(ctx, s.post.Mark, parcel)
}

// unfound is what a search that failed means. Where there is no place to look, or
// the surface cannot tell even after a while, the Post is posted: twice is better
// than never.
func (s *sending) unfound(ctx context.Context, err error) (end, bool, error) {
	f, known := errors.AsType[*bot.SendError](err)
	if !known {
		f = &bot.SendError{Fault: bot.SendDown, Why: "the surface did not say what it had taken"}
	}
	switch f.Fault {
	case bot.SendLater:
		if f.Wide {
			return end{what: endQuiet, after: f.After, why: f.Why}, false, nil
		}
		return end{what: endLater, after: f.After, why: f.Why}, false, nil
	case bot.SendDenied:
		return end{what: endDenied, why: f.Why}, false, nil
	case bot.SendNoPlace, bot.SendGone, bot.SendRefused:
		return end{what: endSent}, false, nil
	case bot.SendUnsure:
		if time.Since(s.post.Unsure) > searchFor {
			s.leg.opts.Log.WarnContext(ctx, "the surface cannot tell whether it has a message, which is posted again", "post", s.post.Key, "why", f.Why)
			return end{what: endSent}, false, nil
		}
		return end{what: endSent}, true, s.settle(ctx, nil, func(p *bot.Post) { p.Error, p.DueAt = f.Why, s.leg.now().Add(searchRest) })
	default:
		return end{what: endDown, why: f.Why}, false, nil
	}
}

// find looks for what an earlier attempt may have posted. It reports whether there
// is nothing more to do now.
func (s *sending) find(ctx context.Context) (end, bool, error) {
	call, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), sendWithin, errSend)
	defer cancel()
	mark, found, err := s.surface.Find(call, s.parcel(), s.post.Unsure)
	if err != nil {
		return s.unfound(ctx, err)
	}
	if !found {
		return end{what: endSent}, false, nil
	}
	s.leg.opts.Log.InfoContext(ctx, "found what an earlier attempt had posted", "post", s.post.Key)
	err = s.settle(ctx, nil, func(p *bot.Post) {
		p.SentAt, p.Unsure, p.Mark = p.Unsure, zeroTime, mark
		p.DueAt, p.Attempts, p.Error = s.leg.now(), 0, ""
	})
	return end{what: endSent}, true, err
}

// done writes that the surface shows the Post.
func (s *sending) done(ctx context.Context, mark bot.Mark) error {
	first, shown := s.posting(), s.post.Wanted
	err := s.settle(ctx, s.known, func(p *bot.Post) {
		now := s.leg.now()
		p.Mark, p.Sum, p.SentAt, p.Unsure = mark, s.sum, now, zeroTime
		p.Shown, p.Attempts, p.Error = max(p.Shown, shown), 0, ""
		p.State, p.DueAt = bot.PostShown, zeroTime
		switch {
		case s.made.open:
			p.State, p.DueAt = bot.PostDue, now.Add(stormRest)
		case p.Wanted > p.Shown && p.Kind == bot.MessagePage:
			p.State, p.DueAt = bot.PostDue, now
		case p.Wanted > p.Shown:
			p.State, p.DueAt = bot.PostDue, now.Add(editRest)
		}
	})
	if err == nil && first && s.post.Kind == bot.MessageCard {
		s.leg.plots.ask(s.post)
	}
	return err
}

// The pauses between tries to write a result.
const (
	settleWait  = 50 * time.Millisecond
	settleLimit = 5 * time.Second
)

// settle writes what came of a claim. Events that came meanwhile stay wanted. As
// long as the process lives it tries again; what it does not write is looked for
// by whoever takes the Post up.
func (s *sending) settle(ctx context.Context, offers []bot.Offer, apply func(*bot.Post)) error {
	p := s.post
	for wait := settleWait; ; wait = min(2*wait, settleLimit) {
		next := p
		apply(&next)
		err := s.leg.commitLong(ctx, bot.Change{Posts: []bot.Post{next}, Offers: offers})
		if err == nil {
			return nil
		}
		if errors.Is(err, bot.ErrConflict) {
			now, readErr := s.leg.store.Post(context.WithoutCancel(ctx), p.Key)
			if readErr == nil && !claimed(now, s.post) {
				return s.overtaken(ctx, now, next)
			}
			if readErr == nil {
				p = now
				continue
			}
			err = readErr
		}
		if !pause(ctx, wait) {
			return fmt.Errorf("write what became of it: %w", err)
		}
	}
}

// commitLong is a Commit that is not cut short when the process is to stop.
func (l *Leg) commitLong(ctx context.Context, c bot.Change) error {
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), storeWithin, errStore)
	defer cancel()
	_, err := l.store.Commit(ctx, c)
	return err
}

// claimed reports whether now is still the Post as it was claimed: Events may
// have been added, and nobody else has taken it up.
func claimed(now, claim bot.Post) bool {
	return now.Attempts == claim.Attempts && now.DueAt.Equal(claim.DueAt) && now.Unsure.Equal(claim.Unsure) &&
		now.Mark == claim.Mark && now.Nonce == claim.Nonce && now.Place == claim.Place
}

// overtaken is the late result of a process that stood still so long that another
// took the Post up. What is there now may be older than what the other sent, so
// that it is sent once more.
func (s *sending) overtaken(ctx context.Context, now, late bot.Post) error {
	s.leg.opts.Log.WarnContext(ctx, "another process has taken up what this one was sending", "post", now.Key)
	if now.Mark == (bot.Mark{}) {
		if late.Mark == (bot.Mark{}) {
			return nil
		}
		now.Mark, now.Unsure, now.Sum, now.SentAt = late.Mark, zeroTime, late.Sum, late.SentAt
	} else {
		now.Sum = ""
	}
	if now.State != bot.PostDue {
		now.State, now.DueAt = bot.PostDue, s.leg.now()
	}
	_, err := s.leg.write(ctx, now)
	return err
}

// pause sleeps; it is false when ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
