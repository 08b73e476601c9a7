package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Signer signs Checkpoints with one Ed25519 key.
type Signer struct {
	note   note.Signer
	public string
}

// NewKey makes a key. name is the origin of what it signs, like
// "salve.example.com/audit". The secret line must be kept from everybody who can
// write the database; the public line verifies, and is no secret.
func NewKey(random io.Reader, name string) (secret, public string, err error) {
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == '+' || r == 0x7f }) || name == "" || len(name) > 200 {
		return "", "", errors.New("the name of a key has 1 to 200 characters, and no space and no plus sign among them")
	}
	return note.GenerateKey(random, name)
}

// NewSigner reads the secret line that NewKey made.
func NewSigner(secret string) (*Signer, error) {
	s, err := note.NewSigner(secret)
	if err != nil {
		return nil, errors.New("the audit key is not one that `salve audit key new` makes") // the cause would show what stands there
	}
	data := strings.SplitN(secret, "+", 5)
	raw, err := base64.StdEncoding.DecodeString(data[4])
	if err != nil || len(raw) != 1+ed25519.SeedSize {
		return nil, errors.New("the audit key is not one that `salve audit key new` makes")
	}
	public, ok := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("the audit key has no public half")
	}
	line, err := note.NewEd25519VerifierKey(s.Name(), public)
	if err != nil {
		return nil, fmt.Errorf("public half of the audit key: %w", err)
	}
	return &Signer{note: s, public: line}, nil
}

// Name is the origin of what it signs.
func (s *Signer) Name() string { return s.note.Name() }

// Public is the line that verifies what it signs.
func (s *Signer) Public() string { return s.public }

// Keys are the public lines that are trusted. The zero Keys trust nobody.
type Keys struct{ list []note.Verifier }

// ParseKeys reads public lines; empty ones and those that begin with # are
// passed over.
func ParseKeys(lines ...string) (Keys, error) {
	var keys Keys
	seen := map[string]bool{}
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		v, err := note.NewVerifier(line)
		if err != nil {
			return Keys{}, fmt.Errorf("line %d is not a public key as `salve audit key show` prints it", i+1)
		}
		if id := keyID(v.Name(), v.KeyHash()); !seen[id] {
			seen[id] = true
			keys.list = append(keys.list, v)
		}
	}
	return keys, nil
}

// None reports whether nobody is trusted.
func (k Keys) None() bool { return len(k.list) == 0 }

// keyID names a key for people, without its 44 characters of data.
func keyID(name string, hash uint32) string { return fmt.Sprintf("%s+%08x", name, hash) }

// With trusts the other keys too.
func (k Keys) With(o Keys) Keys {
	out := Keys{}
	seen := map[string]bool{}
	for _, v := range append(append([]note.Verifier{}, k.list...), o.list...) {
		if id := keyID(v.Name(), v.KeyHash()); !seen[id] {
			seen[id] = true
			out.list = append(out.list, v)
		}
	}
	return out
}
