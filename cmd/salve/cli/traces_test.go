package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestShowLeadsToTheTrace(t *testing.T) {
	t.Parallel()
	d := full()
	c := card()
	c.TraceID, c.TraceURL = "29bc7cc2cf9c81b7a38230cdfd32598f", "https://jaeger.example.com/trace/29bc7cc2cf9c81b7a38230cdfd32598f"
	d.answers["GET /v1/incidents/I-142"] = c
	require.Contains(t, typed(t, d, "show", "I-142").out, "trace: "+c.TraceURL+"\n")
	out := typed(t, d, "show", "I-142", "--json").out
	require.Contains(t, out, `"trace_id": "29bc7cc2cf9c81b7a38230cdfd32598f"`)
	require.Contains(t, out, `"trace_url": "https://jaeger`)
}

func TestStatusSaysHowTheTracesDo(t *testing.T) {
	t.Parallel()
	d := full()
	d.answers["GET /v1/status"] = map[string]any{"ready": true, "traces": map[string]any{"sent": 12, "dropped": 3, "waiting": 1, "problem": "the collector\x1b answered 403"}}
	out := typed(t, d, "status").out
	require.Contains(t, out, "traces   12 spans sent, 3 dropped, 1 waiting\n")
	require.Contains(t, out, "answered 403")
	require.NotContains(t, out, "collector\x1b")
	require.NotContains(t, typed(t, full(), "status").out, "traces")
}
