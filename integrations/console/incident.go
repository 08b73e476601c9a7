package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"salve/bot"
)

// action is one button with what its form needs.
type action struct {
	bot.CardAction
	ID        string // of the element; the same while it means the same
	Back      string
	People    []bot.Person
	Alerts    []bot.Alert
	Playbooks []bot.Playbook
}

// Wants reports whether the form asks for a field.
func (a action) Wants(field string) bool { return slices.Contains(a.Asks, field) }

// Plain reports whether one press is enough.
func (a action) Plain() bool { return len(a.Asks) == 0 && a.Confirm == "" }

// ReasonLabel says what the free text is for.
func (a action) ReasonLabel() string {
	switch a.Command.Verb {
	case bot.VerbNote:
		return "Note"
	case bot.VerbHandover:
		return "What the next person must know"
	case bot.VerbDeny:
		return "Why should this not run? Everybody on the incident reads it."
	case bot.VerbHalt:
		return "Why (people read it; may be left empty)"
	default:
		return "Why"
	}
}

// NeedsReason reports whether the free text may not be empty.
func (a action) NeedsReason() bool { return a.Command.Verb != bot.VerbHalt }

// step is one step of a plan with what became of it.
type step struct {
	Plan bot.PlanStep
	Run  *bot.Step
	Undo bool
	Key  string // of its elements on the page
}

type proposal struct {
	bot.CardProposal
	Steps   []step
	Actions []action
	Edit    bool // the viewer may ask for it with other params
}

type run struct {
	bot.CardRun
	Steps   []step
	Actions []action
	Open    bool // shown whole
}

// PlanSteps are the steps as they were planned.
func (r run) PlanSteps() []step { return planSteps(r.Plan) }

// Digest is what an approval names, as people see it.
func (a action) Digest() string { return bot.Digest(a.Command.Digest).Short() }

type incidentPage struct {
	bot.Card
	Open    []proposal // questions that wait
	Decided []proposal
	Runs    []run
	Work    []action
	Halt    []action
}

func (c *Console) showIncident(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	card, err := c.card(r, viewer)
	if err != nil {
		return err
	}
	main, err := c.incidentPage(r, card)
	if err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, "incident", page{
		Title: card.Incident.String() + " " + card.Title, Section: "incidents", Viewer: viewer,
		Watch: "/events?incident=" + card.Incident.String(), Headline: string(card.Phase) + ". " + card.Headline, Main: main,
	})
	return nil
}

func (c *Console) card(r *http.Request, viewer bot.Person) (bot.Card, error) {
	id, err := bot.ParseIncidentID(r.PathValue("id"))
	if err != nil {
		return bot.Card{}, bot.Refuse(bot.RefusedUnknown, sentence(err.Error()), "Go to the incidents and look from there.")
	}
	return c.ports.Cards.Card(r.Context(), id, viewer)
}

func (c *Console) incidentPage(r *http.Request, card bot.Card) (incidentPage, error) {
	actions, err := c.actions(r, card)
	if err != nil {
		return incidentPage{}, err
	}
	p := incidentPage{Card: card, Halt: pick(actions, func(c bot.Command) bool { return c.Verb == bot.VerbHalt })}
	for _, q := range card.Proposals {
		view := proposal{CardProposal: q, Steps: planSteps(q.Plan)}
		view.Actions = pick(actions, func(c bot.Command) bool { return c.Approval == q.Approval.ID })
		if q.Approval.State == bot.ApprovalPending {
			view.Edit = len(q.Plan.Params) > 0 && q.Plan.Kind != bot.PlanUndo && len(pick(actions, func(c bot.Command) bool { return c.Verb == bot.VerbRun })) > 0
			p.Open = append(p.Open, view)
		} else {
			p.Decided = append(p.Decided, view)
		}
	}
	for i, cr := range card.Runs {
		p.Runs = append(p.Runs, runView(cr, actions, i == 0))
	}
	p.Work = pick(actions, func(c bot.Command) bool { return c.Verb != bot.VerbHalt && c.Approval == 0 && c.Run == 0 })
	return p, nil
}

func runView(cr bot.CardRun, actions []action, open bool) run {
	return run{
		CardRun: cr, Steps: runSteps(cr.Plan, cr.Run), Open: open || cr.Run.Active(),
		Actions: pick(actions, func(c bot.Command) bool { return c.Run == cr.Run.ID }),
	}
}

// actions gives each action of a card what its form needs.
func (c *Console) actions(r *http.Request, card bot.Card) ([]action, error) {
	var people []bot.Person
	var out []action
	for _, a := range card.Actions {
		v := action{CardAction: a, ID: actionID(a.Command), Back: r.URL.Path, Alerts: card.Alerts, Playbooks: c.ports.Playbooks}
		if v.Wants("to") {
			if people == nil {
				var err error
				if people, err = c.ports.Lists.People(r.Context()); err != nil {
					return nil, fmt.Errorf("people to choose from: %w", err)
				}
			}
			v.People = responders(people)
		}
		out = append(out, v)
	}
	return out, nil
}

// actionID names an action by all that it means, so that a form that is open
// while the page changes never turns into another one.
func actionID(c bot.Command) string {
	return "do-" + url.QueryEscape(fmt.Sprintf("%s-%s%s%s-%s-%s-%s-%s", c.Verb, c.Incident, c.Run, c.Approval,
		bot.Digest(c.Digest).Short(), c.Settle, c.Scope, c.Name))
}

func responders(people []bot.Person) []bot.Person {
	return slices.DeleteFunc(slices.Clone(people), func(p bot.Person) bool { return !p.Has(bot.RoleResponder) })
}

func pick(list []action, keep func(bot.Command) bool) []action {
	var out []action
	for _, a := range list {
		if keep(a.Command) {
			out = append(out, a)
		}
	}
	return out
}

func planSteps(p bot.Plan) []step {
	var out []step
	for _, s := range p.Steps {
		out = append(out, step{Plan: s})
	}
	return out
}

// runSteps puts what became of each step beside what the plan says of it.
func runSteps(p bot.Plan, r bot.Run) []step {
	plan := map[string]bot.PlanStep{}
	for _, s := range p.Steps {
		plan[s.ID] = s
	}
	var out []step
	for i := range r.Steps {
		s := step{Plan: plan[r.Steps[i].ID], Run: &r.Steps[i], Undo: r.Steps[i].Undo, Key: fmt.Sprintf("%s-%d", r.ID, i)}
		if s.Undo && s.Plan.Undo != nil {
			s.Plan = *s.Plan.Undo
		}
		s.Plan.ID = r.Steps[i].ID
		out = append(out, s)
	}
	return out
}

func (c *Console) showTimeline(w http.ResponseWriter, r *http.Request, _ bot.Person) error {
	id, err := bot.ParseIncidentID(r.PathValue("id"))
	if err != nil {
		return bot.Refuse(bot.RefusedUnknown, sentence(err.Error()), "")
	}
	text, err := c.ports.Cards.Timeline(r.Context(), id)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err = w.Write(visible([]byte(text)))
	return err
}

type runForm struct {
	Card     bot.Card
	Action   action
	Playbook *bot.Playbook
	Chosen   string
	Approval bot.ApprovalID    // the open question that is asked again with other params; 0: none
	Params   map[string]string // as they are in it
}

// showRunForm lets a person choose a playbook and fill in its params.
func (c *Console) showRunForm(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	card, err := c.card(r, viewer)
	if err != nil {
		return err
	}
	actions, err := c.actions(r, card)
	if err != nil {
		return err
	}
	may := pick(actions, func(c bot.Command) bool { return c.Verb == bot.VerbRun })
	if len(may) == 0 {
		return bot.Refuse(bot.RefusedForbidden, "You cannot run a playbook for "+card.Incident.String()+".",
			"A responder can, while the incident is not closed: salve user edit NAME --role responder.")
	}
	form := runForm{Card: card, Action: may[0], Chosen: r.URL.Query().Get("playbook")}
	if err := form.instead(r.URL.Query().Get("approval")); err != nil {
		return err
	}
	for i := range c.ports.Playbooks {
		if c.ports.Playbooks[i].Name == form.Chosen {
			form.Playbook = &c.ports.Playbooks[i]
		}
	}
	c.render(w, r, http.StatusOK, "run_form", page{Title: "Run a playbook for " + card.Incident.String(), Section: "incidents", Viewer: viewer, Main: form})
	return nil
}

// instead fills the form from an open question of the incident; "" names none.
func (f *runForm) instead(typed string) error {
	id, err := bot.ParseApprovalID(typed)
	if err != nil {
		return bot.Refuse(bot.RefusedInput, sentence(err.Error()), "Go to the incident and look from there.")
	}
	if id == 0 {
		return nil
	}
	for _, q := range f.Card.Proposals {
		if q.Approval.ID == id && q.Approval.State == bot.ApprovalPending && q.Plan.Kind != bot.PlanUndo {
			f.Approval, f.Params, f.Chosen = id, q.Plan.Params, q.Plan.Playbook
			return nil
		}
	}
	return bot.Refuse(bot.RefusedState, id.String()+" does not wait for an approval, or has no parameters.", "Go to the incident and look from there.")
}
