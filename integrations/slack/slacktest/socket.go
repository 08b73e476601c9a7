package slacktest

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	maxSockets = 10     // of one app
	maxAck     = 20_000 // bytes; Slack drops a larger one and says nothing
	pingEvery  = 5 * time.Second
	writeTime  = 5 * time.Second
)

// socket is one connection in Socket Mode.
type socket struct {
	conn  *websocket.Conn
	write sync.Mutex
	gone  chan struct{} // closed when nothing more comes from it
}

func (k *socket) send(value any) error {
	k.write.Lock()
	defer k.write.Unlock()
	_ = k.conn.SetWriteDeadline(time.Now().Add(writeTime)) // a failure shows in the write
	return k.conn.WriteJSON(value)
}

func (k *socket) drop() { _ = k.conn.Close() } // it was to end anyway

// serveSocket takes a connection for which apps.connections.open gave a ticket.
func (s *Slack) serveSocket(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	ticket := r.URL.Query().Get("ticket")
	good := s.tickets[ticket] && !s.closed
	delete(s.tickets, ticket)
	if good {
		s.begun.Add(1)
	}
	s.mu.Unlock()
	if !good {
		http.Error(w, "ticket refused", http.StatusUnauthorized)
		return
	}
	defer s.begun.Done()
	// Clients name https://api.slack.com as their origin, whatever they dial.
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := up.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	k := &socket{conn: conn, gone: make(chan struct{})}
	defer k.drop()
	if s.greet(k) {
		s.listen(k)
	}
}

// greet says hello, or that there are too many.
func (s *Slack) greet(k *socket) bool {
	s.mu.Lock()
	n := len(s.sockets) + 1
	s.mu.Unlock()
	if n > maxSockets {
		_ = k.send(disconnect("too_many_websockets")) // it ends either way
		return false
	}
	hello := map[string]any{
		"type": "hello", "num_connections": n, "connection_info": map[string]any{"app_id": AppID},
		"debug_info": map[string]any{"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
	}
	if k.send(hello) != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.sockets = append(s.sockets, k)
	s.touch()
	return true
}

func (s *Slack) listen(k *socket) {
	var pings sync.WaitGroup
	pings.Go(k.ping)
	for {
		_, raw, err := k.conn.ReadMessage()
		if err != nil {
			break
		}
		s.acknowledge(raw)
	}
	s.mu.Lock()
	s.sockets = slices.DeleteFunc(slices.Clone(s.sockets), func(other *socket) bool { return other == k })
	s.touch()
	s.mu.Unlock()
	close(k.gone)
	pings.Wait()
}

// ping keeps the client from thinking that Slack is gone.
func (k *socket) ping() {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = k.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTime)) // the reader sees the end
		case <-k.gone:
			return
		}
	}
}

// envelope is what goes over a socket and is to be acknowledged.
type envelope struct {
	id    string
	acked chan struct{}
	ack   json.RawMessage
	acks  int
	lost  int // acknowledgements that were too large
}

func (s *Slack) acknowledge(raw []byte) {
	var ack struct {
		ID      string          `json:"envelope_id"`
		Payload json.RawMessage `json:"payload"`
	}
	if json.Unmarshal(raw, &ack) != nil {
		return // Slack says nothing
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.envelopes[ack.ID]
	if e == nil {
		return
	}
	if len(raw) > maxAck {
		e.lost++
		s.touch()
		return
	}
	if e.acks++; e.acks == 1 {
		e.ack = ack.Payload
		close(e.acked)
	}
	s.touch()
}

func disconnect(reason string) map[string]any {
	return map[string]any{"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "applink-1"}}
}

// Disconnect tells every socket that it ends: "warning" before it does,
// "refresh_requested" or "link_disabled" when it does.
func (s *Slack) Disconnect(reason string) {
	s.mu.Lock()
	sockets := s.sockets
	s.mu.Unlock()
	for _, k := range sockets {
		_ = k.send(disconnect(reason)) // one that is gone needs no telling
		if reason != "warning" {
			k.drop()
		}
	}
}

// DropSockets ends every socket without a word.
func (s *Slack) DropSockets() {
	s.mu.Lock()
	sockets := s.sockets
	s.mu.Unlock()
	for _, k := range sockets {
		k.drop()
	}
}

// Sockets is how many are connected.
func (s *Slack) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// nextSocket takes turns; nil when none came within the time.
func (s *Slack) nextSocket(within time.Duration) *socket {
	if !s.Await(within, func() bool { return s.Sockets() > 0 }) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sockets) == 0 {
		return nil
	}
	s.next++
	return s.sockets[s.next%len(s.sockets)]
}
