package heads

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
)

// URLOptions tune a URL.
type URLOptions struct {
	Bearer  secret.Secret // sent with each call; zero: nothing is
	Allow   []string      // destinations beyond public addresses
	Timeout time.Duration // of a call; 0: 10 s
	MaxBody int64         // of an answer; 0: 128 KiB
}

// URL is an address below which each head is an object of its own.
type URL struct {
	base   *url.URL
	bearer secret.Secret
	client *outbound.Client
}

// NewURL takes the address of a folder of objects; https, or http within
// opts.Allow.
func NewURL(base string, opts URLOptions) (*URL, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%q is not the address of a folder: https://host/path, without user, query and fragment", base)
	}
	client, err := outbound.New(outbound.Options{Allow: opts.Allow, Timeout: cmp.Or(opts.Timeout, 10*time.Second), MaxBody: cmp.Or(opts.MaxBody, maxTail)})
	if err != nil {
		return nil, err
	}
	return &URL{base: u, bearer: opts.Bearer, client: client}, nil
}

// Name is the address.
func (u *URL) Name() string { return u.base.String() }

// Close drops kept connections.
func (u *URL) Close() { u.client.Close() }

// ObjectName is the name of the head of so many Events; names sort as sizes do.
func ObjectName(size int64) string { return fmt.Sprintf("%019d.head", size) }

// Newest reads the head of size hint, since a folder of objects cannot be listed
// in a way that all servers know; nil if it is not there.
func (u *URL) Newest(ctx context.Context, hint int64) ([]byte, error) {
	if hint <= 0 {
		return nil, nil
	}
	return u.get(ctx, u.object(hint))
}

// Read reads one object, or any address below which a head is; nil if there is
// nothing.
func (u *URL) Read(ctx context.Context) ([]byte, error) { return u.get(ctx, u.base.String()) }

func (u *URL) object(size int64) string {
	to := *u.base
	to.Path, to.RawPath = path.Join("/", to.Path, ObjectName(size)), ""
	return to.String()
}

// Put makes the object, if it is not there yet. A server that knows no
// If-None-Match is asked first, so that it overwrites nothing either.
func (u *URL) Put(ctx context.Context, size int64, note []byte) error {
	there, err := u.get(ctx, u.object(size))
	if err != nil {
		return err
	}
	if there == nil {
		taken, err := u.put(ctx, size, note)
		if err != nil || !taken {
			return err
		}
		if there, err = u.get(ctx, u.object(size)); err != nil {
			return err
		}
	}
	if there != nil && !sameText(bytes.TrimLeft(there, "\n"), note) {
		return fmt.Errorf("%w: %s has another head of %d events", bot.ErrConflict, u.Name(), size)
	}
	return nil
}

func (u *URL) put(ctx context.Context, size int64, note []byte) (taken bool, err error) {
	h := u.header()
	h.Set("If-None-Match", "*")
	h.Set("Content-Type", "text/plain; charset=utf-8")
	a, err := u.client.Do(ctx, outbound.Call{Method: http.MethodPut, URL: u.object(size), Header: h, Body: note})
	switch {
	case err != nil:
		return false, err
	case a.Status == http.StatusPreconditionFailed || a.Status == http.StatusConflict:
		return true, nil
	case a.Status < 200 || a.Status > 299:
		return false, fmt.Errorf("put a head to %s: the answer was %d", u.base.Host, a.Status)
	}
	return false, nil
}

func (u *URL) get(ctx context.Context, address string) ([]byte, error) {
	a, err := u.client.Do(ctx, outbound.Call{URL: address, Header: u.header()})
	switch {
	case err != nil:
		return nil, err
	case a.Status == http.StatusNotFound || a.Status == http.StatusGone:
		return nil, nil
	case a.Status != http.StatusOK || a.Truncated:
		return nil, fmt.Errorf("read a head from %s: the answer was %d and of %d bytes", u.base.Host, a.Status, len(a.Body))
	}
	return a.Body, nil
}

func (u *URL) header() http.Header {
	h := http.Header{}
	if token := u.bearer.Reveal(); token != "" {
		h.Set("Authorization", "Bearer "+strings.TrimSpace(token))
	}
	return h
}
