package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/audit"
)

// Audit tells where signed heads of the audit log go.
type Audit struct {
	Key    string       `yaml:"key"`    // secret reference; empty: heads are not signed
	Keys   []string     `yaml:"keys"`   // public lines of older keys
	Every  bot.Duration `yaml:"every"`  // a head at least so often
	Events int64        `yaml:"events"` // a head at least after so many
	Places []Place      `yaml:"places"`
}

// Place is one place for signed heads: a file, or an address.
type Place struct {
	File   string `yaml:"file"`
	URL    string `yaml:"url"`
	Bearer string `yaml:"bearer"` // secret reference
}

func defaultAudit() Audit { return Audit{Every: bot.Duration(time.Minute), Events: 1000} }

func (r *reader) checkAudit(c *Config) {
	a := c.Audit
	switch {
	case a.Key != "":
		r.checkRef("$.audit.key", a.Key)
		if len(a.Places) == 0 {
			r.atPath("$.audit.key", "signs heads that nobody keeps", "add places: a file outside data_dir, or an address")
		}
	case len(a.Places) > 0:
		r.atPath("$.audit.places", "have nothing to keep without a key", "make one: salve audit key new /etc/salve/audit.key; then write key: file:/etc/salve/audit.key")
	}
	for i, k := range a.Keys {
		if _, err := audit.ParseKeys(k); err != nil {
			r.atPath(fmt.Sprintf("$.audit.keys[%d]", i), "is not a public key", "write what `salve audit key show FILE` prints, or printed when the key was made")
		}
	}
	if a.Every.Std() < time.Second {
		r.atPath("$.audit.every", fmt.Sprintf("%s is too often", a.Every), "write 1s or more")
	}
	if a.Events < 1 {
		r.atPath("$.audit.events", fmt.Sprintf("%d is not a number of events", a.Events), "write 1 or more")
	}
	for i, p := range a.Places {
		r.checkPlace(fmt.Sprintf("$.audit.places[%d]", i), p, c.DataDir)
	}
}

func (r *reader) checkPlace(at string, p Place, dataDir string) {
	if (p.File == "") == (p.URL == "") {
		r.atPath(at, "is not one place", "write either file: /path, or url: https://host/path")
		return
	}
	if p.Bearer != "" {
		r.checkRef(at+".bearer", p.Bearer)
	}
	if p.URL != "" {
		u, err := url.Parse(p.URL)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && IsLoopback(u.Hostname())) {
			r.atPath(at+".url", fmt.Sprintf("%q is not an https address of a folder", p.URL), "write for example https://heads.example.com/salve; the secret goes into bearer")
		}
		return
	}
	if p.Bearer != "" {
		r.atPath(at+".bearer", "is of no use for a file", "leave it out")
	}
	if !filepath.IsAbs(p.File) || filepath.Clean(p.File) != p.File {
		r.atPath(at+".file", fmt.Sprintf("%q is not an absolute path", p.File), "write for example /var/lib/salve-heads/heads.log")
		return
	}
	if Within(dataDir, p.File) {
		r.atPath(at+".file", "is in the data directory: who can alter the log can alter it too", "name a file elsewhere, best on another machine or volume")
	}
}

// Within reports whether a path is below a directory, links not followed.
func Within(dir, path string) bool {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(abs, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
}
