package otlp_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/otlp"
	"salve/integrations/otlp/otlptest"
)

func TestADeliveryIsOneSpanForEachIncidentThatItChanged(t *testing.T) {
	t.Parallel()
	w := open(t, otlp.Options{Version: "v1", Instance: "abc-1"}).run(t)
	c := delivery(1, bot.OutcomeNew, bot.OutcomeNew, bot.OutcomeRepeat, bot.OutcomeUpdated)
	more := delivery(2, bot.OutcomeResolved)
	c.Change.Observed = append(c.Change.Observed, more.Change.Observed...)
	c.Receipt.Observed = append(c.Receipt.Observed, more.Receipt.Observed...)
	c.From = otlp.ParseLink("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	w.Committed(c)
	w.Committed(delivery(1, bot.OutcomeRepeat, bot.OutcomeStale))
	w.Committed(otlp.Commit{Change: bot.Change{Events: []bot.Event{{Kind: bot.EventStarted}}}})
	spans := w.spans()
	require.Len(t, spans, 4, "two roots and two deliveries")
	require.NoError(t, otlptest.Check(spans[:2]))
	require.NoError(t, otlptest.Check(spans[2:]))
	require.Equal(t, bot.TraceOf("abc", 1).String(), spans[0].Trace)
	require.Equal(t, otlptest.Span{
		Trace: spans[0].Trace, ID: spans[1].ID, Parent: bot.TraceOf("abc", 1).Root().String(), Name: "receive", Kind: "server", Status: "unset",
		Start: at(0), End: at(0).Add(5 * time.Millisecond), Link: "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
		Attrs: map[string]string{
			"salve.incident.id": "I-1", "http.request.method": "POST", "http.route": "/v1/hooks/prod", "salve.source": "prod",
			"salve.alerts.new": "2", "salve.alerts.updated": "1", "salve.alerts.resolved": "0", "salve.commit.seconds": "0.002",
		},
	}, spans[1])
	require.Equal(t, "1", spans[3].Attrs["salve.alerts.resolved"])
	require.Equal(t, map[string]string{"service.name": "salve", "service.version": "v1", "service.instance.id": "abc-1"}, w.collector.Resource())
}

func TestWhatIsCommittedTwiceIsTheSameSpan(t *testing.T) {
	t.Parallel()
	w := open(t, otlp.Options{}).run(t)
	w.Committed(delivery(1, bot.OutcomeNew))
	w.Committed(delivery(1, bot.OutcomeNew))
	other := delivery(1, bot.OutcomeNew)
	other.Receipt.Observed[0].Key.Fingerprint = "other"
	w.Committed(other)
	spans := w.spans()
	require.Len(t, spans, 4, "the root is told once")
	require.NoError(t, otlptest.Check(spans))
	require.Equal(t, spans[1], spans[2])
	require.NotEqual(t, spans[1].ID, spans[3].ID)
}

func TestARootThatCouldNotBeReadIsToldWithTheNextSpan(t *testing.T) {
	t.Parallel()
	w := open(t, otlp.Options{}).run(t)
	w.book.fail(true)
	w.Committed(delivery(1, bot.OutcomeNew))
	w.eventually(t, func(s otlp.Stats) bool { return s.Sent == 1 })
	w.book.fail(false)
	w.Committed(delivery(1, bot.OutcomeUpdated))
	require.NoError(t, otlptest.Check(w.spans()))
}

func TestOnlyTheShareThatIsAskedForIsTold(t *testing.T) {
	t.Parallel()
	w := open(t, otlp.Options{Sample: 0.5}).run(t)
	kept := 0
	for id := bot.IncidentID(1); id <= 40; id++ {
		if w.Keeps(id) {
			kept++
		}
		w.Committed(delivery(id, bot.OutcomeNew))
	}
	require.NotZero(t, kept)
	require.Less(t, kept, 40)
	require.Len(t, w.spans(), 2*kept)
}

func TestHeadersAreResolvedEachTimeAndAreSecret(t *testing.T) {
	t.Parallel()
	secrets, redactor := resolver(t)
	w := open(t, otlp.Options{Headers: map[string]secret.Ref{"authorization": ref(t, "env:TOKEN")}, Secrets: secrets, Redactor: redactor}).run(t)
	c := delivery(1, bot.OutcomeNew)
	c.Change.Incidents = []bot.Incident{{ID: 1, Fold: bot.Fold{Title: "leak " + token + "\x00\n\xff" + strings.Repeat("é", 300)}}}
	c.Change.Events = []bot.Event{{Kind: bot.EventDecided, Incident: 1, At: at(1)}}
	c.Ended = at(2)
	w.Committed(c)
	spans := w.spans()
	_, header := w.collector.Requests()
	require.Equal(t, token, header.Get("Authorization"))
	title := spans[2].Attrs["salve.incident.title"]
	require.True(t, strings.HasPrefix(title, "leak [secret]  \uFFFDéé"), title)
	require.LessOrEqual(t, len(title), 256)
	require.True(t, strings.HasSuffix(title, "é…"), title)
	require.NotContains(t, w.log.String(), token)
}

func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	t.Parallel()
	secrets, _ := resolver(t)
	valid := otlp.Options{Endpoint: "http://127.0.0.1:4318", Origin: "abc"}
	_, err := otlp.New(t.Context(), &book{}, valid)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		with func(*otlp.Options)
		want string
	}{
		"no endpoint":          {func(o *otlp.Options) { o.Endpoint = "" }, "is not the address of a collector"},
		"gRPC":                 {func(o *otlp.Options) { o.Endpoint = "grpc://collector:4317" }, "is not the address of a collector"},
		"a password":           {func(o *otlp.Options) { o.Endpoint = "https://me:hunter2@collector" }, "is not the address of a collector"},
		"a query":              {func(o *otlp.Options) { o.Endpoint = "https://collector?k=hunter2" }, "is not the address of a collector"},
		"no origin":            {func(o *otlp.Options) { o.Origin = "" }, "origin"},
		"a header of its own":  {func(o *otlp.Options) { o.Headers = map[string]secret.Ref{"Host": ref(t, "env:TOKEN")} }, `"Host" is set by Salve itself`},
		"a header that breaks": {func(o *otlp.Options) { o.Headers = map[string]secret.Ref{"a\r\nb": ref(t, "env:TOKEN")} }, "is not the name of a header"},
		"a missing secret":     {func(o *otlp.Options) { o.Headers = map[string]secret.Ref{"X-A": ref(t, "env:NONE")} }, "resolve env:NONE"},
		"a secret of two lines": {func(o *otlp.Options) { o.Headers = map[string]secret.Ref{"X-A": ref(t, "env:LINES")} },
			"what env:LINES names cannot stand in a header"},
		"no resolver": {func(o *otlp.Options) { o.Headers, o.Secrets = map[string]secret.Ref{"X-A": ref(t, "env:TOKEN")}, nil }, "nothing here that resolves secrets"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := valid
			opts.Secrets = secrets
			tt.with(&opts)
			_, err := otlp.New(t.Context(), &book{}, opts)
			require.ErrorContains(t, err, tt.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestACollectorThatDoesBadlyIsAskedAgainWhereThatHelps(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		bad  func(http.ResponseWriter, *http.Request) bool
		took bool // what was refused once is taken later
		says string
	}{
		"503": {status(503), true, "answered 503"}, "429": {status(429), true, "answered 429"}, "502": {status(502), true, "answered 502"},
		"504": {status(504), true, "answered 504"}, "401": {status(401), false, "answered 401"}, "400": {status(400), false, "answered 400"},
		"500": {status(500), false, "answered 500"}, "404": {status(404), false, "answered 404"},
		"cut off":   {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, true, "connection"},
		"no answer": {otlptest.Hang, true, "no answer within"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "http://127.0.0.1:9/", http.StatusTemporaryRedirect)
			return true
		}, false, "answered 307"},
		"not HTTP":    {garbage, true, "not HTTP"},
		"odd success": {status(299), true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			patience := 10 * time.Second
			if name == "no answer" {
				patience = 200 * time.Millisecond
			}
			w := open(t, otlp.Options{Timeout: patience})
			var asked atomic.Int32
			w.collector.Misbehave(func(rw http.ResponseWriter, r *http.Request) bool {
				if asked.Add(1) == 1 {
					return tt.bad(rw, r)
				}
				return false
			})
			w.run(t).Committed(delivery(1, bot.OutcomeNew))
			if !tt.took {
				w.eventually(t, func(s otlp.Stats) bool { return s.Dropped == 2 })
				require.Contains(t, w.Stats().Problem, tt.says)
			} else {
				w.eventually(t, func(s otlp.Stats) bool { return s.Sent == 2 })
				require.Empty(t, w.Stats().Problem)
			}
			require.Contains(t, w.log.String(), tt.says)
		})
	}
}

func status(code int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
}

func garbage(w http.ResponseWriter, _ *http.Request) bool {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_, _ = buf.WriteString("no such protocol\r\n\r\n")
		_ = buf.Flush()
		_ = conn.Close()
	}
	return true
}

func TestAHugeOrOddAnswerIsNotRead(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"huge": strings.Repeat("x", 10<<20), "text": "thanks", "cut": "\x0a\x7f", "negative": "\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, otlp.Options{})
			w.collector.Misbehave(func(rw http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(rw, body); return true })
			w.run(t).Committed(delivery(1, bot.OutcomeNew))
			w.eventually(t, func(s otlp.Stats) bool { return s.Sent == 2 })
		})
	}
}

func TestWhatTheCollectorDoesNotTakeIsCounted(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"one": "\x0a\x02\x08\x01", "more than came": "\x0a\x02\x08\x7f"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, otlp.Options{})
			w.collector.Misbehave(func(rw http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(rw, body); return true })
			w.run(t).Committed(delivery(1, bot.OutcomeNew))
			w.eventually(t, func(s otlp.Stats) bool { return s.Dropped > 0 && s.Sent+s.Dropped == 2 })
			require.Contains(t, w.log.String(), "traces were dropped")
		})
	}
}

func TestWhoeverCommitsNeverWaits(t *testing.T) {
	t.Parallel()
	w := open(t, otlp.Options{Queue: 10, Timeout: time.Minute})
	w.collector.Misbehave(otlptest.Hang)
	w.run(t)
	began := time.Now()
	for id := range bot.IncidentID(20_000) {
		w.Committed(delivery(id+1, bot.OutcomeNew))
	}
	require.Less(t, time.Since(began), 5*time.Second)
	st := w.Stats()
	require.LessOrEqual(t, st.Waiting, 10+512)
	require.Greater(t, st.Dropped, int64(19_000))
	w.collector.Misbehave(nil)
	asked := time.Now()
	w.stop()
	require.Less(t, time.Since(asked), 7*time.Second, "the end does not wait for a collector that hangs")
	st = w.Stats()
	sent := int64(len(w.collector.Spans()))
	require.Equal(t, st.Sent, sent)
}

func TestADeadCollectorIsSaidOnceAndThenItsReturn(t *testing.T) {
	t.Parallel()
	w := open(t, otlp.Options{})
	w.collector.Misbehave(status(403))
	w.run(t)
	for id := range bot.IncidentID(20) {
		w.Committed(delivery(id+1, bot.OutcomeNew))
		w.eventually(t, func(s otlp.Stats) bool { return s.Dropped == 2*int64(id+1) })
	}
	require.Equal(t, 1, strings.Count(w.log.String(), "\n"), w.log.String())
	w.collector.Misbehave(nil)
	w.Committed(delivery(99, bot.OutcomeNew))
	w.eventually(t, func(s otlp.Stats) bool { return s.Sent == 2 })
	w.stop()
	require.Contains(t, w.log.String(), "the collector takes traces again")
	require.Contains(t, w.log.String(), "dropped=38", "two of the forty were told of before")
}

func TestNoVariableOfTheEnvironmentChangesAnything(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("somebody else was called") }))
	t.Cleanup(elsewhere.Close)
	for _, name := range []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY",
	} {
		t.Setenv(name, elsewhere.URL)
	}
	for name, value := range map[string]string{
		"OTEL_EXPORTER_OTLP_HEADERS": "x-stolen=1", "OTEL_SDK_DISABLED": "true", "OTEL_TRACES_SAMPLER": "always_off", "OTEL_TRACES_EXPORTER": "none",
		"OTEL_RESOURCE_ATTRIBUTES": "service.name=other", "OTEL_SERVICE_NAME": "other", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1",
	} {
		t.Setenv(name, value)
	}
	w := open(t, otlp.Options{}).run(t)
	w.Committed(delivery(1, bot.OutcomeNew))
	require.Len(t, w.spans(), 2)
	_, header := w.collector.Requests()
	require.Empty(t, header.Get("X-Stolen"))
	require.Equal(t, "salve", w.collector.Resource()["service.name"])
}

func TestTheEndpointAloneMayBeCalled(t *testing.T) {
	t.Parallel()
	w := open(t, otlp.Options{Endpoint: "http://169.254.169.254:4318"}).run(t)
	w.Committed(delivery(1, bot.OutcomeNew))
	w.eventually(t, func(s otlp.Stats) bool { return strings.Contains(s.Problem, "may never be called") })
}

func TestALinkIsReadStrictly(t *testing.T) {
	t.Parallel()
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for _, s := range []string{good, "00" + good[2:53] + "00", "01" + good[2:], "01" + good[2:] + "-more"} {
		l := otlp.ParseLink(s)
		require.Equal(t, good[3:35], l.Trace.String(), s)
		require.Equal(t, good[36:52], l.Span.String(), s)
	}
	for _, s := range []string{
		"", "00", good[:54], good + "-more", "01" + good[2:] + "more", "ff" + good[2:], "0x" + good[2:], strings.ToUpper(good),
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		strings.Replace(good, "4bf9", "4bg9", 1), strings.ReplaceAll(good, "-", "_"), good[:53] + "zz", " " + good,
	} {
		require.Zero(t, otlp.ParseLink(s), s)
	}
	require.Zero(t, otlp.LinkOf(t.Context()))
	require.Equal(t, otlp.ParseLink(good), otlp.LinkOf(otlp.WithLink(t.Context(), otlp.ParseLink(good))))
}

func FuzzParseLink(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-the-future-will-be-like")
	f.Fuzz(func(t *testing.T, s string) {
		if l := otlp.ParseLink(s); l != (otlp.Link{}) {
			require.Equal(t, s[3:52], l.Trace.String()+"-"+l.Span.String())
		}
	})
}

func BenchmarkCommitted(b *testing.B) {
	e, err := otlp.New(context.Background(), &book{}, otlp.Options{Endpoint: "http://127.0.0.1:9", Origin: "abc"})
	require.NoError(b, err)
	c := delivery(1, bot.OutcomeNew)
	for b.Loop() { // the queue is full soon: a drop costs what a span costs
		e.Committed(c)
	}
}

func TestAPayloadThatWaitedInQuarantineBeganWhenItWasReadAgain(t *testing.T) {
	t.Parallel()
	w := open(t, otlp.Options{}).run(t)
	c := delivery(1, bot.OutcomeNew)
	c.Change.Delivery.ReceivedAt = at(-3600)
	w.Committed(c)
	spans := w.spans()
	require.NoError(t, otlptest.Check(spans))
	require.Equal(t, at(0), spans[1].Start)
}

func TestATextThatIsTooLongIsNotCutWithinASecret(t *testing.T) {
	t.Parallel()
	w := open(t, otlp.Options{}).run(t)
	c := delivery(1, bot.OutcomeNew)
	c.Receipt.Observed[0].Key.Source = strings.Repeat("x", 2000) + token
	w.Committed(c)
	spans := w.spans()
	require.Equal(t, "[too long]", spans[1].Attrs["salve.source"])
	require.Equal(t, "[too long]", spans[1].Attrs["http.route"])
}

func TestACollectorThatComesAndGoesFillsNoLog(t *testing.T) {
	t.Parallel()
	w := open(t, otlp.Options{})
	w.run(t)
	for id := range bot.IncidentID(10) {
		w.collector.Misbehave(status(403))
		w.Committed(delivery(2*id+1, bot.OutcomeNew))
		w.eventually(t, func(s otlp.Stats) bool { return s.Dropped == 2*int64(id+1) })
		w.collector.Misbehave(nil)
		w.Committed(delivery(2*id+2, bot.OutcomeNew))
		w.eventually(t, func(s otlp.Stats) bool { return s.Sent == 2*int64(id+1) })
	}
	require.LessOrEqual(t, strings.Count(w.log.String(), "\n"), 3, w.log.String())
}

func TestWhatIsLostAtTheEndIsSaid(t *testing.T) {
	t.Parallel()
	w := open(t, otlp.Options{})
	w.collector.Misbehave(status(503))
	w.run(t)
	for id := range bot.IncidentID(50) {
		w.Committed(delivery(id+1, bot.OutcomeNew))
	}
	w.stop()
	require.Equal(t, int64(0), w.Stats().Sent)
	require.Contains(t, w.log.String(), "answered 503")
	require.Contains(t, w.log.String(), "dropped=")
	var lost int64
	for line := range strings.Lines(w.log.String()) {
		if _, n, ok := strings.Cut(strings.TrimSpace(line), "dropped="); ok {
			v, err := strconv.ParseInt(n, 10, 64)
			require.NoError(t, err)
			lost += v
		}
	}
	require.Equal(t, w.Stats().Dropped, lost, "every span that was lost was told of: %s", w.log.String())
}
