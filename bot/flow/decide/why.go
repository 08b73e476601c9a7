package decide

import (
	"context"
	"fmt"
	"time"

	"salve/bot"
)

// explained is how many playbooks that do not fit are named.
const explained = 20

// Why is the whole answer to "why is nothing happening", or something.
type Why struct {
	Incident   bot.IncidentID  `json:"incident"`
	DecidedAt  time.Time       `json:"decided_at,omitzero"`
	Headline   string          `json:"headline"`
	Targets    []string        `json:"targets,omitempty"`
	Skipped    int             `json:"skipped,omitempty"`
	Candidates []bot.Candidate `json:"candidates,omitempty"` // with their verdict trees
	Alert      string          `json:"alert,omitempty"`      // the alert that the rest is about
	Others     []Other         `json:"others,omitempty"`     // the other playbooks, nearest first
}

// Other is a playbook that is not among the candidates, and why.
type Other struct {
	Playbook string `json:"playbook"`
	Fits     bool   `json:"fits"` // it does, but another comes first
	Reason   string `json:"reason"`
}

// Why gives the stored decision about an Incident, and says for its worst alert
// why the other playbooks are not considered.
func (l *Leg) Why(ctx context.Context, id bot.IncidentID) (Why, error) {
	inc, err := l.store.Incident(ctx, id)
	if err != nil {
		return Why{}, fmt.Errorf("why %s: %w", id, err)
	}
	d := inc.Decision
	w := Why{
		Incident: id, DecidedAt: d.At, Headline: d.Headline,
		Targets: d.Targets, Skipped: d.Skipped, Candidates: d.Candidates,
	}
	alerts, err := l.store.Alerts(ctx, id, 1)
	if err != nil {
		return Why{}, fmt.Errorf("why %s: %w", id, err)
	}
	if len(alerts) > 0 {
		w.Alert, w.Others = alerts[0].Title, l.others(alerts[0], inc)
	}
	return w, nil
}

func (l *Leg) others(a bot.Alert, inc bot.Incident) []Other {
	considered := map[string]bool{}
	for _, c := range inc.Decision.Candidates {
		considered[c.Playbook] = true
	}
	var out []Other
	for _, f := range l.library.Load().Index.Explain(a, inc, explained) {
		if !considered[f.Playbook.Name] {
			out = append(out, Other{Playbook: f.Playbook.Name, Fits: f.Fits, Reason: f.Reason})
		}
	}
	return out
}

// Nearest is the playbook that comes nearest to fitting the alert without
// fitting it; nil when there is none.
func (l *Leg) Nearest(a bot.Alert, inc bot.Incident) *bot.CardNearest {
	for _, f := range l.library.Load().Index.Explain(a, inc, explained) {
		if !f.Fits {
			return &bot.CardNearest{Playbook: f.Playbook.Name, WhyNot: f.Reason}
		}
	}
	return nil
}

// Urgent reports whether a playbook may fit the alert: what has to be decided
// at once, however much comes in.
func (l *Leg) Urgent(a bot.Alert) bool {
	index := l.library.Load().Index
	if !index.May(a) {
		return false
	}
	alone := bot.Incident{Fold: bot.FoldAlerts([]bot.Alert{a})}
	return len(index.Rank(a, alone)) > 0
}
