package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/people"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/integrations/console"
	"salve/integrations/oidc"
)

// signOn ties who a provider vouches for to who there is here.
type signOn struct {
	provider *oidc.Provider
	people   *people.People
	email    bool // a verified address counts too
	log      *slog.Logger
}

// makeSignOn makes the way in by an identity provider; nil: there is none. The
// provider is not asked: Salve starts without it.
func (s *Salve) makeSignOn(ctx context.Context) (console.SignOn, error) {
	if s.cfg.Login.OIDC == nil {
		return nil, nil
	}
	back := returnTo(s.URL())
	provider, err := openLogin(ctx, s.cfg, s.opts.Secrets, back)
	if err != nil {
		return nil, err
	}
	s.onClose = append(s.onClose, provider.Close)
	s.log.InfoContext(ctx, "people sign in with an identity provider", "issuer", s.cfg.Login.OIDC.Issuer, "registered_there", back)
	return &signOn{provider: provider, people: s.people, email: s.cfg.Login.OIDC.TrustEmail, log: s.log}, nil
}

// returnTo is the address that is registered at the provider.
func returnTo(base string) string { return strings.TrimRight(base, "/") + console.ReturnPath }

// openLogin makes the provider that the operator names; naming it is leave to
// call it.
func openLogin(ctx context.Context, cfg config.Config, secrets secret.Resolver, back string) (*oidc.Provider, error) {
	o := cfg.Login.OIDC
	set := oidc.Settings{Issuer: o.Issuer, ClientID: o.ClientID, Return: back}
	if o.Secret != "" {
		var err error
		if set.Secret, err = resolve(ctx, secrets, o.Secret); err != nil {
			return nil, fmt.Errorf("login.oidc.client_secret: %w", err)
		}
	}
	return oidc.New(set, oidc.Options{Allow: append(namedHost(o.Issuer), cfg.Egress.Allow...)})
}

// Begin gives the address to send the browser to, and what it keeps.
func (o *signOn) Begin(ctx context.Context) (address, kept string, err error) {
	return o.provider.Begin(ctx, time.Now())
}

// Finish opens a session for whom the provider has vouched for.
func (o *signOn) Finish(ctx context.Context, kept string, back url.Values) (string, bot.Person, error) {
	login, err := o.provider.Finish(ctx, kept, back, time.Now())
	if err != nil {
		return "", bot.Person{}, err
	}
	ids := []bot.Identity{login.Identity}
	if o.email && login.Email != "" {
		ids = append(ids, bot.Identity{Surface: "email", ID: login.Email})
	}
	session, person, err := o.people.SignIn(ctx, login.Name, ids...)
	if r, refused := errors.AsType[*bot.Refusal](err); refused {
		o.log.InfoContext(ctx, "somebody whom the identity provider knows was not signed in", "identity", login.Identity.ID, "why", r.Why)
	}
	return session, person, err
}

func examineLogin(ctx context.Context, cfg config.Config, secrets secret.Resolver) []Finding {
	const what = "login.oidc"
	if cfg.Login.OIDC == nil {
		return nil
	}
	base := cfg.PublicURL
	if base == "" {
		base = "http://" + cfg.Listen
		if cfg.TLS.Cert != "" {
			base = "https://" + cfg.Listen
		}
	}
	provider, err := openLogin(ctx, cfg, secrets, returnTo(base))
	if err != nil {
		return []Finding{{What: what, Says: err.Error(), Mend: aboveSecrets}}
	}
	defer provider.Close()
	if err := provider.Check(ctx); err != nil {
		address := strings.TrimRight(cfg.Login.OIDC.Issuer, "/") + "/.well-known/openid-configuration"
		return []Finding{{What: what, Says: err.Error(), Mend: "look whether it can be reached from here, and names the same issuer to the last character: curl " + address}}
	}
	return []Finding{{What: what, OK: true, Says: "answers; the address to return to, as it must be registered there, is " + returnTo(base)}}
}
