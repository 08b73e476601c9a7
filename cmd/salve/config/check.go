package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/bot/secret"
)

// minIdle is the shortest time after which an unused session ends; that it is in
// use is written down once a minute.
const minIdle = 5 * time.Minute

var namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// check reports what is well formed but wrong.
func (r *reader) check(c *Config) {
	r.checkListen(c)
	r.checkStorage(c)
	r.checkSources(c)
	r.checkTraces(&c.Traces)
	r.checkAudit(c)
	r.checkWatch(c)
	r.checkSlack(c)
	r.checkDiscord(c)
	r.checkPrometheus(c)
	r.checkPagers(c)
	r.checkOnCall(c)
	r.checkCatalog(c)
	r.checkLogin(c)
	for i, a := range c.Egress.Allow {
		if !isDestination(a) {
			r.atPath(fmt.Sprintf("$.egress.allow[%d]", i), fmt.Sprintf("%q is not a destination", a), "write a CIDR (10.1.0.0/16), an address, or host:port")
		}
	}
	for i, p := range c.Commands.Allow {
		if !filepath.IsAbs(p) || filepath.Clean(p) != p {
			r.atPath(fmt.Sprintf("$.commands.allow[%d]", i), fmt.Sprintf("%q is not an absolute path", p), "write for example /usr/bin/systemctl")
		}
	}
	if _, err := ParseSize(c.Retention.PayloadSize); err != nil {
		r.atPath("$.retention.payload_size", err.Error(), "write for example 512MiB or 1GiB")
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.Log.Level) {
		r.atPath("$.log.level", fmt.Sprintf("%q is not a level", c.Log.Level), "write debug, info, warn or error")
	}
	if !slices.Contains([]string{"auto", "text", "json"}, c.Log.Format) {
		r.atPath("$.log.format", fmt.Sprintf("%q is not a format", c.Log.Format), "write auto, text or json")
	}
	if c.Metrics.Bearer != "" {
		r.checkRef("$.metrics.bearer", c.Metrics.Bearer)
	}
	if c.DataDir == "" {
		r.atPath("$.data_dir", "is empty", "name a directory that only salve may read")
	}
	if c.People.ResumeGroup == "" {
		r.atPath("$.people.resume_group", "is empty: nobody could lift a halt", "name a group of people")
	}
	if c.People.SessionIdle.Std() < minIdle {
		r.atPath("$.people.session_idle", "is so short that people would be signed out while they read", "write at least "+minIdle.String()+", for example 2h")
	}
}

func (r *reader) checkListen(c *Config) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		r.atPath("$.listen", fmt.Sprintf("%q is not an address", c.Listen), "write host:port, for example 127.0.0.1:8080")
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		r.atPath("$.listen", fmt.Sprintf("%q is not a port", port), "write a number from 0 to 65535")
	}
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		r.atPath("$.tls", "has only one of cert and key", "give both files")
	}
	for i, p := range c.Proxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			r.atPath(fmt.Sprintf("$.trusted_proxies[%d]", i), fmt.Sprintf("%q is not a CIDR", p), "write for example 10.0.0.0/8")
		}
	}
	if IsLoopback(host) {
		r.checkPublicURL(c, false)
		return
	}
	if c.TLS.Cert == "" && len(c.Proxies) == 0 {
		r.atPath("$.listen", fmt.Sprintf("%s is reachable from outside without encryption", c.Listen), "set tls.cert and tls.key, or trusted_proxies with the proxy that ends TLS, or listen on 127.0.0.1")
	}
	r.checkPublicURL(c, true)
}

func (r *reader) checkPublicURL(c *Config, required bool) {
	if c.PublicURL == "" {
		if required {
			r.atPath("$.public_url", "is missing", "write the address that people open, for example https://salve.example.com")
		}
		return
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && !(u.Scheme == "http" && IsLoopback(u.Hostname()))) {
		r.atPath("$.public_url", fmt.Sprintf("%q is not an https address", c.PublicURL), "write for example https://salve.example.com")
	}
}

func (r *reader) checkRef(path, ref string) {
	if _, err := secret.ParseRef(ref); err != nil {
		r.atPath(path, "is not a secret reference", "write env:NAME or file:/path; the secret itself never stands in this file")
	}
}

// BodyLimit is the largest accepted body in bytes: 1 MiB unless set, at most 8.
func (s Source) BodyLimit() (int64, error) {
	if s.MaxBody == "" {
		return 1 << 20, nil
	}
	n, err := ParseSize(s.MaxBody)
	if err != nil {
		return 0, err
	}
	if n > 8<<20 || n < 1024 {
		return 0, fmt.Errorf("%q is outside 1KiB to 8MiB", s.MaxBody)
	}
	return n, nil
}

// ParseSize reads "512KiB", "64MiB", "1GiB" or a plain number of bytes.
func ParseSize(s string) (int64, error) {
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if digits, ok := strings.CutSuffix(s, unit); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 32)
			if err != nil || n <= 0 {
				return 0, fmt.Errorf("%q is not a size", s)
			}
			return n << (10 * (i + 1)), nil
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	return n, nil
}

// IsLoopback reports whether a host of a listen address is this machine only.
func IsLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func isDestination(s string) bool {
	if _, err := netip.ParsePrefix(s); err == nil {
		return true
	}
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return false
	}
	n, err := strconv.Atoi(port)
	return err == nil && n > 0 && n < 65536
}
