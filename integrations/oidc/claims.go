package oidc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"salve/bot"
)

// claims are what a provider says about somebody, beside who it is.
type claims struct {
	Name      string `json:"name"`
	Preferred string `json:"preferred_username"`
	Email     string `json:"email"`
	Verified  any    `json:"email_verified"` // some providers write a string
}

func told(id *oidc.IDToken) (claims, error) {
	var c claims
	if err := id.Claims(&c); err != nil {
		return c, fmt.Errorf("oidc: read the claims: %w", err)
	}
	if id.Subject == "" || len(id.Subject) > 255 {
		return c, errors.New("oidc: the ID token names nobody")
	}
	return c, nil
}

func (c claims) lacks() bool { return c.Name == "" && c.Preferred == "" || c.Email == "" }

// more asks the provider for the claims that it keeps out of the ID token, as one
// may that hands out an access token (OpenID Connect Core 1.0, section 5.4). Who
// it is is known already: without an answer, or with one about somebody else,
// nothing is added.
func (p *Provider) more(ctx context.Context, found *oidc.Provider, token *oauth2.Token, subject string) claims {
	var c claims
	info, err := found.UserInfo(oidc.ClientContext(ctx, p.http), oauth2.StaticTokenSource(token))
	if err != nil || info.Subject != subject || info.Claims(&c) != nil {
		return claims{}
	}
	return c
}

// with takes what is missing from more; whether an address is verified comes from
// where the address does.
func (c claims) with(more claims) claims {
	c.Name, c.Preferred = cmp.Or(c.Name, more.Name), cmp.Or(c.Preferred, more.Preferred)
	if c.Email == "" {
		c.Email, c.Verified = more.Email, more.Verified
	}
	return c
}

func (c claims) login(id *oidc.IDToken) Login {
	out := Login{
		Identity: bot.Identity{Surface: Surface, ID: id.Issuer + "#" + id.Subject},
		Name:     clean(cmp.Or(c.Name, c.Preferred, c.Email, id.Subject)),
	}
	if c.Verified == true || c.Verified == "true" {
		out.Email = lower(strings.TrimSpace(c.Email))
	}
	return out
}

// lower changes letters of ASCII alone. Elsewhere different letters are one in
// lower case, and an address would be that of somebody else.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// clean is untrusted text in one short line.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if r := []rune(strings.TrimSpace(s)); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return strings.TrimSpace(s)
}
