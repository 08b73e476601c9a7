package outbound_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salve/integrations/internal/outbound"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(t *testing.T, opts outbound.Options) *outbound.Client {
	t.Helper()
	c, err := outbound.New(opts)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func loopback() outbound.Options { return outbound.Options{Allow: []string{"127.0.0.0/8"}} }

func get(t *testing.T, c *outbound.Client, url string) (outbound.Answer, *outbound.Error) {
	t.Helper()
	a, err := c.Do(t.Context(), outbound.Call{URL: url})
	if err == nil {
		return a, nil
	}
	e, ok := errors.AsType[*outbound.Error](err)
	require.True(t, ok, "an error of another kind: %v", err)
	return a, e
}

func TestEveryOtherSpellingOfASpecialAddressIsDenied(t *testing.T) {
	t.Parallel()
	c := client(t, outbound.Options{Timeout: 5 * time.Second, Resolver: dns(t, func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") })})
	for _, host := range []string{
		"127.0.0.1", "127.1", "127.0.1", "0177.0.0.1", "0x7f.0.0.1", "0x7f000001", "2130706433", "017700000001", "localhost", "LOCALHOST",
		"127.0.0.1.", "localhost.", "127.255.255.254", "0", "0.0.0.0", "0.1.2.3",
		"[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[0:0:0:0:0:ffff:a00:1]",
		"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.0.1", "169.254.1.1", "169.254.169.254", "2852039166", "0xa9fea9fe",
		"[::ffff:169.254.169.254]", "[64:ff9b::169.254.169.254]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a9fe:a9fe::]",
		"[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]", "[2001::1]", "[100::1]",
		"100.64.0.1", "100.100.100.200", "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
		"%31%32%37.0.0.1", "①②⑦.0.0.1",
	} {
		_, err := get(t, c, "http://"+host+":1/")
		require.NotNil(t, err, host)
		require.False(t, err.Sent, host)
		_, denied := errors.AsType[*outbound.Denied](err)
		unknown := strings.Contains(err.Error(), "the host name is not known") // a name that no DNS is asked for
		require.True(t, denied || unknown || err.To == "", "%s: %v", host, err)
	}
}

func TestWhatTheOperatorListsMayBeCalled(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hi") }))
	t.Cleanup(srv.Close)
	at := netip.MustParseAddrPort(strings.TrimPrefix(srv.URL, "http://"))
	port := strings.TrimPrefix(srv.URL, "http://127.0.0.1:")
	res := dns(t, func(string) netip.Addr { return at.Addr() })
	tests := []struct {
		name  string
		allow []string
		url   string
		ok    bool
	}{
		{"nothing listed", nil, srv.URL, false},
		{"its prefix", []string{"127.0.0.0/8"}, srv.URL, true},
		{"its address", []string{"127.0.0.1"}, srv.URL, true},
		{"its address and port", []string{at.String()}, srv.URL, true},
		{"its address in another spelling", []string{"[::ffff:127.0.0.1]:" + port}, srv.URL, true},
		{"another port", []string{"127.0.0.1:1"}, srv.URL, false},
		{"its name and port", []string{"shop.test:" + port}, "http://Shop.Test:" + port, true},
		{"its name and another port", []string{"shop.test:1"}, "http://shop.test:" + port, false},
		{"another name", []string{"other.test:" + port}, "http://shop.test:" + port, false},
		{"a name that only ends alike", []string{"shop.test:" + port}, "http://evil-shop.test:" + port, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, outbound.Options{Allow: tt.allow, Resolver: res, Timeout: 5 * time.Second})
			a, err := get(t, c, tt.url)
			if tt.ok {
				require.Nil(t, err)
				require.Equal(t, "hi", string(a.Body))
				return
			}
			require.NotNil(t, err)
			require.Contains(t, err.Error(), "egress.allow")
		})
	}
}

func TestMetadataIsNeverCalled(t *testing.T) {
	t.Parallel()
	c := client(t, outbound.Options{
		Allow: []string{"0.0.0.0/0", "::/0", "169.254.169.254", "169.254.169.254:80", "meta.test:80"}, Timeout: 5 * time.Second,
		Resolver: dns(t, func(string) netip.Addr { return netip.MustParseAddr("169.254.169.254") }),
	})
	for _, host := range []string{
		"169.254.169.254", "meta.test", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "[fd00:ec2::254]",
		"[64:ff9b:1::a9fe:a9fe]", "[::ffff:0:a9fe:a9fe]", "[::a9fe:a9fe]", "[2001:0:1:2:3:4:5601:5601]", "[fd20:ce::254]", "224.0.0.1", "[ff02::1]", "255.255.255.255",
		"169.254.170.2", "100.100.100.200", "168.63.129.16", "0.0.0.0", "[::]",
	} {
		_, err := get(t, c, "http://"+host+"/")
		require.NotNil(t, err, host)
		d, ok := errors.AsType[*outbound.Denied](err)
		require.True(t, ok, "%s: %v", host, err)
		require.True(t, d.Always, host)
	}
}

func TestAnAllowListIsReadStrictly(t *testing.T) {
	t.Parallel()
	for _, e := range []string{"", "*", "db.local", "http://db.local:80", "db.local:0", "db.local:99999", "*.local:80", "10.0.0.0/33", "a b:80", ":80", "::ffff:10.0.0.0/104"} {
		_, err := outbound.New(outbound.Options{Allow: []string{e}})
		require.ErrorContains(t, err, "egress.allow", e)
	}
}

// TestANameThatMovesIsJudgedEachTime resolves a name to a public address first
// and to loopback afterwards: what counts is what is dialled.
func TestANameThatMovesIsJudgedEachTime(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(srv.Close)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(srv.URL, "http://"))
	var asked atomic.Int32
	res := dns(t, func(string) netip.Addr {
		if asked.Add(1) == 1 {
			return netip.MustParseAddr("127.0.0.2") // allowed, nobody listens
		}
		return netip.MustParseAddr("127.0.0.1")
	})
	c := client(t, outbound.Options{Allow: []string{"127.0.0.2"}, Resolver: res, Timeout: 5 * time.Second})
	_, err := get(t, c, "http://moves.test:"+port)
	require.NotNil(t, err)
	require.Contains(t, err.Error(), "refused")
	for range 3 {
		_, err = get(t, c, "http://moves.test:"+port)
		require.NotNil(t, err)
		_, denied := errors.AsType[*outbound.Denied](err)
		require.True(t, denied, "%v", err)
	}
	require.Zero(t, hits.Load())
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{301, 302, 303, 307, 308} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, status) }))
		t.Cleanup(srv.Close)
		a, err := get(t, client(t, loopback()), srv.URL)
		require.Nil(t, err)
		require.Equal(t, status, a.Status)
	}
	require.Zero(t, hits.Load())
}

func TestProxiesOfTheEnvironmentAreNotUsed(t *testing.T) {
	var hits atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(proxy.Close)
	for _, v := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(v, proxy.URL)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "direct") }))
	t.Cleanup(srv.Close)
	c := client(t, outbound.Options{
		Allow:    []string{"127.0.0.1"},
		Resolver: dns(t, func(string) netip.Addr { return netip.MustParseAddr("127.0.0.1") }),
	})
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(srv.URL, "http://"))
	a, err := get(t, c, "http://shop.test:"+port) // a proxy is never used for loopback addresses as they are
	require.Nil(t, err)
	require.Equal(t, "direct", string(a.Body))
	require.Zero(t, hits.Load())
}

func TestBodiesAreCut(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 5000))
	}))
	t.Cleanup(srv.Close)
	for size, cut := range map[int64]bool{4999: true, 5000: false} {
		c := client(t, outbound.Options{Allow: []string{"127.0.0.1"}, MaxBody: size})
		a, err := get(t, c, srv.URL)
		require.Nil(t, err)
		require.Equal(t, cut, a.Truncated)
		require.Len(t, a.Body, int(size))
	}
}

func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	c := client(t, outbound.Options{Allow: []string{"127.0.0.0/8"}, Timeout: 5 * time.Second})
	garbage := raw(t, func(conn net.Conn, _ *bufio.Reader) { _, _ = io.WriteString(conn, "hunter2 hunter2\r\n\r\n") })
	for _, url := range []string{
		"http://u:hunter2@127.0.0.1:1/", "http://127.0.0.1:1/hunter2?token=hunter2#hunter2", "http://10.0.0.1/?t=hunter2",
		"http://127.0.0.1:hunter2/", "hunter2", "ftp://hunter2/", "http:// hunter2/", "http://h\x00unter2/", "http:hunter2",
		"http://127.0.0.1:0/hunter2", garbage + "/?token=hunter2",
	} {
		_, err := get(t, c, url)
		require.NotNil(t, err, url)
		for e := error(err); e != nil; e = errors.Unwrap(e) {
			require.NotContains(t, e.Error(), "hunter2", url)
		}
	}
	_, err := c.Do(t.Context(), outbound.Call{Method: "B D", URL: "http://127.0.0.1:1/?hunter2"})
	require.ErrorContains(t, err, "method")
	_, err = c.Do(t.Context(), outbound.Call{URL: "http://127.0.0.1:1/", Header: http.Header{"X-A": {"hunter2\n"}}})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}

func TestRetryAfterIsTold(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		header string
		least  time.Duration
		most   time.Duration
	}{
		{429, "7", 7 * time.Second, 7 * time.Second},
		{503, "7", 7 * time.Second, 7 * time.Second},
		{503, time.Now().Add(time.Minute).UTC().Format(http.TimeFormat), 30 * time.Second, time.Minute},
		{503, "999999999", time.Hour, time.Hour},
		{503, "-7", 0, 0},
		{503, "soon", 0, 0},
		{503, "", 0, 0},
		{500, "7", 0, 0},
	}
	for _, tt := range tests {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", tt.header)
			w.WriteHeader(tt.status)
		}))
		t.Cleanup(srv.Close)
		a, err := get(t, client(t, loopback()), srv.URL)
		require.Nil(t, err)
		require.Equal(t, tt.status, a.Status)
		require.GreaterOrEqual(t, a.RetryAfter, tt.least, tt.header)
		require.LessOrEqual(t, a.RetryAfter, tt.most, tt.header)
	}
}

// raw is a server that does with each connection, after one request, as it is
// told, and closes it.
func raw(t *testing.T, do func(net.Conn, *bufio.Reader)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { _ = l.Close(); <-done })
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(conn)
			if req, err := http.ReadRequest(r); err == nil {
				_, _ = io.Copy(io.Discard, req.Body)
				do(conn, r)
			}
			_ = conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// TestARequestIsNeverSentTwice keeps a connection, lets the far end take a second
// request on it and hang up: the standard transport would send that again.
func TestARequestIsNeverSentTwice(t *testing.T) {
	t.Parallel()
	calls := map[string]outbound.Call{
		"GET":               {Method: "GET"},
		"GET with a key":    {Method: "GET", Header: http.Header{"Idempotency-Key": {"k"}}},
		"POST with a key":   {Method: "POST", Header: http.Header{"Idempotency-Key": {"k"}}},
		"POST with X-key":   {Method: "POST", Header: http.Header{"X-Idempotency-Key": {"k"}}, Body: []byte("{}")},
		"POST with a body":  {Method: "POST", Header: http.Header{"Idempotency-Key": {"k"}}, Body: []byte("{}")},
		"PUT with a body":   {Method: "PUT", Header: http.Header{"Idempotency-Key": {"k"}}, Body: []byte("{}")},
		"DELETE with a key": {Method: "DELETE", Header: http.Header{"Idempotency-Key": {"k"}}},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen atomic.Int32
			call.URL = raw(t, func(conn net.Conn, r *bufio.Reader) {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				req, err := http.ReadRequest(r)
				if err != nil {
					seen.Add(1) // it came by a new connection
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				if call.Header != nil && req.Header.Get("Idempotency-Key")+req.Header.Get("X-Idempotency-Key") != "k" {
					seen.Add(100)
				}
				seen.Add(1)
			})
			c := client(t, loopback())
			_, err := c.Do(t.Context(), call)
			require.NoError(t, err)
			_, err = c.Do(t.Context(), call)
			e, ok := errors.AsType[*outbound.Error](err)
			require.True(t, ok, "%v", err)
			require.True(t, e.Sent)
			require.Equal(t, int32(1), seen.Load())
		})
	}
}

func TestWhetherTheFarEndMayHaveHadIt(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	silent := raw(t, func(net.Conn, *bufio.Reader) { <-hold })
	hangsUp := raw(t, func(net.Conn, *bufio.Reader) {})
	half := raw(t, func(c net.Conn, _ *bufio.Reader) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
	})
	plain := raw(t, func(net.Conn, *bufio.Reader) {})
	t.Cleanup(func() { close(hold) })
	tests := []struct {
		name string
		url  string
		sent bool
		says string
	}{
		{"nobody listens", "http://127.0.0.1:1/", false, "connection refused"},
		{"no such name", "http://gone.invalid/", false, "host name"},
		{"no TLS there", strings.Replace(plain, "http://", "https://", 1), false, ""},
		{"no answer", silent, true, "no answer within"},
		{"hung up", hangsUp, true, "closed before the answer was whole"},
		{"half an answer", half, true, "closed before the answer was whole"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := client(t, outbound.Options{Allow: []string{"127.0.0.0/8"}, Timeout: 500 * time.Millisecond})
			_, err := c.Do(t.Context(), outbound.Call{Method: "POST", URL: tt.url, Body: []byte("{}")})
			e, ok := errors.AsType[*outbound.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, tt.sent, e.Sent, "%v", err)
			require.Contains(t, err.Error(), tt.says)
		})
	}
}

func TestTheCauseOfAContextIsTold(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the step took longer than 3s"))
	_, err := client(t, loopback()).Do(ctx, outbound.Call{URL: "http://127.0.0.1:1/"})
	require.ErrorContains(t, err, "the step took longer than 3s")
	require.ErrorIs(t, err, context.Canceled)
}

func TestAnUnknownCertificateIsRefused(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	_, err := get(t, client(t, loopback()), srv.URL)
	require.NotNil(t, err)
	require.Contains(t, err.Error(), "the certificate is not trusted")
	require.False(t, err.Sent)
}

// dns is a resolver that answers every question for an IPv4 address by f, over a
// server on loopback.
func dns(t *testing.T, f func(name string) netip.Addr) *net.Resolver {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	t.Cleanup(func() { _ = pc.Close(); <-done })
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			_, _ = pc.WriteTo(reply(buf[:n], f), from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", pc.LocalAddr().String())
	}}
}

// reply answers one DNS question: an A record for A, nothing for anything else.
func reply(q []byte, f func(string) netip.Addr) []byte {
	end := 12
	var labels []string
	for q[end] != 0 {
		labels = append(labels, string(q[end+1:end+1+int(q[end])]))
		end += 1 + int(q[end])
	}
	end += 5
	out := append([]byte{}, q[:end]...)
	binary.BigEndian.PutUint16(out[2:], 0x8180)
	clear(out[6:12])
	if binary.BigEndian.Uint16(q[end-4:]) != 1 {
		return out
	}
	binary.BigEndian.PutUint16(out[6:], 1)
	a := f(strings.Join(labels, ".")).As4()
	out = append(out, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
	return append(out, a[:]...)
}

func FuzzURLs(f *testing.F) {
	for _, s := range []string{"http://127.0.0.1:1/", "http://[::1%25lo]:1/", "http://u@h/", "https://a.b:0/", "http://\u2460.0.0.1", "http://127。0。0。1/"} {
		f.Add(s)
	}
	c, err := outbound.New(outbound.Options{
		Timeout: time.Second,
		Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("no names here")
		}},
	})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, url string) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nothing is dialled; what is looked at is the error
		_, err := c.Do(ctx, outbound.Call{URL: url})
		require.Error(t, err)
		require.Less(t, len(err.Error()), 500+len(url))
	})
}
