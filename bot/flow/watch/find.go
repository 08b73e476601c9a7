package watch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"salve/bot"
	"salve/bot/health"
	"salve/bot/runner"
)

const (
	pageOfRuns  = 500
	maxRuns     = 5000            // looked at in one Tick, oldest first
	maxDue      = 4 * health.Most // Incidents that are due for long, with some of Salve's own among them
	usualForAct = 1 * time.Minute // how long a step may take whose plan does not say
)

// errStopping ends a Tick: what is wrong with a process that stops is of no
// interest.
var errStopping = errors.New("nothing is told while Salve stops")

const labelReplica = "replica"

// The names under which who was heard is kept.
func sourceName(name string) string  { return "source/" + name }
func replicaName(name string) string { return "replica/" + name }

// note tells the other processes whom this one has heard, and that it lives.
func (l *Leg) note(ctx context.Context, now time.Time) error {
	news := map[string]time.Time{}
	for _, sender := range l.opts.Senders {
		if at := l.opts.Heard(sender.Name); sender.Every > 0 && at.After(l.noted[sourceName(sender.Name)]) {
			news[sourceName(sender.Name)] = at
		}
	}
	if l.opts.Replica != "" {
		news[replicaName(l.opts.Replica)] = now
	}
	if err := l.store.NoteHeard(ctx, news); err != nil {
		return fmt.Errorf("note who was heard: %w", err)
	}
	maps.Copy(l.noted, news)
	return nil
}

// find looks at this process, and at the work if that is for it.
func (l *Leg) find(ctx context.Context, now time.Time) (view, error) {
	v := view{all: true, now: now}
	var err error
	if l.opts.Mine != nil {
		if v.all, err = l.opts.Mine(ctx, now); err != nil {
			return v, fmt.Errorf("ask whose turn it is: %w", err)
		}
	}
	process, shared, err := l.ofProcess(ctx)
	if err != nil {
		return v, err
	}
	l.process = health.Since(l.process, process, now)
	v.found = slices.Clone(l.process)
	if !v.all {
		return v, nil
	}
	if v.heard, err = l.store.LastHeard(ctx); err != nil {
		return v, fmt.Errorf("read who was heard: %w", err)
	}
	s, err := l.strain(ctx, v)
	if err != nil {
		return v, err
	}
	work, unsure := health.Strained(s, l.opts.Patience)
	l.work = health.Since(l.work, append(work, shared...), now)
	v.found, v.unsure = append(v.found, l.work...), unsure
	return v, nil
}

// ofProcess is what is wrong with this process, with its name where there are
// several, and what is wrong for all of them.
func (l *Leg) ofProcess(ctx context.Context) (own, shared []bot.Condition, err error) {
	for _, also := range l.opts.Also {
		for _, c := range also(ctx) {
			switch {
			case c.Name == health.Draining:
				return nil, nil, errStopping
			case c.Name == health.ClockJumped || l.opts.Replica == "":
				shared = append(shared, c) // the halt is one for all
			default:
				own = append(own, l.named(c))
			}
		}
	}
	return own, shared, nil
}

// named puts the name of this process into a Condition.
func (l *Leg) named(c bot.Condition) bot.Condition {
	about := map[string]string{labelReplica: l.opts.Replica}
	maps.Copy(about, c.About)
	c.About, c.Says = about, c.Says+" (replica "+l.opts.Replica+")"
	if c.Subject != "" {
		c.Subject += " of "
	}
	c.Subject += l.opts.Replica
	return c
}

func (l *Leg) strain(ctx context.Context, v view) (s health.Strain, err error) {
	now := v.now
	s = health.Strain{Now: now, Started: l.started}
	if s.Runs, err = l.late(ctx, now); err != nil {
		return s, err
	}
	if s.Incidents, err = l.store.DueIncidents(ctx, now.Add(-l.opts.Patience.Undecided), maxDue); err != nil {
		return s, fmt.Errorf("read due incidents: %w", err)
	}
	decide, act := health.Queue{Leg: "decide"}, health.Queue{Leg: "act"}
	incidents, err := l.store.DueIncidents(ctx, now, 1)
	if err != nil {
		return s, fmt.Errorf("read the first due incident: %w", err)
	}
	for _, inc := range incidents {
		decide.Oldest = inc.DueAt
	}
	runs, err := l.store.DueRuns(ctx, now, 1)
	if err != nil {
		return s, fmt.Errorf("read the first due run: %w", err)
	}
	for _, run := range runs {
		act.Oldest = run.DueAt
	}
	s.Queues = []health.Queue{decide, act}
	for _, sender := range l.opts.Senders {
		s.Sources = append(s.Sources, health.Source{Name: sender.Name, Every: sender.Every, Heard: v.heard[sourceName(sender.Name)]})
	}
	return s, nil
}

// late gives the Runs in hand that should be further than they are.
func (l *Leg) late(ctx context.Context, now time.Time) ([]health.Run, error) {
	var out []health.Run
	for after, seen := bot.RunID(0), 0; seen < maxRuns; {
		page, err := l.store.RunsInHand(ctx, after, pageOfRuns)
		if err != nil {
			return nil, fmt.Errorf("read runs in hand: %w", err)
		}
		for _, run := range page {
			r, late, err := l.look(ctx, run, now)
			if err != nil {
				return nil, err
			}
			if late {
				out = append(out, r)
			}
		}
		if len(page) < pageOfRuns {
			break
		}
		after, seen = page[len(page)-1].ID, seen+len(page)
	}
	return out, nil
}

// look reads what is needed to judge a Run, and no more.
func (l *Leg) look(ctx context.Context, run bot.Run, now time.Time) (health.Run, bool, error) {
	r := health.Run{Run: run}
	for _, s := range run.Steps {
		if s.State == bot.StepStarted {
			r.Step, r.Begun = s.ID, s.StartedAt
		}
	}
	if !l.isLate(r, now) { // not even if its step may take no time
		return r, false, nil
	}
	if r.Step != "" {
		plan, err := l.store.Plan(ctx, run.Plan)
		if err != nil && !errors.Is(err, bot.ErrNotFound) {
			return r, false, fmt.Errorf("read the plan of %s: %w", run.ID, err)
		}
		_, spec, _ := runner.Order(run, plan)
		if r.Timeout = cmp.Or(spec.Timeout.Std(), usualForAct); !l.isLate(r, now) {
			return r, false, nil
		}
	}
	inc, err := l.store.Incident(ctx, run.Incident)
	if err != nil && !errors.Is(err, bot.ErrNotFound) {
		return r, false, fmt.Errorf("read %s: %w", run.Incident, err)
	}
	r.Own = inc.Source == bot.SourceSalve
	return r, true, nil
}

func (l *Leg) isLate(r health.Run, now time.Time) bool {
	cs, _ := health.Strained(health.Strain{Now: now, Runs: []health.Run{r}}, l.opts.Patience)
	return len(cs) > 0
}
