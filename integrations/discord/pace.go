package discord

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"salve/bot"
)

const (
	// maxWait is how long a call waits for its turn; what would wait longer is told
	// to come later.
	maxWait = time.Second
	// Discord takes 50 calls a second of an app. Of ours 15 go at once, and 25 a
	// second: what was held up on the way comes in a bunch.
	globalEach  = time.Second / 25
	globalBurst = 15 * globalEach
	// After 10,000 answers of 401, 403 and 429 within ten minutes Discord bars the
	// address. Nothing is sent from some way before that.
	maxInvalid  = 5000
	warnInvalid = 500
	maxBuckets  = 5000
)

// pacer keeps calls below Discord's limits: of each route by what Discord says of
// it, of all of them together, and of refusals.
type pacer struct {
	log *slog.Logger

	mu      sync.Mutex
	buckets map[string]*bucket
	next    time.Time // when the allowance of all would be whole again
	still   time.Time // nothing goes before this
	invalid [10]int   // refusals by minute
	minute  int64     // of the last of them
	warned  int64
}

type bucket struct {
	left  int
	until time.Time // when it is full again
	still time.Time
}

func newPacer(log *slog.Logger) *pacer { return &pacer{log: log, buckets: map[string]*bucket{}} }

// wait takes a turn. It gives a *bot.SendError when there is none soon. Answers
// to interactions are outside of the limit of the app.
func (p *pacer) wait(ctx context.Context, route string, open bool) error {
	pause, wide, why := p.take(route, open, time.Now())
	switch {
	case why != "":
		return &bot.SendError{Fault: bot.SendLater, After: pause, Wide: wide, Why: why}
	case pause <= 0:
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

// take reserves a turn and says how long to wait for it; where it says why, it
// would be too long, and nothing is reserved.
func (p *pacer) take(route string, open bool, now time.Time) (pause time.Duration, wide bool, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refusals(now) >= maxInvalid {
		return time.Minute, true, "Discord refused so often that it would soon bar this address"
	}
	if open {
		return 0, false, ""
	}
	if pause = p.still.Sub(now); pause > maxWait {
		return pause, true, "Discord takes no calls of the app just now"
	}
	b := p.buckets[route]
	if b != nil {
		pause = max(pause, b.still.Sub(now))
		if b.left <= 0 && now.Before(b.until) {
			pause = max(pause, b.until.Sub(now))
		}
	}
	if pause > maxWait {
		return pause, false, "Discord takes no more of these calls just now"
	}
	next := p.next
	if next.Before(now) {
		next = now
	}
	pause = max(pause, next.Add(globalEach).Sub(now)-globalBurst)
	if pause > maxWait {
		return pause, true, "Discord takes no more calls of the app just now"
	}
	p.next = next.Add(globalEach)
	if b != nil && now.Before(b.until) {
		b.left--
	}
	return pause, false, ""
}

// note learns of an answer what is left of its route.
func (p *pacer) note(route string, status int, h http.Header) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusTooManyRequests && h.Get("X-RateLimit-Scope") != "shared":
		p.refused(now)
	}
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	after, err2 := strconv.ParseFloat(h.Get("X-RateLimit-Reset-After"), 64)
	if err != nil || err2 != nil || !(after >= 0 && after <= 3600) {
		return
	}
	b := p.of(route, now)
	until := now.Add(time.Duration(after * float64(time.Second)))
	if now.Before(b.until) && b.left < left { // answers overtake each other
		left = b.left
	}
	b.left, b.until = left, until
}

func (p *pacer) of(route string, now time.Time) *bucket {
	b := p.buckets[route]
	if b != nil {
		return b
	}
	if len(p.buckets) >= maxBuckets {
		for key, b := range p.buckets {
			if now.After(b.until) && now.After(b.still) {
				delete(p.buckets, key)
			}
		}
		for key := range p.buckets {
			if len(p.buckets) < maxBuckets {
				break
			}
			delete(p.buckets, key)
		}
	}
	b = &bucket{}
	p.buckets[route] = b
	return b
}

// hold keeps a route, or all of them, still for as long as Discord asked for.
func (p *pacer) hold(route string, failed *bot.SendError) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	until := now.Add(failed.After)
	if failed.Wide {
		if until.After(p.still) {
			p.still = until
		}
		return
	}
	if b := p.of(route, now); until.After(b.still) {
		b.still = until
	}
}

func (p *pacer) refused(now time.Time) {
	n := p.refusals(now) + 1
	p.invalid[p.minute%int64(len(p.invalid))]++
	if n >= warnInvalid && p.warned != p.minute {
		p.warned = p.minute
		p.log.Warn("Discord refuses calls; it bars an address after 10,000 in ten minutes", "surface", Surface, "refused", n)
	}
}

// refusals are those of the last ten minutes.
func (p *pacer) refusals(now time.Time) int {
	minute := now.Unix() / 60
	if minute-p.minute >= int64(len(p.invalid)) {
		p.invalid = [10]int{}
	} else {
		for m := p.minute + 1; m <= minute; m++ {
			p.invalid[m%int64(len(p.invalid))] = 0
		}
	}
	p.minute = max(p.minute, minute)
	n := 0
	for _, k := range p.invalid {
		n += k
	}
	return n
}
