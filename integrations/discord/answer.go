package discord

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"salve/bot"
	"salve/integrations/discord/legal"
)

// The handles of a Gesture: the interaction and what it is answered with.
const (
	handleID    = "interaction"
	handleToken = "token"
)

// An interaction can be answered for 15 minutes.
const answersFor = 15*time.Minute - 30*time.Second

// reception is one interaction while it waits for its first answer, and what is
// known of it after. There is one first answer, whoever gives it: whoever works
// on the Gesture, with a message or a form, if that comes soon; else Discord is
// told to wait. A form of Discord can be the first answer alone, which is why
// nothing is said before it must be.
type reception struct {
	transport string
	came      time.Time
	send      func(ctx context.Context, a answer) error // to Discord

	waits int // how Discord is told to wait

	mu     sync.Mutex
	begun  bool
	held   *message      // what is shown if nothing takes its place
	over   chan struct{} // closed when it is known what became of the first answer
	filler bool          // the first answer says no more than that something comes, and was not replaced so far
}

func newReception(transport string, send func(context.Context, answer) error) *reception {
	return &reception{transport: transport, came: time.Now(), send: send, waits: answerWait, over: make(chan struct{})}
}

// first gives the first answer; false: there is one already, and it is known what
// became of it unless ctx ended. What Discord would refuse is none.
func (r *reception) first(ctx context.Context, a answer) (bool, error) {
	if err := judge(legal.Callback, a); err != nil {
		return true, err
	}
	r.mu.Lock()
	if r.begun {
		r.mu.Unlock()
		select {
		case <-r.over:
		case <-ctx.Done():
		}
		return false, nil
	}
	r.begun = true
	r.mu.Unlock()
	defer close(r.over)
	return true, r.send(ctx, a)
}

// must gives an answer of which there is one in any case.
func (r *reception) must(ctx context.Context, a answer) {
	if _, err := r.first(ctx, a); is(err, bot.SendRefused) {
		_, _ = r.first(ctx, tell("Salve cannot show this in Discord: "+fault(err).Why)) // whoever asked may be gone
	}
}

// wait gives work some time to answer, and then tells Discord to wait, or shows
// what is held.
func (r *reception) wait(ctx context.Context) {
	timer := time.NewTimer(time.Until(r.came.Add(answerWithin)))
	defer timer.Stop()
	select {
	case <-r.over:
		return
	case <-timer.C:
	case <-ctx.Done():
	}
	r.stall(ctx)
}

// stall gives the first answer that only says that another comes.
func (r *reception) stall(ctx context.Context) {
	if mine, err := r.first(context.WithoutCancel(ctx), r.meanwhile()); mine && err == nil {
		r.mu.Lock()
		r.filler = true
		r.mu.Unlock()
	}
}

// meanwhile is the first answer when nothing better came.
func (r *reception) meanwhile() answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.held != nil && r.waits == answerWait:
		return answer{Type: answerMessage, Data: *r.held}
	case r.waits == answerWait:
		return answer{Type: answerWait, Data: map[string]int{"flags": ephemeral}}
	default:
		return answer{Type: answerWaitEdit}
	}
}

// hold keeps what is shown when nothing takes its place soon; false: the first
// answer was given.
func (r *reception) hold(m message) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.begun {
		r.held = &m
	}
	return !r.begun
}

// original reports whether the next answer takes the place of the first one, which
// said no more than that something comes. It does so once.
func (r *reception) original() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.filler
	r.filler = false
	return was
}

// receptions are those of the last quarter of an hour, by the Key of the Gesture.
type receptions struct {
	mu    sync.Mutex
	known map[string]*reception
}

const maxReceptions = 20_000

func newReceptions() *receptions { return &receptions{known: map[string]*reception{}} }

// add keeps a reception. Of the same interaction twice, the first stays.
func (l *receptions) add(key string, r *reception) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known[key] != nil {
		return
	}
	if len(l.known) >= maxReceptions {
		for k, old := range l.known {
			if time.Since(old.came) > answersFor {
				delete(l.known, k)
			}
		}
	}
	if len(l.known) < maxReceptions {
		l.known[key] = r
	}
}

// of is the reception of a Gesture that this process heard; nil: another did.
func (l *receptions) of(key string) *reception {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[key]
}

// callback gives a first answer by a call.
func (c *Client) callback(in interaction) func(context.Context, answer) error {
	return func(ctx context.Context, a answer) error {
		path := "interactions/" + in.ID + "/" + url.PathEscape(in.Token) + "/callback"
		return c.caller.do(ctx, request{method: http.MethodPost, path: path, body: a, open: true}, nil)
	}
}

// followUp answers an interaction after its first answer: by replacing that, or
// beside it.
func (c *Client) followUp(ctx context.Context, g bot.Gesture, m message, original bool) error {
	token := g.Handles[handleToken]
	if !tokenPattern.MatchString(token) || time.Since(g.ReceivedAt) > answersFor {
		return &bot.SendError{Fault: bot.SendGone, Why: "the interaction cannot be answered any more"}
	}
	r := request{method: http.MethodPost, path: "webhooks/" + c.app + "/" + url.PathEscape(token), body: m, open: true}
	kind := legal.Followup
	if original {
		m.Flags = 0
		r.method, r.path, r.body, kind = http.MethodPatch, r.path+"/messages/@original", m, legal.Edit
	}
	if err := judge(kind, m); err != nil {
		return err
	}
	err := c.caller.do(ctx, r, nil)
	if numberedBy(err, unknownWebhook) && time.Since(g.ReceivedAt) < 5*time.Second { // the first answer is on its way still
		timer := time.NewTimer(firstArrives)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return err
		}
		err = c.caller.do(ctx, r, nil)
	}
	return err
}

// firstArrives is for how long an answer over HTTP may be on its way.
const firstArrives = 700 * time.Millisecond
