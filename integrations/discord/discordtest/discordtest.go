// Package discordtest is Discord for tests: one guild in memory behind a server
// on loopback, with its REST API, its gateway, its signed requests, and with
// people who type, press, choose and fill in.
//
// It promises to be at least as strict as Discord: it refuses a payload that
// package legal would not send, a channel where the bot lacks a permission, a
// second answer to an interaction, tokens that grew old, and more than a bucket's
// rate; it counts what brings a ban nearer. It can be told to fail in each way
// that a network does, before and after a request took effect. Its clients reach
// it by Transport, which sends to it what is addressed to Discord.
//
// It assumes a test that closes it (New does so at the end of the test), and
// keeps everything it was ever sent. On misuse by a test it fails that test.
package discordtest

import (
	"cmp"
	"crypto/ed25519"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The application, its bot, its guild and their credentials.
const (
	AppID    = "1100000000000000001"
	BotUser  = "1100000000000000002"
	GuildID  = "1100000000000000003" // also the id of the role @everyone
	BotRole  = "1100000000000000004" // the one that the guild gave the app
	General  = "1100000000000000005" // the channel that is there from the start
	Owner    = "1100000000000000006" // the user who owns the guild
	BotToken = "MTEwMA.test.bot-token"
)

// signingKey signs requests; it is the same in each run.
var signingKey = ed25519.NewKeyFromSeed([]byte("the seed of a test's signing key"))

// PublicKey is what the app verifies requests with, as Discord's page shows it.
func PublicKey() string {
	key, _ := signingKey.Public().(ed25519.PublicKey)
	return hex.EncodeToString(key)
}

// Options are how a Discord differs from the usual one.
type Options struct {
	Now          func() time.Time // nil: the machine's clock; Advance adds to either
	AckWithin    time.Duration    // real time in which a gesture waits for its first answer; 0: Discord's 3 s
	Heartbeat    time.Duration    // how often the gateway wants to hear from the client; 0: 41.25 s
	Unlimited    bool             // no rate limits, for tests of something else
	Lenient      bool             // takes what Discord takes and only package legal does not ("our-" rules)
	Privileged   int64            // the privileged intents that the app was granted
	InvalidLimit int              // answers of 401, 403 and 429 in 10 minutes that bring a ban; 0: 10,000
}

// Discord is the guild and what stands around it.
type Discord struct {
	tb     testing.TB
	opts   Options
	server *httptest.Server
	begun  sync.WaitGroup // what must have ended before Close returns

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever something happened
	closed  bool
	ahead   time.Duration // of the clock, by Advance
	serial  int64

	channels []*Channel
	users    []*User
	roles    []*Role
	messages map[string][]*Message // by channel, oldest first
	seen     []*Message            // what one person alone was shown
	nonces   map[string]nonce      // by channel and nonce
	commands map[string][]command  // by guild; "": everywhere

	interactions map[string]*interaction // by token
	log          []Call
	faults       []*Fault
	buckets      map[string]*bucket
	invalid      []time.Time // answers that count to a ban
	banned       time.Time   // until when

	sessions []*session
	links    map[*link]bool
	resumed  int
	beats    int
	next     int // which session gets the next interaction
	zombie   bool
	endpoint string
	forgery  Forgery
}

// New opens a guild with the channel General and nobody in it but its owner and
// the bot, and closes it when the test ends.
func New(tb testing.TB, opts Options) *Discord {
	tb.Helper()
	d := &Discord{
		tb: tb, opts: opts, changed: make(chan struct{}), messages: map[string][]*Message{}, nonces: map[string]nonce{},
		commands: map[string][]command{}, interactions: map[string]*interaction{}, buckets: map[string]*bucket{}, links: map[*link]bool{},
	}
	d.opts.AckWithin = cmp.Or(opts.AckWithin, 3*time.Second)
	d.opts.Heartbeat = cmp.Or(opts.Heartbeat, 41250*time.Millisecond)
	d.opts.InvalidLimit = cmp.Or(opts.InvalidLimit, 10_000)
	d.server = httptest.NewServer(d.mux())
	d.AddRole(Role{ID: GuildID, Name: "@everyone", Permissions: memberPermissions})
	d.AddRole(Role{ID: BotRole, Name: "Salve", Permissions: memberPermissions, Managed: true})
	d.AddUser(User{ID: Owner, Name: "owner"})
	d.AddUser(User{ID: BotUser, Name: "salve", Bot: true, Roles: []string{BotRole}})
	d.AddChannel(Channel{ID: General, Name: "general"})
	tb.Cleanup(d.Close)
	return d
}

// URL is the root of the server, without a slash at its end.
func (d *Discord) URL() string { return d.server.URL }

// GatewayURL is where the gateway listens, as GET /gateway tells it.
func (d *Discord) GatewayURL() string {
	return "ws" + strings.TrimPrefix(d.server.URL, "http") + "/link"
}

// Transport sends what is addressed to Discord to this server instead, and
// refuses what is addressed elsewhere. A library cannot be moved by changing its
// address alone: discordgo keeps the addresses that it made when it was loaded.
func (d *Discord) Transport() http.RoundTripper { return rewriter{discord: d} }

type rewriter struct{ discord *Discord }

func (r rewriter) RoundTrip(req *http.Request) (*http.Response, error) {
	if host := req.URL.Hostname(); host != "discord.com" && host != "discordapp.com" && req.URL.Host != mustHost(r.discord.server.URL) {
		r.discord.tb.Errorf("discordtest: a request to %s, which is not Discord", host)
		return nil, &url.Error{Op: req.Method, URL: req.URL.Host, Err: http.ErrNotSupported}
	}
	moved := req.Clone(req.Context())
	moved.URL.Scheme, moved.URL.Host = "http", mustHost(r.discord.server.URL)
	moved.Host = "discord.com"
	return r.discord.server.Client().Transport.RoundTrip(moved)
}

func mustHost(address string) string { return strings.TrimPrefix(address, "http://") }

// Close ends every connection and waits for all that it began. It may be called
// more than once.
func (d *Discord) Close() {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return
	}
	d.closed = true
	links := d.openLinks()
	d.touch()
	d.mu.Unlock()
	for _, k := range links {
		k.drop()
	}
	d.server.CloseClientConnections()
	d.server.Close()
	d.begun.Wait()
}

// Now is what Discord's clock shows.
func (d *Discord) Now() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.now()
}

// Advance puts Discord's clock forward: interactions grow old, buckets fill again.
func (d *Discord) Advance(by time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ahead += by
	d.touch()
}

func (d *Discord) now() time.Time {
	if d.opts.Now != nil {
		return d.opts.Now().Add(d.ahead)
	}
	return time.Now().Add(d.ahead)
}

// Await waits until holds is true, looking again whenever something happened
// here, and reports false when it was not within the time.
func (d *Discord) Await(within time.Duration, holds func() bool) bool {
	end := time.NewTimer(within)
	defer end.Stop()
	for {
		d.mu.Lock()
		changed := d.changed
		d.mu.Unlock()
		if holds() {
			return true
		}
		select {
		case <-changed:
		case <-end.C:
			return holds()
		}
	}
}

// touch tells those who wait that something happened. The lock is held.
func (d *Discord) touch() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// epoch is when Discord's ids begin, in milliseconds since 1970.
const epoch = 1_420_070_400_000

// id makes a snowflake: its time, and then its number. The lock is held.
func (d *Discord) id() string {
	d.serial++
	return strconv.FormatInt((d.now().UnixMilli()-epoch)<<22|(d.serial&(1<<22-1)), 10)
}
