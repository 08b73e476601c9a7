package trial

import (
	"errors"
	"net"
	"sync"
	"time"
)

// Mode is what a Proxy does with connections.
type Mode string

// The modes of a Proxy. Connections that hung go on after it; half-open ones,
// whose far side was closed without the near one being told, are reset then.
const (
	Pass   Mode = "pass"   // forward
	Refuse Mode = "refuse" // reset those there are, and every new one
	Hang   Mode = "hang"   // accept and forward nothing
	Half   Mode = "half"   // close the far side, say nothing to the near one, and go on as Hang
)

// Proxy is a TCP connection to a server that can be made bad. Its zero Mode is
// Pass.
type Proxy struct {
	ln net.Listener
	to string

	mu      sync.Mutex
	changed *sync.Cond
	mode    Mode
	delay   time.Duration
	closed  bool
	pairs   map[*pair]bool
	running sync.WaitGroup
}

// pair is one connection, as both sides see it. far is nil until it is made.
type pair struct{ near, far net.Conn }

func (c *pair) close() {
	_ = c.near.(*net.TCPConn).SetLinger(0) // a reset: what is under way is lost
	_ = c.near.Close()
	if c.far != nil {
		_ = c.far.Close()
	}
}

// StartProxy forwards from a free loopback port to an address. Close it.
func StartProxy(to string) (*Proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{ln: ln, to: to, mode: Pass, pairs: map[*pair]bool{}}
	p.changed = sync.NewCond(&p.mu)
	p.running.Go(p.accept)
	return p, nil
}

// Addr is where it listens.
func (p *Proxy) Addr() string { return p.ln.Addr().String() }

// Set changes what it does, and how late each piece is forwarded.
func (p *Proxy) Set(mode Mode, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mode, p.delay = mode, delay
	for c := range p.pairs {
		switch {
		case mode == Refuse:
			c.close()
		case mode == Half && c.far != nil:
			_ = c.far.Close()
		}
	}
	p.changed.Broadcast()
}

// Close resets every connection and waits for what is under way.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	for c := range p.pairs {
		c.close()
	}
	p.changed.Broadcast()
	p.mu.Unlock()
	err := p.ln.Close()
	p.running.Wait()
	return err
}

func (p *Proxy) accept() {
	for {
		near, err := p.ln.Accept()
		if err != nil {
			return // closed
		}
		p.running.Go(func() { p.carry(&pair{near: near}) })
	}
}

// carry makes the far side and forwards until either side ends.
func (p *Proxy) carry(c *pair) {
	p.mu.Lock()
	p.pairs[c] = true
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.pairs, c)
		p.mu.Unlock()
		c.close()
	}()
	if err := p.leave(); err != nil {
		return
	}
	far, err := net.DialTimeout("tcp", p.to, 5*time.Second)
	if err != nil {
		return
	}
	p.mu.Lock()
	c.far = far
	gone := p.closed || p.mode == Refuse
	p.mu.Unlock()
	if gone {
		return
	}
	var both sync.WaitGroup
	both.Go(func() { p.forward(c, far, c.near) })
	both.Go(func() { p.forward(c, c.near, far) })
	both.Wait()
}

// forward copies one direction. When it ends, both do, but not before whoever
// hangs may be told.
func (p *Proxy) forward(c *pair, to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if lerr := p.leave(); lerr != nil || err != nil {
			break
		}
		if _, err := to.Write(buf[:n]); err != nil {
			break
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c.close()
}

var errCut = errors.New("the connection is cut")

// leave waits until something may be forwarded; an error says that nothing may
// be any more.
func (p *Proxy) leave() error {
	p.mu.Lock()
	for !p.closed && (p.mode == Hang || p.mode == Half) {
		p.changed.Wait()
	}
	cut, delay := p.closed || p.mode == Refuse, p.delay
	p.mu.Unlock()
	if cut {
		return errCut
	}
	time.Sleep(delay)
	return nil
}
