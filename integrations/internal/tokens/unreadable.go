package tokens

import (
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxFaults is how many faults are told; the rest is counted.
const maxFaults = 5

// Unreadable says what in a payload could not be understood. Its text names
// places and bounds, never anything that the payload says: it is safe to log
// and to send back.
type Unreadable struct {
	faults []string
	alerts int  // that have a fault
	last   int  // the alert of the last fault
	form   bool // the payload as a whole is broken
}

func (u *Unreadable) Error() string {
	text := strings.Join(u.faults, "; ")
	if more := u.alerts - len(u.faults); more > 0 && !u.form {
		text += "; and " + strconv.Itoa(more) + " more alerts"
	}
	return text
}

// Alerts is how many alerts were left out; 0 if the payload as a whole is
// broken.
func (u *Unreadable) Alerts() int { return u.alerts }

// add notes the first fault of an alert.
func (u *Unreadable) add(alert int, member, what string) {
	if u.alerts > 0 && u.last == alert {
		return
	}
	u.alerts++
	u.last = alert
	if len(u.faults) == maxFaults {
		return
	}
	place := "alerts[" + strconv.Itoa(alert) + "]"
	if member != "" {
		place += "." + member
	}
	u.faults = append(u.faults, place+" "+what)
}

// Form is a fault of the payload as a whole. It carries nothing of it.
type Form string

func (f Form) Error() string { return string(f) }

// broken words what ended the walk of body at the byte offset.
func broken(err error, body []byte, offset int64) *Unreadable {
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = syntax.ByteOffset
	}
	what := "the body is not valid JSON"
	if f, ok := errors.AsType[Form](err); ok {
		what = string(f)
	} else if len(body) == 0 {
		what = "the body is empty"
	} else if !utf8.Valid(body) {
		what = "the body is not valid UTF-8"
	} else if errors.Is(err, jsontext.ErrDuplicateName) {
		what = "a member is given twice in one object"
	} else if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		what = "the body ends in the middle"
	}
	return &Unreadable{form: true, faults: []string{what + " (byte " + strconv.FormatInt(offset, 10) + ")"}}
}
