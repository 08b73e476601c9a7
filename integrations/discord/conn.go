package discord

import (
	"context"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"salve/bot"
)

// silent is for how long nothing may come: Discord answers a heartbeat, of which
// there is one in 41 seconds.
const silent = 90 * time.Second

// wire is the connection that the library works with, taken away from it when it
// is to end, and watched for silence. The library has neither a context nor a
// deadline.
type wire struct {
	mu      sync.Mutex
	conn    net.Conn
	closed  bool
	readers sync.WaitGroup
}

type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

func (w *wire) dial(dial dialer) dialer {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.closed {
			_ = conn.Close() // nobody has used it
			return nil, net.ErrClosed
		}
		w.conn = conn
		return &watched{Conn: conn, wire: w}, nil
	}
}

// close ends the connection, whoever reads it.
func (w *wire) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.conn != nil {
		_ = w.conn.Close() // it may be closed already
	}
}

// idle waits until nobody reads any more.
func (w *wire) idle() { w.readers.Wait() }

// watched is a connection that ends when nothing comes.
type watched struct {
	net.Conn
	wire *wire
}

func (c *watched) Read(b []byte) (int, error) {
	c.wire.mu.Lock()
	if c.wire.closed {
		c.wire.mu.Unlock()
		return 0, net.ErrClosed
	}
	c.wire.readers.Add(1)
	c.wire.mu.Unlock()
	defer c.wire.readers.Done()
	_ = c.SetReadDeadline(time.Now().Add(silent)) // a closed connection says so by itself
	return c.Conn.Read(b)
}

// knockAt sees that the gateway answers: it greets before anybody says who they
// are, so that no session is begun.
func (c *Client) knockAt(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "wss" && u.Scheme != "ws" {
		return &bot.SendError{Fault: bot.SendUnsure, Why: "Discord's answer was not understood"}
	}
	d := websocket.Dialer{NetDialContext: c.out.Dial, HandshakeTimeout: 10 * time.Second}
	conn, _, err := d.DialContext(ctx, address+"?v=10&encoding=json", nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second)) // a closed connection says so by itself
	conn.SetReadLimit(64 << 10)
	if _, _, err = conn.ReadMessage(); err != nil {
		return err
	}
	return nil
}
