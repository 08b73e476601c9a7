package config

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"salve/integrations/otlp"
)

// Traces tells where the traces of incidents go. Without Endpoint they go
// nowhere.
type Traces struct {
	Endpoint string            `yaml:"endpoint"` // of an OpenTelemetry collector, OTLP over HTTP
	Headers  map[string]string `yaml:"headers"`  // name: secret reference; sent to the endpoint alone
	Sample   float64           `yaml:"sample"`   // share of the incidents, above 0 to 1
	View     string            `yaml:"view"`     // where people look at a trace; {trace_id} stands for its id
}

// traceID stands in View for the id of a trace.
const traceID = "{trace_id}"

// ViewOf is where people look at a trace; "" when nobody said.
func (t Traces) ViewOf(id string) string { return strings.ReplaceAll(t.View, traceID, id) }

func (r *reader) checkTraces(t *Traces) {
	if t.Endpoint == "" {
		if len(t.Headers) > 0 || t.View != "" {
			r.atPath("$.traces", "has no endpoint, so that nothing is sent", "add endpoint: https://collector:4318, or leave traces out")
		}
		return
	}
	if err := otlp.CheckEndpoint(t.Endpoint); err != nil {
		r.atPath("$.traces.endpoint", err.Error(), "write for example https://collector:4318; a password belongs into headers")
	} else if u, err := url.Parse(t.Endpoint); err == nil && u.Scheme == "http" && len(t.Headers) > 0 && !IsLoopback(u.Hostname()) {
		r.atPath("$.traces.endpoint", "would get the headers without encryption", "write https://, or leave the headers out")
	}
	for _, name := range slices.Sorted(maps.Keys(t.Headers)) {
		if err := otlp.CheckHeader(name); err != nil {
			r.atPath("$.traces.headers", fmt.Sprintf("%q %v", name, err), "write for example Authorization or X-Tenant")
		}
		r.checkRef("$.traces.headers."+name, t.Headers[name])
	}
	if !(t.Sample > 0 && t.Sample <= 1) { // so that a value that is no number is refused too
		r.atPath("$.traces.sample", fmt.Sprintf("%v is not a share", t.Sample), "write 1.0 for all incidents, 0.1 for every tenth; without endpoint nothing is sent")
	}
	if t.View != "" && !isView(t.View) {
		r.atPath("$.traces.view", "is not a web address with "+traceID+" in its path, query or fragment",
			"write for example https://jaeger.example.com/trace/"+traceID)
	}
}

// isView reports whether an address leads to the host that it shows, and to the
// trace that is put in.
func isView(view string) bool {
	const sample = "00000000000000000000000000000001"
	u, err := url.Parse(strings.ReplaceAll(view, traceID, sample))
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil {
		return false
	}
	return strings.Contains(view, traceID) && !strings.Contains(u.Host, sample)
}
