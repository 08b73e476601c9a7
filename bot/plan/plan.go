// Package plan renders a Playbook for one Incident and one target into a frozen
// Plan: every argument of every step, check and undo, with a digest over all of
// it.
//
// It is pure. It promises that text from an alert becomes data and nothing else:
// one template is one argv element, one path segment or query value, one JSON
// value; scheme and host of a URL, the program of a command, header names and
// secrets are literal; and the rendered result is checked, not the template. The
// same input gives the same digest, before and after storage.
//
// It assumes playbooks that were checked when they were loaded; Compile fails on
// what is wrong with one. Build fails, with words for the person who asked, when
// a value is missing, out of its bounds, or cannot stand where it should.
package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"salve/bot"
	"salve/bot/expr"
)

const maxPlan = 256 << 10 // bytes of a Plan as JSON

// Set is playbooks ready to be rendered. It is never changed after Compile and
// is safe for use by many at once.
type Set struct{ books map[string]*book }

// book is a playbook with everything in it compiled.
type book struct {
	bot.Playbook
	target  *expr.String
	allowed []*regexp.Regexp
	params  []param
	steps   []step
	checks  []check
}

// Input is what a Plan is made of.
type Input struct {
	Playbook string
	Incident bot.Incident
	Alert    bot.Alert         // the alert that fills it
	Params   map[string]string // given by a person; the others take their default
	AskedBy  bot.Actor         // zero when the alert asked
	Now      time.Time
}

// Compile makes playbooks ready over the actions that there are.
func Compile(playbooks []bot.Playbook, actions map[string]bot.ActionInfo) (*Set, error) {
	s := &Set{books: make(map[string]*book, len(playbooks))}
	for _, p := range playbooks {
		b, err := compileBook(p, actions)
		if err != nil {
			return nil, fmt.Errorf("playbook %s: %w", p.Name, err)
		}
		if s.books[p.Name] != nil {
			return nil, fmt.Errorf("playbook %s: there are two of that name", p.Name)
		}
		s.books[p.Name] = b
	}
	return s, nil
}

func compileBook(p bot.Playbook, actions map[string]bot.ActionInfo) (*book, error) {
	b := &book{Playbook: p}
	sc := scope{params: p.Params, actions: actions}
	if err := b.compileTarget(sc); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(p.Params)) {
		prm, err := compileParam(name, p.Params[name])
		if err != nil {
			return nil, fmt.Errorf("param %s: %w", name, err)
		}
		b.params = append(b.params, prm)
	}
	if err := b.compileSteps(sc); err != nil {
		return nil, err
	}
	return b, b.compileChecks(sc)
}

func (b *book) compileTarget(sc scope) error {
	var err error
	if b.target, err = expr.CompileString(expr.AlertEnv, b.Playbook.Target); err != nil {
		return fmt.Errorf("target: %w", err)
	}
	if err := sc.declared(b.target.Params()); err != nil {
		return fmt.Errorf("target: %w", err)
	}
	for _, t := range b.Targets {
		re, err := anchored(t)
		if err != nil {
			return fmt.Errorf("targets: %w", err)
		}
		b.allowed = append(b.allowed, re)
	}
	return nil
}

func (b *book) compileSteps(sc scope) error {
	ids := make([]string, 0, len(b.Playbook.Steps))
	for _, s := range b.Playbook.Steps {
		st, err := sc.compileStep(s)
		if err != nil {
			return fmt.Errorf("step %s: %w", s.ID, err)
		}
		b.steps, ids = append(b.steps, st), append(ids, s.ID)
	}
	return unique("step", ids)
}

func (b *book) compileChecks(sc scope) error {
	if b.Verify == nil {
		return nil
	}
	ids := make([]string, 0, len(b.Verify.Checks))
	for _, c := range b.Verify.Checks {
		ch, err := sc.compileCheck(c)
		if err != nil {
			return fmt.Errorf("check %s: %w", c.ID, err)
		}
		b.checks, ids = append(b.checks, ch), append(ids, c.ID)
	}
	return unique("check", ids)
}

// Target is what the playbook would touch for this alert, with its params at
// their defaults.
func (s *Set) Target(playbook string, alert bot.Alert, inc bot.Incident) (string, error) {
	b, err := s.book(playbook)
	if err != nil {
		return "", err
	}
	_, target, _, err := b.resolve(Input{Incident: inc, Alert: alert})
	return target, err
}

func (s *Set) book(name string) (*book, error) {
	b := s.books[name]
	if b == nil {
		return nil, fmt.Errorf("there is no playbook %q; `salve playbook list` shows them", name)
	}
	return b, nil
}

// Build renders. ID is left zero.
func (s *Set) Build(in Input) (bot.Plan, error) {
	b, err := s.book(in.Playbook)
	if err != nil {
		return bot.Plan{}, err
	}
	params, target, vars, err := b.resolve(in)
	if err != nil {
		return bot.Plan{}, fmt.Errorf("playbook %s: %w", b.Name, err)
	}
	p := bot.Plan{
		Incident: in.Incident.ID, Kind: bot.PlanRespond, Playbook: b.Name, PlaybookHash: b.Hash,
		Title: b.Title, Target: target, Params: params, Rule: b.rule(in.AskedBy),
		Mode: b.Mode, AutoBelow: b.AutoBelow, Cooldown: b.Cooldown, UndoUntil: b.UndoUntil, Risk: b.Risk, Runbook: b.Runbook,
		Alert: in.Alert.AlertKey, AskedBy: in.AskedBy, CreatedAt: in.Now,
	}
	if p.Title == "" {
		p.Title = b.Name
	}
	for _, st := range b.steps {
		rendered, err := st.render(vars)
		if err != nil {
			return bot.Plan{}, fmt.Errorf("playbook %s, step %s: %w", b.Name, st.spec.ID, err)
		}
		p.Steps = append(p.Steps, rendered)
	}
	if p.Verify, err = b.verify(vars); err != nil {
		return bot.Plan{}, fmt.Errorf("playbook %s, %w", b.Name, err)
	}
	return seal(p)
}

// resolve gives the params, the target, and the variables that both make.
func (b *book) resolve(in Input) (map[string]string, string, expr.Vars, error) {
	params, err := b.fill(in)
	if err != nil {
		return nil, "", expr.Vars{}, err
	}
	vars := expr.AlertVars(in.Alert, in.Incident, params)
	target, err := b.target.Eval(vars)
	if err != nil {
		return nil, "", expr.Vars{}, fmt.Errorf("target: %w", err)
	}
	if err := b.checkTarget(target); err != nil {
		return nil, "", expr.Vars{}, err
	}
	return params, target, vars, nil
}

// rule says who must agree. An author whose version nobody else has reviewed,
// and whoever asked, may not.
func (b *book) rule(asker bot.Actor) bot.ApprovalRule {
	r := bot.ApprovalRule{Approvers: b.Approvers, Quorum: max(b.Quorum, 1), Also: b.Also, SecondFactor: b.SecondFactor, ExpiresIn: b.ExpiresIn}
	if b.Author != "" && (b.ReviewedBy == "" || b.ReviewedBy == b.Author) {
		r.Excluded = append(r.Excluded, b.Author)
	}
	if asker.Person != "" && !slices.Contains(r.Excluded, asker.Person) {
		r.Excluded = append(r.Excluded, asker.Person)
	}
	slices.Sort(r.Excluded)
	return r
}

func (b *book) verify(vars expr.Vars) (*bot.PlanVerify, error) {
	if b.Verify == nil {
		return nil, nil
	}
	v := &bot.PlanVerify{Within: b.Verify.Within, Every: b.Verify.Every}
	for _, c := range b.checks {
		args, err := c.args.render(vars)
		if err != nil {
			return nil, fmt.Errorf("check %s: %w", c.spec.ID, err)
		}
		v.Checks = append(v.Checks, bot.PlanCheck{ID: c.spec.ID, Probe: c.spec.Uses, Args: args, Expect: c.spec.Expect})
	}
	return v, nil
}

// seal brings the arguments into the form that they have after storage, and
// computes the digest.
func seal(p bot.Plan) (bot.Plan, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return bot.Plan{}, fmt.Errorf("playbook %s: %w", p.Playbook, err)
	}
	if len(b) > maxPlan {
		return bot.Plan{}, fmt.Errorf("playbook %s: the plan is larger than %d KiB", p.Playbook, maxPlan>>10)
	}
	stored := bot.Plan{}
	if err := json.Unmarshal(b, &stored); err != nil {
		return bot.Plan{}, fmt.Errorf("playbook %s: %w", p.Playbook, err)
	}
	stored.Digest, err = stored.ComputeDigest()
	return stored, err
}
