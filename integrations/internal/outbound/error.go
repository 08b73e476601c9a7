package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Error tells why a call gave no answer. Its text is for people and holds the
// scheme, host and port of the URL at most.
type Error struct {
	What  string // what went wrong
	To    string // scheme://host:port; empty when the URL was refused
	Sent  bool   // a part of the request may have reached the far end
	cause error  // a *Denied, a context error, or nil
}

func (e *Error) Error() string {
	if e.To == "" {
		return e.What
	}
	return "call " + e.To + ": " + e.What
}

// Unwrap gives a *Denied or the error of the context, where one of them is the
// reason.
func (e *Error) Unwrap() error { return e.cause }

// explain makes an Error of what the transport says, which is full of URLs.
func explain(ctx context.Context, u *url.URL, err error, l *line) *Error {
	out := &Error{To: u.Scheme + "://" + u.Host, Sent: l.sent()}
	if ctx.Err() != nil {
		out.What, out.cause = context.Cause(ctx).Error(), ctx.Err()
		out.Sent = l.got // the transport may be writing still
		return out
	}
	if d, ok := errors.AsType[*Denied](err); ok {
		out.What, out.cause = d.Error(), d
		return out
	}
	out.What = reason(err)
	return out
}

// reason words an error of the transport without anything that the far end or
// the caller wrote.
func reason(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		if dns.IsNotFound {
			return "the host name is not known"
		}
		return "the host name could not be resolved"
	}
	if cert, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "the certificate is not trusted: " + short(cert.Err.Error())
	}
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was whole"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "the host cannot be reached"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timed out"
	}
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		err = op.Err
	}
	if strings.Contains(err.Error(), "malformed HTTP") {
		return "the answer is not HTTP"
	}
	return short(err.Error())
}

func short(s string) string {
	const most = 200
	s = strings.ToValidUTF8(strings.Map(printable, s), "")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// checkURL accepts absolute http and https URLs without userinfo.
func checkURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return nil, errors.New("the URL cannot be understood")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("the URL must begin with http:// or https://")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("the URL has no host")
	case u.User != nil:
		return nil, errors.New("the URL holds a user name or password; give a secret reference instead")
	case strings.Contains(u.Hostname(), "%"):
		return nil, errors.New("the URL has a zone or an escape in its host")
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("the URL has no such port as %s", p)
		}
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// maxRetryAfter keeps a far end from putting us off for ever.
const maxRetryAfter = time.Hour

// retryAfter reads how long a 429 or 503 asks to wait, in seconds or as a date.
func retryAfter(resp *http.Response) time.Duration {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	v := resp.Header.Get("Retry-After")
	d := time.Duration(0)
	if n, err := strconv.ParseInt(v, 10, 32); err == nil {
		d = time.Duration(n) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		d = time.Until(at)
	}
	return min(max(d, 0), maxRetryAfter)
}
