package otlptest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/integrations/otlp/otlptest"
)

func TestCheckFindsWhatKeepsSpansFromBeingOneTree(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	root := otlptest.Span{Trace: "t", ID: "1", Name: "root", Start: noon, End: noon}
	child := otlptest.Span{Trace: "t", ID: "2", Parent: "1", Name: "child", Start: noon, End: noon.Add(time.Second)}
	with := func(f func(*otlptest.Span)) otlptest.Span {
		s := child
		f(&s)
		return s
	}
	require.NoError(t, otlptest.Check([]otlptest.Span{root, child, child}))
	require.Equal(t, "root\n  child\n", otlptest.Tree([]otlptest.Span{child, root, child}))
	for want, s := range map[string]otlptest.Span{
		"in trace u":            with(func(s *otlptest.Span) { s.Trace = "u" }),
		"ends before it begins": with(func(s *otlptest.Span) { s.End = noon.Add(-time.Second) }),
		"is not there":          with(func(s *otlptest.Span) { s.Parent = "9" }),
		"before its parent":     with(func(s *otlptest.Span) { s.Start = noon.Add(-time.Second) }),
		"2 roots":               with(func(s *otlptest.Span) { s.Parent = "" }),
		"in two ways":           with(func(s *otlptest.Span) { s.ID = "1" }),
	} {
		require.ErrorContains(t, otlptest.Check([]otlptest.Span{root, s}), want)
	}
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	t.Parallel()
	c := otlptest.New()
	t.Cleanup(c.Close)
	for path, body := range map[string]string{"/v1/traces": "\xff", "/v1/logs": ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-protobuf")
		resp, err := c.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, 400, resp.StatusCode, path)
	}
	require.Empty(t, c.Spans())
}
