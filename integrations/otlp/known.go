package otlp

import (
	"context"
	"time"

	"salve/bot"
)

// known is what Run has learned: which roots it told, and Plans. It forgets
// the older half when it is full.
type known struct {
	roots, oldRoots map[bot.IncidentID]bool
	plans, oldPlans map[bot.PlanID]*bot.Plan
}

const (
	keptRoots = 8192
	keptPlans = 64
)

func newKnown() known {
	return known{roots: map[bot.IncidentID]bool{}, plans: map[bot.PlanID]*bot.Plan{}}
}

func (k *known) root(id bot.IncidentID) bool { return k.roots[id] || k.oldRoots[id] }

func (k *known) addRoot(id bot.IncidentID) {
	if len(k.roots) >= keptRoots {
		k.roots, k.oldRoots = map[bot.IncidentID]bool{}, k.roots
	}
	k.roots[id] = true
}

func (k *known) plan(id bot.PlanID) *bot.Plan {
	if p := k.plans[id]; p != nil {
		return p
	}
	return k.oldPlans[id]
}

func (k *known) addPlan(id bot.PlanID, p *bot.Plan) {
	if len(k.plans) >= keptPlans {
		k.plans, k.oldPlans = map[bot.PlanID]*bot.Plan{}, k.plans
	}
	k.plans[id] = p
}

// trouble is what was said about the collector.
type trouble struct {
	said    time.Time // that it does badly
	open    bool      // that was said, and not yet that it does well again
	warned  time.Time // that it does well and yet spans were dropped
	dropped int64     // spans that were told of
}

// complain says in the log that the collector does not take spans, once a minute
// at most.
func (e *Exporter) complain(ctx context.Context, err error, t *trouble) {
	why := e.opts.Redactor.String(err.Error())
	e.problem.Store(&why)
	if time.Since(t.said) < remindEach {
		return
	}
	t.said, t.open = time.Now(), true
	e.log.WarnContext(ctx, "the collector does not take traces; Salve goes on without it", "endpoint", e.url,
		"error", why, "waiting", e.Stats().Waiting, "dropped", e.lost(t))
}

// fine says that the collector takes spans again, and what was lost meanwhile.
func (e *Exporter) fine(ctx context.Context, t *trouble) {
	e.problem.Store(nil)
	if t.open {
		t.open = false
		e.log.InfoContext(ctx, "the collector takes traces again", "endpoint", e.url, "dropped", e.lost(t))
		return
	}
	if e.dropped.Load() > t.dropped && time.Since(t.warned) >= remindEach {
		t.warned = time.Now()
		e.log.WarnContext(ctx, "traces were dropped: more was written than the collector takes, or it refused them",
			"endpoint", e.url, "dropped", e.lost(t))
	}
}

// lost is how many spans were dropped since it was last said.
func (e *Exporter) lost(t *trouble) int64 {
	all := e.dropped.Load()
	n := all - t.dropped
	t.dropped = all
	return n
}
