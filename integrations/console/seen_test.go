package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/console"
)

// TestOnlyWhatAPersonDoesKeepsASession: a page that is left open loads itself
// again, and its stream is asked about at each beat.
func TestOnlyWhatAPersonDoesKeepsASession(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, path, mode string
		used             bool
	}{
		{"a page is opened", "/", "navigate", true},
		{"a page is opened by a program", "/runs", "", true},
		{"a page loads itself again", "/", "cors", false},
		{"likewise in another browser", "/", "same-origin", false},
		{"a stream is opened", "/events", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := story()
			ctx, stop := context.WithCancel(t.Context())
			stop() // a stream ends at once
			r := httptest.NewRequestWithContext(ctx, "GET", "http://localhost"+tt.path, nil)
			r.AddCookie(&http.Cookie{Name: "salve_session", Value: "s-vera"})
			if tt.mode != "" {
				r.Header.Set("Sec-Fetch-Mode", tt.mode)
			}
			open(t, w, console.Options{}).ServeHTTP(httptest.NewRecorder(), r)
			require.Equal(t, tt.used, len(w.seen) == 1, "%v", w.seen)
		})
	}
}
