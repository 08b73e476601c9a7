package console_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/console"
)

// listen opens an event stream and gives what it says, line by line.
func listen(t *testing.T, base, path, session string) <-chan string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	r, err := http.NewRequestWithContext(ctx, "GET", base+path, nil)
	require.NoError(t, err)
	r.AddCookie(&http.Cookie{Name: "salve_session", Value: session})
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.Equal(t, "text/event-stream", res.Header.Get("Content-Type"))
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		defer res.Body.Close()
		var buf bytes.Buffer
		chunk := make([]byte, 512)
		for {
			n, err := res.Body.Read(chunk)
			buf.Write(chunk[:n])
			for bytes.Contains(buf.Bytes(), []byte("\n\n")) {
				text, _ := buf.ReadString('\n')
				if text = strings.TrimSpace(text); text != "" {
					lines <- text
				}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) && ctx.Err() == nil {
					lines <- "broken"
				}
				return
			}
		}
	}()
	return lines
}

// until reads until a line is said.
func until(t *testing.T, lines <-chan string, want string) {
	t.Helper()
	for line := range lines {
		if line == want {
			return
		}
	}
	t.Fatalf("the stream ended before it said %q", want)
}

func TestAStreamTellsOnlyWhatConcernsItsPage(t *testing.T) {
	t.Parallel()
	w := story()
	s := serve(t, w, console.Options{Heartbeat: 20 * time.Millisecond})
	mine, lists := listen(t, s.URL, "/events?incident=I-142", "s-vera"), listen(t, s.URL, "/events", "s-vera")
	until(t, mine, ": still here")
	until(t, lists, ": still here")
	w.publish(bot.Touched{Incidents: []bot.IncidentID{139}, Runs: []bot.RunID{88}})
	until(t, lists, "event: changed")
	for range 3 { // it is not told of I-139, nor of R-88, which belongs to I-141
		require.Equal(t, ": still here", <-mine)
	}
	w.publish(bot.Touched{Incidents: []bot.IncidentID{142}})
	until(t, mine, "event: changed")
}

func TestAStreamEndsWithTheSessionAndWithTheServer(t *testing.T) {
	t.Parallel()
	w := story()
	c := open(t, w, console.Options{Heartbeat: 20 * time.Millisecond, MaxStreams: 2})
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	one, two := listen(t, s.URL, "/events", "s-vera"), listen(t, s.URL, "/events", "s-rob")
	until(t, one, ": still here")
	until(t, two, ": still here")
	require.Equal(t, http.StatusServiceUnavailable, ask(c, "GET", "/events", "s-alice", nil).Code)
	require.NoError(t, w.SignOut(t.Context(), "s-vera"))
	for range one { // ends by itself
	}
	c.Drain()
	for range two {
	}
}
