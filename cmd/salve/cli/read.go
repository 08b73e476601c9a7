package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"salve/bot"
)

// Incidents lists incidents.
type Incidents struct {
	State []string `help:"Only these states." enum:"open,resolved,closed,merged" placeholder:"STATE"`
	Mine  bool     `help:"Only those that I own."`
	Text  string   `help:"Only those with this in the title." placeholder:"TEXT"`
	Limit int      `help:"At most this many." default:"30"`
	Watch bool     `help:"Go on showing them as they change, until Ctrl-C."`
}

// Help is shown by --help.
func (Incidents) Help() string {
	return "Examples:\n  salve incidents --state open\n  salve incidents --mine --json\n  salve incidents --watch"
}

// Run lists, once or until interrupted.
func (c Incidents) Run(ctx context.Context, e *Env) error {
	if !c.Watch {
		return c.once(ctx, e)
	}
	door, err := e.Door()
	if err != nil {
		return err
	}
	err = c.watch(ctx, e, door)
	if errors.Is(err, context.Canceled) { // that is how a watch ends
		if clears(e) {
			fmt.Fprintln(e.Out)
		}
		return nil
	}
	return err
}

// watch shows the list again after each change: on a terminal over the one before,
// elsewhere below it.
func (c Incidents) watch(ctx context.Context, e *Env, door Door) error {
	for first := true; ; first = false {
		if err := door.WaitForChange(ctx); err != nil {
			return err
		}
		switch {
		case clears(e):
			fmt.Fprint(e.Out, "\x1b[H\x1b[2J")
		case !first && !e.JSON:
			fmt.Fprintln(e.Out)
		}
		if err := c.once(ctx, e); err != nil {
			return err
		}
	}
}

// clears reports whether the list stands on a screen that can be cleared.
func clears(e *Env) bool { return !e.JSON && e.screen().color }

func (c Incidents) once(ctx context.Context, e *Env) error {
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	for _, s := range c.State {
		q.Add("state", s)
	}
	if c.Mine {
		q.Set("owner", "me")
	}
	if c.Text != "" {
		q.Set("text", c.Text)
	}
	return list(ctx, e, listing{path: "/v1/incidents", query: q, head: []string{"ID", "SEVERITY", "STATE", "SINCE", "OWNER", "TITLE", "NEXT"}, empty: "No incidents."}, func(s screen, i bot.Incident) []string {
		return []string{i.ID.String(), i.Severity.String(), string(i.State()), s.ago(i.FirstAt), short(i.OwnerName, 16), short(i.Title, 50), short(i.Decision.Headline, 70)}
	})
}

// Show prints one incident or run whole.
type Show struct {
	ID string `arg:"" help:"An incident (I-142) or a run (R-88)."`
}

// Run prints it.
func (c Show) Run(ctx context.Context, e *Env) error {
	if isRun(c.ID) {
		return c.showRun(ctx, e)
	}
	id, err := bot.ParseIncidentID(c.ID)
	if err != nil {
		return usage("%s; a run is R-88", err)
	}
	door, err := e.Door()
	if err != nil {
		return err
	}
	var card bot.Card
	if err := door.Get(ctx, "/v1/incidents/"+id.String(), nil, &card); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(card)
	}
	s.card(card)
	return nil
}

// readRun asks for one run, by what a person typed.
func readRun(ctx context.Context, e *Env, typed string) (bot.CardRun, error) {
	var r bot.CardRun
	id, err := bot.ParseRunID(typed)
	if err != nil {
		return r, usage("%s; `salve runs` lists them", err)
	}
	door, err := e.Door()
	if err != nil {
		return r, err
	}
	return r, door.Get(ctx, "/v1/runs/"+id.String(), nil, &r)
}

func (c Show) showRun(ctx context.Context, e *Env) error {
	r, err := readRun(ctx, e, c.ID)
	if err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(r)
	}
	s.run(r.Run, &r.Plan)
	s.plan(r.Plan)
	return nil
}

func isRun(id string) bool { return len(id) > 1 && (id[0] == 'R' || id[0] == 'r') && id[1] == '-' }

// Runs lists runs.
type Runs struct {
	Active   bool   `help:"Only those that are not over."`
	Incident string `help:"Only those of this incident." placeholder:"I-142"`
	Playbook string `help:"Only those of this playbook." placeholder:"NAME"`
	Target   string `help:"Only those on this target." placeholder:"TARGET"`
	Limit    int    `help:"At most this many." default:"30"`
}

// Run lists them.
func (c Runs) Run(ctx context.Context, e *Env) error {
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	for k, v := range map[string]string{"incident": c.Incident, "playbook": c.Playbook, "target": c.Target} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if c.Active {
		q.Set("active", "true")
	}
	return list(ctx, e, listing{path: "/v1/runs", query: q, head: []string{"ID", "INCIDENT", "STATE", "AGO", "TOOK", "PLAYBOOK", "TARGET", "REASON"}, empty: "No runs."}, func(s screen, r bot.Run) []string {
		took := "-"
		if !r.EndedAt.IsZero() && !r.StartedAt.IsZero() {
			took = span(r.EndedAt.Sub(r.StartedAt))
		}
		return []string{r.ID.String(), r.Incident.String(), string(r.State), s.ago(r.CreatedAt), took, short(r.Playbook, 28), short(r.Target, 28), short(r.Reason, 60)}
	})
}

// Approvals lists the questions put to people.
type Approvals struct {
	All   bool `help:"Also those that are decided."`
	Limit int  `help:"At most this many." default:"30"`
}

// Run lists them.
func (c Approvals) Run(ctx context.Context, e *Env) error {
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	if !c.All {
		q.Set("state", string(bot.ApprovalPending))
	}
	return list(ctx, e, listing{path: "/v1/approvals", query: q, head: []string{"INCIDENT", "DIGEST", "STATE", "UNTIL", "PLAYBOOK", "TARGET", "WHY A PERSON IS ASKED"}, empty: "Nothing waits for an approval."}, func(s screen, a bot.Approval) []string {
		until := a.ExpiresAt.Local().Format(time.TimeOnly)
		return []string{a.Incident.String(), a.Digest.Short(), string(a.State), until, short(a.Playbook, 28), short(a.Target, 28), short(a.Verdict.Reason, 60)}
	})
}

// Timeline prints what happened on an incident.
type Timeline struct {
	ID string `arg:"" help:"An incident (I-142)."`
	MD bool   `help:"As Markdown, for a report; the default form is the same." name:"md"`
}

// Run prints it.
func (c Timeline) Run(ctx context.Context, e *Env) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	id, err := bot.ParseIncidentID(c.ID)
	if err != nil {
		return usage("%s", err)
	}
	if e.JSON {
		var events []bot.Event
		if err := door.Get(ctx, "/v1/incidents/"+id.String()+"/events", nil, &events); err != nil {
			return err
		}
		return e.screen().json(events)
	}
	text, err := door.Text(ctx, "/v1/incidents/"+id.String()+"/timeline")
	if err != nil {
		return err
	}
	e.screen().line("%s", lines(text))
	return nil
}
