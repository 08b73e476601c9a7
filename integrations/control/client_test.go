package control_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/control"
)

// onSocket serves the door on a real unix socket.
func onSocket(t *testing.T, door *control.Server) *control.Client {
	t.Helper()
	dir, err := os.MkdirTemp("", "salve") // short: a socket's path is bounded
	require.NoError(t, err)
	path := filepath.Join(dir, "s")
	ln, err := net.Listen("unix", path)
	require.NoError(t, err)
	srv := &http.Server{Handler: door, ConnContext: control.ConnContext, ReadHeaderTimeout: time.Minute}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, srv.Close())
		require.ErrorIs(t, <-done, http.ErrServerClosed)
		require.NoError(t, os.RemoveAll(dir))
	})
	return control.NewUnixClient(path)
}

func TestOnASocketTheKernelSaysWhoItIs(t *testing.T) {
	t.Parallel()
	w := newWorld()
	me := rita
	me.Identities = []bot.Identity{{Surface: "unix", ID: strconv.Itoa(os.Getuid())}}
	w.people["rita"] = me
	c := onSocket(t, newDoor(t, w, control.Options{}))

	var who bot.Person
	require.NoError(t, c.Get(t.Context(), "/v1/whoami", nil, &who))
	require.Equal(t, bot.PersonID("rita"), who.ID)
	answer, err := c.Do(t.Context(), bot.Command{Verb: bot.VerbSnooze, Incident: 1, For: bot.Duration(time.Hour), By: adam, Caller: "me"})
	require.NoError(t, err)
	require.Equal(t, bot.IncidentID(1), answer.Incident)
	require.Equal(t, bot.PersonID("rita"), w.commands[0].By.ID)
	require.Equal(t, bot.Duration(time.Hour), w.commands[0].For)

	text, err := c.Text(t.Context(), "/v1/incidents/I-1/timeline")
	require.NoError(t, err)
	require.Equal(t, "# I-1 <script>", text)
	err = c.Get(t.Context(), "/v1/incidents/I-2", nil, &bot.Card{})
	r, ok := errors.AsType[*bot.Refusal](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, bot.RefusedUnknown, r.Code)
	var list []bot.Incident
	require.NoError(t, c.Get(t.Context(), "/v1/incidents", url.Values{"owner": {"me"}}, &list))
	require.Equal(t, bot.PersonID("rita"), list[0].Owner)
	require.Equal(t, "not \uFFFD UTF-8", list[0].Title, "what is no UTF-8 does not spoil the answer")
}

func TestSomebodyWhomNobodyKnowsReadsAndHaltsOnTheSocket(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := onSocket(t, newDoor(t, w, control.Options{}))
	require.NoError(t, c.Get(t.Context(), "/v1/incidents", nil, nil))
	_, err := c.Do(t.Context(), bot.Command{Verb: bot.VerbHalt})
	require.NoError(t, err)
	require.Equal(t, "uid "+strconv.Itoa(os.Getuid()), w.commands[0].Caller)
	_, err = c.Do(t.Context(), bot.Command{Verb: bot.VerbTake, Incident: 1})
	require.ErrorContains(t, err, "Nobody knows")
}

func TestOverHTTPATokenSaysWhoItIs(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(newDoor(t, newWorld(), control.Options{}))
	t.Cleanup(srv.Close)
	c, err := control.NewHTTPClient(srv.URL+"/", secret.New("salve_api_vera"))
	require.NoError(t, err)
	var who bot.Person
	require.NoError(t, c.Get(t.Context(), "/v1/whoami", nil, &who))
	require.Equal(t, bot.PersonID("vera"), who.ID)
	wrong, err := control.NewHTTPClient(srv.URL, secret.New("salve_api_wrong"))
	require.NoError(t, err)
	err = wrong.Get(t.Context(), "/v1/whoami", nil, &who)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "salve_api_wrong")
}

func TestATokenGoesNowhereElse(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "salve.example.org", "http://salve.example.org", "ftp://localhost", "http://localhost.example.org", "https://a:b@salve.example.org", "https://x/?y"} {
		_, err := control.NewHTTPClient(base, secret.New("salve_api_vera"))
		require.Error(t, err, base)
		require.NotContains(t, err.Error(), "salve_api_vera")
	}
	stolen := make(chan string, 1)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stolen <- r.Header.Get("Authorization") }))
	t.Cleanup(thief.Close)
	redirect := httptest.NewServer(http.RedirectHandler(thief.URL, http.StatusTemporaryRedirect))
	t.Cleanup(redirect.Close)
	c, err := control.NewHTTPClient(redirect.URL, secret.New("salve_api_vera"))
	require.NoError(t, err)
	require.ErrorContains(t, c.Get(t.Context(), "/v1/whoami", nil, nil), "is that a Salve?")
	require.Empty(t, stolen)
}

func TestWhereNobodyAnswersTheErrorSaysHowToStart(t *testing.T) {
	t.Parallel()
	c := control.NewUnixClient(filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, c.Get(t.Context(), "/v1/whoami", nil, nil), "salve serve")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, c.Get(ctx, "/v1/whoami", nil, nil), context.Canceled)
}

func TestAWaitEndsAtTheNextChangeAndMissesNone(t *testing.T) {
	t.Parallel()
	w := newWorld()
	c := onSocket(t, newDoor(t, w, control.Options{LongPoll: time.Minute}))
	require.NoError(t, c.WaitForChange(t.Context()), "the first time at once")
	w.change() // while nobody waits
	require.NoError(t, c.WaitForChange(t.Context()))
	next := make(chan error, 1)
	go func() { next <- c.WaitForChange(t.Context()) }()
	w.change() // before it waits or while it does
	require.NoError(t, <-next)

	ctx, cancel := context.WithCancel(t.Context())
	last := make(chan error, 1)
	go func() { last <- c.WaitForChange(ctx) }()
	cancel()
	require.ErrorIs(t, <-last, context.Canceled)
}
