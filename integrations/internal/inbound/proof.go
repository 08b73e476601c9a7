package inbound

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"salve/bot/secret"
)

// maxSignatures is how many signatures of one delivery are looked at.
const maxSignatures = 8

// Signature is how a sender proves itself by a signature: HMAC-SHA256 over the
// raw body, in hex, in a header.
type Signature struct {
	Header string // its name
	Prefix string // that stands before each signature, like "sha256="
	Many   bool   // there may be several, with commas between; one that is right is enough
}

// The texts name no value of the request.
var (
	errNotSigned = errors.New("the signature is missing, or there is more than one header of it")
	errForeign   = errors.New("the signature is not of this body with this source's secret")
)

// Proof makes an Options.Proof that takes a body signed with any of the secrets.
// Without secrets there is no proof: nil.
func (s Signature) Proof(secrets []secret.Secret) func(http.Header, []byte, time.Time) error {
	if len(secrets) == 0 {
		return nil
	}
	return func(header http.Header, body []byte, _ time.Time) error {
		values := header.Values(s.Header)
		if len(values) != 1 || values[0] == "" {
			return errNotSigned
		}
		if !s.match(values[0], body, secrets) {
			return errForeign
		}
		return nil
	}
}

// match compares every signature with that of every secret, so that time tells
// nothing of which was near.
func (s Signature) match(value string, body []byte, secrets []secret.Secret) bool {
	given := []string{value}
	if s.Many {
		given = strings.SplitN(value, ",", maxSignatures+1)
		given = given[:min(len(given), maxSignatures)]
	}
	matched := false
	for _, key := range secrets {
		mac := hmac.New(sha256.New, []byte(key.Reveal()))
		mac.Write(body)
		want := mac.Sum(nil)
		for _, g := range given {
			if s.Many {
				g = strings.Trim(g, " ")
			}
			rest, ok := strings.CutPrefix(g, s.Prefix)
			got, err := hex.DecodeString(rest)
			matched = hmac.Equal(got, want) && ok && err == nil || matched
		}
	}
	return matched
}

// checkProof refuses Options that prove nothing or two things at once.
func (o Options) checkProof() error {
	switch {
	case o.Proof == nil && len(o.Secrets) > 0:
		return errors.New("its sender does not sign; give it a bearer token or a user and password instead of a secret")
	case o.Proof != nil && len(o.Credentials) > 0:
		return errors.New("it has a secret to sign with and a credential too; give it one of them")
	}
	for _, s := range o.Secrets {
		if err := (Credential{Secret: s}).check(); err != nil {
			return err
		}
	}
	if o.Kind != "" && slices.ContainsFunc([]byte(o.Kind), func(c byte) bool { return c <= ' ' || c > '~' || c == ':' }) {
		return errors.New("the header that names the kind is not the name of a header")
	}
	return nil
}

// prove holds the body to its proof, if there is one.
func (g *Gate) prove(r *http.Request, body []byte, now time.Time) *refusal {
	if g.opts.Proof == nil {
		return nil
	}
	if err := g.opts.Proof(r.Header, body, now); err != nil {
		return &refusal{status: http.StatusUnauthorized, why: err.Error(), next: "give the sender the secret that this source has in salve.yaml"}
	}
	return nil
}

// maxKind is the longest kind that is taken, in bytes.
const maxKind = 100

// kinded puts the header that says what the body is before it, as one line, so
// that both are kept and read together.
func (g *Gate) kinded(r *http.Request, body []byte) ([]byte, *refusal) {
	name := g.opts.Kind
	if name == "" {
		return body, nil
	}
	values := r.Header.Values(name)
	if len(values) != 1 || values[0] == "" || len(values[0]) > maxKind ||
		strings.ContainsFunc(values[0], func(c rune) bool { return c < ' ' || c > '~' }) {
		return nil, &refusal{status: http.StatusBadRequest, why: "the header " + name + " is missing, or does not say in a few words what the body is",
			next: "send the webhook from the alert source itself"}
	}
	line := make([]byte, 0, len(name)+len(values[0])+3+len(body))
	line = append(append(append(line, name...), ": "...), values[0]...)
	return append(append(line, '\n'), body...), nil
}
