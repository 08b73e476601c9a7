package e2e_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

// halfPost begins a delivery and sends the rest when it is asked to.
type halfPost struct {
	conn net.Conn
	rest string
}

func (h *house) halfPost(t *testing.T, fingerprint string) halfPost {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(h.URL, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() }) // the other end is gone by then
	body := strings.Replace(fmt.Sprintf(delivery, time.Now().UTC().Format(time.RFC3339), ""), "f00d", fingerprint, 1)
	head := fmt.Sprintf("POST /v1/hooks/prod HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", hookToken, len(body))
	_, err = conn.Write([]byte(head + body[:len(body)/2]))
	require.NoError(t, err)
	return halfPost{conn: conn, rest: body[len(body)/2:]}
}

func (p halfPost) finish(t *testing.T) int {
	t.Helper()
	_, err := p.conn.Write([]byte(p.rest))
	require.NoError(t, err)
	require.NoError(t, p.conn.SetReadDeadline(time.Now().Add(patience)))
	resp, err := http.ReadResponse(bufio.NewReader(p.conn), nil)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// A Salve that is told to end under load takes nothing new, answers what it has
// begun to read, lets the step in flight end, and loses nothing.
func TestAnEndUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	f := newFar(t)
	set, send := slowSetting(t, f), newSender()
	h := startWith(t, set)
	h.does(t, "alert", "send", "--severity", "low", "-l", "service=one", "Slow")
	until(t, "the step is in flight", func() bool { return f.calls.Load() == 1 })
	stop := send.pour(h.URL, 200)
	defer stop()
	until(t, "alerts pour in", func() bool { return send.told(200) > 100 })
	half := h.halfPost(t, "half")
	time.Sleep(100 * time.Millisecond) // its head is read

	ended := make(chan error, 1)
	go func() { ended <- h.Stop() }()
	until(t, "nobody new is let in", func() bool { return answers(t, h.URL+"/livez") == 0 })
	require.Equal(t, http.StatusOK, half.finish(t))
	stop()
	select {
	case err := <-ended:
		require.Failf(t, "it did not wait for the step", "%v", err)
	case <-time.After(time.Second):
	}
	f.letGo()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(patience):
		require.Fail(t, "it did not end")
	}
	require.Empty(t, nothingBut(send, 0, 200), "whoever was answered was answered yes")
	requireKept(t, h.Process.Dir, append(send.acknowledged(), "half"))

	h = startWith(t, set)
	card := h.card(t, 1)
	require.Equal(t, bot.RunUnverified, card.Runs[0].Run.State)
	require.Equal(t, bot.StepSucceeded, card.Runs[0].Run.Steps[0].State)
	require.EqualValues(t, 1, f.calls.Load())
	require.Contains(t, h.does(t, "audit", "verify"), "the audit log proves")
}

// nothingBut gives the statuses that were answered beside some.
func nothingBut(s *sender, allowed ...int) map[int]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	others := map[int]int{}
	for status, n := range s.answers {
		others[status] = n
	}
	for _, status := range allowed {
		delete(others, status)
	}
	return others
}
