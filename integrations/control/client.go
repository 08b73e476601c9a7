package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/secret"
)

// Client speaks to a Server. It is what the command line uses.
type Client struct {
	http  *http.Client
	base  string
	token secret.Secret
	where string // for messages

	mu  sync.Mutex
	rev *int64 // of the last wait; nil: there was none
}

// NewUnixClient speaks over a unix socket; the kernel tells the server who it is.
func NewUnixClient(path string) *Client {
	var d net.Dialer
	t := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return d.DialContext(ctx, "unix", path) }}
	return &Client{http: &http.Client{Transport: t, Timeout: time.Minute}, base: "http://salve", where: path}
}

// NewHTTPClient speaks to a server elsewhere with a person's token. The address
// is https, or http on loopback.
func NewHTTPClient(base string, token secret.Secret) (*Client, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || (u.Scheme != "https" && !(u.Scheme == "http" && loopbackHost(u.Host))) {
		return nil, fmt.Errorf("%q is not an https address", base)
	}
	c := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Client{http: c, base: strings.TrimSuffix(base, "/"), token: token, where: base}, nil
}

// Do gives a command.
func (c *Client) Do(ctx context.Context, cmd bot.Command) (bot.Answer, error) {
	var a bot.Answer
	return a, c.Send(ctx, http.MethodPost, "/v1/commands", cmd, &a)
}

// Get reads JSON into out.
func (c *Client) Get(ctx context.Context, path string, q url.Values, out any) error {
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return c.Send(ctx, http.MethodGet, path, nil, out)
}

// Text reads an answer that is not JSON.
func (c *Client) Text(ctx context.Context, path string) (string, error) {
	b, err := c.exchange(ctx, http.MethodGet, path, nil)
	return string(b), err
}

// WaitForChange returns when something has changed since it last returned, or
// after a while; the first time at once. Read after it and nothing is missed.
func (c *Client) WaitForChange(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	q := url.Values{}
	if c.rev != nil {
		q.Set("after", strconv.FormatInt(*c.rev, 10))
	}
	var now revision
	if err := c.Get(ctx, "/v1/live", q, &now); err != nil {
		return err
	}
	c.rev = &now.Revision
	return nil
}

// Send sends in as JSON, unless it is nil, and reads the answer into out, unless
// that is nil.
func (c *Client) Send(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	b, err := c.exchange(ctx, method, path, body)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.where, err)
	}
	return nil
}

const maxAnswer = 64 << 20

func (c *Client) exchange(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if t := c.token.Reveal(); t != "" {
		req.Header.Set("Authorization", "Bearer "+t)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", c.where, err)
	}
	if resp.StatusCode/100 == 2 {
		return b, nil
	}
	var p problem
	if json.Unmarshal(b, &p) != nil || p.Code == "" {
		return nil, fmt.Errorf("%s answered %s; is that a Salve?", c.where, resp.Status)
	}
	return nil, bot.Refuse(p.Code, p.Why, p.Next)
}

func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var late net.Error
	switch {
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s is for the user that runs Salve: become that user (sudo -u), or use --server with a token of yours", c.where)
	case errors.As(err, &late) && late.Timeout():
		return fmt.Errorf("the Salve at %s did not answer within %s; try again, its log says what it is busy with", c.where, c.http.Timeout)
	}
	if oe, ok := errors.AsType[*net.OpError](err); ok {
		err = oe
	}
	return fmt.Errorf("no Salve answers at %s: %w; start it with `salve serve` or `salve demo`, or name another with --socket or --server", c.where, err)
}
