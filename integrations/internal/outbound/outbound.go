// Package outbound makes the one HTTP client by which Salve calls the outside.
//
// It promises: every address is judged when it is dialled, after names were
// resolved, so that no spelling, redirect or change of DNS gets round the rule.
// Loopback, private, link-local and other special addresses are denied unless
// the operator allows them; addresses of cloud metadata services are denied
// always. Redirects are not followed, proxies from the environment are not used,
// a call is never sent twice once a byte of it has left, bodies are capped, and
// no error holds a query, a userinfo, a header or a body.
//
// It assumes that the caller puts a deadline into ctx; there is a limit of its
// own for one who does not. On failure it returns *Error, which tells whether
// the call may have reached the far end.
package outbound

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// Options tune a Client. The zero value is ready for use and reaches public
// addresses only.
type Options struct {
	Allow    []string       // what may be called although it is not public: "10.0.0.0/8", "10.1.2.3", "10.1.2.3:8080", "db.local:8080"
	Timeout  time.Duration  // of a whole call; 0: 60 s
	MaxBody  int64          // of an answer, the rest is cut; 0: 1 MiB
	Resolver *net.Resolver  // nil: the system's
	Roots    *x509.CertPool // nil: the system's
}

// Client calls. It is safe for concurrent use and keeps connections.
type Client struct {
	http    *http.Client
	timeout time.Duration
	maxBody int64
	roots   *x509.CertPool // nil: the system's
	dial    func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Call is one request.
type Call struct {
	Method string // default GET
	URL    string
	Header http.Header
	Body   []byte // nil: none
}

// Answer is what came back, whatever its status.
type Answer struct {
	Status     int
	Header     http.Header
	Body       []byte
	Truncated  bool          // the body was longer than MaxBody
	RetryAfter time.Duration // of a 429 or 503; 0: it does not say
	Took       time.Duration
}

// The shape of the connection pool. Servers commonly drop connections that idle
// for 5 s; dropping them a little earlier keeps a request from being written to
// one that is just being closed.
const (
	keptPerHost = 256
	keptAll     = 1024
	keptFor     = 4 * time.Second
	dialTimeout = 5 * time.Second
	maxHeader   = 64 << 10
)

// New makes a Client. It fails when an entry of Allow cannot be understood.
func New(opts Options) (*Client, error) {
	rule, err := parseAllow(opts.Allow)
	if err != nil {
		return nil, err
	}
	dial := rule.dialer(opts.Resolver)
	transport := &http.Transport{
		Proxy:                  nil,
		DialContext:            dial,
		TLSClientConfig:        tlsConfig(opts.Roots),
		TLSHandshakeTimeout:    10 * time.Second,
		DisableCompression:     true,
		MaxIdleConns:           keptAll,
		MaxIdleConnsPerHost:    keptPerHost,
		IdleConnTimeout:        keptFor,
		MaxResponseHeaderBytes: maxHeader,
	}
	return &Client{
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		timeout: cmp.Or(opts.Timeout, time.Minute),
		maxBody: cmp.Or(opts.MaxBody, 1<<20),
		roots:   opts.Roots,
		dial:    dial,
	}, nil
}

// Close drops the kept connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Do sends the call and reads the answer. An answer of any status is no error.
// The error is an *Error.
func (c *Client) Do(ctx context.Context, call Call) (Answer, error) {
	u, err := checkURL(call.URL)
	if err != nil {
		return Answer{}, &Error{What: err.Error()}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, fmt.Errorf("no answer within %s", c.timeout))
	defer cancel()
	began := time.Now()
	for try := 0; ; try++ {
		answer, line, err := c.once(ctx, call, u)
		if err == nil {
			answer.Took = time.Since(began)
			return answer, nil
		}
		// A kept connection that the far end closed meanwhile: nothing was
		// written, so that the next one may have it.
		if line.reused && !line.sent() && ctx.Err() == nil && try < 3 {
			continue
		}
		return Answer{}, explain(ctx, u, err, line)
	}
}

func (c *Client) once(ctx context.Context, call Call, u *url.URL) (Answer, *line, error) {
	l := &line{}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, l.trace()), cmp.Or(call.Method, http.MethodGet), u.String(), nil)
	if err != nil {
		return Answer{}, l, errors.New("the method is not one that HTTP knows")
	}
	fill(req, call)
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, l, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.maxBody+1))
	if err != nil {
		return Answer{}, l, fmt.Errorf("read the answer: %w", err)
	}
	cut := int64(len(body)) > c.maxBody
	if cut {
		body = body[:c.maxBody]
	}
	return Answer{
		Status: resp.StatusCode, Header: resp.Header, Body: body, Truncated: cut,
		RetryAfter: retryAfter(resp),
	}, l, nil
}

// fill puts headers and body into the request in a way that keeps the transport
// from sending it twice by itself: it repeats a request on a new connection when
// the method is harmless or an Idempotency-Key (in just that spelling) is there,
// and the body is absent or can be had again.
func fill(req *http.Request, call Call) {
	for k, v := range call.Header {
		switch http.CanonicalHeaderKey(k) {
		case "Idempotency-Key":
			req.Header["idempotency-key"] = v
		case "X-Idempotency-Key":
			req.Header["x-idempotency-key"] = v
		default:
			req.Header[http.CanonicalHeaderKey(k)] = v
		}
	}
	switch {
	case len(call.Body) > 0:
		req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(call.Body)), int64(len(call.Body))
	case lacksBody(req.Method):
		req.Body = io.NopCloser(bytes.NewReader(nil))
	}
}

func lacksBody(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	default:
		return false
	}
}

// line watches the connection that a request is given.
type line struct {
	got    bool
	reused bool
	conn   *counted
	before int64
}

func (l *line) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		l.got, l.reused = true, info.Reused
		if l.conn = countedOf(info.Conn); l.conn != nil {
			l.before = l.conn.written.Load()
		}
	}}
}

// sent reports whether a byte of the request may have left.
func (l *line) sent() bool {
	return l.got && (l.conn == nil || l.conn.written.Load() != l.before)
}

// counted is a connection that counts what is written to it.
type counted struct {
	net.Conn
	written atomic.Int64
}

func (c *counted) Write(b []byte) (int, error) {
	c.written.Add(int64(len(b))) // before: a write that fails half way has sent
	return c.Conn.Write(b)
}

func countedOf(c net.Conn) *counted {
	if t, ok := c.(interface{ NetConn() net.Conn }); ok {
		c = t.NetConn()
	}
	out, _ := c.(*counted)
	return out
}
