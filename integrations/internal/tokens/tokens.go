// Package tokens reads the JSON body of a webhook token by token, for decoders
// that trust nothing of it.
//
// It promises to be strict about form (one value, no member twice, exact case,
// valid UTF-8), to be bounded in depth, number and length, never to cut a value
// to fit (half a label would be another label), and to say what is wrong and
// where without repeating a word of the body.
//
// It assumes a body of bounded size. A Reader is for one goroutine at a time and
// is good until it is given back; what it returned stays good.
//
// On failure a broken form ends the walk with an error, which Broken words; a
// bad value of one alert is noted as a fault, passed over, and costs that alert
// only.
package tokens

import (
	"bytes"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The bounds of what is read. Whatever is beyond them is a fault.
const (
	MaxDepth  = 64
	MaxLabels = 200
	MaxText   = 4 << 10 // bytes of a name or a value
)

// Reader walks the tokens of one body.
type Reader struct {
	Index    int // of the alert that is being read: where faults are
	dec      *jsontext.Decoder
	body     []byte
	faults   Unreadable
	scratch  []byte      // unquoted text of the last string that had escapes
	strings  [256]string // texts seen; alerts of one group share most of theirs
	lastURL  string      // the link read before, and what was made of it
	lastLink string
}

// readers are kept between payloads for their buffers and for the texts seen:
// one sender says much the same again and again.
var readers = sync.Pool{New: func() any { return &Reader{dec: new(jsontext.Decoder)} }}

// Borrow gives a Reader of the body, which stays as it is.
func Borrow(body []byte) *Reader {
	r := readers.Get().(*Reader)
	r.dec.Reset(bytes.NewBuffer(body))
	r.body = body
	return r
}

// GiveBack ends the use of r.
func (r *Reader) GiveBack() {
	r.dec.Reset(bytes.NewReader(nil)) // lets go of the body
	r.body = nil
	r.faults, r.Index, r.lastURL, r.lastLink = Unreadable{}, 0, "", ""
	if cap(r.scratch) > MaxText {
		r.scratch = nil
	}
	readers.Put(r)
}

// Fault notes that a value of the current alert cannot be taken.
func (r *Reader) Fault(member, what string) { r.faults.add(r.Index, member, what) }

// Faulty is how many alerts have a fault so far.
func (r *Reader) Faulty() int { return r.faults.alerts }

// Faults are those that were noted; nil if there are none.
func (r *Reader) Faults() error {
	if r.faults.alerts == 0 {
		return nil
	}
	faults := r.faults
	return &faults
}

// Broken words what ended the walk.
func (r *Reader) Broken(err error) error { return broken(err, r.body, r.dec.InputOffset()) }

// Peek tells the kind of the next token: { } [ ] " 0 t f n, or 0 where none can
// be read; the next read tells why.
func (r *Reader) Peek() byte { return byte(r.dec.PeekKind()) }

// Next passes over one token.
func (r *Reader) Next() error {
	_, err := r.dec.ReadToken()
	return err
}

// Open enters an object or a list. Whatever else is there is what the words say.
func (r *Reader) Open(kind byte, otherwise string) error {
	if got := r.Peek(); got != kind && got != 0 {
		return Form(otherwise)
	}
	return r.Next()
}

// Whole walks a body that is one object: each is called for every member, with
// its name, and reads its value.
func (r *Reader) Whole(each func(name string) error) error {
	if err := r.Open('{', "the body is not a JSON object"); err != nil {
		return err
	}
	if err := r.members(each); err != nil {
		return err
	}
	return r.End()
}

// Object walks an object, null counting as an empty one.
func (r *Reader) Object(member string, each func(name string) error) error {
	if r.Peek() == 'n' {
		return r.Next()
	}
	if r.dec.StackDepth() >= MaxDepth {
		return r.Skip()
	}
	if err := r.Open('{', strconv.Quote(member)+" is not an object"); err != nil {
		return err
	}
	return r.members(each)
}

func (r *Reader) members(each func(name string) error) error {
	for r.Peek() != '}' {
		name, err := r.Name()
		if err != nil {
			return err
		}
		if err := each(r.text(name)); err != nil {
			return err
		}
	}
	return r.Next()
}

// End wants nothing more to follow.
func (r *Reader) End() error {
	if _, err := r.dec.ReadToken(); err != io.EOF {
		return Form("something follows the JSON value")
	}
	return nil
}

// Name reads the name of the next member. It is good until the next read.
func (r *Reader) Name() ([]byte, error) {
	v, err := r.dec.ReadValue()
	if err != nil {
		return nil, err
	}
	return r.unquote(v), nil
}

func (r *Reader) unquote(v jsontext.Value) []byte {
	if bytes.IndexByte(v, '\\') < 0 {
		return v[1 : len(v)-1]
	}
	r.scratch, _ = jsontext.AppendUnquote(r.scratch[:0], v) // v is valid: it has just been read
	return r.scratch
}

// text keeps b as a string, sharing it with an equal one seen shortly before.
func (r *Reader) text(b []byte) string {
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

// Skip passes over one value without recursion and refuses depth.
func (r *Reader) Skip() error {
	base := r.dec.StackDepth()
	for {
		if _, err := r.dec.ReadToken(); err != nil {
			return err
		}
		switch depth := r.dec.StackDepth(); {
		case depth > MaxDepth:
			return Form("the JSON is nested more than " + strconv.Itoa(MaxDepth) + " deep")
		case depth <= base:
			return nil
		}
	}
}

// str reads a string, null counting as "". ok is false for another kind, which
// is passed over.
func (r *Reader) str() (b []byte, ok bool, err error) {
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
		return nil, false, r.Skip()
	}
}

// Plain reads a string of the payload itself.
func (r *Reader) Plain(member string) (string, error) {
	b, ok, err := r.str()
	if err == nil && !ok {
		err = Form(strconv.Quote(member) + " is not a string")
	}
	return string(b), err
}

// Short reads a string of an alert.
func (r *Reader) Short(member string) (string, error) {
	b, ok, err := r.str()
	if err == nil && !ok {
		r.Fault(member, "is not a string")
	}
	return r.text(b), err
}

// Instant reads a time of an alert, in UTC to the millisecond; zero if there is
// none, or one of the year 1.
func (r *Reader) Instant(member string) (time.Time, error) {
	b, ok, err := r.str()
	if err != nil || (ok && len(b) == 0) {
		return time.Time{}, err
	}
	var t time.Time
	if !ok || t.UnmarshalText(b) != nil {
		r.Fault(member, "is not a time like 2006-01-02T15:04:05Z")
		return time.Time{}, nil
	}
	if t = t.UTC().Truncate(time.Millisecond); t.Year() <= 1 {
		return time.Time{}, nil // Alertmanager's "not yet"
	}
	return t, nil
}

// Texts reads an object of strings, of about that size.
func (r *Reader) Texts(member string, size int) (map[string]string, error) {
	switch r.dec.PeekKind() {
	case '{':
	case 'n':
		return nil, r.Skip()
	default:
		r.Fault(member, "is not an object")
		return nil, r.Skip()
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
	if seen > MaxLabels {
		r.Fault(member, "has "+strconv.Itoa(seen)+" members, at most "+strconv.Itoa(MaxLabels)+" are taken")
	}
	_, err := r.dec.ReadToken()
	return out, err
}

func (r *Reader) pair(member string, out map[string]string) error {
	b, err := r.Name()
	if err != nil {
		return err
	}
	long := len(b) > MaxText
	var name string
	if !long && len(out) <= MaxLabels {
		name = r.text(b)
	}
	if k := r.dec.PeekKind(); k != '"' && k != 0 {
		r.Fault(member, "has a value that is not a string")
		return r.Skip()
	}
	v, err := r.dec.ReadValue()
	if err != nil {
		return err
	}
	b = r.unquote(v)
	switch {
	case long || len(b) > MaxText:
		r.Fault(member, "has a name or value of more than "+strconv.Itoa(MaxText)+" bytes")
	case len(out) <= MaxLabels: // one more than is allowed proves the fault; the rest is only counted
		out[name] = r.text(b)
	}
	return nil
}
