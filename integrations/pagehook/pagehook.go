// Package pagehook pages by a webhook: a POST of JSON to an address that the
// operator names, signed.
//
// The body:
//
//	{"version": 1, "action": "trigger", "key": "page/chat/I-142", "nonce": "...",
//	 "tone": "urgent", "summary": "one line", "text": "several lines",
//	 "links": [{"text": "I-142", "url": "https://..."}]}
//
// action is trigger (a new page), update (the same page, changed) or resolve (it
// is over). key is the same for all pages of one incident: who takes them makes
// one thing of it. tone is urgent, asking, busy, good or quiet.
//
// Each call has the header Salve-Signature: t=UNIXTIME,v1=HEX. HEX is the
// HMAC-SHA256, with the secret as key, of the digits of t, a dot and the body.
// Who takes it compares in constant time and refuses a t that is more than five
// minutes away. The header Idempotency-Key is the same when the same is sent
// again, so what may have been taken is simply sent again, and Find finds
// nothing.
//
// It assumes a far end that answers 200 to 299 when it has taken the page. On
// failure it returns a *bot.SendError without the secret, the path or the query
// of the address, or text of the far end.
package pagehook

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
	"salve/integrations/internal/paging"
)

// Options tune a Pager. The zero value is ready for use.
type Options struct {
	Allow []string // destinations beyond public addresses
}

// Pager sends pages. It is safe for concurrent use.
type Pager struct {
	url, key secret.Secret
	far      paging.Far
	client   *outbound.Client
}

// New takes the address, which may be a secret as a whole, and the secret that
// signs.
func New(url, key secret.Secret, opts Options) (*Pager, error) {
	switch {
	case !paging.Address(url.Reveal()):
		return nil, errors.New("pagehook: url is not an http or https address")
	case key.IsZero():
		return nil, errors.New("pagehook: the secret that signs is empty; agree on one with whoever takes the pages")
	}
	client, err := outbound.New(outbound.Options{Allow: opts.Allow, Timeout: 15 * time.Second, MaxBody: 4 << 10})
	if err != nil {
		return nil, fmt.Errorf("pagehook: %w", err)
	}
	return &Pager{url: url, key: key, far: paging.Far{Name: "the webhook", Key: "secret"}, client: client}, nil
}

// Close drops kept connections.
func (p *Pager) Close() { p.client.Close() }

// Reach looks whether whoever takes the pages can be reached. It wakes nobody.
func (p *Pager) Reach(ctx context.Context) error { return p.client.Reach(ctx, p.url.Reveal()) }

// The actions of a call.
const (
	trigger = "trigger"
	update  = "update"
	resolve = "resolve"
)

type body struct {
	Version int    `json:"version"`
	Action  string `json:"action"`
	Key     string `json:"key"`
	Nonce   string `json:"nonce"`
	Tone    string `json:"tone"`
	Summary string `json:"summary"`
	Text    string `json:"text"`
	Links   []link `json:"links,omitempty"`
}

type link struct {
	Text string `json:"text"`
	URL  string `json:"url"`
}

// Post sends a page.
func (p *Pager) Post(ctx context.Context, parcel bot.Parcel) (bot.Mark, error) {
	if err := p.send(ctx, trigger, parcel); err != nil {
		return bot.Mark{}, err
	}
	return bot.Mark{Place: parcel.Place, Ref: cmp.Or(parcel.Nonce, paging.Key(parcel.Key, 128))}, nil
}

// Edit sends that the page is over when the tone is good, else what it says now.
func (p *Pager) Edit(ctx context.Context, _ bot.Mark, parcel bot.Parcel) error {
	return p.send(ctx, update, parcel)
}

// Find finds nothing: who takes a page knows repeats by their Idempotency-Key.
func (*Pager) Find(context.Context, bot.Parcel, time.Time) (bot.Mark, bool, error) {
	return bot.Mark{}, false, nil
}

func (p *Pager) send(ctx context.Context, action string, parcel bot.Parcel) error {
	m := parcel.Message
	if m.Tone == bot.ToneGood {
		action = resolve
	}
	said := body{
		Version: 1, Action: action, Key: parcel.Key, Nonce: parcel.Nonce, Tone: string(m.Tone),
		Summary: paging.Line(m.Alone, 1024), Text: paging.Text(m, 16000),
	}
	for _, l := range paging.Links(m, 10) {
		said.Links = append(said.Links, link(l))
	}
	b, err := json.Marshal(said)
	if err != nil {
		return &bot.SendError{Fault: bot.SendRefused, Why: "the page cannot be written as JSON"}
	}
	a, err := p.client.Do(ctx, outbound.Call{Method: http.MethodPost, URL: p.url.Reveal(), Body: b, Header: http.Header{
		"Content-Type":    {"application/json"},
		"User-Agent":      {"Salve"},
		"Salve-Signature": {Sign(p.key, time.Now(), b)},
		"Idempotency-Key": {idempotency(action, parcel, b)},
	}})
	return p.far.Fault(a, err)
}

// idempotency is the nonce of what is new, and beside it a sum of what is changed,
// so that a change is no repeat of what it changes.
func idempotency(action string, parcel bot.Parcel, b []byte) string {
	nonce := paging.Key(cmp.Or(parcel.Nonce, parcel.Key), 128)
	if action == trigger {
		return nonce
	}
	sum := sha256.Sum256(b)
	return nonce + "-" + hex.EncodeToString(sum[:8])
}

// Sign is the value of the header Salve-Signature for a body that is sent at a
// time.
func Sign(key secret.Secret, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
