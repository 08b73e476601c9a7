// Package command is the leg for what people say, from every surface: one gate
// that tells who may say what, and the effect of every verb.
//
// It promises that a verb is judged in one place; that each effect is one commit
// with its Events, bound to the versions that were read; that of several people
// who decide at once one does, and the others are told who; that a repeat changes
// nothing and says so; that votes stand in the log with what they rest on, refused
// ones too (equal ones of one person once a minute); that halting works for anybody
// and with the store down.
//
// It assumes that the surface proved who Command.By is, or left it zero. What
// needs a plan (run, undo) is left on the incident for the decide leg. On failure
// it returns a *bot.Refusal in words for the person; when the store refuses, one
// that says that nothing was recorded; when it does not answer in time, one that
// says that this is not known, and that saying it again is safe.
package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"salve/bot"
)

// Store is what the leg wants of the store.
type Store interface {
	Writer
	Reader
	Past
	Holds
}

// Writer takes changes.
type Writer interface {
	Commit(ctx context.Context, change bot.Change) (bot.Receipt, error)
	NextID(kind bot.Kind) int64
}

// Reader reads what commands are about.
type Reader interface {
	Incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error)
	Alerts(ctx context.Context, id bot.IncidentID, limit int) ([]bot.Alert, error)
	Approval(ctx context.Context, id bot.ApprovalID) (bot.Approval, error)
	Approvals(ctx context.Context, q bot.ApprovalQuery) ([]bot.Approval, error)
	Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error)
}

// Past reads what runs, who holds what, and what was said before.
type Past interface {
	Run(ctx context.Context, id bot.RunID) (bot.Run, error)
	Runs(ctx context.Context, q bot.RunQuery) ([]bot.Run, error)
	ClaimsOf(ctx context.Context, id bot.IncidentID) ([]bot.Claim, error)
	Person(ctx context.Context, id bot.PersonID) (bot.Person, error)
	Events(ctx context.Context, q bot.EventQuery) ([]bot.Event, error)
}

// Holds reads what is on a target, and which incidents lead to it.
type Holds interface {
	History(ctx context.Context, playbook, target string) (bot.History, error)
	Incidents(ctx context.Context, q bot.IncidentQuery) ([]bot.Incident, error)
	OpenAlertsOf(ctx context.Context, source string, limit int) ([]bot.Alert, error)
}

// Brake reads halts, and sets and lifts the one that works without the store.
type Brake interface {
	Halts(ctx context.Context) ([]bot.Halt, error)
	SetFlag(reason string) error
	// ClearFlag removes the flag that was set at that time; bot.ErrConflict: it
	// was set again since.
	ClearFlag(at time.Time) error
}

// Door takes in what people raise.
type Door interface {
	Raise(ctx context.Context, by bot.Actor, a bot.Alert) (bot.Observation, error)
}

// Payloads takes quarantined payloads in again, or drops them.
type Payloads interface {
	Replay(ctx context.Context, id bot.QuarantineID, by bot.Actor) (bot.Answer, error)
	Discard(ctx context.Context, id bot.QuarantineID, by bot.Actor) (bot.Answer, error)
}

// Playbooks judges what people ask for before it is planned.
type Playbooks interface {
	// Check names what is wrong with params that a person gives, and their bounds.
	Check(playbook string, params map[string]string) error
	TargetOf(playbook string, alert bot.Alert, inc bot.Incident, params map[string]string) (string, error)
}

// Options tune the leg. The zero value is ready for use.
type Options struct {
	Log         *slog.Logger
	ResumeGroup string                     // who may lift a halt; "": resumers
	Known       func(playbook string) bool // whether a playbook is loaded; nil: the decide leg will tell
	Playbooks   Playbooks                  // nil: the decide leg will tell
	Door        Door                       // nil: nothing can be raised
	Timeout     time.Duration              // how long the store may take before a person is told to try again; 0: 5 s
	// Expiry is the time by which questions expire; nil: the wall clock. It
	// should not go back.
	Expiry func() time.Time
}

// Desk takes commands. It is safe for use by many at once.
type Desk struct {
	store    Store
	brake    Brake
	payloads Payloads
	opts     Options
	verbs    map[bot.Verb]verb
	refused  refused
}

// New makes the leg.
func New(store Store, brake Brake, payloads Payloads, opts Options) (*Desk, error) {
	if store == nil || brake == nil || payloads == nil {
		return nil, errors.New("command: a store, a brake and payloads are needed")
	}
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	opts.ResumeGroup = cmp.Or(opts.ResumeGroup, "resumers")
	opts.Timeout = cmp.Or(opts.Timeout, 5*time.Second)
	if opts.Known == nil {
		opts.Known = func(string) bool { return true }
	}
	if opts.Expiry == nil {
		opts.Expiry = time.Now
	}
	d := &Desk{store: store, brake: brake, payloads: payloads, opts: opts}
	d.verbs = d.gate()
	return d, nil
}

var errTimeout = errors.New("the store did not answer in time")

// errUnsure: a change was handed over, and the time was up before its answer
// came. The store may still write it.
var errUnsure = errors.New("it is not known whether this was recorded")

// tries is how often a command is carried out again after somebody else changed
// the same rows.
const tries = 10

// Do carries out a command. For it, By is in the groups of Basis too, which come
// of the surface's own. A vote that is refused is written down.
func (d *Desk) Do(ctx context.Context, c bot.Command) (bot.Answer, error) {
	c.By = withGroups(c.By, c.Basis.Groups)
	answer, err := d.carryOut(ctx, c)
	if err != nil {
		d.recordRefusal(ctx, c, err)
	}
	return answer, err
}

func (d *Desk) carryOut(ctx context.Context, c bot.Command) (bot.Answer, error) {
	v, ok := d.verbs[c.Verb]
	if !ok {
		return bot.Answer{}, bot.Refuse(bot.RefusedInput, fmt.Sprintf("There is no command %q.", c.Verb), "salve --help lists the commands.")
	}
	if v.who == anybody {
		c = plain(c)
	}
	if r := d.mayUse(v, c); r != nil {
		return bot.Answer{}, r
	}
	if r := complete(v, c); r != nil {
		return bot.Answer{}, r
	}
	ctx, cancel := context.WithTimeoutCause(ctx, v.patience(d.opts.Timeout), errTimeout)
	defer cancel()
	for range tries {
		now := instant(time.Now())
		answer, err := v.do(ctx, order{Command: c, by: c.Actor(), now: now, expiry: d.expiry(now)})
		if !errors.Is(err, bot.ErrConflict) {
			return answer, d.refusal(ctx, c, err)
		}
	}
	return bot.Answer{}, bot.Refuse(bot.RefusedLater, "Others are changing the same incident right now; nothing was recorded.", "Try again.")
}

// order is a command with who gave it and when.
type order struct {
	bot.Command
	by     bot.Actor
	now    time.Time
	expiry time.Time // by which questions have expired
}

// expiry is the time by which questions have expired: now, while the clocks agree.
func (d *Desk) expiry(now time.Time) time.Time {
	if t := instant(d.opts.Expiry()); t.Sub(now) > time.Second {
		return t
	}
	return now
}

// instant is a time as the store keeps it.
func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// event begins an Event of the order.
func (o order) event(kind bot.EventKind, format string, args ...any) bot.Event {
	return bot.Event{At: o.now, Kind: kind, Actor: o.by, Incident: o.Incident, Run: o.Run, Text: o.by.Name + " " + fmt.Sprintf(format, args...)}
}

// commit writes a change. What the store may write although it has not answered
// in time is told apart from what it surely did not.
func (d *Desk) commit(ctx context.Context, change bot.Change) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	_, err := d.store.Commit(ctx, change)
	return d.unsure(ctx, err)
}

// unsure marks the error of a commit after which nobody knows whether it was
// written.
func (d *Desk) unsure(ctx context.Context, err error) error {
	switch {
	case err == nil, ctx.Err() == nil:
		return err
	case errors.Is(err, bot.ErrConflict), errors.Is(err, bot.ErrOverloaded), errors.Is(err, bot.ErrUnavailable):
		return err
	default:
		return fmt.Errorf("%w: %w", errUnsure, err)
	}
}

// refusal puts errors into words for people; what people can do nothing about is
// logged.
func (d *Desk) refusal(ctx context.Context, c bot.Command, err error) error {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*bot.Refusal](err); ok {
		if r.Next == "" && (c.Run != 0 || c.Incident != 0) {
			r = bot.Refuse(r.Code, r.Why, "Read it as it is now: salve show "+cmp.Or(c.Run.String(), c.Incident.String())+".")
		}
		return r
	}
	if errors.Is(err, bot.ErrNotFound) {
		return bot.Refuse(bot.RefusedUnknown, "There is no "+subject(c)+".", "`salve incidents`, `salve approvals` and `salve runs` list what there is.")
	}
	d.opts.Log.ErrorContext(ctx, "command not recorded", "verb", c.Verb, "incident", c.Incident, "run", c.Run, "err", err)
	if errors.Is(err, errUnsure) {
		return bot.Refuse(bot.RefusedLater, "The store has not answered yet; it is not known whether this was recorded.", "Say it again: if it was, you are told so and nothing is done twice.")
	}
	return bot.Refuse(bot.RefusedLater, "This was not recorded: the store did not answer.", "Try again; `salve status` says how Salve is.")
}

// subject is what the command is about, by its id; empty: nothing in particular.
func subject(c bot.Command) string {
	switch {
	case c.Run != 0:
		return c.Run.String()
	case c.Approval != 0:
		return c.Approval.String()
	case c.Quarantine != 0:
		return c.Quarantine.String()
	case c.Incident != 0:
		return c.Incident.String()
	default:
		return ""
	}
}
