package config

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// Login is how people sign in to the console beside login links.
type Login struct {
	OIDC *OIDC `yaml:"oidc"` // nil: by links alone
}

// OIDC is an identity provider that speaks OpenID Connect.
type OIDC struct {
	Issuer   string `yaml:"issuer"` // as the provider writes it, to the last character
	ClientID string `yaml:"client_id"`
	Secret   string `yaml:"client_secret"` // secret reference; "": a public client
	// TrustEmail lets an address that the provider has verified stand for the
	// person who has it here.
	TrustEmail bool `yaml:"trust_email"`
}

func (r *reader) checkLogin(c *Config) {
	o := c.Login.OIDC
	if o == nil {
		return
	}
	r.checkIssuer(o)
	if o.ClientID == "" {
		r.atPath("$.login.oidc", "has no client_id", "register Salve at the provider as a web application; it gives an id and a secret")
	}
	if o.Secret != "" {
		r.checkRef("$.login.oidc.client_secret", o.Secret)
	}
	if _, port, err := net.SplitHostPort(c.Listen); c.PublicURL == "" && err == nil && port == "0" {
		r.atPath("$.login.oidc", "needs an address to return to that stays the same", "give listen a port, or set public_url")
	}
}

func (r *reader) checkIssuer(o *OIDC) {
	if o.Issuer == "" {
		r.atPath("$.login.oidc", "has no issuer", "write issuer: https://login.example.com, as the provider's documentation names it")
		return
	}
	if before, _, found := strings.Cut(o.Issuer, "/.well-known/"); found {
		r.atPath("$.login.oidc.issuer", "is the address of the provider's description", "leave out what begins with /.well-known: "+before)
		return
	}
	u, err := url.Parse(o.Issuer)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(o.Issuer, "#") ||
		u.Scheme != "https" && (u.Scheme != "http" || !IsLoopback(u.Hostname())) {
		r.atPath("$.login.oidc.issuer", fmt.Sprintf("%q is not an issuer", o.Issuer), "write an https address without query, for example https://login.example.com")
	}
}
