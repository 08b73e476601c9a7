package config

import (
	"fmt"
	"maps"
	"net"
	"net/mail"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"salve/bot/secret"
	"salve/playbooks/strict"
)

// The types of Pager and of OnCallSource.
const (
	TypePagerDuty = "pagerduty"
	TypeOpsgenie  = "opsgenie"
	TypeMail      = "mail"
	TypeWebhook   = "webhook"
	TypeICalendar = "icalendar"
	TypeSlack     = "slack"
	TypeDiscord   = "discord"
)

// Pager wakes people by other means than chat.
type Pager struct {
	Name string `yaml:"name"` // "": the type
	Type string `yaml:"type"`

	RoutingKey string `yaml:"routing_key"` // secret reference; pagerduty
	APIKey     string `yaml:"api_key"`     // secret reference; opsgenie
	URL        string `yaml:"url"`         // another region; webhook: where to, may be a secret reference
	Secret     string `yaml:"secret"`      // secret reference; webhook: signs

	From     string   `yaml:"from"` // mail
	To       []string `yaml:"to"`
	SMTP     string   `yaml:"smtp"` // host:port; 465: TLS from the first byte, else STARTTLS
	User     string   `yaml:"user"`
	Password string   `yaml:"password"` // secret reference
	Plain    bool     `yaml:"plain"`    // no TLS, to this machine only
}

// Title is how people call it.
func (p Pager) Title() string {
	if p.Name == "" {
		return p.Type
	}
	return p.Name
}

// OnCall tells who is mentioned when somebody is needed.
type OnCall struct {
	Sources  []OnCallSource    `yaml:"sources"`  // the first that knows somebody
	Fallback map[string]string `yaml:"fallback"` // surface -> its id of a group, when no source does
}

// OnCallSource knows who is on call.
type OnCallSource struct {
	Type      string `yaml:"type"`
	Token     string `yaml:"token"`      // secret reference; pagerduty
	Schedule  string `yaml:"schedule"`   // pagerduty: id; opsgenie: name or id
	Policy    string `yaml:"policy"`     // pagerduty: id of an escalation policy, in place of schedule
	APIKey    string `yaml:"api_key"`    // secret reference; opsgenie
	URL       string `yaml:"url"`        // another region; icalendar: where it is, may be a secret reference
	File      string `yaml:"file"`       // icalendar
	UserGroup string `yaml:"user_group"` // slack: id
}

// Catalog is where services and their owners are.
type Catalog struct {
	Files  []string `yaml:"files"`  // Backstage's catalog-info.yaml: files, patterns, folders
	Labels []string `yaml:"labels"` // that name the service of an alert; none: service, app, job
}

// kind says which keys a type has.
type kind struct{ must, may []string }

var pagerKinds = map[string]kind{
	TypePagerDuty: {must: []string{"routing_key"}, may: []string{"url"}},
	TypeOpsgenie:  {must: []string{"api_key"}, may: []string{"url"}},
	TypeMail:      {must: []string{"from", "to", "smtp"}, may: []string{"user", "password", "plain"}},
	TypeWebhook:   {must: []string{"url", "secret"}},
}

var sourceKinds = map[string]kind{
	TypePagerDuty: {must: []string{"token"}, may: []string{"schedule", "policy", "url"}},
	TypeOpsgenie:  {must: []string{"api_key", "schedule"}, may: []string{"url"}},
	TypeICalendar: {may: []string{"file", "url"}},
	TypeSlack:     {must: []string{"user_group"}},
}

// checkKind holds the keys that are set against those of the type and reports
// whether the type is known.
func (r *reader) checkKind(at, what, name string, kinds map[string]kind, set map[string]bool) bool {
	k, ok := kinds[name]
	if !ok {
		all := slices.Sorted(maps.Keys(kinds))
		where := at + ".type"
		if name == "" {
			where = at
		}
		fix := strict.Suggest(name, all)
		if name == "" {
			fix = "write type: " + strings.Join(all, ", ")
		}
		r.atPath(where, fmt.Sprintf("%q is not a type of %s", name, what), fix)
		return false
	}
	for _, key := range k.must {
		if !set[key] {
			r.atPath(at, fmt.Sprintf("the %s has no %s", name, key), "add "+key)
		}
	}
	keys := make([]string, 0, len(set))
	for key, is := range set {
		if is && !slices.Contains(k.must, key) && !slices.Contains(k.may, key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		r.atPath(at+"."+key, fmt.Sprintf("%q is not a key of type %s", key, name), "its keys are "+strings.Join(append(slices.Clone(k.must), k.may...), ", "))
	}
	return true
}

func (r *reader) checkPagers(c *Config) {
	seen := map[string]bool{}
	for i, p := range c.Page {
		at := fmt.Sprintf("$.page[%d]", i)
		known := r.checkKind(at, "pager", p.Type, pagerKinds, map[string]bool{
			"routing_key": p.RoutingKey != "", "api_key": p.APIKey != "", "url": p.URL != "", "secret": p.Secret != "", "from": p.From != "",
			"to": len(p.To) > 0, "smtp": p.SMTP != "", "user": p.User != "", "password": p.Password != "", "plain": p.Plain,
		})
		if p.Name != "" && !namePattern.MatchString(p.Name) {
			r.atPath(at+".name", fmt.Sprintf("%q is not a name", p.Name), "use a-z, 0-9 and dashes")
		}
		if seen[p.Title()] {
			r.atPath(at, fmt.Sprintf("the pager %q is there twice", p.Title()), "give each a name of its own")
		}
		seen[p.Title()] = true
		if !known {
			continue
		}
		r.checkRefs(at, map[string]string{"routing_key": p.RoutingKey, "api_key": p.APIKey, "secret": p.Secret, "password": p.Password})
		if p.Type == TypeMail {
			r.checkMail(at, p)
		} else {
			r.checkFar(at+".url", p.URL, p.Type == TypeWebhook)
		}
	}
}

func (r *reader) checkRefs(at string, refs map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(refs)) {
		if refs[key] != "" {
			r.checkRef(at+"."+key, refs[key])
		}
	}
}

func (r *reader) checkMail(at string, p Pager) {
	if _, err := mail.ParseAddress(p.From); p.From != "" && err != nil {
		r.atPath(at+".from", fmt.Sprintf("%q is not an e-mail address", p.From), "write for example salve@example.com")
	}
	for i, to := range p.To {
		if _, err := mail.ParseAddress(to); err != nil {
			r.atPath(fmt.Sprintf("%s.to[%d]", at, i), fmt.Sprintf("%q is not an e-mail address", to), "write for example oncall@example.com, each as an entry of its own")
		}
	}
	if (p.User == "") != (p.Password == "") {
		r.atPath(at, "has only one of user and password", "give both, or none")
	}
	if p.SMTP == "" {
		return
	}
	host, port, err := net.SplitHostPort(p.SMTP)
	if n, bad := strconv.Atoi(port); err != nil || host == "" || bad != nil || n < 1 || n > 65535 {
		r.atPath(at+".smtp", fmt.Sprintf("%q is not a server", p.SMTP), "write host:port, for example smtp.example.com:587")
		return
	}
	if p.Plain && !IsLoopback(host) {
		r.atPath(at+".plain", "would send pages without encryption to another machine", "leave it out: TLS is used; or name a server on 127.0.0.1")
	}
}

// checkFar wants an https address; one that may be secret may be a reference.
func (r *reader) checkFar(at, address string, maySecret bool) {
	if address == "" {
		return
	}
	if _, err := secret.ParseRef(address); err == nil && maySecret {
		return
	}
	u, err := url.Parse(address)
	if err == nil && u.Host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && IsLoopback(u.Hostname())) {
		return
	}
	if maySecret {
		r.atPath(at, "is not an https address or a secret reference", "write https://..., or env:NAME or file:/path where the address is a secret")
		return
	}
	r.atPath(at, "is not an https address", "write for example https://api.eu.example.com, or leave it out")
}

func (r *reader) checkOnCall(c *Config) {
	for i, s := range c.OnCall.Sources {
		at := fmt.Sprintf("$.oncall.sources[%d]", i)
		known := r.checkKind(at, "on-call source", s.Type, sourceKinds, map[string]bool{
			"token": s.Token != "", "schedule": s.Schedule != "", "policy": s.Policy != "", "api_key": s.APIKey != "",
			"url": s.URL != "", "file": s.File != "", "user_group": s.UserGroup != "",
		})
		if !known {
			continue
		}
		r.checkRefs(at, map[string]string{"token": s.Token, "api_key": s.APIKey})
		r.checkFar(at+".url", s.URL, s.Type == TypeICalendar)
		switch {
		case s.Type == TypePagerDuty && (s.Schedule == "") == (s.Policy == ""):
			r.atPath(at, "names no schedule, or a schedule and a policy", "give one of schedule and policy")
		case s.Type == TypeICalendar && (s.File == "") == (s.URL == ""):
			r.atPath(at, "names no calendar, or two", "give one of file and url")
		case s.Type == TypeSlack && s.UserGroup != "" && !userGroupID.MatchString(s.UserGroup):
			r.atPath(at+".user_group", fmt.Sprintf("%q is not a user group of Slack", s.UserGroup), howGroup)
		case s.Type == TypeSlack && !c.Slack.On():
			r.atPath(at, "asks Slack, which is not configured", "add slack, or drop this source")
		}
	}
	for _, surface := range slices.Sorted(maps.Keys(c.OnCall.Fallback)) {
		id := c.OnCall.Fallback[surface]
		switch {
		case surface == TypeDiscord && snowflake.MatchString(id):
		case surface == TypeDiscord:
			r.atPath("$.oncall.fallback.discord", fmt.Sprintf("%q is not a role of Discord", id), howSnowflake)
		case surface != TypeSlack:
			r.atPath("$.oncall.fallback."+surface, fmt.Sprintf("%q is not a chat", surface), "write slack or discord")
		case !userGroupID.MatchString(id):
			r.atPath("$.oncall.fallback.slack", fmt.Sprintf("%q is not a user group of Slack", id), howGroup)
		}
	}
}

func (r *reader) checkCatalog(c *Config) {
	for i, f := range c.Catalog.Files {
		if _, err := filepath.Match(f, "x"); err != nil || f == "" {
			r.atPath(fmt.Sprintf("$.catalog.files[%d]", i), fmt.Sprintf("%q is not a file, folder or pattern", f), "write for example /etc/salve/catalog/*.yaml")
		}
	}
	for i, l := range c.Catalog.Labels {
		if strings.TrimSpace(l) == "" {
			r.atPath(fmt.Sprintf("$.catalog.labels[%d]", i), "is empty", "name a label, for example service")
		}
	}
}
