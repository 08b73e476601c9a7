package config

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// proof is what can prove the sender of a source.
type proof struct {
	credential bool // bearer or basic
	signature  bool // secret: the sender signs what it sends
}

// sourceTypes tells of each type of source what proves its sender.
var sourceTypes = map[string]proof{
	"alertmanager": {credential: true},
	"falco":        {credential: true},
	"grafana":      {credential: true, signature: true},
	"pagerduty":    {signature: true},
}

// SourceTypes are the types that a source can have, sorted.
func SourceTypes() []string { return slices.Sorted(maps.Keys(sourceTypes)) }

func (r *reader) checkSources(c *Config) {
	seen := map[string]bool{}
	host, _, _ := net.SplitHostPort(c.Listen)
	for i := range c.Sources {
		s, at := &c.Sources[i], fmt.Sprintf("$.sources[%d]", i)
		r.checkSourceName(s, at)
		if s.ExpectEvery != 0 && s.ExpectEvery < bot.Duration(time.Second) {
			r.atPath(at+".expect_every", fmt.Sprintf("%s is too short to wait for a sender", s.ExpectEvery), "write 1s or more; some minutes are usual")
		}
		if seen[s.Name] {
			r.atPath(at+".name", fmt.Sprintf("the source %q is there twice", s.Name), "give each its own name")
		}
		seen[s.Name] = true
		if _, ok := sourceTypes[s.Type]; !ok {
			r.atPath(at+".type", fmt.Sprintf("%q is not a source type", s.Type), "write "+either(SourceTypes()))
		}
		if _, err := s.BodyLimit(); err != nil {
			r.atPath(at+".max_body", err.Error(), "write at most 8MiB")
		}
		r.checkAuth(s, at, IsLoopback(host) && c.PublicURL == "")
	}
}

func (r *reader) checkSourceName(s *Source, at string) {
	if !namePattern.MatchString(s.Name) {
		r.atPath(at+".name", fmt.Sprintf("%q is not a source name", s.Name), "use a-z, 0-9 and dashes; it becomes the path /v1/hooks/NAME")
	}
	if s.Name == bot.SourceSalve {
		r.atPath(at+".name", fmt.Sprintf("%q is the source of alerts about Salve itself", s.Name), "give the sender another name")
	}
	if s.Name == bot.SourcePeople {
		r.atPath(at+".name", fmt.Sprintf("%q is the source of what people raise", s.Name), "give the sender another name")
	}
}

// checkAuth wants a secret of every source that somebody elsewhere can reach, also
// through a proxy on this machine, of which public_url tells.
func (r *reader) checkAuth(s *Source, at string, local bool) {
	if s.Bearer != "" {
		r.checkRef(at+".bearer", s.Bearer)
	}
	if s.Basic != nil {
		r.checkRef(at+".basic.password", s.Basic.Password)
		if s.Basic.User == "" {
			r.atPath(at+".basic.user", "is empty", "name the user that the sender gives")
		}
	}
	if s.Secret != "" {
		r.checkRef(at+".secret", s.Secret)
	}
	by, known := sourceTypes[s.Type]
	if !known {
		by = proof{credential: true, signature: true}
	}
	credential := s.Bearer != "" || s.Basic != nil
	switch {
	case credential && !by.credential:
		r.atPath(at+".type", s.Type+" proves itself by a signature, and bearer or basic would never be looked at", "write secret: env:NAME instead")
	case s.Secret != "" && !by.signature:
		r.atPath(at+".secret", "is for senders that sign, and "+s.Type+" does not", "write bearer: env:NAME (or basic) instead")
	case credential && s.Secret != "":
		r.atPath(at+".secret", "is there beside bearer or basic, and only one can prove the sender", "leave out one of them")
	case !credential && s.Secret == "" && !s.Anonymous:
		r.atPath(at+".name", fmt.Sprintf("the source %q has no secret: anybody could send alerts", s.Name), "add "+by.advice()+", or anonymous: true on a loopback listener")
	case s.Anonymous && !local:
		r.atPath(at+".anonymous", "anonymous senders are allowed on a loopback listener without public_url only", "add "+by.advice()+" and tell the sender")
	}
}

// advice is what to write.
func (p proof) advice() string {
	switch {
	case !p.signature:
		return "bearer: env:NAME (or basic)"
	case !p.credential:
		return "secret: env:NAME"
	default:
		return "bearer: env:NAME (or basic, or secret if the sender signs)"
	}
}

// either words a choice.
func either(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
