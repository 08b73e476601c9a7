package tokens

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Count reads truncatedAlerts: a number; a bool, as some senders have it, where
// true says no more than "at least one"; null is zero.
func (r *Reader) Count() (int, error) {
	t, err := r.dec.ReadToken()
	if err != nil {
		return 0, err
	}
	switch t.Kind() {
	case '0':
		n, err := strconv.ParseInt(t.String(), 10, 64)
		if err == nil && n >= 0 {
			return int(min(n, math.MaxInt32)), nil
		}
	case 't':
		return 1, nil
	case 'f', 'n':
		return 0, nil
	}
	return 0, Form(`"truncatedAlerts" is not a count`)
}

// Link reads an address; what is not plainly http or https is dropped, since a
// link is a comfort and no reason to lose an alert.
func (r *Reader) Link() (string, error) {
	b, ok, err := r.str()
	if err != nil || !ok {
		return "", err
	}
	if string(b) != r.lastURL {
		r.lastURL, r.lastLink = string(b), webAddress(b)
	}
	return r.lastLink, nil
}

func webAddress(b []byte) string {
	s := string(b)
	if len(s) > MaxText || strings.ContainsFunc(s, Hidden) {
		return ""
	}
	scheme, rest, _ := strings.Cut(s, "://")
	if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return ""
	}
	host := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host = rest[:i]
	}
	if host == "" || strings.ContainsAny(host, `@\`) {
		return "" // no host, or a user name that could pass for one
	}
	return s
}

// Hidden reports whether c is not a visible ASCII character.
func Hidden(c rune) bool { return c <= ' ' || c > '~' }

// Literal reads any value as text: a string as what it says, a number or a bool
// as it is written, a list or an object as JSON without white space. ok is false
// for null.
func (r *Reader) Literal() (text string, ok bool, err error) {
	switch r.Peek() {
	case '"':
		b, _, err := r.str()
		return string(b), true, err
	case 'n':
		return "", false, r.Next()
	}
	start := r.dec.InputOffset()
	if err := r.Skip(); err != nil {
		return "", false, err
	}
	v := jsontext.Value(bytes.Clone(bytes.TrimLeft(r.body[start:r.dec.InputOffset()], " \t\r\n:,")))
	if err := v.Compact(); err != nil {
		return "", false, err
	}
	return string(v), true, nil
}

// Time reads a time of the payload itself, in UTC to the millisecond; zero if
// there is none.
func (r *Reader) Time(member string) (time.Time, error) {
	text, err := r.Plain(member)
	if err != nil || text == "" {
		return time.Time{}, err
	}
	var t time.Time
	if t.UnmarshalText([]byte(text)) != nil {
		return t, Form(strconv.Quote(member) + " is not a time like 2006-01-02T15:04:05Z")
	}
	return t.UTC().Truncate(time.Millisecond), nil
}

// Cut shortens text that only people read to MaxText bytes, at a character.
func Cut(s string) string {
	const end = "…"
	if len(s) <= MaxText {
		return s
	}
	n := MaxText - len(end)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + end
}
