// Package grouped decodes what Alertmanager posts to a webhook receiver, and
// what others post that built on it: one group of alerts a notification.
//
// It promises to decode strictly and in bounded time and memory, and to let one
// bad alert hold up no other. It assumes that the sender's Dialect is all in
// which it differs.
//
// On failure the error says what could not be understood, and where, without a
// word of the payload; the alerts beside it are those that could be read.
package grouped

import (
	"strconv"
	"strings"
	"time"

	"salve/bot"
	"salve/integrations/internal/tokens"
)

const (
	maxAlerts      = 10_000
	maxFingerprint = 128
)

// Dialect is in what one sender differs from another.
type Dialect struct {
	Sender  string // its name, for people
	Version string // of the payload, the only one that is understood
	Fewer   string // what bounds the alerts of a notification at the sender
	// Links are members of an alert that hold addresses, and the annotations
	// under which these are kept, unless the alert has one of that name.
	Links map[string]string
}

// decoder is one payload while it is read.
type decoder struct {
	*tokens.Reader
	dialect *Dialect
	sizes   [2]int // labels and annotations of the alert before: the next has about as many
}

// Decode reads a payload into Alerts of the source. It is strict about form and
// tolerant of members that it does not know.
//
// Severity and Title are left to the source's rules. GroupKey is the sender's.
//
// The error is an *tokens.Unreadable. The alerts returned beside it are those
// that could be read; where the form itself is broken there are none.
func (d *Dialect) Decode(source string, body []byte, receivedAt time.Time) ([]bot.Alert, error) {
	r := decoder{Reader: tokens.Borrow(body), dialect: d}
	defer r.GiveBack()
	var p payload
	p.alerts = make([]bot.Alert, 0, min(len(body)/512+1, maxAlerts))
	if err := r.read(&p); err != nil {
		return nil, r.Broken(err)
	}
	receivedAt = receivedAt.UTC().Truncate(time.Millisecond)
	for i := range p.alerts {
		a := &p.alerts[i]
		a.Source, a.ReceivedAt = source, receivedAt
		a.GroupKey, a.Truncated = p.groupKey, p.truncated
		if a.Link == "" {
			a.Link = p.link
		}
	}
	return p.alerts, r.Faults()
}

// payload is what a notification says beside its alerts.
type payload struct {
	version   string
	groupKey  string
	link      string // externalURL
	truncated int
	alerts    []bot.Alert
	listed    bool // "alerts" was there
}

func (r *decoder) read(p *payload) error {
	if err := r.Open('{', "the body is not a JSON object"); err != nil {
		return err
	}
	for r.Peek() != '}' {
		name, err := r.Name()
		if err != nil {
			return err
		}
		if err := r.member(p, name); err != nil {
			return err
		}
	}
	if err := r.Next(); err != nil {
		return err
	}
	if err := r.End(); err != nil {
		return err
	}
	return r.dialect.check(p)
}

func (d *Dialect) check(p *payload) error {
	switch {
	case p.version == "":
		return tokens.Form(`"version" is missing, so this is no ` + d.Sender + ` webhook`)
	case p.version != d.Version:
		return tokens.Form(`"version" is not ` + strconv.Quote(d.Version) + `, the only one that is understood`)
	case !p.listed:
		return tokens.Form(`"alerts" is missing`)
	default:
		return nil
	}
}

func (r *decoder) member(p *payload, name []byte) (err error) {
	switch string(name) {
	case "version":
		p.version, err = r.Plain("version")
	case "groupKey":
		p.groupKey, err = r.Plain("groupKey")
	case "externalURL":
		p.link, err = r.Link()
	case "truncatedAlerts":
		p.truncated, err = r.Count()
	case "alerts":
		p.listed = true
		p.alerts, err = r.alerts(p.alerts)
	default: // receiver, status, groupLabels, commonLabels, commonAnnotations repeat what the alerts say
		err = r.Skip()
	}
	return err
}

func (r *decoder) alerts(out []bot.Alert) ([]bot.Alert, error) {
	if err := r.Open('[', `"alerts" is not a list`); err != nil {
		return nil, err
	}
	for i := 0; r.Peek() != ']'; i++ {
		if i == maxAlerts {
			return nil, tokens.Form("there are more than " + strconv.Itoa(maxAlerts) + " alerts; set " + r.dialect.Fewer)
		}
		r.Index = i
		bad := r.Faulty()
		out = append(out, bot.Alert{})
		if err := r.alert(&out[len(out)-1]); err != nil {
			return nil, err
		}
		if r.Faulty() > bad {
			out = out[:len(out)-1]
		}
	}
	return out, r.Next()
}

// observed is an alert while it is read.
type observed struct {
	status      string
	starts      time.Time
	ends        time.Time
	fingerprint string
	labels      map[string]string
	links       []link
}

// link is an address under the annotation that keeps it.
type link struct{ name, address string }

func (r *decoder) alert(a *bot.Alert) error {
	if r.Peek() != '{' {
		r.Fault("", "is not an object")
		return r.Skip()
	}
	if err := r.Next(); err != nil {
		return err
	}
	var o observed
	for r.Peek() != '}' {
		name, err := r.Name()
		if err != nil {
			return err
		}
		if err := r.field(&o, a, name); err != nil {
			return err
		}
	}
	if err := r.Next(); err != nil {
		return err
	}
	r.settle(&o, a)
	return nil
}

func (r *decoder) field(o *observed, a *bot.Alert, name []byte) (err error) {
	switch string(name) {
	case "status":
		o.status, err = r.Short("status")
	case "labels":
		o.labels, err = r.Texts("labels", r.sizes[0])
		r.sizes[0] = len(o.labels)
	case "annotations":
		a.Annotations, err = r.Texts("annotations", r.sizes[1])
		r.sizes[1] = len(a.Annotations)
	case "startsAt":
		o.starts, err = r.Instant("startsAt")
	case "endsAt":
		o.ends, err = r.Instant("endsAt")
	case "generatorURL":
		a.Link, err = r.Link()
	case "fingerprint":
		o.fingerprint, err = r.Short("fingerprint")
	default:
		if as, ok := r.dialect.Links[string(name)]; ok {
			var address string
			address, err = r.Link()
			o.links = append(o.links, link{as, address})
			return err
		}
		err = r.Skip()
	}
	return err
}

// settle makes the alert whole, or notes why it cannot be.
func (r *decoder) settle(o *observed, a *bot.Alert) {
	a.Labels = o.labels
	if a.Labels == nil {
		a.Labels = map[string]string{}
	}
	switch {
	case o.status != string(bot.AlertFiring) && o.status != string(bot.AlertResolved):
		r.Fault("status", `is neither "firing" nor "resolved"`)
	case o.starts.IsZero():
		r.Fault("startsAt", "is missing or zero")
	case strings.ContainsFunc(o.fingerprint, tokens.Hidden) || len(o.fingerprint) > maxFingerprint:
		r.Fault("fingerprint", "is not plain ASCII of at most "+strconv.Itoa(maxFingerprint)+" characters")
	}
	a.State, a.StartsAt, a.Fingerprint = bot.AlertState(o.status), o.starts, o.fingerprint
	if a.Fingerprint == "" {
		a.Fingerprint = Fingerprint(a.Labels)
	}
	if a.State == bot.AlertResolved {
		// Without a usable end the start is taken: it is the only instant that
		// every repeat of the payload agrees on.
		a.EndsAt = o.ends
		if a.EndsAt.Before(a.StartsAt) {
			a.EndsAt = a.StartsAt
		}
	}
	keep(o.links, a)
}

// keep puts the addresses among the annotations.
func keep(links []link, a *bot.Alert) {
	for _, l := range links {
		if _, taken := a.Annotations[l.name]; taken || l.address == "" {
			continue
		}
		if a.Annotations == nil {
			a.Annotations = map[string]string{}
		}
		a.Annotations[l.name] = l.address
	}
}
