package serve

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"salve/cmd/salve/config"
)

// certificate is the key pair of the web listener. One that is renewed on disk is
// taken up at the next handshake; one that cannot be read leaves the last in use.
type certificate struct {
	files config.TLS
	log   *slog.Logger

	mu    sync.Mutex
	pair  *tls.Certificate
	stamp [2]time.Time // when the files were written
}

// loadCertificate reads the key pair, so that Start fails and not a handshake.
func loadCertificate(files config.TLS, log *slog.Logger) (*certificate, error) {
	c := &certificate{files: files, log: log, stamp: stampOf(files)}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return nil, fmt.Errorf("tls.cert and tls.key: %w", err)
	}
	c.pair = &pair
	return c, nil
}

func (c *certificate) config() *tls.Config {
	return &tls.Config{GetCertificate: c.get, MinVersion: tls.VersionTLS12}
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := stampOf(c.files)
	if now == c.stamp {
		return c.pair, nil
	}
	c.stamp = now
	pair, err := tls.LoadX509KeyPair(c.files.Cert, c.files.Key)
	if err != nil {
		c.log.Warn("the renewed certificate cannot be used; the old one stays", "err", err)
		return c.pair, nil
	}
	c.pair = &pair
	c.log.Info("a renewed certificate is in use", "cert", c.files.Cert)
	return c.pair, nil
}

// stampOf is zero for a file that cannot be seen.
func stampOf(files config.TLS) [2]time.Time {
	var out [2]time.Time
	for i, path := range []string{files.Cert, files.Key} {
		if st, err := os.Stat(path); err == nil {
			out[i] = st.ModTime()
		}
	}
	return out
}

// ends is when the certificate in use ends; zero: there is none.
func (c *certificate) ends() time.Time {
	if c == nil {
		return time.Time{}
	}
	pair, err := c.get(nil)
	if err != nil || pair.Leaf == nil {
		return time.Time{}
	}
	return pair.Leaf.NotAfter
}
