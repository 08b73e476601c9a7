package decide

import (
	"context"
	"slices"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/rootcause"
)

const (
	fresh        = time.Second // how old what is known of other Incidents may be
	maxOthers    = 100         // open Incidents looked at for what they share
	maxEarlier   = 10          // Incidents of the same title
	fixesOf      = 3           // of these, how many are asked for their Runs
	maxRemembers = 4096

	crowd = 32              // due Incidents at once from which on diagnoses are put off
	calm  = 5 * time.Second // for how long at least; at most twice as long
)

// over are the states of Incidents that a new one may be like.
var over = []bot.IncidentState{bot.IncidentResolved, bot.IncidentClosed, bot.IncidentMerged}

// diagnose says why, unless nothing has changed since that was said last.
func (k *look) diagnose(ctx context.Context) {
	d := k.was.Diagnosis
	ended := func(r bot.Run) bool { return !r.Active() && r.EndedAt.After(d.At) }
	if !d.At.IsZero() && k.was.Decision.FoldRev == k.inc.FoldRev && !slices.ContainsFunc(k.runs, ended) {
		return
	}
	if k.leg.crowded.Load() && k.mayWait() {
		k.later(k.now.Add(calm + time.Duration(k.inc.ID%64)*calm/64))
		return
	}
	collectors := append([]rootcause.Collector{
		collector{"open incidents", k.leg.past.concurrent},
		collector{"past incidents", k.leg.past.recurrences},
		collector{"runs of this incident", func(_ context.Context, c rootcause.Case) ([]bot.Evidence, error) {
			return rootcause.Tried(c, k.runs), nil
		}},
	}, k.leg.opts.Collectors...)
	k.inc.Diagnosis = rootcause.Summarise(ctx, rootcause.Case{Incident: k.inc, Alerts: k.alerts, Now: k.now}, collectors...)
}

// mayWait reports whether the diagnosis can be put off, which it can once: while
// many Incidents are due, what to do about them comes before why they happened.
func (k *look) mayWait() bool { return k.was.Decision.At.IsZero() }

// collector makes a rootcause.Collector of a function.
type collector struct {
	name    string
	collect func(context.Context, rootcause.Case) ([]bot.Evidence, error)
}

func (c collector) Name() string { return c.name }

func (c collector) Collect(ctx context.Context, of rootcause.Case) ([]bot.Evidence, error) {
	return c.collect(ctx, of)
}

// past reads other Incidents for the diagnosis and remembers them for a moment,
// so that a storm does not read the same rows for each of its Incidents.
type past struct {
	store   Past
	mu      sync.Mutex
	at      time.Time // of open
	open    []bot.Incident
	earlier map[[2]string]earlier // by source and title
}

type earlier struct {
	at        time.Time
	incidents []bot.Incident
	runs      []bot.Run
}

func newPast(store Past) *past { return &past{store: store, earlier: map[[2]string]earlier{}} }

func (p *past) concurrent(ctx context.Context, c rootcause.Case) ([]bot.Evidence, error) {
	open, err := p.opened(ctx, c.Now)
	if err != nil {
		return nil, err
	}
	return rootcause.Concurrent(c, open), nil
}

// opened holds the lock while it reads: the others want the same rows.
func (p *past) opened(ctx context.Context, now time.Time) ([]bot.Incident, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.at) < fresh {
		return p.open, nil
	}
	open, err := p.store.Incidents(ctx, bot.IncidentQuery{States: []bot.IncidentState{bot.IncidentOpen}, Limit: maxOthers})
	if err != nil {
		return nil, err
	}
	for i := range open {
		open[i].Work = bot.Work{} // only what the alerts say is wanted
	}
	p.open, p.at = open, now
	return open, nil
}

func (p *past) recurrences(ctx context.Context, c rootcause.Case) ([]bot.Evidence, error) {
	key := [2]string{c.Incident.Source, c.Incident.Title}
	p.mu.Lock()
	known, ok := p.earlier[key]
	p.mu.Unlock()
	if !ok || c.Now.Sub(known.at) >= fresh {
		var err error
		if known, err = p.readEarlier(ctx, c); err != nil {
			return nil, err
		}
		p.remember(key, known)
	}
	return rootcause.Recurrences(c, known.incidents, known.runs), nil
}

func (p *past) remember(key [2]string, e earlier) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.earlier) >= maxRemembers {
		clear(p.earlier)
	}
	p.earlier[key] = e
}

// readEarlier reads those of the same source and title that are over, and the
// Runs of the newest of them. The query is bounded whatever a storm has left.
func (p *past) readEarlier(ctx context.Context, c rootcause.Case) (earlier, error) {
	e := earlier{at: c.Now}
	like, err := p.store.Incidents(ctx, bot.IncidentQuery{Like: &c.Incident.Fold, States: over, Limit: maxEarlier})
	if err != nil {
		return e, err
	}
	for _, o := range like {
		if s := o.State(); s != bot.IncidentResolved && s != bot.IncidentClosed {
			continue
		}
		if len(e.incidents) < fixesOf {
			runs, err := p.store.Runs(ctx, bot.RunQuery{Incident: o.ID, Limit: maxEarlier})
			if err != nil {
				return e, err
			}
			e.runs = append(e.runs, runs...)
		}
		o.Notes, o.Diagnosis, o.Decision = nil, bot.Diagnosis{}, bot.Decision{}
		e.incidents = append(e.incidents, o)
	}
	return e, nil
}
