package outbound_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/integrations/internal/outbound"
)

func TestALibraryCallsUnderTheSameRules(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "http://example.com/", http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, strings.Repeat("x", 100))
	}))
	t.Cleanup(srv.Close)

	strict := client(t, outbound.Options{})
	_, err := strict.HTTP().Get(srv.URL)
	denied, ok := errors.AsType[*outbound.Denied](err)
	require.True(t, ok, "%v", err)
	require.False(t, denied.Always)
	_, err = strict.Dial(t.Context(), "tcp", srv.Listener.Addr().String())
	require.ErrorAs(t, err, &denied)

	opts := loopback()
	opts.MaxBody, opts.Timeout = 10, 5*time.Second
	open := client(t, opts)
	resp, err := open.HTTP().Get(srv.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.Error(t, err, "an answer that is too long is no answer")
	require.Len(t, body, 10)

	away, err := open.HTTP().Get(srv.URL + "/away")
	require.NoError(t, err)
	defer away.Body.Close()
	require.Equal(t, http.StatusFound, away.StatusCode, "redirects are not followed")

	conn, err := open.Dial(t.Context(), "tcp", srv.Listener.Addr().String())
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}
