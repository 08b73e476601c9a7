package slacktest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Endpoints are where the app hears over HTTP; what is empty goes over sockets.
type Endpoints struct {
	Commands, Interactions, Events string
}

// OverHTTP makes what people do go to the endpoints; zero: over sockets again.
func (s *Slack) OverHTTP(e Endpoints) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.http = e
}

// Forgery is what is wrong with a request that pretends to be Slack's.
type Forgery string

// The forgeries.
const (
	ForgeNothing   Forgery = ""
	ForgeOld       Forgery = "old"       // signed well, 6 minutes ago
	ForgeEarly     Forgery = "early"     // signed well, in 6 minutes
	ForgeSignature Forgery = "signature" // signed with another secret
	ForgeUnsigned  Forgery = "unsigned"  // without the headers
	ForgeReencoded Forgery = "reencoded" // the same fields, in other bytes than were signed
	ForgeQuery     Forgery = "query"     // another payload in the query string, beside a body that was signed
)

// Forge makes the next request over HTTP, and no other, wrong in this way.
func (s *Slack) Forge(f Forgery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgery = f
}

// signed is a request as it was sent.
type signed struct {
	url    string
	kind   string // content type
	body   []byte
	header map[string]string
}

func (s *Slack) address(kind string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return map[string]string{"slash_commands": s.http.Commands, "interactive": s.http.Interactions, "events_api": s.http.Events}[kind]
}

// post sends it over HTTP and tells whether to try again.
func (s *Slack) post(h *Heard, d *delivery) (again bool) {
	if d.request == nil {
		d.request = s.sign(d)
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.opts.AckWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.request.url, bytes.NewReader(d.request.body))
	if err != nil {
		s.tb.Errorf("slacktest: make a request: %v", err)
		return false
	}
	r.Header.Set("Content-Type", d.request.kind)
	r.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	for name, value := range d.request.header {
		r.Header.Set(name, value)
	}
	if d.retry > 0 && d.kind == "events_api" {
		r.Header.Set("X-Slack-Retry-Num", strconv.Itoa(d.retry))
		r.Header.Set("X-Slack-Retry-Reason", "http_timeout")
	}
	answer, err := s.server.Client().Do(r)
	if err != nil {
		return d.kind == "events_api"
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	h.Status = answer.StatusCode
	h.Body, err = io.ReadAll(io.LimitReader(answer.Body, maxRequest))
	h.Acked = err == nil && answer.StatusCode/100 == 2
	return d.kind == "events_api" && answer.Header.Get("X-Slack-No-Retry") != "1"
}

// sign makes the request, wrong if it is to be.
func (s *Slack) sign(d *delivery) *signed {
	address := s.address(d.kind)
	s.mu.Lock()
	defer s.mu.Unlock()
	forgery := s.forgery
	s.forgery = ForgeNothing
	out := &signed{url: address}
	out.kind, out.body = encode(d)
	at, key := s.now(), SigningSecret
	switch forgery {
	case ForgeOld:
		at = at.Add(-6 * time.Minute)
	case ForgeEarly:
		at = at.Add(6 * time.Minute)
	case ForgeSignature:
		key = "another secret"
	}
	out.header = Sign(key, at, out.body)
	switch forgery {
	case ForgeUnsigned:
		out.header = nil
	case ForgeReencoded:
		out.body = append(bytes.Clone(out.body), ' ')
		if d.kind != "events_api" {
			out.body = append(bytes.TrimSpace(out.body), "&"...)
		}
	case ForgeQuery:
		out.url += "?payload=" + url.QueryEscape(`{"type":"block_actions","user":{"id":"U0FORGED"},"actions":[]}`) + "&text=forged&user_id=U0FORGED"
	}
	return out
}

// Sign makes the headers of a body that Slack sends at the time.
func Sign(secret string, at time.Time, body []byte) map[string]string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "v0:%s:", stamp) // a hash never fails
	_, _ = mac.Write(body)
	return map[string]string{"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=" + hex.EncodeToString(mac.Sum(nil))}
}

func encode(d *delivery) (kind string, body []byte) {
	encoded, _ := json.Marshal(d.payload) // it holds nothing but JSON
	switch d.kind {
	case "events_api":
		return "application/json", encoded
	case "interactive":
		return "application/x-www-form-urlencoded", []byte(url.Values{"payload": {string(encoded)}}.Encode())
	default:
		form := url.Values{}
		for name, value := range d.payload {
			form.Set(name, fmt.Sprint(value))
		}
		return "application/x-www-form-urlencoded", []byte(form.Encode())
	}
}

// Challenge sends what Slack sends when the address for events is set, and
// returns what came back.
func (s *Slack) Challenge() (challenge string, h Heard) {
	challenge = secret()
	h = s.begin("")
	d := &delivery{kind: "events_api", payload: map[string]any{"type": "url_verification", "token": "verification", "challenge": challenge}}
	return challenge, s.deliver(h, d)
}
