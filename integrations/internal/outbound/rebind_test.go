package outbound_test

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/integrations/internal/outbound"
)

// twin is two servers on one port, at 127.0.0.1 and at 127.0.0.2, and what each
// was sent, down to the connections.
type twin struct {
	port string
	seen [3]struct{ conns, calls, secrets atomic.Int64 } // by the last part of the address
}

const token = "Bearer the-token-of-host-a"

func twins(t *testing.T, shape func(*httptest.Server)) *twin {
	t.Helper()
	w := &twin{}
	for tries := 0; w.port == ""; tries++ {
		first, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		_, port, _ := net.SplitHostPort(first.Addr().String())
		second, err := net.Listen("tcp", "127.0.0.2:"+port)
		if err != nil && tries < 10 {
			require.NoError(t, first.Close()) // somebody has that port there
			continue
		}
		require.NoError(t, err)
		w.port = port
		w.serve(t, first, 1, shape)
		w.serve(t, second, 2, shape)
	}
	return w
}

func (w *twin) serve(t *testing.T, l net.Listener, n int, shape func(*httptest.Server)) {
	t.Helper()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.seen[n].calls.Add(1)
		if r.Header.Get("Authorization") == token {
			w.seen[n].secrets.Add(1)
		}
		_, _ = io.WriteString(rw, "at "+r.Proto)
	}))
	require.NoError(t, srv.Listener.Close())
	srv.Listener = l
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			w.seen[n].conns.Add(1)
		}
	}
	shape(srv)
	t.Cleanup(srv.Close)
}

func plain(srv *httptest.Server) { srv.Start() }

// names answers questions for A records by what the test says at the time.
type names struct {
	mu sync.Mutex
	to []netip.Addr
}

func (n *names) say(addrs ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.to = nil
	for _, a := range addrs {
		n.to = append(n.to, netip.MustParseAddr(a))
	}
}

func (n *names) resolver(t *testing.T) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { _ = pc.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			size, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			out := reply(buf[:size], func(string) netip.Addr { return netip.IPv4Unspecified() })
			if binary.BigEndian.Uint16(out[6:]) == 1 {
				out = n.fill(out[:len(out)-16])
			}
			_, _ = pc.WriteTo(out, from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// fill writes the answers behind a question.
func (n *names) fill(out []byte) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	binary.BigEndian.PutUint16(out[6:], uint16(len(n.to)))
	for _, a := range n.to {
		ip := a.As4()
		out = append(append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4), ip[:]...)
	}
	return out
}

func (w *twin) call(t *testing.T, c *outbound.Client, url string) error {
	t.Helper()
	_, err := c.Do(t.Context(), outbound.Call{URL: url, Header: http.Header{"Authorization": {token}}})
	return err
}

// TestASecretNeverReachesWhereANameMovesTo: 127.0.0.2 stands for a public
// address, 127.0.0.1 for the private one that the name leads to next.
func TestASecretNeverReachesWhereANameMovesTo(t *testing.T) {
	t.Parallel()
	for name, shape := range map[string]func(*httptest.Server){"http": plain, "https": func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, dns := twins(t, shape), &names{}
			dns.say("127.0.0.2")
			opts := outbound.Options{Allow: []string{"127.0.0.2"}, Resolver: dns.resolver(t), Timeout: 5 * time.Second}
			host := "a.test"
			if name == "https" {
				host, opts.Roots = "example.com", roots(t)
			}
			c := client(t, opts)
			require.NoError(t, w.call(t, c, name+"://"+host+":"+w.port+"/"))
			dns.say("127.0.0.1")
			require.NoError(t, w.call(t, c, name+"://"+host+":"+w.port+"/"), "the kept connection leads where it led")
			c.Close()
			for range 3 {
				err := w.call(t, c, name+"://"+host+":"+w.port+"/")
				_, denied := errors.AsType[*outbound.Denied](err)
				require.True(t, denied, "%v", err)
			}
			require.Equal(t, int64(2), w.seen[2].secrets.Load())
			require.Equal(t, int64(1), w.seen[2].conns.Load(), "and was kept")
			require.Zero(t, w.seen[1].conns.Load(), "not one byte")
		})
	}
}

// roots trusts the certificate that httptest brings, which is for example.com.
func roots(t *testing.T) *x509.CertPool {
	t.Helper()
	srv := httptest.NewTLSServer(http.NotFoundHandler())
	defer srv.Close()
	return srv.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
}

func TestEachOfManyAddressesIsJudged(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][]string{"denied first": {"127.0.0.1", "127.0.0.2"}, "denied last": {"127.0.0.2", "127.0.0.1"}, "metadata among them": {"169.254.169.254", "10.0.0.1", "127.0.0.2"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, dns := twins(t, plain), &names{}
			dns.say(order...)
			c := client(t, outbound.Options{Allow: []string{"127.0.0.2"}, Resolver: dns.resolver(t), Timeout: 5 * time.Second})
			require.NoError(t, w.call(t, c, "http://a.test:"+w.port+"/"))
			require.Equal(t, int64(1), w.seen[2].secrets.Load())
			require.Zero(t, w.seen[1].conns.Load())
			dns.say("127.0.0.1", "10.0.0.1", "169.254.169.254")
			c.Close()
			err := w.call(t, c, "http://a.test:"+w.port+"/")
			_, denied := errors.AsType[*outbound.Denied](err)
			require.True(t, denied, "%v", err)
			require.Zero(t, w.seen[1].conns.Load())
		})
	}
}

// TestAKeptConnectionIsForItsOwnHost: two names at one address, one certificate
// for both; nothing is sent on the other's connection.
func TestAKeptConnectionIsForItsOwnHost(t *testing.T) {
	t.Parallel()
	w, dns := twins(t, func(s *httptest.Server) { s.EnableHTTP2 = true; s.StartTLS() }), &names{}
	dns.say("127.0.0.2")
	c := client(t, outbound.Options{Allow: []string{"127.0.0.2"}, Resolver: dns.resolver(t), Roots: roots(t), Timeout: 5 * time.Second})
	require.NoError(t, w.call(t, c, "https://example.com:"+w.port+"/"))
	dns.say("127.0.0.1")
	err := w.call(t, c, "https://www.example.com:"+w.port+"/")
	_, denied := errors.AsType[*outbound.Denied](err)
	require.True(t, denied, "a new name is resolved and judged: %v", err)
	require.Zero(t, w.seen[1].conns.Load())
}

func TestOnlyHTTPIsSpoken(t *testing.T) {
	t.Parallel()
	c := client(t, outbound.Options{Allow: []string{"0.0.0.0/0", "::/0"}, Timeout: 5 * time.Second, Resolver: dns(t, func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") })})
	for _, url := range []string{
		"unix:///run/docker.sock", "http+unix://%2Frun%2Fdocker.sock/x", "http:///run/docker.sock", "http://%2Frun%2Fdocker.sock/x",
		"file:///etc/passwd", "gopher://127.0.0.1:1/", "ftp://127.0.0.1/", "ws://127.0.0.1/", "dict://127.0.0.1/", "data:text/plain,x", "//127.0.0.1/", "127.0.0.1:80", "/x", "",
		"http://127.0.0.1:70000/", "http://127.0.0.1:0/", "http://[fe80::1%25lo]/", "http://@127.0.0.1:1/", "http://u:p@127.0.0.1:1/", "http://127.0.0.1\\@evil.test/", "HTTP+X://127.0.0.1/",
	} {
		_, err := get(t, c, url)
		require.NotNil(t, err, url)
		require.False(t, err.Sent, url)
		require.Empty(t, err.To, "%s was tried: %v", url, err)
	}
}

// TestAnAnswerThatDripsEndsWithItsTime: each byte comes in time, the whole never.
func TestAnAnswerThatDripsEndsWithItsTime(t *testing.T) {
	t.Parallel()
	drip := func(head string) string {
		return raw(t, func(conn net.Conn, _ *bufio.Reader) {
			_, _ = io.WriteString(conn, head)
			for {
				if _, err := io.WriteString(conn, "x"); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	for name, url := range map[string]string{
		"body": drip("HTTP/1.1 200 OK\r\n\r\n"), "header": drip("HTTP/1.1 200 OK\r\nX-Long: "), "status line": drip("HTTP/1.1 200 "),
	} {
		c := client(t, outbound.Options{Allow: []string{"127.0.0.1"}, Timeout: 300 * time.Millisecond})
		began := time.Now()
		_, err := get(t, c, url)
		require.NotNil(t, err, name)
		require.True(t, err.Sent, name)
		require.Contains(t, err.Error(), "no answer within 300ms", name)
		require.Less(t, time.Since(began), 5*time.Second, name)
	}
}

func TestHeadersAreCut(t *testing.T) {
	t.Parallel()
	for name, head := range map[string]string{
		"one long header": "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
		"many headers":    "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: b\r\n", 100_000) + "\r\n",
		"many hints":      strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: "+strings.Repeat("x", 100)+"\r\n\r\n", 10_000) + "HTTP/1.1 200 OK\r\n\r\n",
	} {
		url := raw(t, func(conn net.Conn, _ *bufio.Reader) { _, _ = io.WriteString(conn, head) })
		_, err := get(t, client(t, outbound.Options{Allow: []string{"127.0.0.1"}, Timeout: 5 * time.Second}), url)
		require.NotNil(t, err, name)
		require.True(t, err.Sent, name)
		require.Less(t, len(err.Error()), 500, name)
	}
}

func TestAnAnswerIsNotUnpacked(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, "\x1f\x8b"+r.Header.Get("Accept-Encoding"))
	}))
	t.Cleanup(srv.Close)
	a, err := get(t, client(t, loopback()), srv.URL)
	require.Nil(t, err)
	require.Equal(t, "\x1f\x8b", string(a.Body), "neither asked for nor done")
}
