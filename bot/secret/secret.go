// Package secret keeps secrets out of everything that people or machines read.
//
// It promises three things. A Secret prints [secret] by every road: fmt with
// any verb, slog, JSON, text, also as a hidden field of another struct. A Ref
// names a secret without holding it. A Redactor masks registered values, and
// what looks like a well-known token, in text and in streams.
//
// It assumes that every value is registered with the Redactor before text that
// may hold it is written. It reads no environment and no disk; cmd hands in the
// lookups. A value of fewer than 4 bytes is refused, since masking it would blot
// out ordinary text. Not covered: a value that was split by foreign text (base64
// wrapped over lines, a value printed letter by letter), hashed, compressed or
// encrypted, and base64 or hex of a text in which it stands escaped.
//
// On failure it says what to write instead and never repeats the input, since
// that may be the secret itself.
package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Mask is what stands in place of a secret.
const Mask = "[secret]"

// Secret is a value that must not be shown. The zero Secret is empty. It is not
// to be compared with ==; use Equal.
//
// The value sits behind a pointer because fmt prints hidden fields without
// asking their methods: it then shows an address.
type Secret struct{ value *string }

// New wraps a value.
func New(value string) Secret {
	if value == "" {
		return Secret{}
	}
	return Secret{value: &value}
}

// Reveal gives the value. Call it at the moment of use, and nowhere else.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether the Secret is empty.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Equal compares in constant time. An empty Secret equals nothing, not even
// another empty one: no secret must never mean access.
func (s Secret) Equal(o Secret) bool {
	a, b := s.Reveal(), o.Reveal()
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// String is the mask.
func (Secret) String() string { return Mask }

// GoString is the mask.
func (Secret) GoString() string { return Mask }

// Format writes the mask whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Mask) }

// LogValue is the mask.
func (Secret) LogValue() slog.Value { return slog.StringValue(Mask) }

// MarshalText is the mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(Mask), nil }

// MarshalJSON is the mask.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + Mask + `"`), nil }

// MarshalBinary is the mask, so that gob carries nothing either.
func (Secret) MarshalBinary() ([]byte, error) { return []byte(Mask), nil }

// UnmarshalText refuses: a file holds a reference, never the value.
func (*Secret) UnmarshalText([]byte) error {
	return errors.New("a secret is never written into a file; write a reference: env:NAME or file:/path")
}
