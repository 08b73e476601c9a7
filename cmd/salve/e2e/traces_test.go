package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/cmd/internal/trial"
	"salve/cmd/salve/demo"
	"salve/integrations/control"
	"salve/integrations/otlp/otlptest"
	"salve/playbooks"
)

func TestATraceGoesOnWhereAKilledProcessLeftIt(t *testing.T) {
	t.Parallel()
	shop, collector := shop(t), otlptest.New()
	t.Cleanup(collector.Close)
	dir := shortDir(t)
	token, books := filepath.Join(dir, "token"), filepath.Join(dir, "playbooks")
	require.NoError(t, os.WriteFile(token, []byte(hookToken), 0o600))
	files, err := playbooks.Demo(shop.ShopURL, shop.URL)
	require.NoError(t, err)
	require.NoError(t, os.CopyFS(books, files))
	setting := trial.Setting{
		Binary: binary, Dir: dir,
		Config: fmt.Sprintf(config, token, books, host(t, shop.ShopURL), host(t, shop.URL)) +
			"log: {format: json}\ntraces: {endpoint: " + collector.URL + ", headers: {X-Tenant: env:TENANT}, view: \"https://jaeger.example.com/trace/{trace_id}\"}\n",
		Env: []string{"TENANT=tenant-of-this-test", "OTEL_SDK_DISABLED=true", "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "HTTP_PROXY=http://127.0.0.1:1"},
	}
	begin := func() *house {
		p, err := trial.Start(t.Context(), setting)
		require.NoError(t, err)
		t.Cleanup(p.Kill) // no matter if the test has ended it
		return &house{Process: p, Dir: dir, Door: control.NewUnixClient(filepath.Join(p.Dir, "salve.sock"))}
	}

	// The shop hangs, Salve asks, and is killed once the collector has heard of it.
	h := begin()
	h.knows(t)
	require.NoError(t, shop.Break(t.Context(), "hang"))
	id := h.sends(t, "high", demo.AlertHang)
	card := h.waits(t, demo.AlertHang)
	until(t, "the collector hears of the decision", func() bool {
		return slices.ContainsFunc(collector.Spans(), func(s otlptest.Span) bool { return s.Name == "decide" })
	})
	h.Kill()

	// Another process takes it up: somebody approves, the shop is restarted.
	h = begin()
	h.does(t, "approve", id, card.Proposals[0].Plan.Digest.Short())
	h.sees(t, demo.AlertHang, "is fixed", fixed)
	shown := h.does(t, "show", id)
	require.NoError(t, h.Stop())

	spans := collector.Spans()
	require.NoError(t, otlptest.Check(spans))
	trace := spans[0].Trace
	require.Contains(t, shown, "trace: https://jaeger.example.com/trace/"+trace)
	tree := otlptest.Tree(spans, "salve.approval.state", "salve.run.state", "salve.step.state")
	for _, part := range []string{"incident\n  receive\n", "  decide\n    approval approved\n      run fixed\n        step http succeeded\n", "        verify\n"} {
		require.Contains(t, tree, part)
	}
	_, header := collector.Requests()
	require.Equal(t, "tenant-of-this-test", header.Get("X-Tenant"))
	require.Contains(t, h.Logs(), `"run ended"`)
	for line := range strings.Lines(h.Logs()) {
		if strings.Contains(line, `"run ended"`) {
			require.Contains(t, line, `"trace_id":"`+trace+`"`)
			require.Contains(t, line, `"span_id":"`+spanOf(spans, "run")+`"`)
		}
	}
	require.NotContains(t, fmt.Sprint(spans), "Alice")
}

func spanOf(spans []otlptest.Span, name string) string {
	for _, s := range spans {
		if s.Name == name {
			return s.ID
		}
	}
	return ""
}
