// Package control is the door for programs: JSON over HTTP, on a unix socket for
// the machine that Salve runs on, and under /v1/ of the web listener for people
// with a token. The command line is its client.
//
// It promises that a caller on the socket is who the kernel says; that one
// elsewhere is who its bearer token says; that everybody else may read and halt
// where AnonymousRead is set and nothing anywhere else; that a page in a browser
// cannot use it; and that every refusal is JSON with a code, why, and what to do
// next. It decides nothing itself: commands go to the Commander.
//
// It assumes that whoever serves the socket uses Listen and ConnContext. Bodies
// are limited and decoded strictly, and so is the number of calls in flight. On
// failure of the store, and when there are too many, it answers 503 with
// Retry-After.
package control

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"salve/bot"
)

// Commander carries out what people say.
type Commander interface {
	Do(ctx context.Context, cmd bot.Command) (bot.Answer, error)
}

// Cards shows incidents to a viewer.
type Cards interface {
	Card(ctx context.Context, id bot.IncidentID, viewer bot.Person) (bot.Card, error)
	Timeline(ctx context.Context, id bot.IncidentID) (string, error)
	Subscribe(ctx context.Context) <-chan bot.Touched
}

// Rows reads what is listed.
type Rows interface {
	Incidents(ctx context.Context, q bot.IncidentQuery) ([]bot.Incident, error)
	Runs(ctx context.Context, q bot.RunQuery) ([]bot.Run, error)
	Run(ctx context.Context, id bot.RunID) (bot.Run, error)
	Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error)
	Approvals(ctx context.Context, q bot.ApprovalQuery) ([]bot.Approval, error)
}

// Records reads what is kept for the record.
type Records interface {
	Events(ctx context.Context, q bot.EventQuery) ([]bot.Event, error)
	QuarantineList(ctx context.Context, q bot.QuarantineQuery) ([]bot.Quarantined, error)
	QuarantineItem(ctx context.Context, id bot.QuarantineID) (bot.Quarantined, error)
	People(ctx context.Context) ([]bot.Person, error)
	Person(ctx context.Context, id bot.PersonID) (bot.Person, error)
}

// Identities proves who somebody is.
type Identities interface {
	ByIdentity(ctx context.Context, id bot.Identity) (bot.Person, bool, error)
	Authenticate(ctx context.Context, secret string, kind bot.TokenKind) (bot.Person, error)
}

// Registry changes who there is.
type Registry interface {
	Add(ctx context.Context, by bot.Actor, p bot.Person) error
	Update(ctx context.Context, by bot.Actor, p bot.Person) error
	Disable(ctx context.Context, by bot.Actor, id bot.PersonID) error
	Enable(ctx context.Context, by bot.Actor, id bot.PersonID) error
}

// Tokens makes and ends what stands for a person.
type Tokens interface {
	Issue(ctx context.Context, by bot.Actor, want bot.Token, ttl time.Duration) (string, bot.Token, error)
	Tokens(ctx context.Context, id bot.PersonID) ([]bot.Token, error)
	Revoke(ctx context.Context, by bot.Actor, id bot.PersonID, hash string) error
}

// Insight tells what other rooms know, as values that can be JSON.
type Insight interface {
	Why(ctx context.Context, id bot.IncidentID) (any, error)
	VerifyAudit(ctx context.Context) (any, error)
	Status(ctx context.Context) (any, error)
	Halts(ctx context.Context) ([]bot.Halt, error)
	Playbooks() []bot.Playbook
}

// Claims reads what people hold through an Incident; through 0: what they hold
// without one, for a time.
type Claims interface {
	ClaimsOf(ctx context.Context, id bot.IncidentID) ([]bot.Claim, error)
}

// Duty tells who is on call and tries the pagers, as values that can be JSON.
type Duty interface {
	OnCall(ctx context.Context) (any, error)
	TestPage(ctx context.Context, by bot.Actor, pager string) (any, error)
}

// Ports are what the door needs; all are required.
type Ports struct {
	Commander  Commander
	Cards      Cards
	Rows       Rows
	Records    Records
	Identities Identities
	Registry   Registry
	Tokens     Tokens
	Insight    Insight
	Claims     Claims
	Duty       Duty
}

// Options of a Server.
type Options struct {
	Log *slog.Logger
	// OwnerUID is the user that runs Salve: on the socket they may manage people
	// without being one.
	OwnerUID uint32
	// AnonymousRead lets callers without a token read and halt on the web
	// listener. For loopback only.
	AnonymousRead bool
	// ConsoleURL is where login links lead, without a slash at its end.
	ConsoleURL string
	// ResumeGroup is the group that may lift a halt, as people are told.
	ResumeGroup string
	LongPoll    time.Duration // how long /v1/live waits; 0: 5 s
	MaxCalls    int           // answered at once of each kind: reading, commanding; 0: 128
}

// Server is an http.Handler for /v1/.
type Server struct {
	ports Ports
	opts  Options
	log   *slog.Logger
	mux   *http.ServeMux
	crowd crowd

	drain    sync.Once
	draining chan struct{} // closed: nobody is kept waiting any more
}

// New makes the door.
func New(ports Ports, opts Options) (*Server, error) {
	for name, missing := range map[string]bool{
		"Commander": ports.Commander == nil, "Cards": ports.Cards == nil, "Rows": ports.Rows == nil, "Records": ports.Records == nil,
		"Identities": ports.Identities == nil, "Registry": ports.Registry == nil, "Tokens": ports.Tokens == nil, "Insight": ports.Insight == nil, "Claims": ports.Claims == nil, "Duty": ports.Duty == nil,
	} {
		if missing {
			return nil, errors.New("control: port " + name + " is required")
		}
	}
	opts.LongPoll = cmp.Or(opts.LongPoll, 5*time.Second)
	s := &Server{ports: ports, opts: opts, log: cmp.Or(opts.Log, slog.New(slog.DiscardHandler)), mux: http.NewServeMux(), crowd: newCrowd(cmp.Or(max(opts.MaxCalls, 0), maxCalls)), draining: make(chan struct{})}
	s.routes()
	return s, nil
}

// ServeHTTP answers one request, or says that there are too many.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	leave, ok := s.crowd.enter(r)
	if !ok {
		s.refuse(w, r, tooMany)
		return
	}
	defer leave()
	s.mux.ServeHTTP(w, r)
}

// Drain answers whoever waits for a change, now and from now on, so that a
// shutdown need not.
func (s *Server) Drain() { s.drain.Do(func() { close(s.draining) }) }
