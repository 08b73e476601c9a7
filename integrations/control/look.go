package control

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/bot"
)

func (s *Server) command(ctx context.Context, c call) (any, error) {
	var cmd bot.Command
	if err := read(c, &cmd); err != nil {
		return nil, err
	}
	if cmd.Verb == bot.VerbSettle && cmd.Seen == 0 { // what became of a step is said about the run as it was looked at
		return nil, bot.Refuse(bot.RefusedInput, "It does not say which version of "+cmd.Run.String()+" it settles.",
			"Read the run, GET /v1/runs/"+cmd.Run.String()+", and send its version as seen.")
	}
	cmd.By, cmd.Surface, cmd.Caller = c.who.person, "cli", c.who.name
	cmd.Basis = bot.Basis{Transport: "cli", Identity: c.who.identity, ReceivedAt: time.Now()}
	return s.ports.Commander.Do(ctx, cmd)
}

func (s *Server) incidents(ctx context.Context, c call) (any, error) {
	n, err := limit(c)
	if err != nil {
		return nil, err
	}
	q := bot.IncidentQuery{Limit: n, Text: c.URL.Query().Get("text")}
	if q.States, err = states(c, bot.IncidentOpen, bot.IncidentResolved, bot.IncidentClosed, bot.IncidentMerged); err != nil {
		return nil, err
	}
	if q.Before, err = bot.ParseIncidentID(c.URL.Query().Get("before")); err != nil {
		return nil, badInput(err)
	}
	switch owner := c.URL.Query().Get("owner"); owner {
	case "me":
		if q.Owner = c.who.person.ID; q.Owner == "" {
			return nil, bot.Refuse(bot.RefusedIdentity, "Nobody knows who is asking, so nothing is yours.", "salve whoami says more.")
		}
	default:
		q.Owner = bot.PersonID(owner)
	}
	return s.ports.Rows.Incidents(ctx, q)
}

func incidentID(c call) (bot.IncidentID, error) {
	id, err := bot.ParseIncidentID(c.PathValue("id"))
	if err != nil {
		return 0, badInput(err)
	}
	return id, nil
}

func (s *Server) incident(ctx context.Context, c call) (any, error) {
	id, err := incidentID(c)
	if err != nil {
		return nil, err
	}
	return s.ports.Cards.Card(ctx, id, c.who.person)
}

func (s *Server) timeline(ctx context.Context, c call) (any, error) {
	id, err := incidentID(c)
	if err != nil {
		return nil, err
	}
	t, err := s.ports.Cards.Timeline(ctx, id)
	return text(t), err
}

func (s *Server) why(ctx context.Context, c call) (any, error) {
	id, err := incidentID(c)
	if err != nil {
		return nil, err
	}
	return s.ports.Insight.Why(ctx, id)
}

func (s *Server) incidentEvents(ctx context.Context, c call) (any, error) {
	id, err := incidentID(c)
	if err != nil {
		return nil, err
	}
	return s.ports.Records.Events(ctx, bot.EventQuery{Incident: id, Last: true, Limit: 1000})
}

func (s *Server) runs(ctx context.Context, c call) (any, error) {
	v := c.URL.Query()
	q := bot.RunQuery{Target: v.Get("target"), Playbook: v.Get("playbook"), Active: v.Get("active") == "true"}
	var err error
	if q.Limit, err = limit(c); err != nil {
		return nil, err
	}
	if q.Incident, err = bot.ParseIncidentID(v.Get("incident")); err != nil {
		return nil, badInput(err)
	}
	if q.Before, err = bot.ParseRunID(v.Get("before")); err != nil {
		return nil, badInput(err)
	}
	return s.ports.Rows.Runs(ctx, q)
}

func (s *Server) oneRun(ctx context.Context, c call) (any, error) {
	id, err := bot.ParseRunID(c.PathValue("id"))
	if err != nil {
		return nil, badInput(err)
	}
	r, err := s.ports.Rows.Run(ctx, id)
	if err != nil {
		return nil, err
	}
	p, err := s.ports.Rows.Plan(ctx, r.Plan)
	return bot.CardRun{Run: r, Plan: p}, err
}

func (s *Server) approvals(ctx context.Context, c call) (any, error) {
	q := bot.ApprovalQuery{}
	var err error
	if q.Limit, err = limit(c); err != nil {
		return nil, err
	}
	if q.Incident, err = bot.ParseIncidentID(c.URL.Query().Get("incident")); err != nil {
		return nil, badInput(err)
	}
	q.States, err = states(c, bot.ApprovalPending, bot.ApprovalApproved, bot.ApprovalDenied, bot.ApprovalExpired, bot.ApprovalWithdrawn)
	if err != nil {
		return nil, err
	}
	return s.ports.Rows.Approvals(ctx, q)
}

func (s *Server) events(ctx context.Context, c call) (any, error) {
	v := c.URL.Query()
	q := bot.EventQuery{Last: v.Get("last") == "true"}
	var err error
	if q.Limit, err = limit(c); err != nil {
		return nil, err
	}
	if q.Incident, err = bot.ParseIncidentID(v.Get("incident")); err != nil {
		return nil, badInput(err)
	}
	if q.Run, err = bot.ParseRunID(v.Get("run")); err != nil {
		return nil, badInput(err)
	}
	return s.ports.Records.Events(ctx, q)
}

func (s *Server) verifyAudit(ctx context.Context, _ call) (any, error) {
	return s.ports.Insight.VerifyAudit(ctx)
}

func (s *Server) quarantine(ctx context.Context, c call) (any, error) {
	q := bot.QuarantineQuery{}
	var err error
	if q.Limit, err = limit(c); err != nil {
		return nil, err
	}
	if q.States, err = states(c, bot.QuarantineHeld, bot.QuarantineReplayed, bot.QuarantineDiscarded); err != nil {
		return nil, err
	}
	return s.ports.Records.QuarantineList(ctx, q)
}

// heldPayload is a quarantined payload with its body as text.
type heldPayload struct {
	bot.Quarantined
	Body string `json:"body"`
}

func (s *Server) payload(ctx context.Context, c call) (any, error) {
	id, err := bot.ParseQuarantineID(c.PathValue("id"))
	if err != nil {
		return nil, badInput(err)
	}
	q, err := s.ports.Records.QuarantineItem(ctx, id)
	return heldPayload{Quarantined: q, Body: strings.ToValidUTF8(string(q.Body), "\uFFFD")}, err
}

func (s *Server) playbooks(context.Context, call) (any, error) {
	return s.ports.Insight.Playbooks(), nil
}

func (s *Server) halts(ctx context.Context, _ call) (any, error) { return s.ports.Insight.Halts(ctx) }

// claims are the targets that people hold now without an incident.
func (s *Server) claims(ctx context.Context, _ call) (any, error) {
	held, err := s.ports.Claims.ClaimsOf(ctx, 0)
	now := time.Now()
	return slices.DeleteFunc(held, func(c bot.Claim) bool { return !c.Holds(now) }), err
}

func (s *Server) status(ctx context.Context, _ call) (any, error) { return s.ports.Insight.Status(ctx) }

// me is a person with what they may do, and what would let them do the rest.
type me struct {
	bot.Person
	Rights []bot.Right `json:"rights,omitempty"`
}

func (s *Server) whoami(_ context.Context, c call) (any, error) {
	if c.who.person.ID == "" {
		return c.who.person, nil
	}
	return me{c.who.person, bot.Rights(c.who.person, s.ports.Insight.Playbooks(), s.opts.ResumeGroup)}, nil
}

// revision tells how far the world is: the number of the newest Event, which
// every change has.
type revision struct {
	Revision int64 `json:"revision"`
}

// live answers once something has changed since ?after=, or after a while;
// without after, at once.
func (s *Server) live(ctx context.Context, c call) (any, error) {
	after, err := afterOf(c)
	if err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, s.opts.LongPoll)
	defer cancel()
	changes := s.ports.Cards.Subscribe(waiting) // before looking, so that nothing falls between
	rev, err := s.revision(ctx)
	if err != nil || after == nil || rev != *after {
		return revision{rev}, err
	}
	select {
	case <-changes:
	case <-s.draining:
	case <-waiting.Done():
	}
	rev, err = s.revision(ctx)
	return revision{rev}, err
}

func afterOf(c call) (*int64, error) {
	text := c.URL.Query().Get("after")
	if text == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return nil, bot.Refuse(bot.RefusedInput, "after is a number of 0 or more.", "Send the revision of the last answer.")
	}
	return &n, nil
}

func (s *Server) revision(ctx context.Context) (int64, error) {
	newest, err := s.ports.Records.Events(ctx, bot.EventQuery{Last: true, Limit: 1})
	if err != nil || len(newest) == 0 {
		return 0, err
	}
	return newest[0].Seq, nil
}
