package serve

import (
	"context"
	"fmt"
	"slices"
	"time"

	"salve/bot"
	"salve/bot/flow/notary"
	"salve/bot/health"
	"salve/integrations/otlp"
)

// status is how Salve is.
type status struct {
	Version    string          `json:"version"`
	Since      time.Time       `json:"since"`
	URL        string          `json:"url"`
	DataDir    string          `json:"data_dir"`
	Epoch      int64           `json:"epoch"`
	Ready      bool            `json:"ready"`
	Problem    string          `json:"problem,omitempty"` // the first thing that stands in the way
	Conditions []bot.Condition `json:"conditions"`
	Queues     []queueAge      `json:"queues"`
	Playbooks  int             `json:"playbooks"`
	Halts      int             `json:"halts"`
	Halted     []bot.Halt      `json:"halted,omitempty"`
	Replicas   []bot.Replica   `json:"replicas,omitempty"` // that share the database; none: it is this process' alone

	Traces *otlp.Stats    `json:"traces,omitempty"` // absent: they go nowhere
	Audit  *notary.Status `json:"audit,omitempty"`  // absent: heads are not signed
}

// queueAge is for how long the work in front of a leg has been due.
type queueAge struct {
	Leg    string       `json:"leg"`
	Age    bot.Duration `json:"age"`
	Oldest string       `json:"oldest,omitempty"` // whose turn it is; empty: nothing waits
}

// Status tells how Salve is, also when the store does not answer.
func (i insight) Status(ctx context.Context) (any, error) {
	s := i.s
	st := status{
		Version: s.opts.Version, Since: s.started, URL: s.URL(), DataDir: s.dir, Epoch: s.store.Epoch(),
		Playbooks: len(s.opts.Library.Playbooks), Conditions: slices.Concat(s.doctor.examine(ctx), s.headConditions(ctx), s.chatConditions(ctx)), Traces: s.tracesNow(), Audit: s.AuditLag(),
	}
	st.Ready = health.Ready(st.Conditions)
	if !st.Ready {
		st.Problem = st.Conditions[0].Says
	}
	st.Halted, _ = s.brake.Halts(ctx) // that it cannot be read is a condition
	st.Halts = len(st.Halted)
	st.Queues = s.queues(ctx, time.Now())
	st.Replicas = s.replicas(ctx)
	return st, nil
}

// replicas are the processes that share the database, as far as they can be read.
func (s *Salve) replicas(ctx context.Context) []bot.Replica {
	store, shared := s.store.(interface {
		Replicas(ctx context.Context) ([]bot.Replica, error)
	})
	if !shared {
		return nil
	}
	all, err := store.Replicas(ctx)
	if err != nil {
		return nil // that the database cannot be read is a condition
	}
	leader, err := s.carrier.Leader(ctx)
	for i := range all {
		all[i].Leads = err == nil && hintName(all[i].Name, all[i].Epoch) == leader
	}
	return all
}

// hintName is the name of a replica in the queue of hints.
func hintName(replica string, epoch int64) string { return fmt.Sprintf("%s-%d", replica, epoch) }

// queues are the legs' as far as they can be read.
func (s *Salve) queues(ctx context.Context, now time.Time) []queueAge {
	var out []queueAge
	if due, err := s.store.DueIncidents(ctx, now, 1); err == nil {
		q := queueAge{Leg: "decide"}
		for _, inc := range due {
			q.Age, q.Oldest = bot.Duration(now.Sub(inc.DueAt).Truncate(time.Millisecond)), inc.ID.String()
		}
		out = append(out, q)
	}
	if due, err := s.store.DueRuns(ctx, now, 1); err == nil {
		q := queueAge{Leg: "act"}
		for _, run := range due {
			q.Age, q.Oldest = bot.Duration(now.Sub(run.DueAt).Truncate(time.Millisecond)), run.ID.String()
		}
		out = append(out, q)
	}
	return out
}
