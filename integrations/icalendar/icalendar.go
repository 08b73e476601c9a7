// Package icalendar tells who is on call from an iCalendar (RFC 5545), in a file
// or behind an address.
//
// It promises that recurring events, their exceptions (EXDATE, RDATE) and
// overrides (RECURRENCE-ID), days as a whole and time zones are understood, that
// a shift from nine to nine stays one when clocks change, and that a calendar
// which cannot be read leaves the last good one in place, for a week at most. The
// person is who attends the event, else the e-mail address in its summary, else
// the summary.
//
// It assumes that whoever may write the calendar may say who is woken; nobody
// gets authority by it. Calendars are hostile: their size, events, recurrences
// and the work on them are bounded, and what recurs more often than daily is
// refused. An event that cannot be understood is left out and noted. On failure
// errors hold neither the path nor the query of the address.
package icalendar

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones are known whatever the machine has

	ical "github.com/emersion/go-ical"

	"salve/bot"
)

// The limits of a calendar.
const (
	MaxBytes  = 4 << 20
	maxLine   = 8 << 10
	maxEvents = 5000
	maxDepth  = 8
	maxNotes  = 20
	maxPeople = 20 // of one event
)

// Calendar is one that was read. It never changes and is safe for use by many at
// once.
type Calendar struct {
	events []event
	moved  map[string]map[time.Time]bool // uid -> occurrences that an override stands for
	notes  []string
}

// Parse reads a calendar.
func Parse(src []byte) (*Calendar, error) {
	flat, err := unfold(src)
	if err != nil {
		return nil, err
	}
	c := &Calendar{moved: map[string]map[time.Time]bool{}}
	dec := ical.NewDecoder(bytes.NewReader(flat))
	for n := 0; ; n++ {
		cal, err := decode(dec)
		if errors.Is(err, io.EOF) && n > 0 {
			return c, nil
		}
		if err != nil {
			return nil, errors.New("this is not an iCalendar: it begins with BEGIN:VCALENDAR and every BEGIN has its END")
		}
		c.take(cal)
	}
}

// decode reads one VCALENDAR. The library reads past the end of lines that are
// cut off; that is a calendar which cannot be read and no reason to fall.
func decode(dec *ical.Decoder) (cal *ical.Calendar, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("a line is cut off")
		}
	}()
	return dec.Decode()
}

// wanted are the properties that are looked at; the rest is not even decoded.
var wanted = []string{
	"BEGIN", "END", "UID", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID",
	"STATUS", "SUMMARY", "ATTENDEE", "TZID", "X-LIC-LOCATION", "X-WR-TIMEZONE",
}

// unfold joins folded lines, keeps those that matter, and holds the limits that
// the decoder does not know.
func unfold(src []byte) ([]byte, error) {
	if len(src) > MaxBytes {
		return nil, fmt.Errorf("the calendar is larger than %d MiB", MaxBytes>>20)
	}
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	for _, fold := range []string{"\n ", "\n\t"} {
		src = bytes.ReplaceAll(src, []byte(fold), nil)
	}
	var out []byte
	depth, events := 0, 0
	for line := range bytes.Lines(src) {
		name := string(bytes.ToUpper(line[:max(bytes.IndexAny(line, ";:"), 0)]))
		if !slices.Contains(wanted, name) && len(bytes.TrimSpace(line)) > 0 && name != "" {
			continue
		}
		switch {
		case len(line) > maxLine:
			return nil, fmt.Errorf("a line of the calendar is longer than %d KiB", maxLine>>10)
		case name == "BEGIN":
			depth++
			if strings.EqualFold(strings.TrimSpace(string(line[len("BEGIN:"):])), ical.CompEvent) {
				events++
			}
		case name == "END":
			depth--
		}
		if depth > maxDepth || events > maxEvents {
			return nil, fmt.Errorf("the calendar has more than %d events, or events in events", maxEvents)
		}
		out = append(out, line...)
	}
	return out, nil
}

// take adds the events of one VCALENDAR.
func (c *Calendar) take(cal *ical.Calendar) {
	zones := zonesOf(cal)
	for _, e := range cal.Events() {
		one, err := read(e, zones)
		if err != nil {
			c.note(err.Error())
			continue
		}
		if !one.replaces.IsZero() {
			if c.moved[one.uid] == nil {
				c.moved[one.uid] = map[time.Time]bool{}
			}
			c.moved[one.uid][one.replaces.UTC()] = true
		}
		if !one.cancelled {
			c.events = append(c.events, one)
		}
	}
}

func (c *Calendar) note(text string) {
	if len(c.notes) < maxNotes {
		c.notes = append(c.notes, text)
	}
}

// Notes tell what was left out and why, the first of them.
func (c *Calendar) Notes() []string { return slices.Clone(c.notes) }

// maxWork is how long one question may take; what a calendar of years costs is a
// hundredth of it.
const maxWork = 2 * time.Second

// At tells who is on call at a time, in the order in which their shifts began;
// nobody twice.
func (c *Calendar) At(at time.Time) ([]bot.Contact, error) {
	var shifts []shift
	until := time.Now().Add(maxWork)
	for _, e := range c.events {
		if time.Now().After(until) {
			return nil, errors.New("the recurrences of the calendar take too long to follow; export fewer of its events")
		}
		s, ok, err := e.at(at, c.moved[e.uid])
		if err != nil {
			return nil, err
		}
		if ok {
			shifts = append(shifts, s)
		}
	}
	slices.SortStableFunc(shifts, func(a, b shift) int { return a.start.Compare(b.start) })
	var out []bot.Contact
	for _, s := range shifts {
		for _, who := range s.who {
			who.Until = s.end.UTC()
			if !slices.ContainsFunc(out, func(o bot.Contact) bool { return same(o, who) }) {
				out = append(out, who)
			}
		}
	}
	return out, nil
}

func same(a, b bot.Contact) bool {
	if a.Email != "" || b.Email != "" {
		return strings.EqualFold(a.Email, b.Email)
	}
	return a.Name == b.Name
}
