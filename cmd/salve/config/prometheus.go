package config

import (
	"fmt"
	"net/url"

	"salve/bot"
)

// Prometheus is the server that plots and diagnoses are made from.
type Prometheus struct {
	URL     string       `yaml:"url"`
	Bearer  string       `yaml:"bearer"` // secret reference
	Timeout bot.Duration `yaml:"timeout"`
}

func (r *reader) checkPrometheus(c *Config) {
	p := c.Prometheus
	if p.Bearer != "" {
		r.checkRef("$.prometheus.bearer", p.Bearer)
	}
	if p.URL == "" {
		if c.Slack.On() && c.Slack.Plot {
			r.atPath("$.slack.plot", "has nothing to plot from", "set prometheus.url")
		}
		return
	}
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Scheme != "https" && u.Scheme != "http" {
		r.atPath("$.prometheus.url", fmt.Sprintf("%q is not the address of a Prometheus", p.URL), "write for example http://prometheus:9090; the secret goes into bearer")
	}
}
