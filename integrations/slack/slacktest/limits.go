package slacktest

import (
	"math"
	"time"
)

// bucket is a rate that lets bursts through.
type bucket struct {
	left float64
	at   time.Time
}

// take reports how long to wait; 0: it was let through.
func (b *bucket) take(now time.Time, perSecond, burst float64) time.Duration {
	b.left = math.Min(burst, b.left+now.Sub(b.at).Seconds()*perSecond)
	b.at = now
	if b.left >= 1 {
		b.left--
		return 0
	}
	return time.Duration((1 - b.left) / perSecond * float64(time.Second))
}

// perMinute is what Slack lets through of a method of the tier; t5 has limits of
// its own, or none.
var perMinute = map[string]float64{"t1": 1, "t2": 20, "t3": 50, "t4": 100}

const (
	channelBurst = 3   // messages at once in one channel, with one a second after
	postsAMinute = 300 // messages in the workspace
)

// judgeRate refuses a call that comes too early.
func (s *Slack) judgeRate(req *request) *refusal {
	if s.opts.Unlimited {
		return nil
	}
	var wait time.Duration
	if n := perMinute[req.ref.Tier]; n > 0 {
		wait = s.take(req.method, n/60, n)
	}
	if req.method == "chat.postMessage" {
		if wait = s.take("posts", postsAMinute/60., postsAMinute); wait == 0 {
			wait = s.take("channel "+req.args["channel"], 1, channelBurst)
		}
	}
	if wait == 0 {
		return nil
	}
	return &refusal{code: "ratelimited", extra: map[string]any{"retry_after": int(math.Ceil(wait.Seconds()))}}
}

func (s *Slack) take(name string, perSecond, burst float64) time.Duration {
	b := s.buckets[name]
	if b == nil {
		b = &bucket{left: burst, at: s.now()}
		s.buckets[name] = b
	}
	return b.take(s.now(), perSecond, burst)
}
