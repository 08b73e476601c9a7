// Package inbound is the outer door of every source that posts to a webhook:
// who may come in, how much they may bring, and what they are told.
//
// It promises that nothing is parsed before the caller has proved who it is, by
// a credential or by a signature over the raw body, that a body larger than the limit is never held in memory, that a 2xx is
// sent only after the door behind it has put everything on disk, and that no
// answer repeats a word of the payload.
//
// It assumes an http.Server in front that bounds headers and idle connections.
//
// On failure it says 503 with Retry-After wherever the same delivery may do
// better later, and 4xx with what to change where it will not. What came from
// a known sender and could not be understood is handed to the door to keep.
// A panic ends its request with a 500 and nothing else.
package inbound

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"salve/bot"
	"salve/bot/secret"
)

// The defaults and bounds of Options.
const (
	DefaultMaxBody  = 1 << 20
	LargestMaxBody  = 8 << 20
	defaultInFlight = 256
	defaultRead     = 10 * time.Second
	defaultAnswer   = 10 * time.Second
)

// Door is what stands behind: it puts deliveries on disk.
//
// Receive returns after the commit. A *bot.Refusal beside a Receipt tells that
// some alerts were not taken up and what was done with them. Both methods are
// idempotent.
type Door interface {
	Receive(ctx context.Context, d bot.Delivery, alerts []bot.Alert) (bot.Receipt, error)
	Quarantine(ctx context.Context, d bot.Delivery, reason string) (bot.QuarantineID, error)
}

// Decode reads a body into alerts. The text of its error carries nothing of
// the body. The alerts beside an error are those that could be read all the
// same; they are received, and the body is kept.
type Decode func(source string, body []byte, receivedAt time.Time) ([]bot.Alert, error)

// Options of a Gate. One of Credentials, Proof and AllowAnonymous is required;
// the rest is ready for production when zero.
type Options struct {
	// Credentials are those that may post; several, so that one can be changed
	// without a gap.
	Credentials []Credential
	// Secrets are what the sender may sign with; several, as above. The source
	// makes the Proof of them.
	Secrets []secret.Secret
	// Proof judges the sender by the headers and the raw body, before anything
	// is read in it, in place of Credentials. The text of its error is shown to
	// the sender and carries nothing of the request.
	Proof func(header http.Header, body []byte, now time.Time) error
	// Kind is the header that says what the body is; "": none does. It is put
	// before the body as one line, "Name: value\n", for whoever decodes it.
	Kind string
	// AllowAnonymous lets anyone post. Only for a listener on loopback whose
	// operator said so.
	AllowAnonymous bool
	MediaType      string        // "": application/json
	MaxBody        int64         // bytes; 0: 1 MiB; at most 8 MiB
	MaxInFlight    int           // deliveries held in memory at once; 0: 256
	ReadTimeout    time.Duration // for the body; 0: 10 s
	AnswerTimeout  time.Duration // for the door; 0: 10 s
	Log            *slog.Logger  // nil: none
}

// Gate is the http.Handler of one source.
type Gate struct {
	source  string
	door    Door
	decode  Decode
	guards  guards
	opts    Options
	slots   chan struct{}
	logged  atomic.Int64 // the second of the last refusal that was logged
	faulted atomic.Int64 // the second of the last delivery that could not be recorded, as logged
}

// New makes the Gate of a source. It refuses a source that would let in anyone
// by accident: no credential, or an empty one.
func New(source string, door Door, decode Decode, opts Options) (*Gate, error) {
	if err := opts.checkProof(); err != nil {
		return nil, fmt.Errorf("source %s: %w", source, err)
	}
	guards, err := newGuards(opts)
	if err != nil {
		return nil, fmt.Errorf("source %s: %w", source, err)
	}
	opts.MaxBody = cmp.Or(opts.MaxBody, DefaultMaxBody)
	if opts.MaxBody < 0 || opts.MaxBody > LargestMaxBody {
		return nil, fmt.Errorf("source %s: a body limit of %d bytes is not possible; write 1 to %d", source, opts.MaxBody, int64(LargestMaxBody))
	}
	opts.MediaType = cmp.Or(opts.MediaType, "application/json")
	opts.ReadTimeout = cmp.Or(opts.ReadTimeout, defaultRead)
	opts.AnswerTimeout = cmp.Or(opts.AnswerTimeout, defaultAnswer)
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	opts.Credentials, opts.Secrets = nil, nil // only their digests are kept, and the Proof
	return &Gate{
		source: source, door: door, decode: decode, guards: guards, opts: opts,
		slots: make(chan struct{}, max(1, cmp.Or(opts.MaxInFlight, defaultInFlight))),
	}, nil
}

func (g *Gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer g.recoverPanic(w, r)
	if refused := g.admit(r); refused != nil {
		g.refuse(w, r, *refused)
		return
	}
	select {
	case g.slots <- struct{}{}:
		defer func() { <-g.slots }()
	default:
		g.refuse(w, r, busy)
		return
	}
	body, refused := g.readBody(w, r)
	if refused != nil {
		g.refuse(w, r, *refused)
		return
	}
	ctx, cancel := context.WithTimeoutCause(r.Context(), g.opts.AnswerTimeout, errAnswerTimeout)
	defer cancel()
	now := time.Now().UTC().Truncate(time.Millisecond)
	if refused = g.prove(r, body, now); refused == nil {
		body, refused = g.kinded(r, body)
	}
	if refused != nil {
		g.refuse(w, r, *refused)
		return
	}
	g.answer(w, r, g.take(ctx, bot.Delivery{Source: g.source, ReceivedAt: now, Body: body}))
}

var errAnswerTimeout = errors.New("the store did not answer in time")

// admit judges what can be judged without the body.
func (g *Gate) admit(r *http.Request) *refusal {
	if r.Method != http.MethodPost {
		return &notPost
	}
	if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
		return &browser
	}
	if !g.guards.admit(r) {
		return &unknownCaller
	}
	return g.checkHeader(r)
}

// recoverPanic keeps a panic to its own request. The payload is not logged.
func (g *Gate) recoverPanic(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	g.opts.Log.ErrorContext(r.Context(), "delivery caused a panic", "source", g.source, "stack", string(debug.Stack()))
	g.refuse(w, r, broke)
}
