package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"salve/bot"
)

const perPage = 50

// filters are the ways to look at incidents.
var filters = []string{"current", "open", "resolved", "closed", "mine", "all"}

type incidentsPage struct {
	Cards   []bot.Card
	Filters []string
	Filter  string
	Text    string
	Needs   int // how many need a person or an approval
	Older   string
}

func (c *Console) showIncidents(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	in := r.URL.Query()
	before, err := bot.ParseIncidentID(in.Get("before"))
	if err != nil {
		return bot.Refuse(bot.RefusedInput, sentence(err.Error()), "Go to the incidents and look from there.")
	}
	m := incidentsPage{Filters: filters, Filter: in.Get("show"), Text: strings.TrimSpace(in.Get("q"))}
	if !slices.Contains(filters, m.Filter) {
		m.Filter = filters[0]
	}
	q := bot.IncidentQuery{Text: m.Text, Before: before, Limit: perPage + 1}
	q.States, q.Owner = filter(m.Filter, viewer)
	if m.Cards, err = c.ports.Cards.Board(r.Context(), q, viewer); err != nil {
		return err
	}
	m.cut(before)
	for _, card := range m.Cards {
		if card.Phase == bot.PhaseNeedsPerson || card.Phase == bot.PhaseAsking {
			m.Needs++
		}
	}
	c.render(w, r, http.StatusOK, "incidents", page{
		Title: "Incidents", Section: "incidents", Viewer: viewer, Watch: "/events",
		Headline: fmt.Sprintf("%d incidents need people", m.Needs), Main: m,
	})
	return nil
}

func filter(name string, viewer bot.Person) ([]bot.IncidentState, bot.PersonID) {
	switch name {
	case "open":
		return []bot.IncidentState{bot.IncidentOpen}, ""
	case "resolved":
		return []bot.IncidentState{bot.IncidentResolved}, ""
	case "closed":
		return []bot.IncidentState{bot.IncidentClosed, bot.IncidentMerged}, ""
	case "mine":
		if viewer.ID == "" {
			return nil, "nobody is signed in" // no person has such an id
		}
		return []bot.IncidentState{bot.IncidentOpen, bot.IncidentResolved}, viewer.ID
	case "all":
		return nil, ""
	default:
		return []bot.IncidentState{bot.IncidentOpen, bot.IncidentResolved}, ""
	}
}

// cut leaves one page. The board may have added older incidents that wait for
// people; the next page begins below the newest that follow one another.
func (m *incidentsPage) cut(before bot.IncidentID) {
	ids := make([]bot.IncidentID, 0, len(m.Cards))
	for _, card := range m.Cards {
		ids = append(ids, card.Incident)
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	if len(ids) <= perPage {
		return
	}
	last := ids[perPage-1]
	m.Cards = slices.DeleteFunc(m.Cards, func(card bot.Card) bool {
		waits := card.Phase == bot.PhaseNeedsPerson || card.Phase == bot.PhaseAsking
		return card.Incident < last && (before != 0 || !waits)
	})
	v := url.Values{"show": {m.Filter}, "before": {last.String()}}
	if m.Text != "" {
		v.Set("q", m.Text)
	}
	m.Older = "/?" + v.Encode()
}

type runsPage struct {
	Runs   []bot.Run
	Active bool
	Older  string
}

func (c *Console) showRuns(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	before, err := bot.ParseRunID(r.URL.Query().Get("before"))
	if err != nil {
		return bot.Refuse(bot.RefusedInput, sentence(err.Error()), "Go to the runs and look from there.")
	}
	m := runsPage{Active: r.URL.Query().Get("show") == "active"}
	if m.Runs, err = c.ports.Lists.Runs(r.Context(), bot.RunQuery{Active: m.Active, Before: before, Limit: perPage + 1}); err != nil {
		return err
	}
	if len(m.Runs) > perPage {
		m.Runs = m.Runs[:perPage]
		v := url.Values{"before": {m.Runs[perPage-1].ID.String()}}
		if m.Active {
			v.Set("show", "active")
		}
		m.Older = "/runs?" + v.Encode()
	}
	c.render(w, r, http.StatusOK, "runs", page{Title: "Runs", Section: "runs", Viewer: viewer, Watch: "/events", Main: m})
	return nil
}

func (c *Console) showRun(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	id, err := bot.ParseRunID(r.PathValue("id"))
	if err != nil {
		return bot.Refuse(bot.RefusedUnknown, sentence(err.Error()), "Go to the runs and look from there.")
	}
	row, err := c.ports.Lists.Run(r.Context(), id)
	if err != nil {
		return err
	}
	plan, err := c.ports.Lists.Plan(r.Context(), row.Plan)
	if err != nil {
		return err
	}
	card, err := c.ports.Cards.Card(r.Context(), row.Incident, viewer)
	if err != nil {
		return err
	}
	actions, err := c.actions(r, card)
	if err != nil {
		return err
	}
	view := runView(bot.CardRun{Run: row, Plan: plan}, actions, true)
	c.render(w, r, http.StatusOK, "run", page{
		Title: row.ID.String() + " " + row.Playbook, Section: "runs", Viewer: viewer,
		Watch: "/events?incident=" + row.Incident.String(), Headline: row.ID.String() + " is " + string(row.State), Main: view,
	})
	return nil
}

type approvalsPage struct {
	Open    []bot.CardProposal
	Mine    int
	Decided []bot.Approval
}

func (c *Console) showApprovals(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	var m approvalsPage
	var err error
	if m.Open, err = c.ports.Cards.Proposals(r.Context(), viewer); err != nil {
		return err
	}
	for _, p := range m.Open {
		if p.MayVote == "" {
			m.Mine++
		}
	}
	decided := []bot.ApprovalState{bot.ApprovalApproved, bot.ApprovalDenied, bot.ApprovalExpired, bot.ApprovalWithdrawn}
	if m.Decided, err = c.ports.Lists.Approvals(r.Context(), bot.ApprovalQuery{States: decided, Limit: 20}); err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, "approvals", page{
		Title: "Approvals", Section: "approvals", Viewer: viewer, Watch: "/events",
		Headline: fmt.Sprintf("%d approvals wait, %d of them for you", len(m.Open), m.Mine), Main: m,
	})
	return nil
}

func (c *Console) showPlaybooks(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	c.render(w, r, http.StatusOK, "playbooks", page{Title: "Playbooks", Section: "playbooks", Viewer: viewer, Main: c.ports.Playbooks})
	return nil
}
