// Package console is the web surface: pages made on the server, live by server-sent
// events, and usable without JavaScript, by keyboard and by screen reader.
//
// It promises that every change is one POST that becomes one bot.Command for
// the Commander; that it decides nothing itself; that all text is escaped and
// invisible characters are made visible; that pages carry a strict content
// policy and no inline script or style; that a session is a random secret in a
// SameSite=Strict, HttpOnly cookie, of which only a hash is stored; and that a
// POST from another site, or a request for another host, is refused.
//
// It assumes that TLS ends here or at a proxy named by PublicURL, and that its
// ports judge every Command again. Nobody without a session sees anything,
// unless AnonymousRead is set: then they may read and halt, nothing else.
//
// On failure it says what was refused, why, and what to do next, with a fitting
// status; a store that does not answer is 503 and never looks like success.
package console

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"salve/bot"
)

// Commander carries out what people say. A Command that is not allowed gives a
// *bot.Refusal.
type Commander interface {
	Do(ctx context.Context, cmd bot.Command) (bot.Answer, error)
}

// Cards shows Incidents to a viewer; a zero viewer is somebody unknown.
type Cards interface {
	Card(ctx context.Context, id bot.IncidentID, viewer bot.Person) (bot.Card, error)
	Timeline(ctx context.Context, id bot.IncidentID) (string, error)
	Board(ctx context.Context, q bot.IncidentQuery, viewer bot.Person) ([]bot.Card, error)
	Proposals(ctx context.Context, viewer bot.Person) ([]bot.CardProposal, error)
}

// Lists reads rows; those that do not exist give bot.ErrNotFound.
type Lists interface {
	Runs(ctx context.Context, q bot.RunQuery) ([]bot.Run, error)
	Run(ctx context.Context, id bot.RunID) (bot.Run, error)
	Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error)
	Approvals(ctx context.Context, q bot.ApprovalQuery) ([]bot.Approval, error)
	People(ctx context.Context) ([]bot.Person, error)
}

// Records reads what is kept for the record.
type Records interface {
	Events(ctx context.Context, q bot.EventQuery) ([]bot.Event, error)
	QuarantineList(ctx context.Context, q bot.QuarantineQuery) ([]bot.Quarantined, error)
	QuarantineItem(ctx context.Context, id bot.QuarantineID) (bot.Quarantined, error)
}

// Brake reads what is halted.
type Brake interface {
	Halts(ctx context.Context) ([]bot.Halt, error)
}

// People proves who somebody is. A secret that opens nothing gives a
// *bot.Refusal or bot.ErrNotFound.
type People interface {
	// Authenticate names the person of a secret and does not use it up.
	Authenticate(ctx context.Context, secret string, kind bot.TokenKind) (bot.Person, error)
	// Redeem uses up a login link and opens a session.
	Redeem(ctx context.Context, loginSecret string) (sessionSecret string, person bot.Person, err error)
	// Seen notes that its person is using a session; one that is over is refused.
	Seen(ctx context.Context, sessionSecret string) error
	// SignOut ends the session.
	SignOut(ctx context.Context, sessionSecret string) error
}

// Live tells what changes, until ctx ends. A zero Touched says that anything
// may have changed.
type Live interface {
	Subscribe(ctx context.Context) <-chan bot.Touched
}

// Auditor verifies the chains of Events: how many it read, and an error that
// names the row that was altered.
type Auditor interface {
	VerifyAudit(ctx context.Context) (events int64, err error)
}

// Health tells what is wrong with Salve itself, as it was found last.
type Health interface {
	Conditions() []bot.Condition
}

// Ports are what the console needs; all but Health and SignOn are required.
type Ports struct {
	Commander Commander
	Cards     Cards
	Lists     Lists
	Records   Records
	Brake     Brake
	People    People
	Live      Live
	Auditor   Auditor
	Claims    Claims
	Health    Health         // may be nil: nothing is said about Salve itself
	SignOn    SignOn         // may be nil: people sign in by links alone
	Playbooks []bot.Playbook // loaded ones, in the order in which they are shown
}

// Options of a Console; the zero value is ready for production on loopback.
type Options struct {
	Log *slog.Logger
	// PublicURL is the address that people type. With https the cookie is
	// Secure. Requests for another host are refused, but for loopback names.
	PublicURL string
	// AnonymousRead lets people without a session read and halt. For loopback
	// only.
	AnonymousRead bool
	Heartbeat     time.Duration // of event streams; 0: 15 seconds
	MaxStreams    int           // event streams at once; 0: 256
}

// Console is an http.Handler for the whole web surface.
type Console struct {
	ports     Ports
	opts      Options
	log       *slog.Logger
	public    *url.URL // nil: loopback only
	secure    bool
	pages     pages
	handler   http.Handler
	flashKey  []byte
	streams   chan struct{} // one token per open stream
	drained   chan struct{}
	drainOnce sync.Once
	audit     auditResult
}

// New checks the ports and options and parses the templates.
func New(ports Ports, opts Options) (*Console, error) {
	if err := ports.check(); err != nil {
		return nil, err
	}
	c := &Console{
		ports: ports, opts: opts,
		log:      cmp.Or(opts.Log, slog.New(slog.DiscardHandler)),
		flashKey: make([]byte, 32),
		streams:  make(chan struct{}, cmp.Or(opts.MaxStreams, 256)),
		drained:  make(chan struct{}),
	}
	c.opts.Heartbeat = cmp.Or(opts.Heartbeat, 15*time.Second)
	if _, err := rand.Read(c.flashKey); err != nil {
		return nil, fmt.Errorf("console: key for messages: %w", err)
	}
	if opts.PublicURL != "" {
		u, err := url.Parse(opts.PublicURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return nil, fmt.Errorf("console: public_url %q is not an address; write for example https://salve.example.org", opts.PublicURL)
		}
		c.public, c.secure = u, u.Scheme == "https"
	}
	var err error
	if c.pages, err = parsePages(); err != nil {
		return nil, fmt.Errorf("console: %w", err)
	}
	c.handler, err = c.routes()
	return c, err
}

func (p Ports) check() error {
	for name, missing := range map[string]bool{
		"Commander": p.Commander == nil, "Cards": p.Cards == nil, "Lists": p.Lists == nil, "Records": p.Records == nil,
		"Brake": p.Brake == nil, "People": p.People == nil, "Live": p.Live == nil, "Auditor": p.Auditor == nil,
		"Claims": p.Claims == nil,
	} {
		if missing {
			return errors.New("console: port " + name + " is required")
		}
	}
	return nil
}

// Drain ends the event streams and lets no new ones begin, so that a server can
// shut down: give it to http.Server.RegisterOnShutdown.
func (c *Console) Drain() { c.drainOnce.Do(func() { close(c.drained) }) }

// ServeHTTP serves the whole web surface.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.setHeaders(w.Header())
	if !c.knowsHost(r.Host) {
		c.refuse(w, r, http.StatusMisdirectedRequest, bot.Refuse(bot.RefusedForbidden,
			"This console does not answer for the host of that address.",
			"Open it by its own address: public_url in the configuration, or localhost on its machine."))
		return
	}
	c.handler.ServeHTTP(w, r)
}
