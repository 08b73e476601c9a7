package serve_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/config"
)

// receiver takes pages.
type receiver struct {
	*httptest.Server
	mu   sync.Mutex
	took []map[string]any
	says int
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{says: http.StatusOK}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		var page map[string]any
		r.mu.Lock()
		defer r.mu.Unlock()
		if json.Unmarshal(body, &page) == nil {
			r.took = append(r.took, page)
		}
		w.WriteHeader(r.says)
	}))
	t.Cleanup(r.Close)
	return r
}

func TestATestPageIsSentResolvedAndOnRecord(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t)
	cfg := setUp(t, newShop(t))
	cfg.Page = []config.Pager{{Name: "hook", Type: "webhook", URL: hook.URL + "/x", Secret: "env:HOOK"}}
	s := run(t, cfg)
	var got []struct {
		Pager, Says string
		OK          bool
	}
	test := func(name string) error {
		return s.Send(t.Context(), http.MethodPost, "/v1/pages/test", map[string]string{"pager": name}, &got)
	}
	require.NoError(t, test(""))
	require.Len(t, got, 1)
	require.True(t, got[0].OK, got[0].Says)
	require.Len(t, hook.took, 2)
	require.Equal(t, []any{"trigger", "resolve"}, []any{hook.took[0]["action"], hook.took[1]["action"]})
	require.Equal(t, hook.took[0]["key"], hook.took[1]["key"])
	require.Contains(t, hook.took[0]["summary"], "TEST")
	require.ErrorContains(t, test("other"), `There is no pager "other"`)

	hook.mu.Lock()
	hook.says = http.StatusForbidden
	hook.mu.Unlock()
	require.NoError(t, test("hook"))
	require.False(t, got[0].OK)
	require.Contains(t, got[0].Says, "403")

	var events []bot.Event
	require.NoError(t, s.Get(t.Context(), "/v1/events", nil, &events))
	var tests []string
	for _, e := range events {
		if e.Kind == bot.EventPageTested {
			tests = append(tests, e.Data["pager"])
		}
	}
	require.ElementsMatch(t, []string{"all", "hook"}, tests)
	require.NoError(t, s.end())
}

func TestWhoIsOnCallIsAskedOfEachSource(t *testing.T) {
	t.Parallel()
	cfg := setUp(t, newShop(t))
	dir := t.TempDir()
	day := time.Now().UTC().Format("20060102")
	calendar := "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART;VALUE=DATE:" + day + "\nRRULE:FREQ=DAILY\nSUMMARY:Ann <ann@example.com>\nEND:VEVENT\nEND:VCALENDAR\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "rota.ics"), []byte(calendar), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "catalog-info.yaml"), []byte("kind: Component\nmetadata: {name: shop}\nspec: {owner: team}\n"), 0o600))
	cfg.OnCall.Sources = []config.OnCallSource{
		{Type: "icalendar", File: filepath.Join(dir, "none.ics")}, {Type: "icalendar", File: filepath.Join(dir, "rota.ics")},
	}
	cfg.OnCall.Fallback = map[string]string{"slack": "S0123456789"}
	cfg.Catalog.Files = []string{dir}
	s := run(t, cfg)
	var got []struct {
		Source, Error, Group string
		People               []bot.Contact
		Decides              bool
	}
	require.NoError(t, s.Get(t.Context(), "/v1/oncall", nil, &got))
	require.Len(t, got, 3)
	require.Contains(t, got[0].Error, "read the calendar")
	require.Equal(t, "ann@example.com", got[1].People[0].Email)
	require.True(t, got[1].Decides)
	require.Equal(t, "S0123456789", got[2].Group)
	require.NoError(t, s.end())
}

func TestAPagerThatCannotBeOpenedEndsTheStart(t *testing.T) {
	t.Parallel()
	cfg := setUp(t, newShop(t))
	cfg.Page = []config.Pager{{Type: "pagerduty", RoutingKey: "env:NOT_THERE"}}
	_, err := start(t, cfg)
	require.ErrorContains(t, err, "page[0]: routing_key: resolve env:NOT_THERE")
}
