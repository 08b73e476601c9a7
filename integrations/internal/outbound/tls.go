package outbound

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
)

// DialTLS is Dial with TLS from the first byte, to a server whose certificate is
// trusted for the host of addr.
func (c *Client) DialTLS(ctx context.Context, network, addr string) (net.Conn, error) {
	cfg, err := c.TLS(addr)
	if err != nil {
		return nil, err
	}
	conn, err := c.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	secured := tls.Client(conn, cfg)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return secured, nil
}

// Reach connects to the host of an address, with TLS where it is https, and says
// nothing to it. The error is an *Error.
func (c *Client) Reach(ctx context.Context, address string) error {
	u, err := checkURL(address)
	if err != nil {
		return &Error{What: err.Error()}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no connection within %s", c.timeout))
	defer cancel()
	dial, port := c.DialTLS, "443"
	if u.Scheme == "http" {
		dial, port = c.Dial, "80"
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port)))
	if err != nil {
		return explain(ctx, u, err, &line{})
	}
	_ = conn.Close() // that it was there is all that was asked
	return nil
}

// TLS is how the host of addr, which is host:port, must prove who it is, for a
// protocol that begins in clear.
func (c *Client) TLS(addr string) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%q is not host:port", addr)
	}
	cfg := tlsConfig(c.roots)
	cfg.ServerName = host
	return cfg, nil
}
