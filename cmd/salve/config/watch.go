package config

import (
	"fmt"
	"net/url"
	"time"

	"salve/bot"
	"salve/bot/secret"
)

// Watch tunes how Salve notices that Salve itself is unwell.
type Watch struct {
	Off         bool         `yaml:"off"`         // no alerts about Salve; readiness is judged all the same
	Every       bot.Duration `yaml:"every"`       // between two looks
	Stuck       bot.Duration `yaml:"stuck"`       // beyond the time that a step or a verification has
	Waiting     bot.Duration `yaml:"waiting"`     // a run for a person
	Undecided   bot.Duration `yaml:"undecided"`   // an incident for its decision
	Queue       bot.Duration `yaml:"queue"`       // the work in front of a leg ...
	QueueFor    bot.Duration `yaml:"queue_for"`   // ... and for how long that lasts before it is told
	LegDead     bot.Duration `yaml:"leg_dead"`    // a loop that has not turned for so long fails /livez
	DiskFree    float64      `yaml:"disk_free"`   // percent of the data directory's disk
	Certificate bot.Duration `yaml:"certificate"` // before the one of the web listener ends
}

// Heartbeat is called while Salve is well, so that somebody outside notices when
// it is not.
type Heartbeat struct {
	URL   string       `yaml:"url"` // https://..., or a secret reference to one; empty: none
	Every bot.Duration `yaml:"every"`
}

func defaultWatch() Watch {
	return Watch{
		Every: bot.Duration(15 * time.Second), Stuck: bot.Duration(5 * time.Minute), Waiting: bot.Duration(4 * time.Hour),
		Undecided: bot.Duration(10 * time.Minute), Queue: bot.Duration(2 * time.Minute), QueueFor: bot.Duration(5 * time.Minute),
		LegDead: bot.Duration(5 * time.Minute), DiskFree: 5, Certificate: bot.Duration(14 * 24 * time.Hour),
	}
}

// IsRef reports whether the url is a secret reference.
func (h Heartbeat) IsRef() bool {
	_, err := secret.ParseRef(h.URL)
	return err == nil
}

func (r *reader) checkWatch(c *Config) {
	for _, k := range []struct {
		key string
		d   bot.Duration
	}{
		{"every", c.Watch.Every}, {"stuck", c.Watch.Stuck}, {"waiting", c.Watch.Waiting}, {"undecided", c.Watch.Undecided},
		{"queue", c.Watch.Queue}, {"certificate", c.Watch.Certificate},
	} {
		if k.d < bot.Duration(time.Second) {
			r.atPath("$.watch."+k.key, fmt.Sprintf("%s is too short to watch by", k.d), "write 1s or more; off: true turns the alerts off")
		}
	}
	if c.Watch.LegDead < bot.Duration(3*time.Minute) {
		r.atPath("$.watch.leg_dead", fmt.Sprintf("%s is too short: a loop may rest for a minute", c.Watch.LegDead), "write 3m or more")
	}
	if c.Watch.DiskFree < 0 || c.Watch.DiskFree > 50 {
		r.atPath("$.watch.disk_free", fmt.Sprintf("%g is not a percentage that can be meant", c.Watch.DiskFree), "write 0 to 50; 0 turns it off")
	}
	if c.Drain > bot.Duration(5*time.Minute) {
		r.atPath("$.drain", fmt.Sprintf("%s is too long", c.Drain), "write at most 5m")
	}
	r.checkHeartbeat(c.Heartbeat)
}

func (r *reader) checkHeartbeat(h Heartbeat) {
	if h.Every < bot.Duration(time.Second) {
		r.atPath("$.heartbeat.every", fmt.Sprintf("%s is too often", h.Every), "write 1s or more")
	}
	if h.URL == "" || h.IsRef() {
		return
	}
	u, err := url.Parse(h.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !IsLoopback(u.Hostname())) {
		r.atPath("$.heartbeat.url", "is not an https address or a secret reference", "write https://..., or env:NAME or file:/path where the address is a secret")
	}
}
