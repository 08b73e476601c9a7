// Package otlptest is an OpenTelemetry collector for tests: it takes traces over
// OTLP/HTTP, keeps them, and draws them as trees.
//
// It promises to read what comes with the message types that OpenTelemetry
// publishes for the service, not with those of the sender, and to answer 400 to
// what is not such a message. It can be told to behave badly. It assumes a test
// that closes it, and bounds only the size of a request. On failure it keeps
// nothing of the request and answers 400.
package otlptest

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is one span as it came, with its attributes as texts.
type Span struct {
	Trace, ID, Parent string // hex; Parent "" for a root
	Name              string
	Kind              string
	Status            string
	Start, End        time.Time
	Attrs             map[string]string
	Events            []string
	Link              string // trace and span that it points to
}

// Collector is the collector.
type Collector struct {
	*httptest.Server

	mu       sync.Mutex
	spans    []Span
	headers  []http.Header
	resource map[string]string
	requests int
	instead  func(http.ResponseWriter, *http.Request) bool
}

// New starts a collector on loopback. Close it.
func New() *Collector {
	c := &Collector{}
	c.Server = httptest.NewServer(c)
	return c
}

// Misbehave sets what is done instead of taking a request; it reports whether it
// has answered. nil: nothing.
func (c *Collector) Misbehave(f func(http.ResponseWriter, *http.Request) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.instead = f
}

// Hang answers nothing until the sender has gone.
func Hang(_ http.ResponseWriter, r *http.Request) bool {
	if _, err := io.Copy(io.Discard, r.Body); err == nil { // only then is it noticed that the sender goes
		<-r.Context().Done()
	}
	return true
}

// ServeHTTP takes a request.
func (c *Collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.requests++
	c.headers = append(c.headers, r.Header.Clone())
	instead := c.instead
	c.mu.Unlock()
	if instead != nil && instead(w, r) {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	var req coltracepb.ExportTraceServiceRequest
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || proto.Unmarshal(body, &req) != nil {
		http.Error(w, "this is not a request of OTLP/HTTP", http.StatusBadRequest)
		return
	}
	c.keep(&req)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func (c *Collector) keep(req *coltracepb.ExportTraceServiceRequest) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rs := range req.GetResourceSpans() {
		c.resource = attrs(rs.GetResource().GetAttributes())
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				c.spans = append(c.spans, read(s))
			}
		}
	}
}

func read(s *tracepb.Span) Span {
	out := Span{
		Trace: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()), Parent: hex.EncodeToString(s.GetParentSpanId()),
		Name: s.GetName(), Kind: strings.ToLower(strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_")),
		Status: strings.ToLower(strings.TrimPrefix(s.GetStatus().GetCode().String(), "STATUS_CODE_")),
		Start:  time.Unix(0, int64(s.GetStartTimeUnixNano())).UTC(), End: time.Unix(0, int64(s.GetEndTimeUnixNano())).UTC(),
		Attrs: attrs(s.GetAttributes()),
	}
	for _, l := range s.GetLinks() {
		out.Link = hex.EncodeToString(l.GetTraceId()) + "-" + hex.EncodeToString(l.GetSpanId())
	}
	for _, e := range s.GetEvents() {
		a := attrs(e.GetAttributes())
		text := e.GetName()
		for _, k := range slices.Sorted(maps.Keys(a)) {
			text += " " + k + "=" + a[k]
		}
		out.Events = append(out.Events, text)
	}
	return out
}

func attrs(in []*commonpb.KeyValue) map[string]string {
	out := make(map[string]string, len(in))
	for _, kv := range in {
		out[kv.GetKey()] = value(kv.GetValue())
	}
	return out
}

func value(v *commonpb.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return v.StringValue
	case *commonpb.AnyValue_IntValue:
		return fmt.Sprint(v.IntValue)
	case *commonpb.AnyValue_DoubleValue:
		return fmt.Sprint(v.DoubleValue)
	case *commonpb.AnyValue_ArrayValue:
		var all []string
		for _, e := range v.ArrayValue.GetValues() {
			all = append(all, value(e))
		}
		return strings.Join(all, ",")
	default:
		return ""
	}
}

// Spans are those that came, in their order.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// Requests is how many came, whatever was answered, and the headers of the last.
func (c *Collector) Requests() (int, http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.headers) == 0 {
		return c.requests, nil
	}
	return c.requests, c.headers[len(c.headers)-1]
}

// Resource is what the last request said of its sender.
func (c *Collector) Resource() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resource
}

// Check reports what keeps spans from being one whole tree: more than one trace
// or root, a parent that is not there, one that begins after its child, a span
// that ends before it begins, or one that was told twice in two ways.
func Check(spans []Span) error {
	byID := map[string]Span{}
	for _, s := range spans {
		if old, ok := byID[s.ID]; ok && fmt.Sprint(old) != fmt.Sprint(s) {
			return fmt.Errorf("span %s was told in two ways:\n%v\n%v", s.Name, old, s)
		}
		byID[s.ID] = s
	}
	roots := 0
	for _, s := range byID {
		parent, there := byID[s.Parent]
		switch {
		case s.Trace != spans[0].Trace:
			return fmt.Errorf("span %s is in trace %s, others in %s", s.Name, s.Trace, spans[0].Trace)
		case s.End.Before(s.Start):
			return fmt.Errorf("span %s ends before it begins", s.Name)
		case s.Parent == "":
			roots++
		case !there:
			return fmt.Errorf("the parent of span %s is not there", s.Name)
		case s.Start.Before(parent.Start):
			return fmt.Errorf("span %s begins at %s, before its parent %s at %s", s.Name, s.Start, parent.Name, parent.Start)
		}
	}
	if roots != 1 {
		return fmt.Errorf("%d roots", roots)
	}
	return nil
}

// Tree draws spans, each below its parent, in the order of time. Spans that were
// told twice are drawn once.
func Tree(spans []Span, facts ...string) string {
	seen := map[string]bool{}
	children := map[string][]Span{}
	for _, s := range spans {
		if !seen[s.ID] {
			seen[s.ID] = true
			children[s.Parent] = append(children[s.Parent], s)
		}
	}
	var b strings.Builder
	var draw func(parent string, depth int)
	draw = func(parent string, depth int) {
		list := children[parent]
		slices.SortStableFunc(list, func(a, b Span) int {
			return cmp.Or(a.Start.Compare(b.Start), a.End.Compare(b.End), cmp.Compare(a.Name, b.Name))
		})
		for _, s := range list {
			b.WriteString(strings.Repeat("  ", depth) + s.Name)
			for _, f := range facts {
				if v, ok := s.Attrs[f]; ok {
					b.WriteString(" " + v)
				}
			}
			b.WriteByte('\n')
			draw(s.ID, depth+1)
		}
	}
	draw("", 0)
	return b.String()
}
