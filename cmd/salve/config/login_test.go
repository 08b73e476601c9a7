package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/config"
)

func TestAnIdentityProviderIsAnIssuerAndAClient(t *testing.T) {
	t.Parallel()
	c, err := config.Load("../../../docs/salve.example.yaml")
	require.NoError(t, err)
	require.Equal(t, &config.OIDC{Issuer: "https://login.example.com", ClientID: "salve", Secret: "env:SALVE_LOGIN_SECRET"}, c.Login.OIDC)

	c, err = config.Parse("salve.yaml", nil)
	require.NoError(t, err)
	require.Nil(t, c.Login.OIDC, "it is off unless it is there")

	for _, issuer := range []string{"https://login.example.com", "https://login.example.com:8443/realms/x/", "http://127.0.0.1", "http://[::1]:9000/", "http://localhost:1"} {
		c, err = config.Parse("salve.yaml", []byte("login: {oidc: {issuer: '"+issuer+"', client_id: a}}\n"))
		require.NoError(t, err, issuer)
		require.Equal(t, issuer, c.Login.OIDC.Issuer, "it is compared to the last character")
	}
}

func TestEveryMistakeAboutTheLoginHasItsPlaceAndItsCure(t *testing.T) {
	t.Parallel()
	const good = "issuer: https://a.example, client_id: salve"
	for _, tt := range []struct{ name, src, want string }{
		{"no issuer", "login: {oidc: {client_id: salve}}\n", "salve.yaml:1:16: has no issuer; write issuer: https://login.example.com"},
		{"no client", "login: {oidc: {issuer: https://a.example}}\n", "salve.yaml:1:16: has no client_id; register Salve at the provider"},
		{"a secret in the file", "login: {oidc: {" + good + ", client_secret: hunter2}}\n", "is not a secret reference; write env:NAME or file:/path"},
		{"without encryption", "login: {oidc: {issuer: 'http://a.example', client_id: salve}}\n", `salve.yaml:1:24: "http://a.example" is not an issuer; write an https address`},
		{"a user", "login: {oidc: {issuer: 'https://u:p@a.example', client_id: salve}}\n", "is not an issuer"},
		{"a query", "login: {oidc: {issuer: 'https://a.example?x=1', client_id: salve}}\n", "is not an issuer"},
		{"an empty query", "login: {oidc: {issuer: 'https://a.example?', client_id: salve}}\n", "is not an issuer"},
		{"a fragment", "login: {oidc: {issuer: 'https://a.example#x', client_id: salve}}\n", "is not an issuer"},
		{"a host alone", "login: {oidc: {issuer: login.example.com, client_id: salve}}\n", "is not an issuer"},
		{"no host", "login: {oidc: {issuer: 'https://:443', client_id: salve}}\n", "is not an issuer"},
		{"the description", "login: {oidc: {issuer: 'https://a.example/x/.well-known/openid-configuration', client_id: salve}}\n", "leave out what begins with /.well-known: https://a.example/x"},
		{"no lasting address", "listen: 127.0.0.1:0\nlogin: {oidc: {" + good + "}}\n", "salve.yaml:2:16: needs an address to return to that stays the same; give listen a port"},
		{"no address for others", "listen: 0.0.0.0:8443\ntls: {cert: /a, key: /b}\nlogin: {oidc: {" + good + "}}\n", "is missing; write the address that people open"},
		{"an unknown key", "login: {oidc: {" + good + ", trust_mail: true}}\n", `"trust_mail" is not a key in login.oidc; did you mean "trust_email"?`},
		{"another way in", "login: {saml: {}}\n", `"saml" is not a key in login`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("salve.yaml", []byte(tt.src))
			require.ErrorContains(t, err, tt.want)
		})
	}
}
