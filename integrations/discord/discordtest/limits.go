package discordtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// The scopes of a 429.
const (
	scopeUser   = "user"
	scopeGlobal = "global"
	scopeShared = "shared"
)

// rate is how many requests a bucket lets through in a window.
type rate struct {
	limit  int
	window time.Duration
}

// rates are by route. Discord tells its own in headers only, and changes them.
var rates = map[string]rate{
	"POST /channels/{channel}/messages":                   {5, 5 * time.Second},
	"PATCH /channels/{channel}/messages/{message}":        {5, 5 * time.Second},
	"DELETE /channels/{channel}/messages/{message}":       {5, time.Second},
	"POST /channels/{channel}/messages/{message}/threads": {50, 5 * time.Minute},
	"POST /webhooks/{app}/{token}":                        {5, 2 * time.Second},
	"PUT /applications/{app}/commands":                    {2, 20 * time.Second},
	"PUT /applications/{app}/guilds/{guild}/commands":     {2, 20 * time.Second},
}

var (
	usualRate  = rate{10, time.Second}
	globalRate = rate{50, time.Second} // of the bot, but for interactions
)

const (
	invalidWindow = 10 * time.Minute
	banFor        = time.Hour
)

// bucket is what is left of a rate until it begins anew.
type bucket struct {
	left  int
	reset time.Time
}

func (d *Discord) bucket(name string, r rate) *bucket {
	b := d.buckets[name]
	if b == nil {
		b = &bucket{}
		d.buckets[name] = b
	}
	if !d.now().Before(b.reset) {
		b.left, b.reset = r.limit, d.now().Add(r.window)
	}
	return b
}

// judgeRate refuses a call that comes too early, and tells in headers what is
// left. The lock is held.
func (d *Discord) judgeRate(w http.ResponseWriter, req *request, to route) *refusal {
	if d.opts.Unlimited {
		return nil
	}
	if !to.free {
		if all := d.bucket("global", globalRate); all.left <= 0 {
			return &refusal{status: http.StatusTooManyRequests, scope: scopeGlobal, after: all.reset.Sub(d.now())}
		}
	}
	r, ok := rates[to.pattern]
	if !ok {
		r = usualRate
	}
	major := req.PathValue("channel") + req.PathValue("guild") + req.PathValue("token")
	b := d.bucket(to.pattern+" "+major, r)
	spent := b.left <= 0
	if !spent {
		b.left--
		if !to.free {
			d.bucket("global", globalRate).left--
		}
	}
	after := b.reset.Sub(d.now())
	sum := sha256.Sum256([]byte(to.pattern))
	h := w.Header()
	h.Set("X-RateLimit-Bucket", hex.EncodeToString(sum[:16]))
	h.Set("X-RateLimit-Limit", strconv.Itoa(r.limit))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(b.left))
	h.Set("X-RateLimit-Reset", fmt.Sprintf("%.3f", float64(b.reset.UnixMilli())/1000))
	h.Set("X-RateLimit-Reset-After", fmt.Sprintf("%.3f", after.Seconds()))
	if spent {
		return &refusal{status: http.StatusTooManyRequests, scope: scopeUser, after: after}
	}
	return nil
}

// seconds is how long to wait, in whole ones.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// countInvalid counts what brings a ban nearer: 401, 403 and 429, but for those
// of a limit that others share. The lock is held.
func (d *Discord) countInvalid(call Call) {
	bad := call.Status == http.StatusUnauthorized || call.Status == http.StatusForbidden || call.Status == http.StatusTooManyRequests
	if !bad || call.Scope == scopeShared {
		return
	}
	d.invalid = append(d.recentInvalid(), d.now())
	if len(d.invalid) >= d.opts.InvalidLimit {
		d.banned, d.invalid = d.now().Add(banFor), nil
	}
}

func (d *Discord) recentInvalid() []time.Time {
	var out []time.Time
	for _, at := range d.invalid {
		if d.now().Sub(at) < invalidWindow {
			out = append(out, at)
		}
	}
	return out
}

// Invalid is how many answers of the last 10 minutes count to a ban.
func (d *Discord) Invalid() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.recentInvalid())
}

// Banned tells that every request is answered with Cloudflare's page.
func (d *Discord) Banned() bool { return d.isBanned() }

func (d *Discord) isBanned() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now().Before(d.banned)
}
