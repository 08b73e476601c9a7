// Package opsgenie wakes people by Opsgenie (Alert API v2) and asks it who is on
// call.
//
// It promises that a page is one open alert there however often it is sent: the
// key of the Parcel is its alias, so posting again does no harm, Find never finds
// anything, and what may have been taken is simply sent again. Editing with the
// tone good closes it; an alert that is gone already is closed.
//
// It assumes an API integration whose key may create alerts; asking who is on
// call needs a key that may read configuration. Keys are sent to the configured
// address alone. On failure it returns a *bot.SendError without any key, query or
// text of the far end.
package opsgenie

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
	"salve/integrations/internal/paging"
)

// APIURL is where Opsgenie answers; customers of its European region use
// https://api.eu.opsgenie.com.
const APIURL = "https://api.opsgenie.com"

// Options tune a Pager or an OnCall. The zero value is ready for use.
type Options struct {
	URL    string   // "": APIURL
	Source string   // what the alerts come from, as people there read it; "": salve
	Allow  []string // destinations beyond public addresses
}

// The limits of an alert.
const (
	maxMessage     = 130
	maxAlias       = 512
	maxDescription = 15000
)

// api calls Opsgenie.
type api struct {
	key    secret.Secret
	opts   Options
	client *outbound.Client
}

func newAPI(key secret.Secret, opts Options) (api, error) {
	if key.IsZero() {
		return api{}, errors.New("opsgenie: the API key is empty; it stands on the page of the API integration in Opsgenie")
	}
	opts.URL = strings.TrimRight(cmp.Or(opts.URL, APIURL), "/")
	opts.Source = paging.Line(cmp.Or(opts.Source, "salve"), 100)
	if !paging.Address(opts.URL) {
		return api{}, errors.New("opsgenie: url is not an http or https address; write for example " + APIURL)
	}
	client, err := outbound.New(outbound.Options{Allow: opts.Allow, Timeout: 15 * time.Second, MaxBody: 256 << 10})
	if err != nil {
		return api{}, fmt.Errorf("opsgenie: %w", err)
	}
	return api{key: key, opts: opts, client: client}, nil
}

// Close drops kept connections.
func (a api) Close() { a.client.Close() }

func (a api) call(ctx context.Context, method, path string, body []byte) (outbound.Answer, error) {
	h := http.Header{"Authorization": {"GenieKey " + a.key.Reveal()}}
	if body != nil {
		h.Set("Content-Type", "application/json")
	}
	return a.client.Do(ctx, outbound.Call{Method: method, URL: a.opts.URL + path, Header: h, Body: body})
}

// Pager sends pages. It is safe for concurrent use.
type Pager struct {
	api
	far paging.Far
}

// New makes a Pager for an API integration.
func New(apiKey secret.Secret, opts Options) (*Pager, error) {
	a, err := newAPI(apiKey, opts)
	if err != nil {
		return nil, err
	}
	return &Pager{api: a, far: paging.Far{Name: "Opsgenie", Key: "api_key"}}, nil
}

// Reach looks whether Opsgenie can be reached. It wakes nobody.
func (p *Pager) Reach(ctx context.Context) error { return p.client.Reach(ctx, p.opts.URL) }

// alert is the body of a call that makes one.
type alert struct {
	Message     string `json:"message"`
	Alias       string `json:"alias"`
	Description string `json:"description,omitempty"`
	Source      string `json:"source"`
	Priority    string `json:"priority"`
}

// priority is how a Message's tone is said there.
func priority(t bot.Tone) string {
	switch t {
	case bot.ToneAsking:
		return "P2"
	case bot.ToneBusy:
		return "P3"
	case bot.ToneQuiet, bot.ToneGood:
		return "P5"
	default:
		return "P1" // urgent, and what nobody knows
	}
}

// Post makes an alert, or counts one more for the open one of the same key.
func (p *Pager) Post(ctx context.Context, parcel bot.Parcel) (bot.Mark, error) {
	alias := paging.Key(parcel.Key, maxAlias)
	if err := p.send(ctx, alias, parcel.Message); err != nil {
		return bot.Mark{}, err
	}
	return bot.Mark{Place: parcel.Place, Ref: alias}, nil
}

// Edit closes the alert when the tone is good, else counts one more for it.
func (p *Pager) Edit(ctx context.Context, mark bot.Mark, parcel bot.Parcel) error {
	return p.send(ctx, cmp.Or(mark.Ref, paging.Key(parcel.Key, maxAlias)), parcel.Message)
}

// Find finds nothing: posting the same key again is harmless.
func (*Pager) Find(context.Context, bot.Parcel, time.Time) (bot.Mark, bool, error) {
	return bot.Mark{}, false, nil
}

func (p *Pager) send(ctx context.Context, alias string, m bot.Message) error {
	path, body := "/v2/alerts", any(alert{
		Message: cmp.Or(paging.Line(m.Alone, maxMessage), "an incident in Salve needs a person"), Alias: alias,
		Description: paging.Text(m, maxDescription), Source: p.opts.Source, Priority: priority(m.Tone),
	})
	over := m.Tone == bot.ToneGood
	if over {
		path = "/v2/alerts/" + url.PathEscape(alias) + "/close?identifierType=alias"
		body = map[string]string{"source": p.opts.Source, "note": paging.Line(m.Alone, 1000)}
	}
	b, err := json.Marshal(body)
	if err != nil {
		return &bot.SendError{Fault: bot.SendRefused, Why: "the page cannot be written as JSON"}
	}
	a, err := p.call(ctx, http.MethodPost, path, b)
	var said struct {
		Result    string `json:"result"`
		Message   string `json:"message"`
		RequestID string `json:"requestId"`
	}
	own := err == nil && json.Unmarshal(a.Body, &said) == nil && (said.RequestID != "" || said.Result != "" || said.Message != "")
	if over && own && a.Status == http.StatusNotFound {
		return nil // there is nothing to close any more
	}
	if err := p.far.Fault(a, err); err != nil {
		return err
	}
	if !own {
		return p.far.Strange(a)
	}
	return nil
}

// OnCall knows who is on call.
type OnCall struct {
	api
	schedule string
}

// NewOnCall takes the name of a schedule, or its id.
func NewOnCall(apiKey secret.Secret, schedule string, opts Options) (*OnCall, error) {
	if schedule == "" {
		return nil, errors.New("opsgenie: name the schedule whose duty is asked for")
	}
	a, err := newAPI(apiKey, opts)
	if err != nil {
		return nil, err
	}
	return &OnCall{api: a, schedule: schedule}, nil
}

// OnCall asks who is on call at a time. Nobody on call is no error. Opsgenie does
// not say until when.
func (o *OnCall) OnCall(ctx context.Context, at time.Time) ([]bot.Contact, error) {
	kind := "name"
	if isID(o.schedule) {
		kind = "id"
	}
	q := url.Values{"scheduleIdentifierType": {kind}, "flat": {"true"}, "date": {at.UTC().Format(time.RFC3339)}}
	a, err := o.call(ctx, http.MethodGet, "/v2/schedules/"+url.PathEscape(o.schedule)+"/on-calls?"+q.Encode(), nil)
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask Opsgenie who is on call: %w", err)
	case a.Status == http.StatusNotFound:
		return nil, errors.New("ask Opsgenie who is on call: it knows no such schedule; check its name")
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return nil, fmt.Errorf("ask Opsgenie who is on call: it answers %d; give it an API key that may read configuration", a.Status)
	case a.Status != http.StatusOK || a.Truncated:
		return nil, fmt.Errorf("ask Opsgenie who is on call: it answers %d", a.Status)
	}
	var said struct {
		Data *struct {
			Recipients []string `json:"onCallRecipients"`
		} `json:"data"`
	}
	if json.Unmarshal(a.Body, &said) != nil || said.Data == nil {
		return nil, errors.New("ask Opsgenie who is on call: the answer is not its own; check url")
	}
	var out []bot.Contact
	for _, who := range said.Data.Recipients[:min(len(said.Data.Recipients), 100)] {
		c := bot.Contact{Name: paging.Line(who, 254)}
		if strings.Contains(who, "@") {
			c.Email = c.Name
		}
		if c.Name != "" {
			out = append(out, c)
		}
	}
	return out, nil
}

// isID reports whether a text is an id, 8-4-4-4-12 hexadecimal digits.
func isID(s string) bool {
	parts := strings.Split(s, "-")
	if len(s) != 36 || len(parts) != 5 {
		return false
	}
	return strings.Trim(s, "0123456789abcdefABCDEF-") == ""
}
