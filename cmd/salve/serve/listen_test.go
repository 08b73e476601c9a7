package serve_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
)

func TestAPlainListenerBeyondLoopbackIsForItsProxies(t *testing.T) {
	t.Parallel()
	inside := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	base := config.Config{Listen: "0.0.0.0:80", Proxies: []string{"10.1.2.0/24", "2001:db8::/32", "192.0.2.7/32"}}
	with := func(f func(*config.Config)) config.Config {
		c := base
		f(&c)
		return c
	}
	tests := []struct {
		name, from, path string
		cfg              config.Config
		want             int
	}{
		{"a proxy", "10.1.2.3:99", "/", base, 418},
		{"a proxy over IPv6", "[2001:db8::1]:99", "/", base, 418},
		{"a proxy on a socket for both", "[::ffff:10.1.2.3]:99", "/", base, 418},
		{"this machine", "127.0.0.1:99", "/v1/incidents", base, 418},
		{"this machine over IPv6", "[::1]:99", "/", base, 418},
		{"somebody else", "10.1.3.3:99", "/", base, 403},
		{"somebody else at a hook", "203.0.113.9:99", "/v1/hooks/prod", base, 403},
		{"the neighbour of a proxy", "192.0.2.8:99", "/", base, 403},
		{"no address", "@", "/", base, 403},
		{"an orchestrator", "203.0.113.9:99", "/readyz", base, 418},
		{"an orchestrator that is curious", "203.0.113.9:99", "/readyz/../v1/incidents", base, 403},
		{"no proxies at all", "10.1.2.3:99", "/", with(func(c *config.Config) { c.Proxies = nil }), 403},
		{"TLS lets in everybody", "203.0.113.9:99", "/", with(func(c *config.Config) { c.TLS.Cert = "x" }), 418},
		{"loopback is near enough", "127.0.0.1:99", "/", with(func(c *config.Config) { c.Listen = "127.0.0.1:80" }), 418},
		{"every interface", "203.0.113.9:99", "/", with(func(c *config.Config) { c.Listen = ":80" }), 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, err := serve.Gated(tt.cfg, inside)
			require.NoError(t, err)
			req := httptest.NewRequest(http.MethodGet, "/", nil)
			req.URL.Path, req.RemoteAddr = tt.path, tt.from
			req.Header.Set("X-Forwarded-For", "127.0.0.1") // says nothing
			w := httptest.NewRecorder()
			h.ServeHTTP(w, req)
			require.Equal(t, tt.want, w.Code)
			if tt.want == http.StatusForbidden {
				require.Contains(t, w.Body.String(), "trusted_proxies")
			}
		})
	}
	_, err := serve.Gated(with(func(c *config.Config) { c.Proxies = []string{"10.1.2.3"} }), inside)
	require.ErrorContains(t, err, "trusted_proxies")
}

// Behind a proxy on the same machine every request comes from loopback.
func TestWhereAPublicAddressLeadsNobodyIsAnonymous(t *testing.T) {
	t.Parallel()
	near := run(t, setUp(t, newShop(t)))
	code, _ := get(t, near.URL()+"/v1/incidents")
	require.Equal(t, 200, code, "on loopback alone everybody reads")
	require.NoError(t, near.end())

	for name, change := range map[string]func(*config.Config){
		"loopback":        func(*config.Config) {},
		"every interface": func(c *config.Config) { c.Listen, c.Proxies = "0.0.0.0:0", []string{"192.0.2.0/24"} },
	} {
		cfg := setUp(t, newShop(t))
		cfg.PublicURL = "https://salve.example.com"
		change(&cfg)
		s, err := start(t, cfg)
		require.NoError(t, err)
		ask := func(method, path string) int {
			req := httptest.NewRequest(method, "https://salve.example.com"+path, nil)
			req.RemoteAddr = "127.0.0.1:99"
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, req)
			return w.Code
		}
		for _, path := range []string{"/v1/incidents", "/v1/people", "/v1/live", "/v1/status"} {
			require.Equal(t, http.StatusUnauthorized, ask(http.MethodGet, path), "%s: %s", name, path)
		}
		require.Equal(t, http.StatusUnauthorized, ask(http.MethodPost, "/v1/commands"), name)
		require.Contains(t, []int{http.StatusSeeOther, http.StatusUnauthorized, http.StatusForbidden}, ask(http.MethodGet, "/"), name)
		require.NotEqual(t, 200, ask(http.MethodGet, "/events"), name)
		require.Equal(t, http.StatusUnauthorized, ask(http.MethodPost, "/v1/hooks/prod"), name)
		require.Equal(t, 200, ask(http.MethodGet, "/livez"), name)
		require.NoError(t, s.Store().Close())
		require.NoError(t, s.BreakListener())

		cfg = setUp(t, newShop(t))
		cfg.PublicURL = "https://salve.example.com"
		change(&cfg)
		cfg.Sources[0].Bearer, cfg.Sources[0].Anonymous = "", true
		_, err = start(t, cfg)
		require.ErrorContains(t, err, "source prod: no credential", name)
	}
}

// pair writes a key and a certificate for 127.0.0.1 with that serial number.
func pair(t *testing.T, dir string, serial int64) config.TLS {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "salve"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	files := config.TLS{Cert: filepath.Join(dir, "crt"), Key: filepath.Join(dir, "key")}
	require.NoError(t, os.WriteFile(files.Cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(t, os.WriteFile(files.Key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	written := time.Unix(1_700_000_000+serial, 0) // each later than the one before
	require.NoError(t, os.Chtimes(files.Cert, written, written))
	return files
}

func TestACertificateThatIsRenewedIsTakenUp(t *testing.T) {
	t.Parallel()
	cfg, dir := setUp(t, newShop(t)), t.TempDir()
	cfg.TLS = pair(t, dir, 1)
	r := run(t, cfg)
	address := r.URL()[len("https://"):]
	serial := func() int64 {
		conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}).DialContext(t.Context(), "tcp", address)
		require.NoError(t, err)
		defer conn.Close()
		return conn.(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	require.Equal(t, int64(1), serial())
	pair(t, dir, 2)
	require.Equal(t, int64(2), serial())
	require.NoError(t, os.WriteFile(cfg.TLS.Cert, []byte("spoilt"), 0o600))
	require.Equal(t, int64(2), serial(), "one that is spoilt leaves the last")
	require.NoError(t, r.end())
}
