// Package slacktest is Slack for tests: a workspace in memory behind a server on
// loopback, with its Web API, its files, its response_urls, its Socket Mode and
// its signed requests, and with people who type, press and fill in.
//
// It promises to be at least as strict as Slack: it refuses what Slack's own
// method reference does not list, every block that package legal would not
// send, tokens of the wrong kind, missing scopes, used triggers, spent
// response_urls, and more than a method's rate. It answers no error that the
// reference does not list for the method. It can be told to fail in each way
// that a network does, before and after a request took effect.
//
// It assumes a test that closes it (New does so at the end of the test), and
// keeps everything it was ever sent. On misuse by a test it fails that test.
package slacktest

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// The workspace, its app and their credentials.
const (
	TeamID        = "T0SALVE01"
	TeamDomain    = "examples"
	AppID         = "A0SALVE01"
	BotID         = "B0SALVE01" // of the app's bot as the author of messages
	BotUser       = "U0SALVEBT" // of the app's bot as a user
	BotToken      = "xoxb-test-bot"
	AppToken      = "xapp-test-app"
	SigningSecret = "signing-secret-of-a-test"
	Command       = "/salve"
)

// DefaultScopes are what the bot's token may do unless Options say otherwise.
var DefaultScopes = []string{"app_mentions:read", "channels:history", "channels:join", "channels:read", "chat:write",
	"chat:write.public", "commands", "files:write", "groups:history", "groups:read", "im:history", "im:read", "im:write",
	"reactions:write", "team:read", "usergroups:read", "users:read", "users:read.email"}

// Options are how a Slack differs from the usual one.
type Options struct {
	Scopes     []string         // of the bot's token; nil: DefaultScopes
	Unlimited  bool             // no rate limits, for tests of something else
	Now        func() time.Time // nil: the machine's clock; Advance adds to either
	Enterprise string           // the id of the organisation that the workspace belongs to; "": none
	AckWithin  time.Duration    // how long a gesture waits to be acknowledged; 0: Slack's 3 s
}

// Slack is the workspace.
type Slack struct {
	tb     testing.TB
	opts   Options
	server *httptest.Server
	begun  sync.WaitGroup // what must have ended before Close returns

	mu      sync.Mutex
	changed chan struct{} // closed and replaced whenever something happened
	closed  bool
	ahead   time.Duration // of the clock, by Advance
	serial  int

	channels  []*Channel
	users     []*User
	groups    []*Group
	messages  map[string][]*Message // by channel, oldest first
	lastTS    map[string]int64      // by channel, in microseconds
	seen      []Ephemeral
	views     map[string]*View
	homes     map[string]*View // by user
	files     map[string]*File
	triggers  map[string]*trigger
	responses map[string]*response
	groupsOff bool

	log     []Call
	faults  []*Fault
	buckets map[string]*bucket

	tickets   map[string]bool
	sockets   []*socket
	next      int // which socket gets the next envelope
	envelopes map[string]*envelope
	http      Endpoints
	forgery   Forgery
}

// New opens a workspace with the channel #general and nobody in it, and closes
// it when the test ends.
func New(tb testing.TB, opts Options) *Slack {
	tb.Helper()
	s := &Slack{
		tb: tb, opts: opts, changed: make(chan struct{}),
		messages: map[string][]*Message{}, lastTS: map[string]int64{}, views: map[string]*View{}, homes: map[string]*View{},
		files: map[string]*File{}, triggers: map[string]*trigger{}, responses: map[string]*response{},
		buckets: map[string]*bucket{}, tickets: map[string]bool{}, envelopes: map[string]*envelope{},
	}
	s.opts.AckWithin = cmp.Or(opts.AckWithin, 3*time.Second)
	if s.opts.Scopes == nil {
		s.opts.Scopes = DefaultScopes
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/api/{method}", s.serveMethod)
	mux.HandleFunc("POST /upload/{file}", s.serveUpload)
	mux.HandleFunc("/response/{id}", s.serveResponse)
	mux.HandleFunc("GET /link", s.serveSocket)
	s.server = httptest.NewServer(mux)
	s.AddUser(User{ID: BotUser, Name: "salve", Bot: true})
	s.AddChannel(Channel{ID: "C0GENERAL", Name: "general", Member: true})
	tb.Cleanup(s.Close)
	return s
}

// URL is the root of the server, without a slash at its end.
func (s *Slack) URL() string { return s.server.URL }

// APIURL is where the Web API begins, with a slash at its end.
func (s *Slack) APIURL() string { return s.server.URL + "/api/" }

// Close ends every connection and waits for all that it began. It may be called
// more than once.
func (s *Slack) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	sockets := s.sockets
	s.touch()
	s.mu.Unlock()
	for _, k := range sockets {
		k.drop()
	}
	s.server.CloseClientConnections()
	s.server.Close()
	s.begun.Wait()
}

// Now is what the workspace's clock shows.
func (s *Slack) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// Advance puts the workspace's clock forward: triggers and response_urls grow
// old, rates recover.
func (s *Slack) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

func (s *Slack) now() time.Time {
	if s.opts.Now != nil {
		return s.opts.Now().Add(s.ahead)
	}
	return time.Now().Add(s.ahead)
}

// Await waits until holds is true, looking again whenever something happened in
// the workspace, and reports false when it was not within the time.
func (s *Slack) Await(within time.Duration, holds func() bool) bool {
	end := time.NewTimer(within)
	defer end.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
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
func (s *Slack) touch() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// id makes an id that looks like Slack's. The lock is held.
func (s *Slack) id(prefix string) string {
	s.serial++
	return fmt.Sprintf("%s0%06d", prefix, s.serial)
}

// secret makes what nobody can guess.
func secret() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
