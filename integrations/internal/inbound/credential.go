package inbound

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"
	"unicode"

	"salve/bot/secret"
)

// Credential is one way to be known: a bearer token, or, when User is set, a
// user name with its password (basic auth).
type Credential struct {
	User   string
	Secret secret.Secret
}

// guards are the digests of what may come in; they compare in constant time,
// whatever the lengths.
type guards struct {
	anyone  bool
	digests [][sha256.Size]byte
}

func newGuards(opts Options) (guards, error) {
	if len(opts.Credentials) == 0 && !opts.AllowAnonymous && opts.Proof == nil {
		return guards{}, errors.New("no credential; give it a bearer token, a user and password, or the secret that it signs with, or listen on loopback only and allow anonymous posts")
	}
	g := guards{anyone: len(opts.Credentials) == 0}
	for _, c := range opts.Credentials {
		if err := c.check(); err != nil {
			return guards{}, err
		}
		g.digests = append(g.digests, c.digest())
	}
	return g, nil
}

func (c Credential) check() error {
	switch s := c.Secret.Reveal(); {
	case strings.TrimSpace(s) == "":
		return errors.New("its secret is empty; write one into the file or variable that is named, for instance with: openssl rand -hex 32")
	case s != strings.TrimSpace(s) || strings.ContainsFunc(s, unicode.IsControl):
		return errors.New("its secret begins or ends with white space, or holds a control character; write it without")
	case strings.Contains(c.User, ":"):
		return errors.New("its user name holds a colon, which basic auth cannot send")
	default:
		return nil
	}
}

func (c Credential) digest() [sha256.Size]byte {
	if c.User == "" {
		return sha256.Sum256([]byte("bearer\x00" + c.Secret.Reveal()))
	}
	return sha256.Sum256([]byte("basic\x00" + c.User + "\x00" + c.Secret.Reveal()))
}

// admit reports whether the request carries one of the credentials. Every one
// of them is compared, so that time tells nothing.
func (g guards) admit(r *http.Request) bool {
	if g.anyone {
		return true
	}
	shown, ok := presented(r)
	if !ok {
		return false
	}
	digest, match := shown.digest(), 0
	for i := range g.digests {
		match |= subtle.ConstantTimeCompare(digest[:], g.digests[i][:])
	}
	return match == 1
}

// presented reads the one Authorization header.
func presented(r *http.Request) (Credential, bool) {
	if len(r.Header.Values("Authorization")) != 1 {
		return Credential{}, false
	}
	if user, password, ok := r.BasicAuth(); ok {
		return Credential{User: user, Secret: secret.New(password)}, user != "" && password != ""
	}
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return Credential{Secret: secret.New(token)}, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}
