// Package oidc lets people sign in to the console with the identity provider of
// their organisation, by OpenID Connect.
//
// It promises the authorization code flow with PKCE (RFC 7636), state and nonce,
// each for one attempt within ten minutes; that an ID token counts only when its
// signature, issuer, audience, time and nonce are right; that an identity is the
// issuer and the subject, which never change hands, and an e-mail address only if
// the provider says that it has verified it. It assumes that the caller keeps the
// flow in the browser that began it. The provider is asked when somebody signs in,
// so that Salve starts without it. On failure it returns a *bot.Refusal for what
// the person can mend, and an error without secrets for the rest.
package oidc

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
)

// flowFor is how long a person may take at the provider.
const flowFor = 10 * time.Minute

// Settings name the provider and what it knows Salve as; all but Secret, which
// public clients lack, are required.
type Settings struct {
	Issuer   string // https://login.example.com
	ClientID string
	Secret   secret.Secret
	Return   string // where the provider sends people back to, as registered there
}

// Options of a Provider; the zero value is ready for production.
type Options struct {
	Allow  []string // where it may connect beyond public addresses
	Scopes []string // beside openid; nil: profile, email
}

// Provider is one identity provider. It is safe for use by many at once.
type Provider struct {
	set  Settings
	opts Options
	out  *outbound.Client
	http *http.Client

	ending chan struct{} // one token per sign-in about which the provider is being asked

	mu    sync.Mutex
	found *oidc.Provider // nil: it was not asked so far
	tried time.Time      // when it was asked last without success ...
	why   error          // ... and what went wrong
}

// restFor is how long a provider that did not answer is left alone.
const restFor = 3 * time.Second

// atOnce is how many sign-ins the provider is asked about at a time. Anybody can
// send a browser back with a code that is made up.
const atOnce = 32

// Login is who the provider says has signed in.
type Login struct {
	Identity bot.Identity // surface "oidc", issuer and subject
	Name     string       // for people; untrusted
	Email    string       // "" unless the provider has verified it
}

// New makes a Provider; it asks nobody.
func New(set Settings, opts Options) (*Provider, error) {
	if set.Issuer == "" || set.ClientID == "" || set.Return == "" {
		return nil, errors.New("oidc: an issuer, a client id and an address to return to are needed")
	}
	if opts.Scopes == nil {
		opts.Scopes = []string{"profile", "email"}
	}
	out, err := outbound.New(outbound.Options{Allow: opts.Allow, Timeout: 10 * time.Second, MaxBody: 1 << 20})
	if err != nil {
		return nil, fmt.Errorf("oidc: %w", err)
	}
	return &Provider{set: set, opts: opts, out: out, http: out.HTTP(), ending: make(chan struct{}, atOnce)}, nil
}

// Close drops the kept connections.
func (p *Provider) Close() { p.out.Close() }

// Check asks the provider who it is.
func (p *Provider) Check(ctx context.Context) error {
	_, err := p.discover(ctx)
	return err
}

// flow is one attempt to sign in. It stays in the browser that began it.
type flow struct {
	State    string    `json:"s"`
	Nonce    string    `json:"n"`
	Verifier string    `json:"v"`
	Until    time.Time `json:"u"`
}

// Begin gives the address to send the browser to, and the flow that it keeps
// until it comes back.
func (p *Provider) Begin(ctx context.Context, now time.Time) (address, kept string, err error) {
	found, err := p.discover(ctx)
	if err != nil {
		return "", "", err
	}
	f := flow{State: random(), Nonce: random(), Verifier: oauth2.GenerateVerifier(), Until: now.Add(flowFor)}
	text, err := json.Marshal(f)
	if err != nil {
		return "", "", fmt.Errorf("oidc: write the flow: %w", err)
	}
	address = p.client(found).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier))
	return address, base64.RawURLEncoding.EncodeToString(text), nil
}

func random() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // crypto/rand never fails: it ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}

var errStale = bot.Refuse(bot.RefusedIdentity, "This sign-in is not one that this browser began here, or it took too long.", "Begin again on the sign-in page.")

// Finish reads what the provider sent the browser back with.
func (p *Provider) Finish(ctx context.Context, kept string, back url.Values, now time.Time) (Login, error) {
	f, err := open(kept)
	if err != nil || !now.Before(f.Until) || subtle.ConstantTimeCompare([]byte(f.State), []byte(back.Get("state"))) != 1 {
		return Login{}, errStale
	}
	if code := back.Get("error"); code != "" {
		return Login{}, bot.Refuse(bot.RefusedIdentity, "The identity provider refused: "+clean(cmp.Or(back.Get("error_description"), code))+".", "Begin again, or ask whoever runs it.")
	}
	select {
	case p.ending <- struct{}{}:
		defer func() { <-p.ending }()
	default:
		return Login{}, bot.Refuse(bot.RefusedLater, "Many are signing in at this moment.", "Begin again on the sign-in page.")
	}
	found, err := p.discover(ctx)
	if err != nil {
		return Login{}, err
	}
	token, err := p.client(found).Exchange(oidc.ClientContext(ctx, p.http), back.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return Login{}, exchangeFailed(err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return Login{}, errors.New("oidc: the provider sent no ID token; is it an OpenID provider?")
	}
	id, err := found.Verifier(&oidc.Config{ClientID: p.set.ClientID, Now: func() time.Time { return now }}).Verify(oidc.ClientContext(ctx, p.http), raw)
	if err != nil {
		return Login{}, fmt.Errorf("oidc: the ID token does not count: %w", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1 {
		return Login{}, errStale
	}
	said, err := told(id)
	if err != nil {
		return Login{}, err
	}
	if said.lacks() {
		said = said.with(p.more(ctx, found, token, id.Subject))
	}
	return said.login(id), nil
}

func open(kept string) (flow, error) {
	var f flow
	if len(kept) > 1024 {
		return f, errors.New("too long")
	}
	text, err := base64.RawURLEncoding.DecodeString(kept)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, err
	}
	if f.State == "" || f.Nonce == "" || f.Verifier == "" {
		return f, errors.New("incomplete")
	}
	return f, nil
}

// Surface is the surface of identities from here.
const Surface = "oidc"

// exchangeFailed keeps the answer of the provider, which may hold the code, out
// of the error.
func exchangeFailed(err error) error {
	if r, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		if r.ErrorCode == "invalid_grant" {
			return errStale
		}
		return fmt.Errorf("oidc: the provider answers %d %s to the exchange of the code", r.Response.StatusCode, clean(r.ErrorCode))
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Errorf("oidc: exchange the code: %w", err)
}

func (p *Provider) client(found *oidc.Provider) *oauth2.Config {
	endpoint := found.Endpoint()
	endpoint.AuthStyle = p.authStyle(found)
	return &oauth2.Config{
		ClientID: p.set.ClientID, ClientSecret: p.set.Secret.Reveal(), RedirectURL: p.set.Return,
		Endpoint: endpoint, Scopes: append([]string{oidc.ScopeOpenID}, p.opts.Scopes...),
	}
}

// authStyle is how Salve proves who it is. It is said beforehand: left to itself
// the library tries one way after the other, and a code works only once. Without
// a word of the provider it is HTTP Basic (OpenID Connect Core 1.0, section 9).
func (p *Provider) authStyle(found *oidc.Provider) oauth2.AuthStyle {
	var says struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	_ = found.Claims(&says) // nothing said is the default
	basic := len(says.Methods) == 0 || slices.Contains(says.Methods, "client_secret_basic")
	if p.set.Secret.IsZero() || !basic {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// discover asks the provider who it is, once.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.why != nil && time.Since(p.tried) < restFor {
		return nil, p.why
	}
	// Keys are fetched later with the client of this context; a person who leaves
	// must not end that.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.http), p.set.Issuer)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		p.tried, p.why = time.Now(), fmt.Errorf("oidc: ask %s who it is: %w", host(p.set.Issuer), err)
		return nil, p.why
	}
	p.found = found
	return found, nil
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "the identity provider"
	}
	return u.Host
}
