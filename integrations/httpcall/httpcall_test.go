package httpcall_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/httpcall"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "c4nary-token-0123456789"

// vault knows one secret.
type vault struct{ value string }

func (v vault) Resolve(_ context.Context, ref secret.Ref) (secret.Secret, error) {
	if ref.Name() != "SHOP_TOKEN" {
		return secret.Secret{}, fmt.Errorf("%s is not set", ref)
	}
	return secret.New(v.value), nil
}

func action(t *testing.T, change ...func(*httpcall.Options)) *httpcall.Action {
	t.Helper()
	opts := httpcall.Options{Allow: []string{"127.0.0.0/8"}, Secrets: vault{value: canary}}
	for _, c := range change {
		c(&opts)
	}
	a, err := httpcall.New(opts)
	require.NoError(t, err)
	t.Cleanup(a.Close)
	return a
}

// seen is what a far end got.
type seen struct {
	method, path, body string
	header             http.Header
}

func farEnd(t *testing.T, answer http.HandlerFunc) (string, chan seen) {
	t.Helper()
	got := make(chan seen, 16)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- seen{method: r.Method, path: r.URL.RequestURI(), body: string(b), header: r.Header.Clone()}
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	return srv.URL, got
}

func do(t *testing.T, a *httpcall.Action, args map[string]any) (bot.StepOutcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, fmt.Errorf("the step took longer than 5s"))
	defer cancel()
	return a.Do(ctx, bot.StepOrder{Run: 88, Step: "a", Key: "key-88-a", Args: args})
}

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	url, got := farEnd(t, nil)
	tests := []struct {
		name   string
		args   map[string]any
		method string
		body   string
		header map[string]string
	}{
		{"nothing but a URL", map[string]any{}, "GET", "", map[string]string{"Idempotency-Key": "key-88-a"}},
		{"JSON", map[string]any{"body": map[string]any{"n": 3.0, "s": "x"}}, "POST", `{"n":3,"s":"x"}`, map[string]string{"Content-Type": "application/json"}},
		{"null as JSON", map[string]any{"body": nil}, "POST", "null", map[string]string{"Content-Type": "application/json"}},
		{"text", map[string]any{"text": "hi", "method": "PUT"}, "PUT", "hi", map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		{"a POST of nothing", map[string]any{"method": "POST"}, "POST", "", map[string]string{"Content-Length": "0", "Idempotency-Key": "key-88-a"}},
		{"headers", map[string]any{"headers": map[string]any{"x-team": "ops", "content-type": "application/x"}, "text": "x"}, "POST", "x", map[string]string{"X-Team": "ops", "Content-Type": "application/x"}},
		{"the key in another header", map[string]any{"key_header": "X-Request-Id"}, "GET", "", map[string]string{"X-Request-Id": "key-88-a", "Idempotency-Key": ""}},
		{"a bearer", map[string]any{"bearer": "env:SHOP_TOKEN"}, "GET", "", map[string]string{"Authorization": "Bearer " + canary}},
	}
	a := action(t)
	for _, tt := range tests {
		tt.args["url"] = url + "/restart?name=a%20b#part"
		out, err := do(t, a, tt.args)
		require.NoError(t, err, tt.name)
		require.Equal(t, "200", out.Fields["status"], tt.name)
		s := <-got
		require.Equal(t, tt.method, s.method, tt.name)
		require.Equal(t, "/restart?name=a%20b", s.path, tt.name)
		require.Equal(t, tt.body, s.body, tt.name)
		for k, v := range tt.header {
			if k == "Content-Length" && s.header.Get(k) == "" {
				continue // the server keeps it elsewhere
			}
			require.Equal(t, v, s.header.Get(k), "%s: %s", tt.name, k)
		}
	}
}

func TestArgumentsThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]map[string]any{
		"no url":                    {"url": ""},
		"a url that is none":        {"url": "http://[::1"},
		"another scheme":            {"url": "file:///etc/passwd"},
		"a password in the url":     {"url": "http://u:" + canary + "@127.0.0.1/"},
		"a url of another type":     {"url": 3.0},
		"an unknown method":         {"method": "CONNECT"},
		"a method with a newline":   {"method": "GET\r\nX: y"},
		"body and text":             {"body": 1.0, "text": "x"},
		"text of another type":      {"text": 3.0},
		"a body for GET":            {"method": "GET", "text": "x"},
		"headers of another type":   {"headers": []any{"x"}},
		"a header of another type":  {"headers": map[string]any{"x": 3.0}},
		"a header name with spaces": {"headers": map[string]any{"x y": "z"}},
		"an empty header name":      {"headers": map[string]any{"": "z"}},
		"a header with a newline":   {"headers": map[string]any{"x": "a\r\nb: c"}},
		"credentials as a header":   {"headers": map[string]any{"authorization": "Bearer " + canary}},
		"a cookie":                  {"headers": map[string]any{"Cookie": canary}},
		"another host":              {"headers": map[string]any{"Host": "other"}},
		"a framing header":          {"headers": map[string]any{"Transfer-Encoding": "chunked"}},
		"a status of 99":            {"expect_status": 99.0},
		"half a status":             {"expect_status": 200.5},
		"a status as text":          {"expect_status": "200"},
		"a secret instead of a ref": {"bearer": canary},
		"a ref of another type":     {"bearer": 3.0},
		"an unknown secret":         {"bearer": "env:GONE"},
		"the key as Authorization":  {"key_header": "Authorization"},
		"a key header with spaces":  {"key_header": "a b"},
		"an unknown argument":       {"proxy": "http://x"},
	}
	a := action(t)
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, ok := args["url"]; !ok {
				args["url"] = "http://127.0.0.1:1/"
			}
			_, err := do(t, a, args)
			require.ErrorIs(t, err, bot.ErrUntouched)
			require.NotContains(t, err.Error(), "refused", "it was called")
			require.NotContains(t, err.Error(), canary)
			_, err = a.Probe(t.Context(), bot.PlanCheck{Args: args}, bot.Run{})
			require.Error(t, err)
			require.NotContains(t, err.Error(), canary)
		})
	}
}

func TestABearerNeedsAResolverAndAValue(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*httpcall.Options){
		"no resolver":   func(o *httpcall.Options) { o.Secrets = nil },
		"an empty one":  func(o *httpcall.Options) { o.Secrets = vault{} },
		"one too short": func(o *httpcall.Options) { o.Secrets = vault{value: "x"} },
	} {
		_, err := do(t, action(t, change), map[string]any{"url": "http://127.0.0.1:1/", "bearer": "env:SHOP_TOKEN"})
		require.ErrorIs(t, err, bot.ErrUntouched, name)
		require.ErrorContains(t, err, "bearer", name)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		status int
		expect any
		err    string
		is     error
		not    error
	}{
		{"200 is success", 200, nil, "", nil, nil},
		{"204 is success", 204, nil, "", nil, nil},
		{"the one expected is success", 404, 404.0, "", nil, nil},
		{"another success than expected is failure", 200, 202.0, "answered 200, expected 202", nil, bot.ErrUncertain},
		{"a redirect is failure", 302, nil, "answered 302, expected 200 to 299", nil, bot.ErrUncertain},
		{"400 is failure", 400, nil, "answered 400", nil, bot.ErrUncertain},
		{"500 is failure", 500, nil, "answered 500, expected 200 to 299: it broke", nil, bot.ErrUncertain},
		{"429 says when to come again", 429, nil, "asks to wait 7s", nil, bot.ErrUncertain},
		{"503 says when to come again", 503, nil, "asks to wait 7s", nil, bot.ErrUncertain},
		{"a gateway does not know: 502", 502, nil, "answered 502", bot.ErrUncertain, nil},
		{"a gateway does not know: 504", 504, nil, "answered 504", bot.ErrUncertain, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url, _ := farEnd(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(tt.status)
				if tt.status != 204 {
					_, _ = io.WriteString(w, "it\n broke "+canary)
				}
			})
			args := map[string]any{"url": url + "/?token=" + canary, "bearer": "env:SHOP_TOKEN"}
			if tt.expect != nil {
				args["expect_status"] = tt.expect
			}
			out, err := do(t, action(t), args)
			require.NotContains(t, out.Output, canary)
			if tt.err == "" {
				require.NoError(t, err)
				require.Contains(t, out.Output, fmt.Sprintf("HTTP %d", tt.status))
				return
			}
			require.ErrorContains(t, err, tt.err)
			require.NotContains(t, err.Error(), canary)
			require.NotErrorIs(t, err, bot.ErrUntouched)
			if tt.is != nil {
				require.ErrorIs(t, err, tt.is)
			}
			if tt.not != nil {
				require.NotErrorIs(t, err, tt.not)
			}
		})
	}
}

func TestWhetherItMayHaveActed(t *testing.T) {
	t.Parallel()
	hangsUp, _ := farEnd(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	})
	hold := make(chan struct{})
	silent, _ := farEnd(t, func(http.ResponseWriter, *http.Request) { <-hold })
	t.Cleanup(func() { close(hold) })
	for name, tt := range map[string]struct {
		url  string
		want error
	}{
		"nobody listens":          {"http://127.0.0.1:1/", bot.ErrUntouched},
		"no such host":            {"http://gone.invalid/", bot.ErrUntouched},
		"an address denied":       {"http://169.254.169.254/", bot.ErrUntouched},
		"reset after it was sent": {hangsUp, bot.ErrUncertain},
		"no answer in time":       {silent, bot.ErrUncertain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, fmt.Errorf("the step took longer than 300ms"))
			defer cancel()
			args := map[string]any{"url": tt.url + "?t=" + canary, "method": "POST", "bearer": "env:SHOP_TOKEN"}
			_, err := action(t).Do(ctx, bot.StepOrder{Key: "k", Args: args})
			require.ErrorIs(t, err, tt.want)
			require.NotContains(t, err.Error(), canary)
		})
	}
}

func TestASecretGoesToItsOwnHostOnly(t *testing.T) {
	t.Parallel()
	other, got := farEnd(t, nil)
	url, _ := farEnd(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other, http.StatusTemporaryRedirect) })
	_, err := do(t, action(t), map[string]any{"url": url, "bearer": "env:SHOP_TOKEN"})
	require.ErrorContains(t, err, "answered 307")
	require.Empty(t, got)
}

func TestFieldsOfAJSONAnswer(t *testing.T) {
	t.Parallel()
	body := map[string]any{
		"id": "x-1", "n": 12345678, "half": 0.5, "ok": true, "none": nil, "list": []int{1}, "deep": map[string]int{"a": 1},
		"status": "up", "holds": "false", "token": canary, "long": strings.Repeat("y", 5000),
	}
	for i := range 100 {
		body[fmt.Sprintf("zz%d", i)] = i
	}
	url, _ := farEnd(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_ = json.NewEncoder(w).Encode(body)
	})
	a := action(t)
	out, err := do(t, a, map[string]any{"url": url, "bearer": "env:SHOP_TOKEN"})
	require.NoError(t, err)
	f := out.Fields
	require.Equal(t, []string{"x-1", "12345678", "0.5", "true", "200"}, []string{f["id"], f["n"], f["half"], f["ok"], f["status"]})
	require.NotContains(t, f, "list")
	require.NotContains(t, f, "none")
	require.NotContains(t, f["token"], canary)
	require.Len(t, f["long"], 1024)
	require.LessOrEqual(t, len(f), 32)

	p, err := a.Probe(t.Context(), bot.PlanCheck{Args: map[string]any{"url": url}}, bot.Run{})
	require.NoError(t, err)
	require.Equal(t, 200, p.Status)
	require.Equal(t, "true", p.Fields["holds"])
	require.Contains(t, p.Body, `"x-1"`)
	require.NotContains(t, p.Body, canary)
}

func TestAProbeTakesAnyStatusForAResult(t *testing.T) {
	t.Parallel()
	url, got := farEnd(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	p, err := action(t).Probe(t.Context(), bot.PlanCheck{Args: map[string]any{"url": url}}, bot.Run{})
	require.NoError(t, err)
	require.Equal(t, 503, p.Status)
	require.Equal(t, "false", p.Fields["holds"])
	require.Empty(t, (<-got).header.Get("Idempotency-Key"))
}

func TestOutputIsCapped(t *testing.T) {
	t.Parallel()
	url, _ := farEnd(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("é", 1<<20)) })
	out, err := do(t, action(t), map[string]any{"url": url})
	require.NoError(t, err)
	require.Less(t, len(out.Output), 9<<10)
	require.True(t, strings.HasSuffix(out.Output, "[cut]"))
}

func TestItDescribesItself(t *testing.T) {
	t.Parallel()
	info := action(t).Info()
	require.Equal(t, "http", info.Name)
	require.True(t, info.Probe)
	require.Len(t, info.Args, 8)
	for name, arg := range info.Args {
		require.NotEmpty(t, arg.Docs, name)
		require.NotEmpty(t, arg.Kind, name)
	}
	_, err := httpcall.New(httpcall.Options{Allow: []string{"*"}})
	require.Error(t, err)
}

func FuzzArguments(f *testing.F) {
	f.Add(`{"url":"http://127.0.0.1:1/","method":"POST","headers":{"x":"y"},"body":{"a":[1]},"expect_status":200}`)
	f.Add(`{"url":"http://h/","bearer":"env:A","key_header":"X"}`)
	a, err := httpcall.New(httpcall.Options{})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text string) {
		var args map[string]any
		if json.Unmarshal([]byte(text), &args) != nil {
			return
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nothing is dialled
		_, err := a.Do(ctx, bot.StepOrder{Key: "k", Args: args})
		require.ErrorIs(t, err, bot.ErrUntouched)
	})
}
