package slack

import (
	"context"
	"sync"
	"time"

	"salve/bot"
)

// perMinute is how often a method may be called, by Slack's tiers. Posting has a
// rule of its own, which whoever posts keeps: once a second and channel.
var perMinute = map[string]int{
	"usergroups.users.list": 20, "conversations.list": 20,
	"chat.update": 50, "conversations.history": 50, "conversations.replies": 50, "conversations.info": 50,
	"conversations.open": 50, "conversations.join": 50, "apps.connections.open": 50,
	"chat.postEphemeral": 100, "views.open": 100, "views.push": 100, "views.update": 100, "views.publish": 100, "users.info": 100,
	"files.getUploadURLExternal": 100, "files.completeUploadExternal": 100,
}

// maxWait is how long a call waits for its turn; what would wait longer is told
// to come later.
const maxWait = time.Second

// pacer keeps calls below Slack's limits, method by method: half of a minute's
// calls at once, then one after the other. It also holds a method still for as
// long as Slack asked for.
type pacer struct {
	mu    sync.Mutex
	turns map[string]*turn
}

type turn struct {
	next  time.Time // when the allowance would be whole again, were nothing called
	still time.Time // not before this
}

func newPacer() *pacer { return &pacer{turns: map[string]*turn{}} }

func (p *pacer) of(method string) *turn {
	t := p.turns[method]
	if t == nil {
		t = &turn{}
		p.turns[method] = t
	}
	return t
}

// wait takes a turn. It gives a *bot.SendError when there is none soon.
func (p *pacer) wait(ctx context.Context, method string) error {
	pause, ok := p.take(method, time.Now())
	if !ok {
		return &bot.SendError{Fault: bot.SendLater, After: pause, Why: "Slack takes no more of these calls just now"}
	}
	if pause <= 0 {
		return nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return &bot.SendError{Fault: bot.SendDown, Why: "the call was ended while it waited for its turn", Cause: ctx.Err()}
	}
}

// take reserves a turn and says how long to wait for it; false: too long, and
// nothing is reserved.
func (p *pacer) take(method string, now time.Time) (time.Duration, bool) {
	n, limited := perMinute[method]
	p.mu.Lock()
	defer p.mu.Unlock()
	t := p.of(method)
	pause := t.still.Sub(now)
	if !limited {
		return pause, pause <= maxWait
	}
	each := time.Minute / time.Duration(n)
	burst := time.Duration(n/2) * each
	next := t.next
	if next.Before(now) {
		next = now
	}
	pause = max(pause, next.Add(each).Sub(now)-burst)
	if pause > maxWait {
		return pause, false
	}
	t.next = next.Add(each)
	return pause, true
}

// hold keeps a method still.
func (p *pacer) hold(method string, pause time.Duration) {
	if pause <= 0 || method == "chat.postMessage" { // limited by channel, which its caller minds
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if until := time.Now().Add(pause); until.After(p.of(method).still) {
		p.of(method).still = until
	}
}
