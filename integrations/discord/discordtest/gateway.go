package discordtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// The operations of the gateway.
const (
	opDispatch       = 0
	opHeartbeat      = 1
	opIdentify       = 2
	opResume         = 6
	opReconnect      = 7
	opInvalidSession = 9
	opHello          = 10
	opHeartbeatAck   = 11
)

// The codes that the gateway closes with.
const (
	closeUnknownOp      = 4001
	closeDecode         = 4002
	closeNotIdentified  = 4003
	closeToken          = 4004
	closeIdentified     = 4005
	closeSequence       = 4007
	closeRate           = 4008
	closeTimeout        = 4009
	closeVersion        = 4012
	closeIntents        = 4013
	closeIntentsRefused = 4014
)

// Intents that need to be granted, and those that there are.
const (
	IntentMembers   int64 = 1 << 1
	IntentPresences int64 = 1 << 8
	IntentContent   int64 = 1 << 15
	intentContent         = IntentContent
	intentGuilds    int64 = 1 << 0
	privileged            = IntentMembers | IntentPresences | IntentContent
	everyIntent     int64 = 1<<17 - 1 | 1<<20 | 1<<21 | 1<<24 | 1<<25
)

const (
	writeTime = 5 * time.Second
	maxSends  = 120 // of a client in a minute
	maxFrame  = 4096
	lingers   = time.Second // for the client to see why
)

// applicationFlags tells which privileged intents were granted.
func (d *Discord) applicationFlags() int64 {
	var out int64
	for intent, flag := range map[int64]int64{IntentPresences: 1 << 13, IntentMembers: 1 << 15, IntentContent: 1 << 19} {
		if d.opts.Privileged&intent != 0 {
			out |= flag
		}
	}
	return out
}

// frame is what goes over a link.
type frame struct {
	Op   int             `json:"op"`
	Data json.RawMessage `json:"d"`
	Seq  *int64          `json:"s"`
	Type *string         `json:"t"`
}

// link is one connection to the gateway.
type link struct {
	conn  *websocket.Conn
	write sync.Mutex
	// What follows is read and written by its reader alone.
	session *session
	began   time.Time
	sends   int
}

func (k *link) send(op int, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("write a frame: %w", err)
	}
	return k.put(frame{Op: op, Data: raw})
}

func (k *link) put(f frame) error {
	k.write.Lock()
	defer k.write.Unlock()
	_ = k.conn.SetWriteDeadline(time.Now().Add(writeTime)) // a failure shows in the write
	if err := k.conn.WriteJSON(f); err != nil {
		return fmt.Errorf("send a frame: %w", err)
	}
	return nil
}

// say closes it with a code, and leaves it to the reader to see the end.
func (k *link) say(code int, why string) {
	message := websocket.FormatCloseMessage(code, why)
	_ = k.conn.WriteControl(websocket.CloseMessage, message, time.Now().Add(writeTime)) // it ends either way
}

// end closes it with a code, as its reader does. What is still on its way is read
// first: a connection that is dropped over it takes the code along.
func (k *link) end(code int, why string) {
	k.say(code, why)
	_ = k.conn.SetReadDeadline(time.Now().Add(lingers)) // a failure shows in the read
	for {
		if _, _, err := k.conn.ReadMessage(); err != nil {
			break
		}
	}
	k.drop()
}

func (k *link) drop() { _ = k.conn.Close() } // it was to end anyway

// session is what a client has with the gateway, over one link after another.
type session struct {
	id      string
	intents int64

	mu     sync.Mutex // held while an event is put in order and sent
	events []frame
	link   *link // nil: none now
}

// dispatch sends an event, now or when the client comes back.
func (s *session) dispatch(kind string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	seq := int64(len(s.events) + 1)
	f := frame{Op: opDispatch, Data: raw, Seq: &seq, Type: &kind}
	s.events = append(s.events, f)
	if s.link != nil {
		_ = s.link.put(f) // who lost it comes back for it
	}
	return nil
}

func (s *session) isLinked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.link != nil
}

func (d *Discord) serveLink(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	open := !d.closed
	if open {
		d.begun.Add(1)
	}
	d.mu.Unlock()
	if !open {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	defer d.begun.Done()
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	k := &link{conn: conn, began: time.Now()}
	defer d.forget(k)
	if !d.remember(k) {
		return
	}
	query := r.URL.Query()
	if version := query.Get("v"); version != "" && version != "9" && version != "10" {
		k.end(closeVersion, "Invalid API version")
		return
	}
	if encoding := query.Get("encoding"); encoding != "" && encoding != "json" {
		k.end(closeDecode, "Error while decoding payload")
		return
	}
	if k.send(opHello, object{"heartbeat_interval": d.opts.Heartbeat.Milliseconds(), "_trace": []string{"test"}}) == nil {
		d.listen(k)
	}
}

func (d *Discord) remember(k *link) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return false
	}
	d.links[k] = true
	return true
}

func (d *Discord) forget(k *link) {
	k.drop()
	if s := k.session; s != nil {
		s.mu.Lock()
		if s.link == k {
			s.link = nil
		}
		s.mu.Unlock()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.links, k)
	d.touch()
}

// openLinks needs the lock.
func (d *Discord) openLinks() []*link {
	var out []*link
	for k := range d.links {
		out = append(out, k)
	}
	return out
}

func (d *Discord) listen(k *link) {
	k.conn.SetReadLimit(maxFrame)
	for {
		_ = k.conn.SetReadDeadline(time.Now().Add(2 * d.opts.Heartbeat)) // a failure shows in the read
		_, raw, err := k.conn.ReadMessage()
		if err != nil {
			if isTimeout(err) {
				k.end(closeTimeout, "Session timed out")
			}
			return
		}
		var f frame
		if json.Unmarshal(raw, &f) != nil {
			k.end(closeDecode, "Error while decoding payload")
			return
		}
		if time.Since(k.began) > time.Minute {
			k.began, k.sends = time.Now(), 0
		}
		if k.sends++; k.sends > maxSends {
			k.end(closeRate, "Rate limited")
			return
		}
		if code, why := d.take(k, f); code != 0 {
			k.end(code, why)
			return
		}
	}
}

func isTimeout(err error) bool {
	timed, ok := errors.AsType[net.Error](err)
	return ok && timed.Timeout()
}

// take does what the client asks for, or tells with which code to close.
func (d *Discord) take(k *link, f frame) (code int, why string) {
	switch f.Op {
	case opHeartbeat:
		d.mu.Lock()
		zombie := d.zombie
		d.beats++
		d.touch()
		d.mu.Unlock()
		if !zombie {
			_ = k.send(opHeartbeatAck, nil) // the reader sees the end
		}
		return 0, ""
	case opIdentify, opResume:
		if k.session != nil && slices.Contains(d.snapshot(), k.session) {
			return closeIdentified, "Already authenticated"
		}
		if f.Op == opResume {
			return d.resume(k, f.Data)
		}
		return d.identify(k, f.Data)
	case 3, 4, 8:
		if k.session == nil {
			return closeNotIdentified, "Not authenticated"
		}
		return 0, "" // presences, voice and members are of no use here
	default:
		return closeUnknownOp, "Unknown opcode"
	}
}

func (d *Discord) identify(k *link, data json.RawMessage) (code int, why string) {
	var said struct {
		Token      string
		Intents    *int64
		Properties map[string]any
	}
	switch {
	case json.Unmarshal(data, &said) != nil || said.Properties == nil:
		return closeDecode, "Error while decoding payload"
	case said.Token != BotToken && said.Token != "Bot "+BotToken:
		return closeToken, "Authentication failed"
	case said.Intents == nil || *said.Intents&^everyIntent != 0 || *said.Intents < 0:
		return closeIntents, "Invalid intent(s)"
	case *said.Intents&privileged&^d.opts.Privileged != 0:
		return closeIntentsRefused, "Disallowed intent(s)"
	}
	s := &session{id: secret(), intents: *said.Intents, link: k}
	k.session = s
	d.mu.Lock()
	d.sessions = append(d.sessions, s)
	ready := object{"v": 10, "user": d.who(BotUser).json(), "guilds": []object{{"id": GuildID, "unavailable": true}}, "session_id": s.id,
		"resume_gateway_url": d.GatewayURL(), "application": object{"id": AppID, "flags": d.applicationFlags()}, "private_channels": []object{}}
	guild := d.guildJSON()
	guild["joined_at"], guild["member_count"], guild["channels"] = stamp(d.now()), len(d.users), []object{}
	d.mu.Unlock()
	failed := s.dispatch("READY", ready)
	if failed == nil && s.intents&intentGuilds != 0 {
		failed = s.dispatch("GUILD_CREATE", guild)
	}
	if failed != nil {
		d.tb.Errorf("discordtest: %v", failed)
	}
	d.mu.Lock()
	d.touch()
	d.mu.Unlock()
	return 0, ""
}

// resume sends what the client missed.
func (d *Discord) resume(k *link, data json.RawMessage) (code int, why string) {
	var said struct {
		Token   string
		Session string `json:"session_id"`
		Seq     int64
	}
	if json.Unmarshal(data, &said) != nil {
		return closeDecode, "Error while decoding payload"
	}
	if said.Token != BotToken && said.Token != "Bot "+BotToken {
		return closeToken, "Authentication failed"
	}
	d.mu.Lock()
	at := slices.IndexFunc(d.sessions, func(s *session) bool { return s.id == said.Session })
	var s *session
	if at >= 0 {
		s = d.sessions[at]
	}
	d.mu.Unlock()
	if s == nil {
		_ = k.send(opInvalidSession, false) // the reader sees the end
		return 0, ""
	}
	s.mu.Lock()
	if said.Seq < 0 || said.Seq > int64(len(s.events)) {
		s.mu.Unlock()
		return closeSequence, "Invalid seq"
	}
	if s.link != nil {
		s.link.drop()
	}
	s.link, k.session = k, s
	for _, f := range s.events[said.Seq:] {
		_ = k.put(f) // the reader sees the end
	}
	s.mu.Unlock()
	if err := s.dispatch("RESUMED", object{"_trace": []string{"test"}}); err != nil {
		d.tb.Errorf("discordtest: %v", err)
	}
	d.mu.Lock()
	d.resumed++
	d.touch()
	d.mu.Unlock()
	return 0, ""
}
