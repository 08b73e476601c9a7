package slack

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	slackgo "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"salve/bot"
)

// The pauses between two sockets: a socket that lasted is replaced at once, one
// that did not after a pause that doubles.
const (
	lasted      = time.Minute
	firstPause  = time.Second
	longest     = time.Minute
	longestOpen = 5 * time.Second // where sockets open and are lost again: meanwhile nobody is heard
	longestAuth = 5 * time.Minute // where people must mend something
	maxHearing  = 16
	maxEnvelope = 4 << 20
	pingWithin  = 30 * time.Second // Slack pings every few seconds
)

// SocketStatus is how the socket stands.
type SocketStatus struct {
	Connected bool
	Since     time.Time // connected: since when; else when it was lost; zero: it was never there
	Sockets   int       // that were opened since the start
	LastError string    // of the last attempt or loss; nothing secret
	ErrorAt   time.Time
	Heard     time.Time // when something last came
}

type status struct {
	mu  sync.Mutex
	now SocketStatus
}

func (s *status) set(change func(*SocketStatus)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.now)
}

// Socket tells how the socket stands.
func (c *Client) Socket() SocketStatus {
	c.status.mu.Lock()
	defer c.status.mu.Unlock()
	return c.status.now
}

// Run listens on one socket after the other until ctx ends. There is never more
// than one: a second Run is an error, and so is a missing app token. An envelope
// is acknowledged when Ear has written the Gesture down; one that was not is
// sent again by Slack, or shown to the person as lost.
func (c *Client) Run(ctx context.Context, ear Ear) error {
	if c.appToken.IsZero() {
		return errors.New("slack: the app token is missing: set slack.app_token, or transport: http")
	}
	if !c.socket.TryLock() {
		return errors.New("slack: the socket is in use")
	}
	defer c.socket.Unlock()
	for pause := time.Duration(0); ctx.Err() == nil; {
		began := time.Now()
		err := c.session(ctx, ear)
		if ctx.Err() != nil {
			break
		}
		pause = c.lose(ctx, err, time.Since(began), pause)
		timer := time.NewTimer(pause/2 + rand.N(pause/2+1)) // apart from others that lost theirs at the same time
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	c.status.set(func(s *SocketStatus) { s.Connected, s.Since = false, time.Now().UTC() })
	return nil
}

// lose notes the end of a socket and gives the pause before the next.
func (c *Client) lose(ctx context.Context, err error, took, pause time.Duration) time.Duration {
	failed := fault(err)
	most := longest
	switch {
	case failed.Fault == bot.SendDenied:
		most = longestAuth
	case c.Socket().Connected: // it was open; twelve a minute are well below what Slack takes
		most = longestOpen
	}
	level := slog.LevelWarn
	if took >= lasted {
		pause, level = firstPause, slog.LevelInfo
	} else {
		pause = min(max(pause*2, firstPause), most)
	}
	if failed.Fault == bot.SendLater {
		pause = max(pause, failed.After)
	}
	c.status.set(func(s *SocketStatus) {
		if s.Connected {
			s.Connected, s.Since = false, time.Now().UTC()
		}
		s.LastError, s.ErrorAt = failed.Error(), time.Now().UTC()
	})
	c.log.Log(ctx, level, "the socket ended", "surface", Surface, "after", took.Round(time.Second), "again_within", pause, "error", failed)
	return pause
}

// once lets one socket be opened. The library opens the next by itself, at once
// and without end; here that ends its loop, and ours decides.
type once struct {
	caller *caller
	spent  bool
	end    context.CancelCauseFunc
}

var errReplaced = &bot.SendError{Fault: bot.SendDown, Why: "Slack closed the socket, or it fell silent"}

// Do is called by the library's one loop, never by two at once.
func (o *once) Do(req *http.Request) (*http.Response, error) {
	if o.spent {
		o.end(errReplaced)
		return nil, errReplaced
	}
	o.spent = true
	resp, err := o.caller.Do(req)
	if err != nil {
		o.end(err)
	}
	return resp, err
}

// session is the life of one socket. It always gives an error: why it ended.
func (c *Client) session(ctx context.Context, ear Ear) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	door := &once{caller: c.caller, end: end}
	api := slackgo.New("", slackgo.OptionAPIURL(c.caller.api), slackgo.OptionHTTPClient(door),
		slackgo.OptionAppLevelToken(c.appToken.Reveal()), slackgo.OptionLog(silent()))
	socket := socketmode.New(api,
		socketmode.OptionDialer(&websocket.Dialer{NetDialContext: c.out.Dial, HandshakeTimeout: 10 * time.Second, WriteBufferSize: 32 << 10}),
		socketmode.OptionReadLimit(maxEnvelope), socketmode.OptionPingInterval(pingWithin), socketmode.OptionLog(silent()))
	var workers sync.WaitGroup
	defer workers.Wait()
	failed := make(chan error, 1)
	workers.Go(func() {
		failed <- socket.RunContext(ctx)
		end(nil)
	})
	slots := make(chan struct{}, maxHearing)
	for {
		select {
		case e := <-socket.Events:
			c.follow(e, end)
			req, ok := envelope(e)
			if !ok {
				continue
			}
			select {
			case slots <- struct{}{}:
				workers.Go(func() {
					defer func() { <-slots }()
					c.take(ctx, socket, req, ear)
				})
			case <-ctx.Done():
			}
		case <-ctx.Done():
			return ending(ctx, failed)
		}
	}
}

// ending is why a socket ended: what was noticed first, or what the library says.
func ending(ctx context.Context, failed <-chan error) error {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	select {
	case err := <-failed:
		if err != nil {
			return socketFault(err)
		}
	default:
	}
	return errReplaced
}

// follow keeps the status.
func (c *Client) follow(e socketmode.Event, end context.CancelCauseFunc) {
	switch e.Type {
	case socketmode.EventTypeConnected:
		c.log.Info("the socket is open", "surface", Surface)
		c.status.set(func(s *SocketStatus) {
			s.Connected, s.Since = true, time.Now().UTC()
			s.Sockets++
		})
	case socketmode.EventTypeConnectionError:
		if failed, ok := e.Data.(*slackgo.ConnectionErrorEvent); ok {
			end(socketFault(failed.ErrorObj))
		}
	case socketmode.EventTypeInvalidAuth:
		end(&bot.SendError{Fault: bot.SendDenied, Why: "Slack does not know the app token: look at slack.app_token"})
	}
}

// socketFault words why a socket could not be opened; the address of one is a
// secret and in no text.
func socketFault(err error) error {
	var said slackgo.SlackErrorResponse
	if known, ok := errors.AsType[*bot.SendError](err); ok {
		return known
	}
	if errors.As(err, &said) {
		if said.Err == "invalid_auth" || said.Err == "not_authed" {
			return &bot.SendError{Fault: bot.SendDenied, Why: "Slack does not know the app token: look at slack.app_token"}
		}
		return named(said)
	}
	return transportFault(err, false)
}

// envelope gives what came. What the library could not read is read here: it
// knows less of Slack's blocks than Slack.
func envelope(e socketmode.Event) (socketmode.Request, bool) {
	switch e.Type {
	case socketmode.EventTypeSlashCommand, socketmode.EventTypeInteractive, socketmode.EventTypeEventsAPI:
		return *e.Request, true
	case socketmode.EventTypeErrorBadMessage:
		var req socketmode.Request
		bad, ok := e.Data.(*socketmode.ErrorBadMessage)
		if !ok || json.Unmarshal(bad.Message, &req) != nil || req.EnvelopeID == "" {
			return socketmode.Request{}, false
		}
		return req, true
	default:
		return socketmode.Request{}, false
	}
}

// take hears one envelope and acknowledges it. A panic is kept to it: the same
// envelope, sent again, would end every process that hears it.
func (c *Client) take(ctx context.Context, socket *socketmode.Client, req socketmode.Request, ear Ear) {
	defer func() {
		if recover() != nil {
			c.log.ErrorContext(ctx, "a gesture caused a panic", "surface", Surface, "stack", string(debug.Stack()))
		}
	}()
	c.status.set(func(s *SocketStatus) { s.Heard = time.Now().UTC() })
	d, err := c.decoder(ctx, "socket")
	if err != nil {
		c.log.ErrorContext(ctx, "a gesture was not recorded", "surface", Surface, "error", err)
		return
	}
	g, wanted, err := d.envelope(req)
	var answer any
	if err != nil { // it would be the same again
		c.log.WarnContext(ctx, "a request was refused", "surface", Surface, "reason", err)
		wanted = false
		if errors.Is(err, errForeign) && req.Type == socketmode.RequestTypeSlashCommands {
			answer = ephemeral(foreign)
		}
	}
	if wanted {
		// A socket that ends does not end what it brought: Slack would bring it
		// again, and it may be half written.
		if err := hear(context.WithoutCancel(ctx), ear, g); err != nil {
			c.log.ErrorContext(ctx, "a gesture was not recorded", "surface", Surface, "kind", g.Kind, "error", err)
			return
		}
	}
	if err := socket.AckCtx(ctx, req.EnvelopeID, answer); err != nil {
		c.log.DebugContext(ctx, "an envelope was not acknowledged, and will come again", "surface", Surface)
	}
}

func (d decoder) envelope(req socketmode.Request) (bot.Gesture, bool, error) {
	seen := key("envelope", req.EnvelopeID)
	switch req.Type {
	case socketmode.RequestTypeSlashCommands:
		var s spoken
		if json.Unmarshal(req.Payload, &s) != nil {
			return bot.Gesture{}, false, refuse("it is no slash command")
		}
		g, err := d.command(s, seen)
		return g, err == nil, err
	case socketmode.RequestTypeInteractive:
		return d.interaction(req.Payload, seen)
	case socketmode.RequestTypeEventsAPI:
		var o outer
		if json.Unmarshal(req.Payload, &o) != nil {
			return bot.Gesture{}, false, refuse("it is no event")
		}
		return d.event(o)
	default:
		return bot.Gesture{}, false, nil
	}
}
