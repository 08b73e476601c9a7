package serve_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/audit"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
)

// withHeads has a key, a file and a folder for signed heads.
func withHeads(t *testing.T, cfg config.Config) (config.Config, audit.Keys, *sync.Map) {
	t.Helper()
	line, public, err := audit.NewKey(rand.Reader, "test")
	require.NoError(t, err)
	keys, err := audit.ParseKeys(public)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "audit.key"), []byte(line+"\n"), 0o600))
	objects := &sync.Map{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			b, _ := io.ReadAll(r.Body) // what is cut off does not verify below
			objects.Store(r.URL.Path, string(b))
			return
		}
		old, there := objects.Load(r.URL.Path)
		if !there {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, old.(string)) // the client is in this process
	}))
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	cfg.Egress.Allow = append(cfg.Egress.Allow, u.Host)
	cfg.Audit = config.Audit{
		Key: "file:" + filepath.Join(dir, "audit.key"), Every: bot.Duration(time.Second), Events: 1,
		Places: []config.Place{{File: filepath.Join(dir, "heads.log")}, {URL: srv.URL + "/heads"}},
	}
	return cfg, keys, objects
}

// startReading is start with secrets from real files.
func startReading(t *testing.T, cfg config.Config) (*serve.Salve, error) {
	t.Helper()
	redactor := secret.NewRedactor()
	resolver, err := secret.NewEnvFile(func(string) (string, bool) { return hookToken, true }, os.ReadFile, redactor)
	require.NoError(t, err)
	lib, err := serve.Load(cfg, resolver, redactor)
	require.NoError(t, err)
	return serve.Start(t.Context(), cfg, serve.Options{Version: "test", Library: lib, Secrets: resolver})
}

func TestHeadsOfTheAuditLogAreSignedIntoOtherPlaces(t *testing.T) {
	t.Parallel()
	cfg, keys, objects := withHeads(t, setUp(t, newShop(t)))
	s, err := startReading(t, cfg)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	require.Eventually(t, func() bool {
		st := s.AuditLag()
		for _, p := range st.Places {
			if p.Events > 0 || p.Err != "" {
				return false
			}
		}
		return st.Signed > 0 && st.Signed == st.Newest
	}, 20*time.Second, 20*time.Millisecond)
	stop()
	require.NoError(t, <-done)
	http.DefaultClient.CloseIdleConnections()

	f, err := os.Open(cfg.Audit.Places[0].File)
	require.NoError(t, err)
	defer f.Close()
	h, err := audit.ReadHeads(f, keys)
	require.NoError(t, err)
	newest, ok := h.Newest()
	require.True(t, ok)
	require.Empty(t, h.Foreign)
	n := 0
	objects.Range(func(name, text any) bool {
		n++
		_, err := keys.Open([]byte(text.(string)))
		require.NoError(t, err)
		require.True(t, strings.HasSuffix(name.(string), ".head"))
		return true
	})
	require.Positive(t, n)
	require.GreaterOrEqual(t, newest.Size, int64(3))
}

func TestAKeyOrAPlaceThatProvesNothingIsRefused(t *testing.T) {
	t.Parallel()
	cfg, _, _ := withHeads(t, setUp(t, newShop(t)))
	key := strings.TrimPrefix(cfg.Audit.Key, "file:")
	require.NoError(t, os.Chmod(key, 0o644))
	_, err := startReading(t, cfg)
	require.ErrorContains(t, err, "chmod 600")
	require.NoError(t, os.Chmod(key, 0o600))

	link := filepath.Join(t.TempDir(), "elsewhere")
	require.NoError(t, os.Symlink(cfg.DataDir, link))
	inside := cfg
	inside.Audit.Places = []config.Place{{File: filepath.Join(link, "heads.log")}}
	_, err = startReading(t, inside)
	require.ErrorContains(t, err, "is in the data directory")

	require.NoError(t, os.WriteFile(key, []byte("PRIVATE+KEY+not+one"), 0o600))
	_, err = startReading(t, cfg)
	require.ErrorContains(t, err, "the audit key is not one")
	require.NotContains(t, err.Error(), "PRIVATE")

	cfg.Audit.Key = "file:/none/audit.key"
	_, err = startReading(t, cfg)
	require.ErrorContains(t, err, "salve audit key new /none/audit.key")
}
