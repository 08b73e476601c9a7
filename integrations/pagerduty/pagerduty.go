// Package pagerduty wakes people by PagerDuty (Events API v2) and asks it who is
// on call (REST API v2).
//
// It promises that a page is one incident there however often it is sent: the
// key of the Parcel is its dedup_key, so posting again does no harm, Find never
// finds anything, and what may have been taken is simply sent again. Editing
// with the tone good resolves it; any other tone updates it. Only addresses that
// the Message holds are links.
//
// It assumes an integration of the type "Events API v2". Keys are sent to the
// configured address alone. On failure it returns a *bot.SendError without any
// key, query or text of the far end.
package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
	"salve/integrations/internal/paging"
)

// EventsURL is where PagerDuty takes events; customers of its European region
// use https://events.eu.pagerduty.com/v2/enqueue.
const EventsURL = "https://events.pagerduty.com/v2/enqueue"

// Options tune a Pager. The zero value is ready for use.
type Options struct {
	URL    string   // "": EventsURL
	Source string   // what the pages come from, as people there read it; "": salve
	Client string   // address of the console, shown as a link; "": none
	Allow  []string // destinations beyond public addresses
}

// The limits of an event.
const (
	maxSummary = 1024
	maxKey     = 255
	maxDetail  = 8000
	maxLinks   = 10
)

// Pager sends pages. It is safe for concurrent use.
type Pager struct {
	key    secret.Secret
	opts   Options
	far    paging.Far
	client *outbound.Client
}

// New makes a Pager for an integration.
func New(routingKey secret.Secret, opts Options) (*Pager, error) {
	if routingKey.IsZero() {
		return nil, errors.New("pagerduty: the routing key is empty; it stands on the page of the integration in PagerDuty")
	}
	opts.URL = cmp.Or(opts.URL, EventsURL)
	opts.Source = cmp.Or(opts.Source, "salve")
	if !paging.Address(opts.URL) {
		return nil, errors.New("pagerduty: url is not an http or https address; write for example " + EventsURL)
	}
	client, err := outbound.New(outbound.Options{Allow: opts.Allow, Timeout: 15 * time.Second, MaxBody: 64 << 10})
	if err != nil {
		return nil, fmt.Errorf("pagerduty: %w", err)
	}
	return &Pager{key: routingKey, opts: opts, far: paging.Far{Name: "PagerDuty", Key: "routing_key"}, client: client}, nil
}

// Close drops kept connections.
func (p *Pager) Close() { p.client.Close() }

// Reach looks whether PagerDuty can be reached. It wakes nobody.
func (p *Pager) Reach(ctx context.Context) error { return p.client.Reach(ctx, p.opts.URL) }

// event is the body of a call.
type event struct {
	RoutingKey string   `json:"routing_key"`
	Action     string   `json:"event_action"`
	DedupKey   string   `json:"dedup_key"`
	Client     string   `json:"client,omitempty"`
	ClientURL  string   `json:"client_url,omitempty"`
	Payload    *payload `json:"payload,omitempty"`
	Links      []link   `json:"links,omitempty"`
}

type payload struct {
	Summary  string            `json:"summary"`
	Source   string            `json:"source"`
	Severity string            `json:"severity"`
	Details  map[string]string `json:"custom_details,omitempty"`
}

type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// severity is how a Message's tone is said there.
func severity(t bot.Tone) string {
	switch t {
	case bot.ToneAsking:
		return "error"
	case bot.ToneBusy:
		return "warning"
	case bot.ToneGood, bot.ToneQuiet:
		return "info"
	default:
		return "critical" // urgent, and what nobody knows
	}
}

// Post triggers an incident, or updates the one of the same key.
func (p *Pager) Post(ctx context.Context, parcel bot.Parcel) (bot.Mark, error) {
	key := paging.Key(parcel.Key, maxKey)
	if err := p.send(ctx, p.event(key, parcel.Message)); err != nil {
		return bot.Mark{}, err
	}
	return bot.Mark{Place: parcel.Place, Ref: key}, nil
}

// Edit resolves the incident when the tone is good, else updates it.
func (p *Pager) Edit(ctx context.Context, mark bot.Mark, parcel bot.Parcel) error {
	return p.send(ctx, p.event(cmp.Or(mark.Ref, paging.Key(parcel.Key, maxKey)), parcel.Message))
}

// Find finds nothing: posting the same key again is harmless.
func (*Pager) Find(context.Context, bot.Parcel, time.Time) (bot.Mark, bool, error) {
	return bot.Mark{}, false, nil
}

func (p *Pager) event(key string, m bot.Message) event {
	e := event{RoutingKey: p.key.Reveal(), Action: "trigger", DedupKey: key}
	if m.Tone == bot.ToneGood {
		e.Action = "resolve"
		return e
	}
	e.Payload = &payload{
		Summary: cmp.Or(paging.Line(m.Alone, maxSummary), "an incident in Salve needs a person"), Source: p.opts.Source, Severity: severity(m.Tone),
		Details: map[string]string{"details": paging.Text(m, maxDetail)},
	}
	if p.opts.Client != "" {
		e.Client, e.ClientURL = "Salve", p.opts.Client
	}
	for _, l := range paging.Links(m, maxLinks) {
		e.Links = append(e.Links, link{Href: l.URL, Text: cmp.Or(l.Text, l.URL)})
	}
	return e
}

func (p *Pager) send(ctx context.Context, e event) error {
	body, err := json.Marshal(e)
	if err != nil {
		return &bot.SendError{Fault: bot.SendRefused, Why: "the page cannot be written as JSON"}
	}
	a, err := p.client.Do(ctx, outbound.Call{
		Method: http.MethodPost, URL: p.opts.URL, Body: body, Header: http.Header{"Content-Type": {"application/json"}},
	})
	if err := p.far.Fault(a, err); err != nil {
		return p.sharpen(a, err)
	}
	var said struct {
		Status string `json:"status"`
	}
	if json.Unmarshal(a.Body, &said) != nil || said.Status != "success" {
		return p.far.Strange(a)
	}
	return nil
}

// sharpen tells a key that is not taken from a page that is not: both are 400.
func (p *Pager) sharpen(a outbound.Answer, err error) error {
	if a.Status != http.StatusBadRequest {
		return err
	}
	var said struct {
		Message string   `json:"message"`
		Errors  []string `json:"errors"`
	}
	if json.Unmarshal(a.Body, &said) != nil {
		return err
	}
	for _, text := range append(said.Errors, said.Message) {
		if text = strings.ToLower(text); strings.Contains(text, "routing key") || strings.Contains(text, "routing_key") {
			return &bot.SendError{Fault: bot.SendDenied, Why: "PagerDuty does not know the routing_key; take the integration key of an Events API v2 integration"}
		}
	}
	return err
}
