package hook

import (
	"strconv"
	"strings"
	"time"

	"salve/bot"
	"salve/integrations/internal/tokens"
)

// priorities is what the names of priorities mean that PagerDuty proposes. One
// that is not here is unknown, and unknown counts as critical.
var priorities = map[string]bot.Severity{
	"p1": bot.SeverityCritical, "p2": bot.SeverityHigh, "p3": bot.SeverityMedium, "p4": bot.SeverityLow, "p5": bot.SeverityInfo,
	"sev-1": bot.SeverityCritical, "sev-2": bot.SeverityHigh, "sev-3": bot.SeverityMedium, "sev-4": bot.SeverityLow, "sev-5": bot.SeverityInfo,
}

// urgencies are looked at where an incident has no priority.
var urgencies = map[string]bot.Severity{"high": bot.SeverityHigh, "low": bot.SeverityLow}

// event is what is read of one.
type event struct {
	seen bool // "event" was there
	kind string
	at   time.Time
	data incident
}

// incident is the one that an event is about.
type incident struct {
	kind, id, status, key, title, link string
	urgency, priority, service         string
	number, incidentType               string
	created                            time.Time
}

// Decode reads one event into the Alert that its incident is: none where the
// event is not about the state of an incident. The error carries nothing of the
// body; then there is no alert.
func Decode(source string, body []byte, receivedAt time.Time) ([]bot.Alert, error) {
	r := tokens.Borrow(body)
	defer r.GiveBack()
	var e event
	err := r.Whole(func(name string) error {
		if name != "event" {
			return r.Skip()
		}
		e.seen = true
		return r.Object("event", func(name string) error { return e.member(r, name) })
	})
	if err == nil {
		err = e.check()
	}
	if err != nil {
		return nil, r.Broken(err)
	}
	if e.data.kind != "incident" || e.data.ours() {
		return nil, nil
	}
	a := e.alert()
	a.Source, a.ReceivedAt = source, receivedAt.UTC().Truncate(time.Millisecond)
	return []bot.Alert{a}, nil
}

func (e *event) member(r *tokens.Reader, name string) (err error) {
	switch name {
	case "event_type":
		e.kind, err = short(r, "event.event_type")
	case "occurred_at":
		e.at, err = r.Time("event.occurred_at")
	case "data":
		err = r.Object("event.data", func(name string) error { return e.data.member(r, name) })
	default:
		err = r.Skip()
	}
	return err
}

func (i *incident) member(r *tokens.Reader, name string) (err error) {
	into := map[string]*string{"type": &i.kind, "id": &i.id, "status": &i.status, "incident_key": &i.key, "urgency": &i.urgency}[name]
	at := "event.data." + name
	switch {
	case into != nil:
		*into, err = short(r, at)
	case name == "title":
		i.title, err = r.Plain(at)
	case name == "created_at":
		i.created, err = r.Time(at)
	case name == "html_url":
		i.link, err = r.Link()
	case name == "number":
		i.number, _, err = r.Literal()
	case name == "priority":
		i.priority, err = summary(r, at)
	case name == "service":
		i.service, err = summary(r, at)
	case name == "incident_type":
		err = r.Object(at, func(name string) (err error) {
			if name != "name" {
				return r.Skip()
			}
			i.incidentType, err = short(r, at+".name")
			return err
		})
	default:
		err = r.Skip()
	}
	return err
}

// summary is the name of what a reference points to.
func summary(r *tokens.Reader, at string) (text string, err error) {
	err = r.Object(at, func(name string) (err error) {
		if name != "summary" {
			return r.Skip()
		}
		text, err = short(r, at+".summary")
		return err
	})
	return text, err
}

func short(r *tokens.Reader, at string) (string, error) {
	text, err := r.Plain(at)
	if err == nil && len(text) > tokens.MaxText {
		err = tokens.Form(strconv.Quote(at) + " has more than " + strconv.Itoa(tokens.MaxText) + " bytes")
	}
	return text, err
}

func (e *event) check() error {
	i := &e.data
	switch {
	case !e.seen || e.kind == "":
		return tokens.Form(`"event.event_type" is missing, so this is no V3 webhook of PagerDuty`)
	case i.kind != "incident":
		return nil
	case i.id == "" || len(i.id) > 64 || strings.ContainsFunc(i.id, tokens.Hidden):
		return tokens.Form(`"event.data.id" is missing or is no id`)
	case i.status != "triggered" && i.status != "acknowledged" && i.status != "resolved":
		return tokens.Form(`"event.data.status" is not triggered, acknowledged or resolved`)
	case i.created.IsZero():
		return tokens.Form(`"event.data.created_at" is missing, without which no later event would be known to be of the same incident`)
	case e.at.IsZero():
		return tokens.Form(`"event.occurred_at" is missing`)
	case len(i.number) > 32:
		return tokens.Form(`"event.data.number" is too long`)
	default:
		return nil
	}
}

// ours reports whether Salve's own page made the incident: its key is that of
// the page.
func (i *incident) ours() bool {
	return strings.HasPrefix(i.key, "page/") && strings.Contains(i.key, "/I-")
}

func (e *event) alert() bot.Alert {
	i := &e.data
	a := bot.Alert{
		AlertKey: bot.AlertKey{Fingerprint: i.id, StartsAt: i.created}, State: bot.AlertFiring,
		Severity: i.severity(), Title: tokens.Cut(i.title), Link: i.link, Labels: map[string]string{"alertname": "PagerDuty incident"},
	}
	switch {
	case i.status == "resolved":
		a.State, a.EndsAt = bot.AlertResolved, e.at
		if a.EndsAt.Before(a.StartsAt) {
			a.EndsAt = a.StartsAt
		}
	case e.kind == "incident.reopened":
		a.StartsAt = e.at // what was resolved is over: this is another start
	}
	for name, value := range map[string]string{
		"incident": i.number, "service": i.service, "urgency": i.urgency, "priority": i.priority, "incident_key": i.key, "incident_type": i.incidentType,
	} {
		if value != "" {
			a.Labels[name] = value
		}
	}
	return a
}

func (i *incident) severity() bot.Severity {
	if i.priority != "" {
		return priorities[strings.ToLower(i.priority)]
	}
	return urgencies[i.urgency]
}
