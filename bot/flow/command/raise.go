package command

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"salve/bot"
)

// maxRaised bounds what people have raised and nobody has closed.
const maxRaised = 1000

// raise makes an incident of what a person sees, which is nobody's at first. What
// is open already, the same message or the same words of the same person, is not
// raised twice.
func (d *Desk) raise(ctx context.Context, o order) (bot.Answer, error) {
	if d.opts.Door == nil {
		return bot.Answer{}, bot.Refuse(bot.RefusedState, "Nothing can be raised here.", "Let an alert come from a source.")
	}
	fingerprint := raised(o.Command)
	open, err := d.store.OpenAlertsOf(ctx, bot.SourcePeople, maxRaised)
	if err != nil {
		return bot.Answer{}, err
	}
	if i := slices.IndexFunc(open, func(a bot.Alert) bool { return a.Fingerprint == fingerprint }); i >= 0 {
		return already(o, open[i].Incident), nil
	}
	if len(open) >= maxRaised {
		return bot.Answer{}, bot.Refuse(bot.RefusedState, fmt.Sprintf("People have raised %d incidents that are still open.", len(open)), "Close those that are over: salve incidents --state open.")
	}
	seen, err := d.opts.Door.Raise(ctx, o.by, sighting(o, fingerprint))
	if err != nil {
		return bot.Answer{}, d.unsure(ctx, err)
	}
	if seen.Outcome == bot.OutcomeRepeat {
		return already(o, seen.Incident), nil
	}
	return bot.Answer{Incident: seen.Incident, Text: fmt.Sprintf("%s is open and nobody's yet. Take it: salve take %s. It ends when somebody closes it.", seen.Incident, seen.Incident)}, nil
}

func already(o order, id bot.IncidentID) bot.Answer {
	what := "You have raised that already"
	if o.Basis.Message != "" {
		what = "That message is an incident already"
	}
	return bot.Answer{Text: fmt.Sprintf("%s: %s.", what, id), Incident: id, Repeated: true}
}

// raised is the same for the same message of a chat; without one, for the same
// words of the same person.
func raised(c bot.Command) string {
	parts := []string{"message", c.Surface, c.Basis.Place, c.Basis.Message}
	if c.Basis.Message == "" {
		parts = []string{"words", string(c.By.ID), strings.TrimSpace(c.Title), strings.TrimSpace(c.Reason)}
	}
	sum := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(sum, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// sighting is the alert of what a person sees. Severity that they do not say is
// high: they thought it worth an incident.
func sighting(o order, fingerprint string) bot.Alert {
	severity := o.Severity
	if severity == bot.SeverityUnknown {
		severity = bot.SeverityHigh
	}
	a := bot.Alert{
		AlertKey: bot.AlertKey{Source: bot.SourcePeople, Fingerprint: fingerprint, StartsAt: o.now}, State: bot.AlertFiring,
		Title: strings.TrimSpace(o.Title), ReceivedAt: o.now,
		Labels:      map[string]string{"alertname": "Raised", "severity": severity.String(), "raised_by": string(o.By.ID), "surface": o.Surface},
		Annotations: map[string]string{"summary": strings.TrimSpace(o.Title)},
	}
	if note := strings.TrimSpace(o.Reason); note != "" {
		a.Annotations["description"] = note
	}
	// Not "message": that is what many sources call the text of an alert.
	for key, value := range map[string]string{"chat_place": o.Basis.Place, "chat_message": o.Basis.Message} {
		if value != "" {
			a.Annotations[key] = value
		}
	}
	return a
}

// over ends what people raised, when the incident is closed that it is in: no
// source says that it is over.
func (d *Desk) over(ctx context.Context, o order, id bot.IncidentID) ([]bot.Alert, error) {
	alerts, err := d.store.Alerts(ctx, id, maxMoved)
	if err != nil {
		return nil, err
	}
	var out []bot.Alert
	for _, a := range alerts {
		if a.Source == bot.SourcePeople && a.State == bot.AlertFiring {
			a.State, a.EndsAt = bot.AlertResolved, o.now
			out = append(out, a)
		}
	}
	return out, nil
}

// titled judges the title of what is raised; the door makes a line of it.
func titled(c bot.Command) *bot.Refusal {
	if len(c.Title) > maxText || !utf8.ValidString(c.Title) {
		return bot.Refuse(bot.RefusedInput, fmt.Sprintf("The title is longer than %d bytes, or not text.", maxText), "Say in a few words what is wrong.")
	}
	if c.Severity < bot.SeverityUnknown || c.Severity > bot.SeverityCritical {
		return bot.Refuse(bot.RefusedInput, "There is no such severity.", "Write info, low, medium, high or critical.")
	}
	return nil
}
