package config

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
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
	Keep   Age          `yaml:"keep"` // older events are dropped, at a signed head; 0: none are
}

// Age is a duration that may also be written in days: 400d.
type Age time.Duration

// Std is the time.Duration.
func (a Age) Std() time.Duration { return time.Duration(a) }

// String is as it is written.
func (a Age) String() string {
	if day := Age(24 * time.Hour); a > 0 && a%day == 0 {
		return strconv.Itoa(int(a/day)) + "d"
	}
	return bot.Duration(a).String()
}

// MarshalText is String.
func (a Age) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads 400d, or a duration such as 9600h.
func (a *Age) UnmarshalText(b []byte) error {
	if days, ok := strings.CutSuffix(string(b), "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36500 {
			return fmt.Errorf("%q is not a number of days; write for example 400d", b)
		}
		*a = Age(n) * Age(24*time.Hour)
		return nil
	}
	var d bot.Duration
	if err := d.UnmarshalText(b); err != nil {
		return fmt.Errorf("%q is not a length of time; write for example 400d or 9600h", b)
	}
	*a = Age(d)
	return nil
}

// Place is one place for signed heads: a file, or an address.
type Place struct {
	File   string `yaml:"file"`
	URL    string `yaml:"url"`
	Bearer string `yaml:"bearer"` // secret reference
}

func defaultAudit() Audit {
	return Audit{Every: bot.Duration(time.Minute), Events: 1000, Keep: Age(400 * 24 * time.Hour)}
}

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
	if a.Keep != 0 && a.Keep.Std() < 24*time.Hour {
		r.atPath("$.audit.keep", fmt.Sprintf("%s is less than a day", a.Keep), "write for example 400d, or 0 to keep everything")
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
