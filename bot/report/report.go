// Package report tells an auditor what happened in a span of time, out of the
// audit log and the plans that it names: each change with its cause, what was
// shown, who decided by which right, what came of it; who could decide what;
// which playbooks were in force; halts; starts and stops.
//
// It promises the same result for the same log and span, whatever was written
// later; that what the log says is told from the log alone, and what is told from
// a row beside it (a plan, the title of an incident) is named as such; that a plan
// is shown only with the word whether it hashes to the digest in the log; and
// that memory does not grow with the log but with what people did: long lists are
// cut, and say so. It assumes Events in the order of their chain, proved by
// somebody else. It reads no clock; it fails when its rows cannot be read.
package report

import (
	"maps"
	"slices"
	"time"

	"salve/bot"
)

// Span is a time from its beginning to just before its end.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func (s Span) has(t time.Time) bool { return !t.Before(s.From) && t.Before(s.To) }

// Mark is one Event of the chain at one end of the Span.
type Mark struct {
	Seq  int64     `json:"seq"`
	At   time.Time `json:"at"`
	Hash string    `json:"hash"`
}

// Report is everything but the changes, which come one incident at a time.
type Report struct {
	Span      Span       `json:"span"`
	First     Mark       `json:"first"`  // first Event in the Span; zero: there is none
	Last      Mark       `json:"last"`   // last one
	Events    int64      `json:"events"` // in the Span
	Kinds     []Count    `json:"kinds"`  // of them, by name
	People    []Standing `json:"people"` // who could do what, each from when until when
	Playbooks []Load     `json:"playbooks"`
	Rights    []Right    `json:"rights"` // per playbook, at the end of the Span
	Halts     []Halt     `json:"halts"`
	Process   []Life     `json:"process"`
	Integrity []Line     `json:"integrity"` // what the log says about itself
	Cut       []string   `json:"cut,omitempty"`
}

// Count is how many there are of something.
type Count struct {
	What  string `json:"what"`
	Count int64  `json:"count"`
}

// Line is an Event as people read it.
type Line struct {
	Seq  int64         `json:"seq"`
	At   time.Time     `json:"at"`
	Who  string        `json:"who"`
	Kind bot.EventKind `json:"kind"`
	Text string        `json:"text"`
}

func line(e bot.Event) Line {
	return Line{Seq: e.Seq, At: e.At, Who: who(e.Actor), Kind: e.Kind, Text: e.Text}
}

// who names an Actor with the id that never changes and the surface.
func who(a bot.Actor) string {
	text := a.Name
	if a.Person != "" && string(a.Person) != a.Name {
		text += " (" + string(a.Person) + ")"
	}
	if a.Surface != "" && a.Surface != a.Name {
		text += " by " + a.Surface
	}
	return text
}

// maxList bounds each list of the Report.
const maxList = 5000

// Index is what is learned from the log in one pass. The zero Index is of no
// use; NewIndex makes one.
type Index struct {
	span      Span
	first     Mark
	last      Mark
	events    int64
	kinds     map[bot.EventKind]int64
	people    people
	playbooks playbooks
	halts     halts
	process   process
	integrity []Line
	incidents map[bot.IncidentID]map[bot.PlanID]bool
}

// NewIndex begins the pass for a Span.
func NewIndex(span Span) *Index {
	return &Index{
		span: span, kinds: map[bot.EventKind]int64{},
		incidents: map[bot.IncidentID]map[bot.PlanID]bool{},
	}
}

// Carry reads an Event that was dropped from the log and kept beside it, because
// it says what was so when the log begins. It comes before all others.
func (x *Index) Carry(e bot.Event) {
	x.people.take(e)
	x.playbooks.take(e, false)
}

// Take reads one Event. What comes after the Span is not looked at: a report of
// the past does not change.
func (x *Index) Take(e bot.Event) {
	if !e.At.Before(x.span.To) {
		return
	}
	in := x.span.has(e.At)
	x.people.take(e)
	x.playbooks.take(e, in)
	x.halts.take(e)
	x.process.take(e)
	x.last = Mark{Seq: e.Seq, At: e.At, Hash: e.Hash}
	if !in {
		return
	}
	if x.events++; x.events == 1 {
		x.first = x.last
	}
	x.kinds[e.Kind]++
	if e.Plan != 0 && e.Incident != 0 {
		if x.incidents[e.Incident] == nil {
			x.incidents[e.Incident] = map[bot.PlanID]bool{}
		}
		x.incidents[e.Incident][e.Plan] = true
	}
	switch e.Kind {
	case bot.EventGenesis, bot.EventDistrusted, bot.EventTrusted, bot.EventPruned:
		x.integrity = append(x.integrity, line(e))
	}
}

// Report is what the pass found.
func (x *Index) Report() Report {
	r := Report{
		Span: x.span, First: x.first, Last: x.last, Events: x.events,
		People: x.people.during(x.span), Playbooks: x.playbooks.loads, Halts: x.halts.during(x.span),
		Process: x.process.during(x.span), Integrity: x.integrity,
	}
	if x.events == 0 {
		r.Last = Mark{}
	}
	r.Rights = x.rights()
	for _, k := range slices.Sorted(maps.Keys(x.kinds)) {
		r.Kinds = append(r.Kinds, Count{What: string(k), Count: x.kinds[k]})
	}
	r.Cut = slices.Concat(
		cut("people", &r.People), cut("playbooks", &r.Playbooks), cut("halts", &r.Halts),
		cut("starts and stops", &r.Process), cut("integrity", &r.Integrity),
	)
	return r
}

// cut shortens a list and says so.
func cut[T any](name string, list *[]T) []string {
	if len(*list) <= maxList {
		return nil
	}
	*list = (*list)[:maxList]
	return []string{name}
}
