package outbound

import (
	"context"
	"net"
	"net/http"
)

// HTTP is for a library that makes its calls itself. The rules of egress, of
// redirects and of time hold; a body that is longer than MaxBody ends in an
// error of its reader. What a library puts into its errors is its own affair:
// whoever shows them takes out what is secret.
func (c *Client) HTTP() *http.Client {
	return &http.Client{
		Transport:     bounded{base: c.http.Transport, limit: c.maxBody},
		CheckRedirect: c.http.CheckRedirect,
		Timeout:       c.timeout,
	}
}

// Dial opens a connection under the rules of egress, for a library that speaks
// something else than HTTP.
func (c *Client) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return c.dial(ctx, network, addr)
}

// bounded cuts the bodies of answers.
type bounded struct {
	base  http.RoundTripper
	limit int64
}

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := b.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = http.MaxBytesReader(nil, resp.Body, b.limit)
	}
	return resp, nil
}
