package alertmanager

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// reader walks the tokens of one payload. A broken form is returned as an
// error and ends the walk; a bad value in an alert is noted as a fault, skipped,
// and costs that alert only.
type reader struct {
	dec      *jsontext.Decoder
	faults   Unreadable
	index    int         // of the alert being read
	sizes    [2]int      // labels and annotations of the alert before: the next has about as many
	scratch  []byte      // unquoted text of the last string that had escapes
	strings  [256]string // texts seen; alerts of one group share most of theirs
	lastURL  string      // the link read before, and what was made of it
	lastLink string
}

// readers are kept between payloads for their buffers and for the texts seen:
// one sender says much the same again and again.
var readers = sync.Pool{New: func() any { return &reader{dec: new(jsontext.Decoder)} }}

func borrow(body []byte) *reader {
	r := readers.Get().(*reader)
	r.dec.Reset(bytes.NewBuffer(body))
	return r
}

func (r *reader) giveBack() {
	r.dec.Reset(bytes.NewReader(nil)) // lets go of the body
	r.faults, r.index, r.lastURL, r.lastLink = Unreadable{}, 0, "", ""
	if cap(r.scratch) > maxText {
		r.scratch = nil
	}
	readers.Put(r)
}

// fault notes that a value of the current alert cannot be taken.
func (r *reader) fault(member, what string) { r.faults.add(r.index, member, what) }

func (r *reader) expect(k jsontext.Kind) error {
	got := r.dec.PeekKind()
	if got != k && got != 0 {
		if k == '{' {
			return form("the body is not a JSON object")
		}
		return form(`"alerts" is not a list`)
	}
	_, err := r.dec.ReadToken()
	return err
}

// name reads the name of the next member. It is good until the next read.
func (r *reader) name() ([]byte, error) {
	v, err := r.dec.ReadValue()
	if err != nil {
		return nil, err
	}
	return r.unquote(v), nil
}

func (r *reader) unquote(v jsontext.Value) []byte {
	if bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1]
	}
	r.scratch, _ = jsontext.AppendUnquote(r.scratch[:0], v) // v is valid: it has just been read
	return r.scratch
}

// text keeps b as a string, sharing it with an equal one seen shortly before.
func (r *reader) text(b []byte) string {
	if len(b) < 2 || len(b) > 256 {
		return string(b)
	}
	h := (uint(len(b))*31+uint(b[0]))*31 + uint(b[len(b)-1])
	h = h*31 + uint(b[len(b)/2])
	slot := &r.strings[(h^h>>8)&255]
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

// skip passes over one value without recursion and refuses depth.
func (r *reader) skip() error {
	base := r.dec.StackDepth()
	for {
		if _, err := r.dec.ReadToken(); err != nil {
			return err
		}
		switch depth := r.dec.StackDepth(); {
		case depth > maxDepth:
			return form("the JSON is nested more than " + strconv.Itoa(maxDepth) + " deep")
		case depth <= base:
			return nil
		}
	}
}

// str reads a string, null counting as "". ok is false for another kind, which
// is passed over.
func (r *reader) str() (b []byte, ok bool, err error) {
	switch r.dec.PeekKind() {
	case '"':
		v, err := r.dec.ReadValue()
		if err != nil {
			return nil, false, err
		}
		return r.unquote(v), true, nil
	case 'n':
		_, err := r.dec.ReadToken()
		return nil, true, err
	default:
		return nil, false, r.skip()
	}
}

// plain reads a string of the payload itself.
func (r *reader) plain(member string) (string, error) {
	b, ok, err := r.str()
	if err == nil && !ok {
		err = form(strconv.Quote(member) + " is not a string")
	}
	return string(b), err
}

// short reads a string of an alert.
func (r *reader) short(member string) (string, error) {
	b, ok, err := r.str()
	if err == nil && !ok {
		r.fault(member, "is not a string")
	}
	return r.text(b), err
}

func (r *reader) instant(member string) (time.Time, error) {
	b, ok, err := r.str()
	if err != nil || (ok && len(b) == 0) {
		return time.Time{}, err
	}
	var t time.Time
	if !ok || t.UnmarshalText(b) != nil {
		r.fault(member, "is not a time like 2006-01-02T15:04:05Z")
		return time.Time{}, nil
	}
	if t = t.UTC().Truncate(time.Millisecond); t.Year() <= 1 {
		return time.Time{}, nil // Alertmanager's "not yet"
	}
	return t, nil
}

// texts reads an object of strings.
func (r *reader) texts(member string, size int) (map[string]string, error) {
	switch r.dec.PeekKind() {
	case '{':
	case 'n':
		return nil, r.skip()
	default:
		r.fault(member, "is not an object")
		return nil, r.skip()
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return nil, err
	}
	out := make(map[string]string, size)
	seen := 0
	for ; r.dec.PeekKind() != '}'; seen++ {
		if err := r.pair(member, out); err != nil {
			return nil, err
		}
	}
	if seen > maxLabels {
		r.fault(member, "has "+strconv.Itoa(seen)+" members, at most "+strconv.Itoa(maxLabels)+" are taken")
	}
	_, err := r.dec.ReadToken()
	return out, err
}

func (r *reader) pair(member string, out map[string]string) error {
	b, err := r.name()
	if err != nil {
		return err
	}
	long := len(b) > maxText
	var name string
	if !long && len(out) <= maxLabels {
		name = r.text(b)
	}
	if k := r.dec.PeekKind(); k != '"' && k != 0 {
		r.fault(member, "has a value that is not a string")
		return r.skip()
	}
	v, err := r.dec.ReadValue()
	if err != nil {
		return err
	}
	b = r.unquote(v)
	switch {
	case long || len(b) > maxText:
		r.fault(member, "has a name or value of more than "+strconv.Itoa(maxText)+" bytes")
	case len(out) <= maxLabels: // one more than is allowed proves the fault; the rest is only counted
		out[name] = r.text(b)
	}
	return nil
}

// count reads truncatedAlerts: a number; a bool, as some senders have it, where
// true says no more than "at least one"; null is zero.
func (r *reader) count() (int, error) {
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
	return 0, form(`"truncatedAlerts" is not a count`)
}

// link reads an address; what is not plainly http or https is dropped, since a
// link is a comfort and no reason to lose an alert.
func (r *reader) link() (string, error) {
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
	if len(s) > maxText || strings.ContainsFunc(s, notPlain) {
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
