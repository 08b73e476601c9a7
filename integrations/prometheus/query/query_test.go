package query_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot/secret"
	"salve/integrations/prometheus/query"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// prometheus answers as it is told and keeps what it was asked.
func prometheus(t *testing.T, status int, body string) (*query.Client, func() url.Values) {
	t.Helper()
	asked := make(chan url.Values, 10)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer s3cret" || r.URL.Path != "/prom/api/v1/query_range" || r.ParseForm() != nil {
			http.Error(w, "wrong", http.StatusTeapot)
			return
		}
		asked <- r.PostForm
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	c, err := query.New(srv.URL+"/prom/", query.Options{Bearer: secret.New("s3cret"), Allow: []string{"127.0.0.0/8"}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c, func() url.Values { return <-asked }
}

func TestARangeIsReadAsSeries(t *testing.T) {
	t.Parallel()
	c, asked := prometheus(t, 200, `{"status":"success","data":{"resultType":"matrix","result":[
		{"metric":{"__name__":"up","instance":"a:1"},"values":[[1764000000,"1"]]},
		{"metric":{"mode":"idle","cpu":"0"},"values":[[1764000000,"0.5"],[1764000030.5,"NaN"],[1764000060,"+Inf"],[1764000090,"0.25"]]},
		{"metric":{},"values":[[1764000000,"x"]]}]}}`)
	got, err := c.Range(t.Context(), `rate(x{a="&start=0"}[5m])`, noon.Add(-time.Hour), noon, 120)
	require.NoError(t, err)
	require.Len(t, got, 2, "a series without a number is none")
	require.Equal(t, "cpu=0 mode=idle", got[0].Name)
	require.Len(t, got[0].Points, 2, "what is no number is left out")
	require.Equal(t, 0.25, got[0].Points[1].Value)
	require.Equal(t, "a:1", got[1].Name)
	form := asked()
	require.Equal(t, `rate(x{a="&start=0"}[5m])`, form.Get("query"), "the expression is the value of one parameter")
	require.Equal(t, "30.000", form.Get("step"))
	require.Len(t, form["start"], 1)
}

func TestAnAnswerThatIsNoneIsAnErrorForPeople(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		status int
		body   string
		want   string
	}{
		{"HTML", 200, "<html>login</html>", "answers 200 with something that is not JSON; is prometheus.url right?"},
		{"refused", 400, `{"status":"error","error":"parse error: unexpected\nthing"}`, "answers 400: parse error: unexpected thing"},
		{"no reason", 503, `{"status":"error"}`, "answers 503: no reason given"},
		{"endless", 200, `{"status":"success","data":"` + strings.Repeat("x", 9<<20), "more than 8 MiB"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, _ := prometheus(t, tt.status, tt.body)
			_, err := c.Range(t.Context(), "secretlabel", noon.Add(-time.Hour), noon, 100)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "s3cret")
			require.NotContains(t, err.Error(), "secretlabel")
		})
	}
}

func TestWhatCannotBeAskedIsNot(t *testing.T) {
	t.Parallel()
	c, _ := prometheus(t, 200, "{}")
	for _, expr := range []string{"", strings.Repeat("x", 5000)} {
		_, err := c.Range(t.Context(), expr, noon.Add(-time.Hour), noon, 100)
		require.Error(t, err)
	}
	_, err := c.Range(t.Context(), "up", noon, noon, 100)
	require.Error(t, err)
	_, err = query.New("prometheus:9090", query.Options{})
	require.Error(t, err)
	closed, err := query.New("http://127.0.0.1:1", query.Options{})
	require.NoError(t, err)
	_, err = closed.Range(t.Context(), "up", noon.Add(-time.Hour), noon, 100)
	require.Error(t, err)
	require.NotErrorIs(t, err, errors.ErrUnsupported)
}

func TestAnAlertsLinkTellsWhatWasWatched(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		expr, want string
		limit      float64
		limited    bool
	}{
		{"apcupsd_ups_load_percent > 80", "apcupsd_ups_load_percent", 80, true},
		{`rate(http_requests_total{code=~"5..", path!="/a>b"}[5m]) >= 0.05`, `rate(http_requests_total{code=~"5..", path!="/a>b"}[5m])`, 0.05, true},
		{"up == 0", "up", 0, true},
		{"up==0", "up", 0, true},
		{"(a > 1) and (b > 2)", "(a > 1) and (b > 2)", 0, false},
		{"a > b", "a > b", 0, false},
		{"a > 1 < 5", "a > 1 < 5", 0, false},
		{"absent(up)", "absent(up)", 0, false},
		{"node_load1 > bool 2", "node_load1 > bool 2", 0, false},
		{"a > 1 unless on(x) b", "a > 1 unless on(x) b", 0, false},
		{"order_total > 1e3", "order_total", 1000, true},
		{`x{a="\"> 3"} < -1.5`, `x{a="\"> 3"}`, -1.5, true},
		{"> 5", "> 5", 0, false},
	} {
		link := "http://prom:9090/graph?g0.tab=1&g0.expr=" + url.QueryEscape(tt.expr)
		expr, limit, limited, ok := query.Watched(link)
		require.True(t, ok, tt.expr)
		require.Equal(t, tt.want, expr)
		require.Equal(t, tt.limited, limited, tt.expr)
		require.Equal(t, tt.limit, limit, tt.expr)
	}
	for _, link := range []string{"", "://", "http://grafana/d/1", "http://p/graph?g0.expr=" + strings.Repeat("x", 5000)} {
		_, _, _, ok := query.Watched(link)
		require.False(t, ok, link)
	}
}

func FuzzWatched(f *testing.F) {
	for _, s := range []string{"up == 0", `a{b="c"} > 1`, "((((", `"`, "a and b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		expr, _, _, ok := query.Watched("http://p/graph?g0.expr=" + url.QueryEscape(s))
		if ok && !strings.Contains(s, expr) {
			t.Fatalf("%q is not part of %q", expr, s)
		}
	})
}
