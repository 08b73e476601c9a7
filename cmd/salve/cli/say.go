package cli

import (
	"context"
	"regexp"
	"strings"

	"salve/bot"
)

// say sends a command and prints the answer.
func say(ctx context.Context, e *Env, c bot.Command) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	answer, err := door.Do(ctx, c)
	if err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(answer)
	}
	s.line("%s", plain(answer.Text))
	return nil
}

// OnIncident is an incident as an argument.
type OnIncident struct {
	ID string `arg:"" help:"An incident (I-142)."`
}

func (o OnIncident) id() (bot.IncidentID, error) {
	id, err := bot.ParseIncidentID(o.ID)
	if err != nil {
		return 0, usage("%s; `salve incidents` lists them", err)
	}
	return id, nil
}

// sayOn sends a command about an incident.
func sayOn(ctx context.Context, e *Env, o OnIncident, c bot.Command) error {
	id, err := o.id()
	if err != nil {
		return err
	}
	c.Incident = id
	return say(ctx, e, c)
}

// Approve approves a plan.
type Approve struct {
	OnIncident
	Digest string `arg:"" optional:"" help:"The first 8 characters of the plan's digest, as the card shows them."`
}

// Help is shown by --help.
func (Approve) Help() string {
	return "Example:\n  salve show I-142              # read the plan and its digest\n  salve approve I-142 3fa9c1d2"
}

// Run approves; without a digest it shows what there is to approve.
func (c Approve) Run(ctx context.Context, e *Env) error {
	if c.Digest == "" {
		if err := (Show{ID: c.ID}).Run(ctx, e); err != nil {
			return err
		}
		return usage("name the digest of the plan that you have read: salve approve %s DIGEST", c.ID)
	}
	return sayOn(ctx, e, c.OnIncident, bot.Command{Verb: bot.VerbApprove, Digest: c.Digest})
}

// Deny denies a plan.
type Deny struct {
	OnIncident
	Words  []string `arg:"" optional:"" help:"Which plan, by the first 8 characters of its digest, when several wait; then the reason."`
	Reason string   `help:"Why; people read it on the card." short:"r"`
}

// Help is shown by --help.
func (Deny) Help() string {
	return "Examples:\n  salve deny I-142 --reason \"the deploy is being rolled back\"\n  salve deny I-142 3fa9c1d2 wrong host"
}

var digestPattern = regexp.MustCompile(`^[0-9a-f]{8,64}$`)

// Run denies.
func (c Deny) Run(ctx context.Context, e *Env) error {
	cmd := bot.Command{Verb: bot.VerbDeny, Reason: c.Reason}
	words := c.Words
	if len(words) > 0 && digestPattern.MatchString(words[0]) {
		cmd.Digest, words = words[0], words[1:]
	}
	if cmd.Reason == "" {
		cmd.Reason = strings.Join(words, " ")
	}
	if cmd.Reason == "" {
		return usage("say why, people read it on the card: salve deny %s --reason \"...\"", c.ID)
	}
	return sayOn(ctx, e, c.OnIncident, cmd)
}

// Take makes me the owner.
type Take struct{ OnIncident }

// Run takes.
func (c Take) Run(ctx context.Context, e *Env) error {
	return sayOn(ctx, e, c.OnIncident, bot.Command{Verb: bot.VerbTake})
}

// Release gives an incident back to automation.
type Release struct{ OnIncident }

// Run releases.
func (c Release) Run(ctx context.Context, e *Env) error {
	return sayOn(ctx, e, c.OnIncident, bot.Command{Verb: bot.VerbRelease})
}

// Assign makes somebody else the owner.
type Assign struct {
	OnIncident
	To string `arg:"" help:"A person's id; salve user list shows them."`
}

// Run assigns.
func (c Assign) Run(ctx context.Context, e *Env) error {
	return sayOn(ctx, e, c.OnIncident, bot.Command{Verb: bot.VerbAssign, To: c.To})
}

// Handover gives an incident to the next shift with a message.
type Handover struct {
	OnIncident
	To      string   `arg:"" help:"A person's id."`
	Message []string `arg:"" help:"What the next person must know."`
}

// Run hands over.
func (c Handover) Run(ctx context.Context, e *Env) error {
	return sayOn(ctx, e, c.OnIncident, bot.Command{Verb: bot.VerbHandover, To: c.To, Reason: strings.Join(c.Message, " ")})
}

// Note writes on the card.
type Note struct {
	OnIncident
	Text []string `arg:"" help:"The note."`
}

// Run notes.
func (c Note) Run(ctx context.Context, e *Env) error {
	return sayOn(ctx, e, c.OnIncident, bot.Command{Verb: bot.VerbNote, Reason: strings.Join(c.Text, " ")})
}

// Close ends an incident.
type Close struct {
	OnIncident
	Reason []string `arg:"" help:"Why it is over."`
}

// Run closes.
func (c Close) Run(ctx context.Context, e *Env) error {
	return sayOn(ctx, e, c.OnIncident, bot.Command{Verb: bot.VerbClose, Reason: strings.Join(c.Reason, " ")})
}

// Reopen opens a closed incident again.
type Reopen struct{ OnIncident }

// Run reopens.
func (c Reopen) Run(ctx context.Context, e *Env) error {
	return sayOn(ctx, e, c.OnIncident, bot.Command{Verb: bot.VerbReopen})
}

// Merge moves the alerts of one incident into another.
type Merge struct {
	OnIncident
	Into string `arg:"" help:"The incident that stays."`
}

// Run merges.
func (c Merge) Run(ctx context.Context, e *Env) error {
	into, err := bot.ParseIncidentID(c.Into)
	if err != nil {
		return usage("%s", err)
	}
	return sayOn(ctx, e, c.OnIncident, bot.Command{Verb: bot.VerbMerge, Into: into})
}

// Split moves some alerts into an incident of their own.
type Split struct {
	OnIncident
	Fingerprints []string `arg:"" help:"Fingerprints of the alerts that move out; salve show --json lists them."`
}

// Run splits.
func (c Split) Run(ctx context.Context, e *Env) error {
	return sayOn(ctx, e, c.OnIncident, bot.Command{Verb: bot.VerbSplit, Alerts: c.Fingerprints})
}

// Snooze pauses automation and reminders for a while.
type Snooze struct {
	OnIncident
	For string `arg:"" help:"How long: 30m, 4h."`
}

// Run snoozes.
func (c Snooze) Run(ctx context.Context, e *Env) error {
	var d bot.Duration
	if err := d.UnmarshalText([]byte(c.For)); err != nil {
		return usage("%s", err)
	}
	return sayOn(ctx, e, c.OnIncident, bot.Command{Verb: bot.VerbSnooze, For: d})
}

// RunPlaybook asks for a playbook to be planned for an incident.
type RunPlaybook struct {
	Playbook  string            `arg:"" optional:"" help:"A playbook; salve playbook list shows them."`
	Incident  string            `arg:"" optional:"" help:"An incident (I-142)."`
	Param     map[string]string `help:"Values for the playbook's params." short:"p" placeholder:"NAME=VALUE"`
	InsteadOf string            `help:"An approval that waits (A-7): ask for the same with other values; it is withdrawn when the new plan stands." placeholder:"APPROVAL"`
}

// Help is shown by --help.
func (RunPlaybook) Help() string {
	return "It becomes a plan like any other: frozen, guarded, and approved by somebody else than you.\n\nExamples:\n  salve run service-restart I-142 -p service=nginx\n  salve run --instead-of A-7 -p count=2"
}

// Run asks.
func (c RunPlaybook) Run(ctx context.Context, e *Env) error {
	cmd := bot.Command{Verb: bot.VerbRun, Playbook: c.Playbook, Params: c.Param}
	if c.InsteadOf == "" {
		if c.Playbook == "" || c.Incident == "" {
			return usage("name a playbook and an incident: salve run PLAYBOOK I-142")
		}
		return sayOn(ctx, e, OnIncident{ID: c.Incident}, cmd)
	}
	if c.Playbook != "" {
		return usage("--instead-of names the playbook and the incident already; leave them out")
	}
	id, err := bot.ParseApprovalID(c.InsteadOf)
	if err != nil {
		return usage("%s; `salve approvals` lists them", err)
	}
	cmd.Approval = id
	return say(ctx, e, cmd)
}

// OnRun is a run as an argument.
type OnRun struct {
	ID string `arg:"" help:"A run (R-88)."`
}

func sayOnRun(ctx context.Context, e *Env, o OnRun, c bot.Command) error {
	id, err := bot.ParseRunID(o.ID)
	if err != nil {
		return usage("%s; `salve runs` lists them", err)
	}
	c.Run = id
	return say(ctx, e, c)
}

// Undo asks for the undo of a finished run.
type Undo struct{ OnRun }

// Run asks.
func (c Undo) Run(ctx context.Context, e *Env) error {
	return sayOnRun(ctx, e, c.OnRun, bot.Command{Verb: bot.VerbUndo})
}

// Cancel stops a run before its next step.
type Cancel struct{ OnRun }

// Run cancels.
func (c Cancel) Run(ctx context.Context, e *Env) error {
	return sayOnRun(ctx, e, c.OnRun, bot.Command{Verb: bot.VerbCancel})
}

// Settle says what became of a run that waits for a person.
type Settle struct {
	OnRun
	As string `arg:"" help:"done, not-done: what became of the unknown step. retry: carry it out again. undo, abandon: give up. continue: go on after a halt." enum:"done,not-done,retry,undo,abandon,continue"`
}

// Run settles.
func (c Settle) Run(ctx context.Context, e *Env) error {
	seen, err := readRun(ctx, e, c.ID)
	if err != nil {
		return err
	}
	return say(ctx, e, bot.Command{Verb: bot.VerbSettle, Run: seen.Run.ID, Settle: bot.Settlement(c.As), Seen: seen.Run.Version})
}
