// Package pagingtest is what every pager over HTTP must pass: each status of the
// far end and the fault that it is, answers that are lost or not its own, and
// secrets that are in no error.
//
// It assumes a pager that was opened for the address of a test server. What one
// pager has of its own is tested beside it.
package pagingtest

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// Pager is what is tested.
type Pager interface {
	Reach(ctx context.Context) error
	Post(ctx context.Context, p bot.Parcel) (bot.Mark, error)
	Edit(ctx context.Context, m bot.Mark, p bot.Parcel) error
	Find(ctx context.Context, p bot.Parcel, since time.Time) (bot.Mark, bool, error)
}

// Secret is in the credentials and in the query of the address that a pager is
// opened with.
const Secret = "hunter2-hunter2"

// Call is one that the far end got.
type Call struct {
	Method string
	URL    *url.URL
	Header http.Header
	Body   []byte
}

// Far is the far end. Its zero answer is 202 and Yes.
type Far struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []Call
	answer func(w http.ResponseWriter)
}

// NewFar serves until the test ends. yes is the body of an answer that takes a
// page.
func NewFar(t *testing.T, yes string) *Far {
	t.Helper()
	f := &Far{answer: Answers(http.StatusAccepted, yes)}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		f.calls = append(f.calls, Call{Method: r.Method, URL: r.URL, Header: r.Header.Clone(), Body: body})
		answer := f.answer
		f.mu.Unlock()
		answer(w)
	}))
	t.Cleanup(f.Close)
	return f
}

// Answers is an answer with a status and a body; headers come in pairs.
func Answers(status int, body string, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Lost takes the page and drops the connection.
func Lost(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// Answer sets what comes from now on.
func (f *Far) Answer(a func(http.ResponseWriter)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = a
}

// Calls are those so far.
func (f *Far) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Call(nil), f.calls...)
}

// Last is the newest call.
func (f *Far) Last(t *testing.T) Call {
	t.Helper()
	calls := f.Calls()
	require.NotEmpty(t, calls)
	return calls[len(calls)-1]
}

// Host is the address for an allow list.
func (f *Far) Host() string { return f.Listener.Addr().String() }

// Parcel is a page about an incident.
func Parcel() bot.Parcel {
	return bot.Parcel{Place: "pager", Key: "page/pager/I-142", Nonce: "n-1", Message: bot.Message{
		Kind: bot.MessagePage, Tone: bot.ToneUrgent, Alone: "CRITICAL db-3: the undo failed, I-142",
		Title: []bot.Span{{Text: "I-142", URL: "https://salve.example.com/i/142"}, {Text: " the undo failed"}},
		Lines: []bot.Line{{Spans: []bot.Span{{Text: "grow-disk left db-3 half done"}}}},
	}}
}

// failures are the ways in which a far end can fail.
var failures = []struct {
	name   string
	answer func(http.ResponseWriter)
	fault  bot.SendFault
	after  time.Duration
}{
	{"400", Answers(400, `{"message":"no"}`), bot.SendRefused, 0},
	{"401", Answers(401, Secret), bot.SendDenied, 0},
	{"403", Answers(403, Secret), bot.SendDenied, 0},
	{"404", Answers(404, "<html>"+Secret), bot.SendNoPlace, 0},
	{"413", Answers(413, ""), bot.SendRefused, 0},
	{"422", Answers(422, `{"message":"no"}`), bot.SendRefused, 0},
	{"429 that says when", Answers(429, "", "Retry-After", "7"), bot.SendLater, 7 * time.Second},
	{"429 that does not say", Answers(429, "slow down"), bot.SendLater, 30 * time.Second},
	{"500", Answers(500, Secret), bot.SendUnsure, 0},
	{"502 in HTML", Answers(502, "<html>"), bot.SendUnsure, 0},
	{"503", Answers(503, ""), bot.SendDown, 0},
	{"503 that says when", Answers(503, "", "Retry-After", "9"), bot.SendLater, 9 * time.Second},
	{"a redirect", Answers(302, "", "Location", "https://example.com/"+Secret), bot.SendNoPlace, 0},
	{"a lost answer", Lost, bot.SendUnsure, 0},
	{"a login page that says yes", Answers(200, "<html>"+Secret), bot.SendDown, 0},
	{"JSON of somebody else", Answers(200, `{"ok":true}`), bot.SendDown, 0},
}

// reached looks whether the far end is there, of which it hears nothing.
func reached(t *testing.T, yes string, open func(t *testing.T, address string, allow ...string) Pager) {
	t.Helper()
	t.Parallel()
	far := NewFar(t, yes)
	p := open(t, far.URL+"/?key="+Secret, far.Host())
	require.NoError(t, p.Reach(t.Context()))
	require.Empty(t, far.Calls())
	require.Error(t, open(t, far.URL).Reach(t.Context()), "where it may not connect")
	far.Close()
	err := p.Reach(t.Context())
	require.ErrorContains(t, err, "connection refused")
	require.NotContains(t, err.Error(), Secret)
}

// Run holds a pager against every way in which the far end can fail. open makes
// one for an address with Secret in its credentials and query; yes is the body of
// an answer that takes a page; strict tells that the pager looks at that body.
func Run(t *testing.T, yes string, strict bool, open func(t *testing.T, address string, allow ...string) Pager) {
	t.Run("it is reached without a word", func(t *testing.T) { reached(t, yes, open) })
	for _, tt := range failures {
		if !strict && tt.fault == bot.SendDown && tt.name != "503" {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			far := NewFar(t, yes)
			p := open(t, far.URL+"/?token="+Secret, far.Host())
			far.Answer(tt.answer)
			_, err := p.Post(t.Context(), Parcel())
			fault(t, err, tt.fault, tt.after)
			fault(t, p.Edit(t.Context(), bot.Mark{Ref: "r"}, Parcel()), tt.fault, tt.after)
			require.Len(t, far.Calls(), 2, "nothing is sent twice by itself")
			far.Answer(Answers(http.StatusAccepted, yes))
			_, err = p.Post(t.Context(), Parcel())
			require.NoError(t, err)
		})
	}
	t.Run("nobody is there", func(t *testing.T) {
		t.Parallel()
		far := NewFar(t, yes)
		far.Close()
		_, err := open(t, far.URL+"/?token="+Secret, far.Host()).Post(t.Context(), Parcel())
		fault(t, err, bot.SendDown, 0)
	})
	t.Run("an address that may not be called", func(t *testing.T) {
		t.Parallel()
		far := NewFar(t, yes)
		_, err := open(t, far.URL+"/?token="+Secret).Post(t.Context(), Parcel())
		fault(t, err, bot.SendDenied, 0)
		require.ErrorContains(t, err, "egress.allow")
		require.Empty(t, far.Calls())
	})
	t.Run("nothing is ever found, and posting again is harmless", func(t *testing.T) {
		t.Parallel()
		far := NewFar(t, yes)
		p := open(t, far.URL+"/", far.Host())
		first, err := p.Post(t.Context(), Parcel())
		require.NoError(t, err)
		_, found, err := p.Find(t.Context(), bot.Parcel{Place: "pager", Nonce: "n-1"}, time.Time{})
		require.NoError(t, err)
		require.False(t, found)
		again, err := p.Post(t.Context(), Parcel())
		require.NoError(t, err)
		require.Equal(t, first, again)
		calls := far.Calls()
		require.Equal(t, string(calls[0].Body), string(calls[1].Body))
	})
}

func fault(t *testing.T, err error, want bot.SendFault, after time.Duration) {
	t.Helper()
	var failed *bot.SendError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, want, failed.Fault, "%v", err)
	require.Equal(t, after, failed.After)
	require.False(t, failed.Wide, "one pager never silences the others")
	require.NotEmpty(t, failed.Why)
	require.NotContains(t, err.Error(), Secret)
}
