package otlp

import (
	"strings"
	"time"

	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"salve/bot"
)

// encode writes a request. TracesData has the same bytes as the request message
// of the collector's service, which would bring gRPC along.
func (e *Exporter) encode(spans []*tracepb.Span) ([]byte, error) {
	resource := []*commonpb.KeyValue{textValue("service.name", "salve")}
	if e.opts.Version != "" {
		resource = append(resource, textValue("service.version", e.opts.Version))
	}
	if e.opts.Instance != "" {
		resource = append(resource, textValue("service.instance.id", e.opts.Instance))
	}
	return proto.Marshal(&tracepb.TracesData{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:  &resourcepb.Resource{Attributes: resource},
		SchemaUrl: schema,
		ScopeSpans: []*tracepb.ScopeSpans{{
			Scope: &commonpb.InstrumentationScope{Name: "salve", Version: e.opts.Version}, SchemaUrl: schema, Spans: spans,
		}},
	}}})
}

// rejected reads from an answer how many spans the collector did not take; an
// answer that is not understood says none.
func rejected(answer []byte) int64 {
	const partialSuccess, rejectedSpans = 1, 1
	inner, ok := field(answer, partialSuccess, protowire.BytesType)
	part, n := protowire.ConsumeBytes(inner)
	if !ok || n < 0 {
		return 0
	}
	v, ok := field(part, rejectedSpans, protowire.VarintType)
	count, n := protowire.ConsumeVarint(v)
	if !ok || n < 0 {
		return 0
	}
	return max(int64(count), 0)
}

// field finds the value of the first field with that number and type.
func field(b []byte, want protowire.Number, as protowire.Type) ([]byte, bool) {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return nil, false
		}
		b = b[n:]
		if num == want && typ == as {
			return b, true
		}
		if n = protowire.ConsumeFieldValue(num, typ, b); n < 0 {
			return nil, false
		}
		b = b[n:]
	}
	return nil, false
}

// spell writes spans as the collector reads them, its text masked and bounded.
type spell struct{ mask func(string) string }

func (w spell) span(s *span) *tracepb.Span {
	start, end := s.start, s.end
	if start.IsZero() || end.Before(start) && !end.IsZero() {
		start = end
	}
	if end.IsZero() {
		end = start
	}
	out := &tracepb.Span{
		TraceId: s.trace[:], SpanId: s.id[:], Name: w.text(s.name), Kind: tracepb.Span_SpanKind(s.kind), Flags: 1,
		StartTimeUnixNano: nanos(start), EndTimeUnixNano: nanos(end), Attributes: w.attrs(s.attrs),
	}
	if s.parent != (bot.SpanID{}) {
		out.ParentSpanId = s.parent[:]
	}
	for _, ev := range s.events {
		out.Events = append(out.Events, &tracepb.Span_Event{Name: ev.name, TimeUnixNano: nanos(ev.at), Attributes: w.attrs(ev.attrs)})
	}
	if !s.link.Trace.IsZero() {
		out.Links = []*tracepb.Span_Link{{TraceId: s.link.Trace[:], SpanId: s.link.Span[:]}}
	}
	if s.status != statusUnset {
		out.Status = &tracepb.Status{Code: tracepb.Status_StatusCode(s.status)}
	}
	return out
}

func nanos(t time.Time) uint64 {
	if t.IsZero() || t.Before(time.Unix(0, 0)) {
		return 0
	}
	return uint64(t.UnixNano())
}

func (w spell) attrs(as []attr) []*commonpb.KeyValue {
	out := make([]*commonpb.KeyValue, 0, len(as))
	for _, a := range as {
		v := &commonpb.AnyValue{}
		switch a.is {
		case isList:
			values := &commonpb.ArrayValue{}
			for _, t := range a.list[:min(len(a.list), maxVerdicts)] {
				values.Values = append(values.Values, &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: w.text(t)}})
			}
			v.Value = &commonpb.AnyValue_ArrayValue{ArrayValue: values}
		case isNumber:
			v.Value = &commonpb.AnyValue_IntValue{IntValue: a.number}
		case isSeconds:
			v.Value = &commonpb.AnyValue_DoubleValue{DoubleValue: a.seconds}
		default:
			v.Value = &commonpb.AnyValue_StringValue{StringValue: w.text(a.text)}
		}
		out = append(out, &commonpb.KeyValue{Key: a.key, Value: v})
	}
	return out
}

func textValue(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

// maxText is the most of a text that is sent, in bytes.
const maxText = 256

// text is masked, of one line, well-formed, and bounded.
func (w spell) text(s string) string {
	s = strings.ToValidUTF8(w.mask(s), "\uFFFD")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText-len("…")], "") + "…"
	}
	return s
}
