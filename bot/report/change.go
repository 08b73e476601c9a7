package report

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// Incident is the cause of changes, and the changes.
type Incident struct {
	ID       bot.IncidentID `json:"id"`
	Title    string         `json:"title"`    // from its row
	Severity string         `json:"severity"` // from its row
	Source   string         `json:"source"`   // from its row
	Alerts   []Alert        `json:"alerts"`   // from rows; the first few
	More     int            `json:"more,omitempty"`
	Received int64          `json:"received"` // Events of alerts that came in, until the end of the Span
	Changes  []Change       `json:"changes"`
}

// Alert is one alert of an Incident.
type Alert struct {
	Title    string    `json:"title"`
	Severity string    `json:"severity"`
	StartsAt time.Time `json:"starts_at"`
	Source   string    `json:"source"`
}

// Vote is what one person said.
type Vote struct {
	Seq     int64     `json:"seq"`
	At      time.Time `json:"at"`
	Person  string    `json:"person"`
	Name    string    `json:"name"`
	Surface string    `json:"surface"`
	Yes     bool      `json:"yes"`
	Reason  string    `json:"reason,omitempty"`
	Groups  []string  `json:"groups"` // of the approver groups, those that the person was in
	Digest  string    `json:"digest"`
}

// Step is one step of a plan, as it was shown.
type Step struct {
	ID      string `json:"id"`
	Title   string `json:"title"`
	Action  string `json:"action"`
	Args    string `json:"args"` // JSON; secrets are references
	Effect  string `json:"effect"`
	Repeat  string `json:"repeat"`
	Timeout string `json:"timeout"`
	Undo    *Step  `json:"undo,omitempty"`
}

// Check is what one check of the verification found.
type Check struct {
	ID     string `json:"id"`
	Result string `json:"result"`
}

// Change is one plan and what became of it.
type Change struct {
	Plan     bot.PlanID       `json:"plan"`
	Approval bot.ApprovalID   `json:"approval,omitempty"`
	Run      bot.RunID        `json:"run,omitempty"`
	Kind     string           `json:"kind"`
	Playbook string           `json:"playbook"`
	Version  string           `json:"version"` // hash of the playbook
	Title    string           `json:"title"`
	Target   string           `json:"target"`
	Risk     string           `json:"risk"`
	Mode     string           `json:"mode"`
	Rule     bot.ApprovalRule `json:"rule"`
	Digest   string           `json:"digest"` // in the log
	Holds    bool             `json:"holds"`  // the plan that is stored hashes to it
	AskedBy  string           `json:"asked_by,omitempty"`
	Why      string           `json:"why"`
	Steps    []Step           `json:"steps"`
	Verify   []string         `json:"verify,omitempty"`

	Opened    time.Time `json:"opened"`
	Votes     []Vote    `json:"votes,omitempty"`
	Decision  string    `json:"decision"` // approved, denied, expired, withdrawn, by itself, pending
	DecidedBy string    `json:"decided_by"`
	DecidedAt time.Time `json:"decided_at,omitzero"`
	Reason    string    `json:"reason,omitempty"`

	Started  time.Time `json:"started,omitzero"` // of the first step
	Ended    time.Time `json:"ended,omitzero"`
	Outcome  string    `json:"outcome"`       // fixed, not_fixed, unverified, failed, cancelled, under way, not run
	Fix      string    `json:"fix,omitempty"` // what verification found
	Checks   []Check   `json:"checks,omitempty"`
	Undoes   bot.RunID `json:"undoes,omitempty"`
	UndoneBy bot.RunID `json:"undone_by,omitempty"`
	Undoing  bool      `json:"undoing,omitempty"` // its own steps were undone

	Findings []string `json:"findings,omitempty"` // what an auditor should ask about
	Lines    []Line   `json:"lines"`              // all that the log says of it
	More     int      `json:"more,omitempty"`     // lines beyond
}

// maxLines bounds Change.Lines.
const maxLines = 300

// take reads one Event of the change, in the order of the chain.
func (c *Change) take(e bot.Event, known *people) {
	if len(c.Lines) < maxLines {
		c.Lines = append(c.Lines, line(e))
	} else {
		c.More++
	}
	c.Approval, c.Run = max(c.Approval, e.Approval), max(c.Run, e.Run)
	if d := e.Data["digest"]; d != "" && c.Digest == "" {
		c.Digest = d
	}
	switch e.Kind {
	case bot.EventProposed:
		c.Opened, c.Why, c.Decision = e.At, e.Text, "pending"
	case bot.EventVoted:
		c.Votes = append(c.Votes, c.vote(e, known))
	case bot.EventApproved, bot.EventDenied, bot.EventExpired, bot.EventWithdrawn:
		_, c.Decision, _ = strings.Cut(string(e.Kind), ".")
		c.DecidedBy, c.DecidedAt, c.Reason = who(e.Actor), e.At, e.Text
	case bot.EventRunPlanned:
		c.planned(e)
	default:
		c.ran(e)
	}
}

// planned is told of a run that was approved, and of one that starts by itself.
func (c *Change) planned(e bot.Event) {
	c.Outcome = "under way"
	if c.Decision != "" {
		return
	}
	c.Opened, c.Why, c.Decision = e.At, e.Text, "by itself"
	c.DecidedBy, c.DecidedAt = who(e.Actor), e.At
}

func (c *Change) ran(e bot.Event) {
	switch e.Kind {
	case bot.EventStepStarted:
		if c.Started.IsZero() {
			c.Started = e.At
		}
	case bot.EventStepUnknown:
		c.find("It was not known whether step " + e.Data["step"] + " took effect.")
	case bot.EventStepSettled:
		c.find("A person said what became of the run: " + e.Text)
	case bot.EventRunUndoing:
		c.Undoing = true
	case bot.EventRunEnded:
		c.ended(e)
	}
}

func (c *Change) ended(e bot.Event) {
	c.Ended, c.Outcome, c.Fix, c.Checks = e.At, e.Data["state"], e.Data["fix"], nil
	if c.Outcome == "" {
		_, c.Outcome, _ = strings.Cut(e.Text, ": ") // a person ended it
	}
	for k, v := range e.Data {
		if id, ok := strings.CutPrefix(k, "check "); ok {
			c.Checks = append(c.Checks, Check{ID: id, Result: v})
		}
	}
	slices.SortFunc(c.Checks, func(a, b Check) int { return strings.Compare(a.ID, b.ID) })
}

func (c *Change) vote(e bot.Event, known *people) Vote {
	v := Vote{
		Seq: e.Seq, At: e.At, Person: string(e.Actor.Person), Name: e.Actor.Name, Surface: e.Actor.Surface,
		Reason: e.Data["reason"], Digest: e.Data["digest"], Groups: []string{},
	}
	switch e.Data["vote"] {
	case "yes":
		v.Yes = true
	case "no":
	default: // an older log says it in its text only
		v.Yes = strings.HasPrefix(strings.TrimPrefix(e.Text, e.Actor.Name+" "), "said yes ")
	}
	if s, ok := known.at(e.Actor.Person, e.Seq); ok && !s.Disabled {
		v.Groups = append(v.Groups, s.groupsOf(c.Rule.Voters())...)
	}
	// Groups that come of a chat surface stand in no record of the person, but
	// with the vote.
	fromSurface := strings.Fields(e.Data["groups"])
	for _, g := range strings.Fields(e.Data["relied_on"]) {
		if slices.Contains(fromSurface, g) && slices.Contains(c.Rule.Voters(), g) && !slices.Contains(v.Groups, g) {
			v.Groups = append(v.Groups, g)
		}
	}
	return v
}

func (c *Change) find(text string) { c.Findings = append(c.Findings, text) }

// shown fills in what the stored plan says.
func (c *Change) shown(p bot.Plan) {
	c.Kind, c.Playbook, c.Version, c.Title, c.Target = string(p.Kind), p.Playbook, p.PlaybookHash, p.Title, p.Target
	c.Risk, c.Mode, c.Rule, c.Undoes = string(p.Risk), string(p.Mode), p.Rule, p.Undoes
	if p.AskedBy.Name != "" {
		c.AskedBy = who(p.AskedBy)
	}
	for _, s := range p.Steps {
		c.Steps = append(c.Steps, *shownStep(&s))
	}
	if p.Verify != nil {
		for _, k := range p.Verify.Checks {
			c.Verify = append(c.Verify, strings.TrimSpace(k.ID+": "+k.Probe+" "+args(k.Args)+" "+k.Expect)+", within "+p.Verify.Within.String())
		}
	}
}

func shownStep(s *bot.PlanStep) *Step {
	if s == nil {
		return nil
	}
	return &Step{
		ID: s.ID, Title: s.Title, Action: s.Action, Args: args(s.Args), Effect: string(s.Effect), Repeat: string(s.Repeat),
		Timeout: s.Timeout.String(), Undo: shownStep(s.Undo),
	}
}

// args are written with sorted keys, so that the same plan reads the same.
func args(a map[string]any) string {
	if len(a) == 0 {
		return ""
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		return "(cannot be written: " + err.Error() + ")"
	}
	return strings.TrimSpace(b.String())
}
