package otlp

import (
	"time"

	"salve/bot"
)

// span is a span on its way, small enough that thousands may wait. Its text is
// as it was found; it is bounded and masked when the span is sent.
type span struct {
	trace    bot.TraceID
	id       bot.SpanID
	parent   bot.SpanID // zero: none
	incident bot.IncidentID
	name     string
	kind     kind
	start    time.Time
	end      time.Time
	attrs    []attr
	events   []event
	link     Link
	status   status
	plan     bot.PlanID             // what complete wants to read; zero: nothing
	complete func(*span, *bot.Plan) // nil: it is whole
}

// kind and status have the numbers of the OTLP enumerations.
type (
	kind   int32
	status int32
)

const (
	kindInternal kind = 1
	kindServer   kind = 2
	kindClient   kind = 3

	statusUnset status = 0
	statusOK    status = 1
	statusError status = 2
)

// event is a moment within a span.
type event struct {
	name  string
	at    time.Time
	attrs []attr
}

// attr is an attribute: a text, a list of texts, a number, or seconds.
type attr struct {
	key     string
	text    string
	list    []string
	number  int64
	seconds float64
	is      shape
}

type shape uint8

const (
	isText shape = iota
	isList
	isNumber
	isSeconds
)

// maxHeld is the longest text that waits with a span. Of a longer one nothing is
// said: cut, it might end within a secret, which nobody would see there.
const maxHeld = 1 << 10

func text[S ~string](key string, v S) attr {
	if len(v) > maxHeld {
		v = "[too long]"
	}
	return attr{key: key, text: string(v)}
}

func list(key string, v []string) attr { return attr{key: key, list: v, is: isList} }

func number[N ~int | ~int64](key string, v N) attr {
	return attr{key: key, number: int64(v), is: isNumber}
}

func took(key string, d time.Duration) attr {
	return attr{key: key, seconds: d.Seconds(), is: isSeconds}
}

// add appends an attribute unless it is an empty text.
func (s *span) add(as ...attr) {
	for _, a := range as {
		if a.is != isText || a.text != "" {
			s.attrs = append(s.attrs, a)
		}
	}
}

// newSpan begins a span of an Incident's trace.
func (e *Exporter) newSpan(id bot.IncidentID, trace bot.TraceID, name, key string) span {
	return span{
		trace: trace, id: trace.Span(key), parent: trace.Root(), incident: id, name: name, kind: kindInternal,
		attrs: append(make([]attr, 0, 16), text(attrIncident, id.String())),
	}
}
