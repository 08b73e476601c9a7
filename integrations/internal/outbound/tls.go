package outbound

import (
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
