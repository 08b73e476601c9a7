package alertmanager

import (
	"io"
	"strconv"
	"strings"
	"time"

	"salve/bot"
)

// The bounds of what is read. Whatever is beyond them is a fault, never cut:
// half a label would be another label.
const (
	maxDepth       = 64
	maxAlerts      = 10_000
	maxLabels      = 200
	maxText        = 4 << 10 // bytes of a name or a value
	maxFingerprint = 128
)

// Decode reads a webhook payload, version 4, into Alerts of the source. It is
// strict about form (one value, no member twice, exact case, valid UTF-8) and
// tolerant of members that it does not know.
//
// Severity and Title are left to the source's rules. GroupKey is the vendor's.
//
// The error is an *Unreadable, whose text carries nothing of the payload. The
// alerts returned beside it are those that could be read: one bad alert does
// not hold up the others. Where the form itself is broken there are none.
func Decode(source string, body []byte, receivedAt time.Time) ([]bot.Alert, error) {
	r := borrow(body)
	defer r.giveBack()
	var p payload
	p.alerts = make([]bot.Alert, 0, min(len(body)/512+1, maxAlerts))
	if err := r.read(&p); err != nil {
		return nil, broken(err, body, r.dec.InputOffset())
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
	if r.faults.alerts > 0 {
		faults := r.faults
		return p.alerts, &faults
	}
	return p.alerts, nil
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

func (r *reader) read(p *payload) error {
	if err := r.expect('{'); err != nil {
		return err
	}
	for r.dec.PeekKind() != '}' {
		name, err := r.name()
		if err != nil {
			return err
		}
		if err := r.member(p, name); err != nil {
			return err
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	if _, err := r.dec.ReadToken(); err != io.EOF {
		return form("something follows the JSON value")
	}
	return p.check()
}

func (p *payload) check() error {
	switch {
	case p.version == "":
		return form(`"version" is missing, so this is no Alertmanager webhook`)
	case p.version != "4":
		return form(`"version" is not "4", the only one that is understood`)
	case !p.listed:
		return form(`"alerts" is missing`)
	default:
		return nil
	}
}

func (r *reader) member(p *payload, name []byte) (err error) {
	switch string(name) {
	case "version":
		p.version, err = r.plain("version")
	case "groupKey":
		p.groupKey, err = r.plain("groupKey")
	case "externalURL":
		p.link, err = r.link()
	case "truncatedAlerts":
		p.truncated, err = r.count()
	case "alerts":
		p.listed = true
		p.alerts, err = r.alerts(p.alerts)
	default: // receiver, status, groupLabels, commonLabels, commonAnnotations repeat what the alerts say
		err = r.skip()
	}
	return err
}

func (r *reader) alerts(out []bot.Alert) ([]bot.Alert, error) {
	if err := r.expect('['); err != nil {
		return nil, err
	}
	for i := 0; r.dec.PeekKind() != ']'; i++ {
		if i == maxAlerts {
			return nil, form("there are more than " + strconv.Itoa(maxAlerts) + " alerts; set max_alerts at the receiver")
		}
		r.index = i
		bad := r.faults.alerts
		out = append(out, bot.Alert{})
		if err := r.alert(&out[len(out)-1]); err != nil {
			return nil, err
		}
		if r.faults.alerts > bad {
			out = out[:len(out)-1]
		}
	}
	_, err := r.dec.ReadToken()
	return out, err
}

// observed is an alert while it is read.
type observed struct {
	status      string
	starts      time.Time
	ends        time.Time
	fingerprint string
	labels      map[string]string
}

func (r *reader) alert(a *bot.Alert) error {
	if r.dec.PeekKind() != '{' {
		r.fault("", "is not an object")
		return r.skip()
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	var o observed
	for r.dec.PeekKind() != '}' {
		name, err := r.name()
		if err != nil {
			return err
		}
		if err := r.field(&o, a, name); err != nil {
			return err
		}
	}
	if _, err := r.dec.ReadToken(); err != nil {
		return err
	}
	r.settle(&o, a)
	return nil
}

func (r *reader) field(o *observed, a *bot.Alert, name []byte) (err error) {
	switch string(name) {
	case "status":
		o.status, err = r.short("status")
	case "labels":
		o.labels, err = r.texts("labels", r.sizes[0])
		r.sizes[0] = len(o.labels)
	case "annotations":
		a.Annotations, err = r.texts("annotations", r.sizes[1])
		r.sizes[1] = len(a.Annotations)
	case "startsAt":
		o.starts, err = r.instant("startsAt")
	case "endsAt":
		o.ends, err = r.instant("endsAt")
	case "generatorURL":
		a.Link, err = r.link()
	case "fingerprint":
		o.fingerprint, err = r.short("fingerprint")
	default:
		err = r.skip()
	}
	return err
}

// settle makes the alert whole, or notes why it cannot be.
func (r *reader) settle(o *observed, a *bot.Alert) {
	a.Labels = o.labels
	if a.Labels == nil {
		a.Labels = map[string]string{}
	}
	switch {
	case o.status != string(bot.AlertFiring) && o.status != string(bot.AlertResolved):
		r.fault("status", `is neither "firing" nor "resolved"`)
	case o.starts.IsZero():
		r.fault("startsAt", "is missing or zero")
	case strings.ContainsFunc(o.fingerprint, notPlain) || len(o.fingerprint) > maxFingerprint:
		r.fault("fingerprint", "is not plain ASCII of at most "+strconv.Itoa(maxFingerprint)+" characters")
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
}

func notPlain(c rune) bool { return c <= ' ' || c > '~' }
