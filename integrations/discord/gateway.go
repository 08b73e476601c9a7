package discord

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"salve/bot"
)

// The pauses between two connections. Discord takes a thousand sessions a day and
// then takes the token away: one that does not last ten minutes makes the pause
// before the next longer.
const (
	lasted      = 10 * time.Minute
	firstPause  = time.Second
	longest     = 2 * time.Minute
	longestAuth = 5 * time.Minute // where people must mend something
	maxHearing  = 256
)

// GatewayStatus is how the connection to the gateway stands.
type GatewayStatus struct {
	Connected bool
	Since     time.Time // connected: since when; else when it was lost; zero: it was never there
	Sessions  int       // that were begun since the start
	Resumed   int       // and taken up again
	LastError string    // of the last attempt or loss; nothing secret
	ErrorAt   time.Time
	Heard     time.Time // when something last came
}

type status struct {
	mu  sync.Mutex
	now GatewayStatus
}

func (s *status) set(change func(*GatewayStatus)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.now)
}

// Gateway tells how the connection to the gateway stands.
func (c *Client) Gateway() GatewayStatus {
	c.status.mu.Lock()
	defer c.status.mu.Unlock()
	return c.status.now
}

// Run listens to the gateway until ctx ends, by one connection after the other. A
// session that was lost is taken up again where it ended, so that what came
// meanwhile is heard. There is never more than one: a second Run is an error.
func (c *Client) Run(ctx context.Context, ear Ear) error {
	if !c.gateway.TryLock() {
		return errors.New("discord: the gateway is in use")
	}
	defer c.gateway.Unlock()
	var workers sync.WaitGroup
	defer workers.Wait()
	l := &listener{client: c, ear: ear, workers: &workers, slots: make(chan struct{}, maxHearing)}
	var known *discordgo.Session
	for pause := time.Duration(0); ctx.Err() == nil; {
		began := time.Now()
		session, err := l.connect(ctx, known)
		known = session
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
	c.status.set(func(s *GatewayStatus) { s.Connected, s.Since = false, time.Now().UTC() })
	return nil
}

// lose notes the end of a connection and gives the pause before the next.
func (c *Client) lose(ctx context.Context, err error, took, pause time.Duration) time.Duration {
	failed := gatewayFault(err)
	most, level := longest, slog.LevelWarn
	if failed.Fault == bot.SendDenied {
		most, level = longestAuth, slog.LevelError
	}
	if took >= lasted {
		pause, level = firstPause, slog.LevelInfo
	} else {
		pause = min(max(pause*2, firstPause), most)
	}
	if failed.Fault == bot.SendLater {
		pause = max(pause, failed.After)
	}
	c.status.set(func(s *GatewayStatus) {
		if s.Connected {
			s.Connected, s.Since = false, time.Now().UTC()
		}
		s.LastError, s.ErrorAt = failed.Error(), time.Now().UTC()
	})
	c.log.Log(ctx, level, "the gateway's connection ended", "surface", Surface, "after", took.Round(time.Second), "again_within", pause, "error", failed)
	return pause
}

// closings are the numbers with which Discord closes a connection that people
// must do something about.
var closings = map[int]string{
	4004: "Discord does not know the token: look at discord.bot_token",
	4010: "Discord wants the app in shards, which Salve does not do: it serves one server",
	4011: "Discord wants the app in shards, which Salve does not do: it serves one server",
	4012: "Discord does not know this version of its gateway: a newer Salve is needed",
	4013: "Discord does not take the intents",
	4014: "Discord does not take the intents",
}

// gatewayFault words why a connection ended.
func gatewayFault(err error) *bot.SendError {
	if known, ok := errors.AsType[*bot.SendError](err); ok {
		return known
	}
	if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
		if why, ok := closings[closed.Code]; ok {
			return &bot.SendError{Fault: bot.SendDenied, Why: why}
		}
		return &bot.SendError{Fault: bot.SendDown, Why: "Discord closed the connection"}
	}
	if no, ok := errors.AsType[*discordgo.RESTError](err); ok {
		return judged(no.Response.StatusCode, no.Response.Header, refusal{})
	}
	if errors.Is(err, discordgo.ErrUnauthorized) {
		return &bot.SendError{Fault: bot.SendDenied, Why: closings[4004]}
	}
	return transportFault(err, false)
}

var errDropped = &bot.SendError{Fault: bot.SendDown, Why: "Discord closed the connection, or it fell silent"}

// listener is what the connections of one Run share.
type listener struct {
	client  *Client
	ear     Ear
	workers *sync.WaitGroup
	slots   chan struct{}
}

// connect is the life of one connection. It gives the session to take up again;
// nil: there is none. It always gives an error: why it ended.
func (l *listener) connect(ctx context.Context, known *discordgo.Session) (*discordgo.Session, error) {
	line := &wire{}
	lost := make(chan struct{})
	var once sync.Once
	session := known
	if session == nil {
		session = l.client.session()
	}
	session.Dialer = &websocket.Dialer{NetDialContext: line.dial(l.client.out.Dial), HandshakeTimeout: 10 * time.Second, WriteBufferSize: 8 << 10}
	drop := []func(){
		session.AddHandler(func(_ *discordgo.Session, e *discordgo.Event) { l.hear(ctx, e) }),
		session.AddHandler(func(*discordgo.Session, *discordgo.Disconnect) { once.Do(func() { close(lost) }) }),
	}
	defer func() {
		for _, d := range drop {
			d()
		}
	}()
	ended := make(chan struct{})
	defer close(ended)
	l.workers.Go(func() { // the library knows no context: its connection is taken away
		select {
		case <-ctx.Done():
			line.close()
		case <-ended:
		}
	})
	if err := session.Open(); err != nil {
		line.close()
		line.idle()
		if errors.Is(err, discordgo.ErrWSAlreadyOpen) {
			_ = session.Close() // it is not used again
		}
		return nil, err // whoever could not be taken up again begins anew
	}
	select {
	case <-lost:
	case <-ctx.Done():
		_ = session.Close() // Discord is told, and forgets the session
	}
	line.close()
	line.idle()
	if ctx.Err() != nil {
		return nil, errDropped
	}
	return session, errDropped
}

// session makes one of the library's: it hears interactions, which need no
// intent, keeps no state, writes no log, and opens no connection by itself.
func (c *Client) session() *discordgo.Session {
	s, _ := discordgo.New("Bot " + c.token.Reveal()) // it makes a struct, and cannot fail
	s.Identify.Intents = discordgo.IntentsNone
	s.Compress, s.Identify.Compress = false, false
	s.ShouldReconnectOnError, s.ShouldReconnectVoiceOnSessionError, s.ShouldRetryOnRateLimit = false, false, false
	s.MaxRestRetries = 0
	s.StateEnabled, s.SyncEvents = false, true
	s.LogLevel = discordgo.LogError - 1
	s.Client = c.out.HTTP()
	s.Client.Transport = moved{c.caller}
	return s
}

// moved sends the library's calls to where ours go: its addresses are built in.
type moved struct{ caller *caller }

func (m moved) RoundTrip(req *http.Request) (*http.Response, error) {
	_, path, ok := strings.Cut(req.URL.Path, "/api/v"+discordgo.APIVersion+"/")
	u, err := url.Parse(m.caller.api + path)
	if !ok || err != nil {
		return nil, errors.New("the library calls something that is not of the API")
	}
	u.RawQuery = req.URL.RawQuery
	own := req.Clone(req.Context())
	own.URL, own.Host = u, ""
	resp, err := m.caller.http.Transport.RoundTrip(own)
	if err == nil && resp.StatusCode == http.StatusTooManyRequests { // the library would sleep, or lose the time
		defer resp.Body.Close()
		return nil, tooMany(resp.Header, refusal{})
	}
	return resp, err
}

// hear takes what the gateway brings. It is called by the library's one reader.
func (l *listener) hear(ctx context.Context, e *discordgo.Event) {
	c := l.client
	switch e.Type {
	case "READY":
		c.log.InfoContext(ctx, "the gateway is open", "surface", Surface)
		c.status.set(func(s *GatewayStatus) {
			s.Connected, s.Since = true, time.Now().UTC()
			s.Sessions++
		})
	case "RESUMED":
		c.status.set(func(s *GatewayStatus) {
			s.Connected, s.Since = true, time.Now().UTC()
			s.Resumed++
		})
	case "INTERACTION_CREATE":
		came := time.Now()
		c.status.set(func(s *GatewayStatus) { s.Heard = came.UTC() })
		raw := json.RawMessage(append([]byte(nil), e.RawData...))
		select {
		case l.slots <- struct{}{}:
			l.workers.Go(func() {
				defer func() { <-l.slots }()
				l.take(ctx, raw, came)
			})
		case <-ctx.Done():
		}
	}
}

// take hears one interaction, and sees to its first answer. A connection that
// ends does not end what it brought: it may be half written.
func (l *listener) take(ctx context.Context, raw json.RawMessage, came time.Time) {
	c := l.client
	ctx = context.WithoutCancel(ctx)
	var in interaction
	if json.Unmarshal(raw, &in) != nil || !snowflake.MatchString(in.ID) || !tokenPattern.MatchString(in.Token) {
		c.log.WarnContext(ctx, "a request was refused", "surface", Surface, "reason", "it is no interaction")
		return
	}
	r := newReception("gateway", c.callback(in))
	r.came = came
	if err := c.take(ctx, l.ear, in, r); err != nil {
		c.log.WarnContext(ctx, "a request was refused", "surface", Surface, "reason", err)
		return
	}
	r.wait(ctx)
}
