// Package config is what an operator writes: one YAML file, read strictly.
//
// It promises that every mistake is reported at once with file, line, column
// and what to write instead, that an unknown key is a mistake, that nothing is
// allowed by being left out (no source without a secret, no address beyond
// loopback without TLS or a trusted proxy), and that secrets are references
// (env:NAME, file:PATH), never values. It assumes a file that people keep; it
// is at most 1 MiB. On failure Load gives Mistakes and no Config.
package config

import (
	"time"

	"salve/bot"
)

// HaltFile is the name of the file in the data directory that halts everything
// while it is there, whatever the store does.
const HaltFile = "HALT"

// Config is the whole configuration with its defaults filled in.
type Config struct {
	DataDir   string    `yaml:"data_dir"`
	Storage   string    `yaml:"storage"` // postgres:// URL or a reference to one; "": SQLite in DataDir
	Replica   string    `yaml:"replica"` // name among several on one Storage; "": the host's
	Listen    string    `yaml:"listen"`
	PublicURL string    `yaml:"public_url"`
	TLS       TLS       `yaml:"tls"`
	Proxies   []string  `yaml:"trusted_proxies"`
	Sources   []Source  `yaml:"sources"`
	Playbooks Playbooks `yaml:"playbooks"`
	Egress    Egress    `yaml:"egress"`
	Commands  Commands  `yaml:"commands"`
	Incidents Incidents `yaml:"incidents"`
	People    People    `yaml:"people"`
	Retention Retention `yaml:"retention"`
	Metrics   Metrics   `yaml:"metrics"`
	Log       Log       `yaml:"log"`
	Traces    Traces    `yaml:"traces"`
	Audit     Audit     `yaml:"audit"`
	Watch     Watch     `yaml:"watch"`
	Heartbeat Heartbeat `yaml:"heartbeat"`
	Slack     *Slack    `yaml:"slack"`   // nil: off
	Discord   *Discord  `yaml:"discord"` // nil: off
	Page      []Pager   `yaml:"page"`
	OnCall    OnCall    `yaml:"oncall"`
	Catalog   Catalog   `yaml:"catalog"`
	Login     Login     `yaml:"login"`
	// Prometheus is asked for what an alert's metric did.
	Prometheus Prometheus `yaml:"prometheus"`
	// Drain is for how long requests are still answered after SIGTERM, while
	// /readyz already sends others away.
	Drain bot.Duration `yaml:"drain"`
}

// TLS names the certificate and key files of the web listener.
type TLS struct {
	Cert string `yaml:"cert"`
	Key  string `yaml:"key"`
}

// Source is one sender of alerts, at /v1/hooks/NAME.
type Source struct {
	Name      string   `yaml:"name"`
	Type      string   `yaml:"type"`   // one of SourceTypes
	Bearer    string   `yaml:"bearer"` // secret reference
	Basic     *Basic   `yaml:"basic"`
	Secret    string   `yaml:"secret"`    // secret reference, for senders that sign
	Anonymous bool     `yaml:"anonymous"` // only on a loopback listener
	MaxBody   string   `yaml:"max_body"`  // like 1MiB
	GroupBy   []string `yaml:"group_by"`
	Severity  Severity `yaml:"severity"`
	// ExpectEvery is how often the source should be heard; 0: it may be silent.
	ExpectEvery bot.Duration `yaml:"expect_every"`
}

// Basic is a name and a secret reference for HTTP basic authentication.
type Basic struct {
	User     string `yaml:"user"`
	Password string `yaml:"password"`
}

// Severity tells which label holds the severity and what its values mean.
type Severity struct {
	Label string                  `yaml:"label"`
	Map   map[string]bot.Severity `yaml:"map"`
}

// Playbooks tells where playbooks are.
type Playbooks struct {
	Dirs    []string `yaml:"dirs"`
	Library *bool    `yaml:"library"` // the ones in the binary; default true
}

// Egress lists where actions may connect beyond public addresses.
type Egress struct {
	Allow []string `yaml:"allow"` // CIDR, address, or host:port
}

// Commands lists the programs that the command action may start.
type Commands struct {
	Allow []string `yaml:"allow"` // absolute paths
}

// Incidents tunes how incidents live.
type Incidents struct {
	Quiet  bot.Duration `yaml:"quiet"`  // after resolving, before closing by itself
	Remind bot.Duration `yaml:"remind"` // the owner of an open incident
}

// People tunes who may do what.
type People struct {
	ResumeGroup string       `yaml:"resume_group"`
	SessionFor  bot.Duration `yaml:"session_for"`
	SessionIdle bot.Duration `yaml:"session_idle"` // a session that nobody uses
	LinkFor     bot.Duration `yaml:"link_for"`
}

// Retention bounds what is kept of raw payloads.
type Retention struct {
	PayloadAge  bot.Duration `yaml:"payload_age"`
	PayloadSize string       `yaml:"payload_size"` // like 1GiB
}

// Metrics tells who may read /metrics where not everybody may.
type Metrics struct {
	Bearer string `yaml:"bearer"` // secret reference; "": nobody
}

// Log tunes what is logged.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // auto, text, json
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		DataDir: "./salve-data",
		Listen:  "127.0.0.1:8080",
		Incidents: Incidents{
			Quiet: bot.Duration(10 * time.Minute), Remind: bot.Duration(4 * time.Hour),
		},
		People: People{
			ResumeGroup: "resumers", SessionFor: bot.Duration(12 * time.Hour), SessionIdle: bot.Duration(2 * time.Hour), LinkFor: bot.Duration(15 * time.Minute),
		},
		Retention: Retention{PayloadAge: bot.Duration(30 * 24 * time.Hour), PayloadSize: "1GiB"},
		Log:       Log{Level: "info", Format: "auto"},
		Traces:    Traces{Sample: 1},
		Audit:     defaultAudit(),
		Watch:     defaultWatch(),
		Heartbeat: Heartbeat{Every: bot.Duration(time.Minute)},

		Prometheus: Prometheus{Timeout: bot.Duration(5 * time.Second)},
	}
}

// UseLibrary reports whether the playbooks in the binary are loaded.
func (p Playbooks) UseLibrary() bool { return p.Library == nil || *p.Library }
