package act

import (
	"context"
	"fmt"
	"strconv"

	"salve/bot"
)

// Incidents reads Incidents.
type Incidents interface {
	Incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error)
}

// Resolved is the probe of the check "resolved": whether the source says that
// the Incident is over. It asks nobody but the store.
type Resolved struct{ store Incidents }

// NewResolved makes the probe.
func NewResolved(store Incidents) *Resolved { return &Resolved{store: store} }

// Info describes the probe to the loader and to people.
func (*Resolved) Info() bot.ActionInfo {
	return bot.ActionInfo{
		Name:    "resolved",
		Docs:    "Holds when no alert of the incident fires any more. It takes no arguments and no expectation.",
		Args:    map[string]bot.ArgInfo{},
		Effect:  bot.EffectReads,
		Rights:  []string{"none"},
		Probe:   true,
		Outputs: map[string]string{"holds": "whether no alert fires", "firing": "how many alerts fire"},
	}
}

// maxMerges bounds how far a merged incident is followed.
const maxMerges = 16

// Probe looks at the Incident of the Run, or at the one that it was merged into.
func (r *Resolved) Probe(ctx context.Context, _ bot.PlanCheck, of bot.Run) (bot.Probe, error) {
	id := of.Incident
	for range maxMerges {
		inc, err := r.store.Incident(ctx, id)
		if err != nil {
			return bot.Probe{}, fmt.Errorf("read %s: %w", id, err)
		}
		if inc.MergedInto != 0 {
			id = inc.MergedInto
			continue
		}
		return bot.Probe{
			Status: inc.Firing,
			Fields: map[string]string{"holds": strconv.FormatBool(inc.Firing == 0), "firing": strconv.Itoa(inc.Firing)},
		}, nil
	}
	return bot.Probe{}, fmt.Errorf("%s was merged too often", of.Incident)
}
