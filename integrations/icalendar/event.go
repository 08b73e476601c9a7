package icalendar

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	ical "github.com/emersion/go-ical"
	"github.com/teambition/rrule-go"

	"salve/bot"
)

// event is a VEVENT that was understood.
type event struct {
	uid       string
	start     time.Time      // in its own zone
	wall      time.Duration  // how long it is on the clock on the wall ...
	exact     time.Duration  // ... and beyond that, whatever clocks do
	rule      *rrule.ROption // nil: it happens once
	extra     []time.Time    // RDATE
	except    map[time.Time]bool
	replaces  time.Time // RECURRENCE-ID; zero: it is no override
	cancelled bool
	who       []bot.Contact
}

// shift is one occurrence.
type shift struct {
	start, end time.Time
	who        []bot.Contact
}

const (
	maxOccurrences = 20000 // of one event before the time that is asked for
	maxExceptions  = 2000
	maxDuration    = 366 * 24 * time.Hour
)

// end is when an occurrence that began at a time is over.
func (e event) end(start time.Time) time.Time {
	y, m, d := start.Date()
	sec := start.Second() + int(e.wall/time.Second)
	return time.Date(y, m, d, start.Hour(), start.Minute(), sec, 0, start.Location()).Add(e.exact)
}

func read(v ical.Event, zones zones) (event, error) {
	e := event{uid: text(v.Props.Get(ical.PropUID), 255)}
	name := cmp.Or(text(v.Props.Get(ical.PropSummary), 100), e.uid, "without a summary") // people find it by what they see
	fail := func(why string) (event, error) { return event{}, fmt.Errorf("event %q is left out: %s", name, why) }
	startProp := v.Props.Get(ical.PropDateTimeStart)
	if startProp == nil {
		return fail("it has no DTSTART")
	}
	start, err := zones.time(startProp)
	if err != nil {
		return fail("DTSTART: " + err.Error())
	}
	if y := start.Year(); y < 1990 || y > 2200 {
		return fail("it begins in another age")
	}
	e.start = start
	if err := e.readLength(v, startProp, zones); err != nil {
		return fail(err.Error())
	}
	if err := e.readRecurrence(v, zones); err != nil {
		return fail(err.Error())
	}
	e.cancelled = strings.EqualFold(text(v.Props.Get(ical.PropStatus), 20), "CANCELLED")
	if e.who = people(v); len(e.who) == 0 && !e.cancelled {
		return fail("it names nobody: it has neither ATTENDEE nor SUMMARY")
	}
	return e, nil
}

// readLength finds how long the event is: DTEND, DURATION, or one day if it
// begins on one.
func (e *event) readLength(v ical.Event, startProp *ical.Prop, zones zones) error {
	whole := len(startProp.Value) == len("20060102")
	if p := v.Props.Get(ical.PropDateTimeEnd); p != nil {
		end, err := zones.time(p)
		if err != nil {
			return fmt.Errorf("DTEND: %w", err)
		}
		if !end.After(e.start) || end.Sub(e.start) > maxDuration {
			return errors.New("it ends before it begins, or after more than a year")
		}
		e.wall = wall(end.In(e.start.Location())).Sub(wall(e.start))
		return nil
	}
	if p := v.Props.Get(ical.PropDuration); p != nil {
		d, err := p.Duration()
		if err != nil || d <= 0 || d > maxDuration {
			return errors.New("its DURATION cannot be understood")
		}
		e.wall = d.Truncate(24 * time.Hour) // a day is one on the calendar
		e.exact = d - e.wall
		return nil
	}
	if !whole {
		return errors.New("it has no end")
	}
	e.wall = 24 * time.Hour
	return nil
}

// wall is what the clock on the wall shows, as if it were UTC.
func wall(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

func (e *event) readRecurrence(v ical.Event, zones zones) error {
	if p := v.Props.Get(ical.PropRecurrenceID); p != nil {
		at, err := zones.time(p)
		if err != nil {
			return fmt.Errorf("RECURRENCE-ID: %w", err)
		}
		e.replaces = at
		return nil // what replaces one occurrence does not recur
	}
	except, err := zones.times(v.Props.Values(ical.PropExceptionDates))
	if err != nil {
		return fmt.Errorf("EXDATE: %w", err)
	}
	e.except = map[time.Time]bool{}
	for _, at := range except {
		e.except[at.UTC()] = true
	}
	if e.extra, err = zones.times(v.Props.Values(ical.PropRecurrenceDates)); err != nil {
		return fmt.Errorf("RDATE: %w", err)
	}
	if p := v.Props.Get(ical.PropRecurrenceRule); p != nil {
		if e.rule, err = rule(p.Value, e.start); err != nil {
			return fmt.Errorf("RRULE: %w", err)
		}
	}
	return nil
}

// rule reads an RRULE and refuses what is more work than a rota is worth: the
// library follows a rule that never holds second by second to the year 9999.
func rule(text string, start time.Time) (*rrule.ROption, error) {
	if len(text) > 500 {
		return nil, errors.New("it is longer than a rule")
	}
	opt, err := rrule.StrToROptionInLocation(strings.ToUpper(strings.TrimSpace(text)), start.Location())
	if err != nil {
		return nil, errors.New("it cannot be understood")
	}
	switch opt.Freq {
	case rrule.DAILY, rrule.WEEKLY, rrule.MONTHLY, rrule.YEARLY:
	default:
		return nil, errors.New("it recurs more often than daily")
	}
	if strange(opt) {
		return nil, errors.New("it recurs in a way that no rota does")
	}
	opt.Dtstart = start
	if _, err := rrule.NewRRule(*opt); err != nil {
		return nil, errors.New("it cannot be understood")
	}
	return opt, nil
}

// strange tells of rules that cost much, or that the library does not survive: a
// ninth Saturday of a month is looked up beyond the end of the year.
func strange(o *rrule.ROption) bool {
	for _, d := range o.Byweekday {
		if n := d.N(); n != 0 && (o.Freq != rrule.MONTHLY && o.Freq != rrule.YEARLY || n > 5 || n < -5) {
			return true
		}
	}
	lists := len(o.Byhour) + len(o.Byminute) + len(o.Bysecond)
	return o.Interval < 0 || o.Interval > 1000 || o.Count < 0 || lists > 24 || len(o.Bysetpos) > 31 ||
		len(o.Byweekno)+len(o.Byyearday)+len(o.Byeaster) > 0
}

// at gives the occurrence that is going on at a time. moved are those for which
// another event stands.
func (e event) at(at time.Time, moved map[time.Time]bool) (shift, bool, error) {
	var found shift
	ok := false
	try := func(start time.Time) {
		if start.After(at) || !e.end(start).After(at) || e.except[start.UTC()] || e.replaces.IsZero() && moved[start.UTC()] {
			return
		}
		found, ok = shift{start: start, end: e.end(start), who: e.who}, true
	}
	if e.start.After(at) && len(e.extra) == 0 {
		return found, false, nil
	}
	for _, start := range e.extra {
		try(start)
	}
	try(e.start)
	if e.rule == nil || e.start.After(at) {
		return found, ok, nil
	}
	opt := *e.rule
	if opt.Until.IsZero() || opt.Until.After(at) {
		opt.Until = at
	}
	r, err := rrule.NewRRule(opt)
	if err != nil {
		return found, false, fmt.Errorf("follow the recurrence of event %q: %w", e.uid, err)
	}
	next := r.Iterator()
	for n := 0; ; n++ {
		start, more := next()
		if !more || start.After(at) {
			return found, ok, nil
		}
		if n == maxOccurrences {
			return found, false, fmt.Errorf("event %q has recurred more than %d times; end it and begin anew", e.uid, maxOccurrences)
		}
		try(start)
	}
}
