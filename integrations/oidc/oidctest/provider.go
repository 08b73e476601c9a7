// Package oidctest is a small OpenID provider for tests: discovery, the code flow
// with PKCE, and signed ID tokens that can be told to be wrong.
//
// It promises to refuse what a strict provider refuses: a code that was used, a
// wrong client, return address or verifier. It serves on loopback until the test
// ends.
package oidctest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"
)

// Client is what the provider knows a client by.
const (
	ClientID     = "salve"
	ClientSecret = "client-secret"
)

// Provider is one provider.
type Provider struct {
	URL string // the issuer

	mu     sync.Mutex
	key    *rsa.PrivateKey
	signs  *rsa.PrivateKey // with what tokens are signed; another than key: nobody can check them
	codes  map[string]url.Values
	claims map[string]any
	after  func(map[string]any) // changes the claims of the next tokens
	tokens string               // the address where codes become tokens
	apart  map[string]any       // what its userinfo endpoint says; nil: it refuses
}

// New starts a Provider that says whoever comes is sub.
func New(t *testing.T, sub string) *Provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{key: key, signs: key, codes: map[string]url.Values{}, claims: map[string]any{"sub": sub}}
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	p.URL, p.tokens = srv.URL, srv.URL+"/token"
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /auth", p.auth)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /userinfo", p.userinfo)
	return p
}

// Say sets claims of whoever comes next.
func (p *Provider) Say(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.Copy(p.claims, claims)
}

// SayApart sets what is said of whoever comes next at the userinfo endpoint alone.
func (p *Provider) SayApart(claims map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apart = claims
}

// TokensAt names another address where codes become tokens, to whoever asks from
// now on.
func (p *Provider) TokensAt(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tokens = address
}

// Spoil changes the claims of tokens just before they are signed; nil: no more.
func (p *Provider) Spoil(f func(map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.after = f
}

// Forge signs with a key that is not the provider's.
func (p *Provider) Forge(t *testing.T) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.signs = key
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/auth", "token_endpoint": p.tokens, "jwks_uri": p.URL + "/keys",
		"userinfo_endpoint":        p.URL + "/userinfo",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
	})
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
		"n": b64(p.key.N.Bytes()), "e": b64(big.NewInt(int64(p.key.E)).Bytes()),
	}}})
}

// auth signs in at once and sends the browser back.
func (p *Provider) auth(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != ClientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" {
		http.Error(w, "wrong request", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = q
	p.mu.Unlock()
	back.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != ClientID || secret != ClientSecret {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client", "error_description": "wrong " + secret})
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	asked, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || asked.Get("code_challenge") != b64(sum[:]) || asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	claims := map[string]any{"iss": p.URL, "aud": ClientID, "nonce": asked.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	maps.Copy(claims, p.claims)
	if p.after != nil {
		p.after(claims)
	}
	answer(w, http.StatusOK, map[string]any{"access_token": "at", "token_type": "Bearer", "expires_in": 60, "id_token": p.sign(claims)})
}

func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer at" || p.apart == nil {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	answer(w, http.StatusOK, p.apart)
}

// sign makes a JWT, RS256 (RFC 7515).
func (p *Provider) sign(claims map[string]any) string {
	head, _ := json.Marshal(map[string]string{"alg": "RS256", "kid": "1"})
	body, _ := json.Marshal(claims)
	text := b64(head) + "." + b64(body)
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, p.signs, crypto.SHA256, sum[:])
	if err != nil {
		return ""
	}
	return text + "." + b64(sig)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
