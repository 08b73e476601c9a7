// Package httpcall is the action and the probe that make one HTTP call.
//
// It promises: one request for each Do, to the literal host of its URL, without
// following redirects; the step's idempotency key goes along; a secret is
// resolved just before the call, goes into the Authorization header of that one
// request, and is masked in whatever comes back.
//
// Failures are told apart. What certainly did not reach the far end (a bad
// argument, a name that cannot be resolved, a refused connection) wraps
// bot.ErrUntouched. What was sent and not answered wraps bot.ErrUncertain, and so
// do 502 and 504, by which a gateway says that it does not know. Any other status
// that was not expected is a plain failure: the far end has answered.
package httpcall

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
)

// Options tune the action. The zero value calls public addresses only and knows
// no secrets.
type Options struct {
	Allow    []string         // egress.allow: see outbound.Options
	Secrets  secret.Resolver  // nil: bearer is refused
	Redactor *secret.Redactor // masks what comes back; nil: one that knows only the shapes of secrets
}

// Action makes HTTP calls.
type Action struct {
	client  *outbound.Client
	secrets secret.Resolver
	redact  *secret.Redactor
}

// New makes the action. It fails when an entry of Allow cannot be understood.
func New(opts Options) (*Action, error) {
	client, err := outbound.New(outbound.Options{Allow: opts.Allow, MaxBody: maxBody})
	if err != nil {
		return nil, err
	}
	a := &Action{client: client, secrets: opts.Secrets, redact: opts.Redactor}
	if a.redact == nil {
		a.redact = secret.NewRedactor()
	}
	return a, nil
}

// Close drops the kept connections.
func (a *Action) Close() { a.client.Close() }

// Info describes the action to the loader and to people.
func (*Action) Info() bot.ActionInfo {
	return bot.ActionInfo{
		Name: "http",
		Docs: "Makes one HTTP call. Redirects are not followed. The step's idempotency key is sent along, so that a far end that honours it may be called again: repeat: keyed.",
		Args: map[string]bot.ArgInfo{
			"url":           {Kind: bot.ArgURL, Required: true, Docs: "What to call: http or https, with a literal host."},
			"method":        {Kind: bot.ArgString, Values: methods, Docs: "Default: POST with a body, else GET."},
			"headers":       {Kind: bot.ArgMap, Docs: "Request headers. Credentials do not belong here; see bearer."},
			"body":          {Kind: bot.ArgJSON, Docs: "Sent as JSON."},
			"text":          {Kind: bot.ArgString, Docs: "Sent as it is, as text/plain unless headers say otherwise. Not together with body."},
			"expect_status": {Kind: bot.ArgInt, Docs: "The only status that counts as success. Default: 200 to 299."},
			"bearer":        {Kind: bot.ArgSecret, Docs: "The secret that is sent as a bearer token, as a reference: env:NAME or file:/path."},
			"key_header":    {Kind: bot.ArgString, Docs: "The header that carries the idempotency key. Default: Idempotency-Key."},
		},
		Effect: bot.EffectUnknown,
		Rights: []string{
			"network access to the host of url; an address that is not public must be listed under egress.allow in the configuration",
			"read access to the secret that bearer names",
		},
		Probe: true,
		Outputs: map[string]string{
			"status": "the status code",
			"*":      "each text, number and boolean at the top of a JSON answer, by its name",
			"holds":  "true when the status is the one expected (for a check without an expectation)",
		},
	}
}

// Do makes the call that the step describes.
func (a *Action) Do(ctx context.Context, order bot.StepOrder) (bot.StepOutcome, error) {
	r, err := parse(order.Args)
	if err != nil {
		return bot.StepOutcome{}, fmt.Errorf("http: %w: %w", err, bot.ErrUntouched)
	}
	r.key(order.Key)
	answer, err := a.call(ctx, r)
	if err != nil {
		return bot.StepOutcome{}, a.failed(err)
	}
	out := bot.StepOutcome{Output: a.describe(answer), Fields: a.fields(answer)}
	if r.expected(answer.Status) {
		return out, nil
	}
	return out, a.unexpected(r, answer)
}

// Probe makes the call for a check. An answer of any status is a result.
func (a *Action) Probe(ctx context.Context, check bot.PlanCheck, _ bot.Run) (bot.Probe, error) {
	r, err := parse(check.Args)
	if err != nil {
		return bot.Probe{}, fmt.Errorf("http: %w", err)
	}
	answer, err := a.call(ctx, r)
	if err != nil {
		return bot.Probe{}, a.failed(err)
	}
	fields := a.fields(answer)
	fields["holds"] = strconv.FormatBool(r.expected(answer.Status))
	return bot.Probe{
		Status: answer.Status, Body: a.redact.String(string(answer.Body)),
		Fields: fields, Took: bot.Duration(answer.Took),
	}, nil
}

// call resolves the secret and sends the request.
func (a *Action) call(ctx context.Context, r request) (outbound.Answer, error) {
	if !r.bearer.IsZero() {
		if a.secrets == nil {
			return outbound.Answer{}, errors.New("there is nothing here that resolves secrets, so that bearer cannot be used")
		}
		value, err := a.secrets.Resolve(ctx, r.bearer)
		if err != nil {
			return outbound.Answer{}, fmt.Errorf("bearer: %w", err)
		}
		if value.IsZero() {
			return outbound.Answer{}, fmt.Errorf("bearer: the secret %s is empty", r.bearer)
		}
		if err := a.redact.Add(value); err != nil {
			return outbound.Answer{}, fmt.Errorf("bearer: %s: %w", r.bearer, err)
		}
		r.header.Set("Authorization", "Bearer "+value.Reveal())
	}
	return a.client.Do(ctx, outbound.Call{Method: r.method, URL: r.url, Header: r.header, Body: r.body})
}

// failed says whether the far end may have had the request.
func (a *Action) failed(err error) error {
	text := a.redact.String(err.Error())
	if e, ok := errors.AsType[*outbound.Error](err); ok && e.Sent {
		return fmt.Errorf("http: %s: %w", text, bot.ErrUncertain)
	}
	return fmt.Errorf("http: %s: %w", text, bot.ErrUntouched)
}

// unexpected words an answer whose status is not the one that was wanted.
func (a *Action) unexpected(r request, answer outbound.Answer) error {
	text := fmt.Sprintf("http: %s answered %d, expected %s", r.host(), answer.Status, r.wants())
	if answer.RetryAfter > 0 {
		text += fmt.Sprintf(", and asks to wait %s", answer.RetryAfter.Round(time.Second))
	}
	if body := a.excerpt(answer.Body, maxExcerpt); body != "" {
		text += ": " + body
	}
	if answer.Status == http.StatusBadGateway || answer.Status == http.StatusGatewayTimeout {
		return fmt.Errorf("%s: %w", text, bot.ErrUncertain)
	}
	return errors.New(text)
}
