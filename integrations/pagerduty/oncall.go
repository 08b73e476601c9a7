package pagerduty

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
	"salve/integrations/internal/paging"
)

// RestURL is where PagerDuty answers questions; customers of its European region
// use https://api.eu.pagerduty.com.
const RestURL = "https://api.pagerduty.com"

// OnCallOptions say whose duty is asked for: one of Schedule and Policy.
type OnCallOptions struct {
	URL      string   // "": RestURL
	Schedule string   // id of a schedule
	Policy   string   // id of an escalation policy; its first level is on call
	Allow    []string // destinations beyond public addresses
}

// OnCall knows who is on call.
type OnCall struct {
	token  secret.Secret
	opts   OnCallOptions
	client *outbound.Client
}

// NewOnCall takes a REST API token; one that may only read will do.
func NewOnCall(token secret.Secret, opts OnCallOptions) (*OnCall, error) {
	opts.URL = strings.TrimRight(cmp.Or(opts.URL, RestURL), "/")
	switch {
	case token.IsZero():
		return nil, errors.New("pagerduty: the token is empty; make a read-only API key in PagerDuty")
	case (opts.Schedule == "") == (opts.Policy == ""):
		return nil, errors.New("pagerduty: name one of schedule and policy")
	case !paging.Address(opts.URL):
		return nil, errors.New("pagerduty: url is not an http or https address; write for example " + RestURL)
	}
	client, err := outbound.New(outbound.Options{Allow: opts.Allow, Timeout: 10 * time.Second})
	if err != nil {
		return nil, fmt.Errorf("pagerduty: %w", err)
	}
	return &OnCall{token: token, opts: opts, client: client}, nil
}

// Close drops kept connections.
func (o *OnCall) Close() { o.client.Close() }

// duty is one entry of the answer.
type duty struct {
	User struct {
		Name    string `json:"name"`
		Summary string `json:"summary"`
		Email   string `json:"email"`
	} `json:"user"`
	Level int        `json:"escalation_level"`
	Start *time.Time `json:"start"`
	End   *time.Time `json:"end"`
}

// most entries are read of an answer.
const most = 100

// OnCall asks who is on call at a time. Nobody on call is no error.
func (o *OnCall) OnCall(ctx context.Context, at time.Time) ([]bot.Contact, error) {
	q := url.Values{
		"include[]": {"users"}, "limit": {fmt.Sprint(most)},
		"since": {at.UTC().Format(time.RFC3339)}, "until": {at.Add(time.Minute).UTC().Format(time.RFC3339)},
	}
	if o.opts.Schedule != "" {
		q.Set("schedule_ids[]", o.opts.Schedule)
	} else {
		q.Set("escalation_policy_ids[]", o.opts.Policy)
	}
	a, err := o.client.Do(ctx, outbound.Call{URL: o.opts.URL + "/oncalls?" + q.Encode(), Header: http.Header{
		"Authorization": {"Token token=" + o.token.Reveal()},
		"Accept":        {"application/vnd.pagerduty+json;version=2"},
	}})
	switch {
	case err != nil:
		return nil, fmt.Errorf("ask PagerDuty who is on call: %w", err)
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return nil, fmt.Errorf("ask PagerDuty who is on call: it answers %d; give it a token that may read schedules", a.Status)
	case a.Status != http.StatusOK || a.Truncated:
		return nil, fmt.Errorf("ask PagerDuty who is on call: it answers %d", a.Status)
	}
	var said struct {
		OnCalls *[]duty `json:"oncalls"`
	}
	if json.Unmarshal(a.Body, &said) != nil || said.OnCalls == nil {
		return nil, errors.New("ask PagerDuty who is on call: the answer is not its own; check url")
	}
	return contacts(*said.OnCalls, at), nil
}

// contacts are those who are on call at the lowest level that anybody has.
func contacts(duties []duty, at time.Time) []bot.Contact {
	duties = slices.DeleteFunc(duties, func(d duty) bool {
		return d.Start != nil && d.Start.After(at) || d.End != nil && !d.End.After(at)
	})
	slices.SortStableFunc(duties, func(a, b duty) int { return cmp.Compare(a.Level, b.Level) })
	var out []bot.Contact
	for _, d := range duties {
		if d.Level != duties[0].Level {
			break
		}
		c := bot.Contact{Name: paging.Line(cmp.Or(d.User.Name, d.User.Summary), 100), Email: paging.Line(d.User.Email, 254)}
		if d.End != nil {
			c.Until = d.End.UTC()
		}
		same := func(o bot.Contact) bool { return o.Name == c.Name && o.Email == c.Email }
		if (c.Name != "" || c.Email != "") && !slices.ContainsFunc(out, same) {
			out = append(out, c)
		}
	}
	return out
}
