package serve

import (
	"context"
	"fmt"
	"time"

	"salve/bot"
	"salve/bot/audit"
	"salve/bot/flow/notary"
	"salve/integrations/console"
	"salve/integrations/control"
	"salve/integrations/otlp"
)

func (s *Salve) consolePorts() console.Ports {
	return console.Ports{
		Commander: s.desk, Cards: s.tell, Lists: s.store, Records: s.store, Brake: s.brake, People: s.people,
		Live: s.tell, Auditor: auditor{s}, Playbooks: s.opts.Library.Playbooks,
	}
}

func (s *Salve) controlPorts() control.Ports {
	return control.Ports{
		Commander: s.desk, Cards: s.tell, Rows: s.store, Records: s.store, Identities: s.people, Registry: s.people,
		Tokens: s.people, Insight: insight{s},
	}
}

// verify proves the audit log as it is now. It reads all of it, so they who ask
// wait for each other.
func (s *Salve) verify(ctx context.Context) (audit.Report, error) {
	select {
	case s.proving <- struct{}{}:
		defer func() { <-s.proving }()
	case <-ctx.Done():
		return audit.Report{}, ctx.Err()
	}
	return audit.ProvePruned(func() (audit.Against, error) {
		b, err := s.store.Boundary(ctx)
		if err != nil {
			return audit.Against{}, err
		}
		return audit.Against{}.Opened(b, s.auditKeys)
	}, audit.From(func(f func(bot.Event) error) error { return s.store.EachEvent(ctx, f) }))
}

// auditor is the console's view of the audit.
type auditor struct{ s *Salve }

// VerifyAudit gives how many events there are, and an error that names the first
// one that is wrong.
func (a auditor) VerifyAudit(ctx context.Context) (int64, error) {
	report, err := a.s.verify(ctx)
	if err == nil && !report.OK() {
		err = fmt.Errorf("%s", report.Faults[0])
	}
	return report.Events, err
}

// insight is what the control door shows of other rooms.
type insight struct{ s *Salve }

// Why explains the last decision about an incident.
func (i insight) Why(ctx context.Context, id bot.IncidentID) (any, error) {
	return i.s.decide.Why(ctx, id)
}

// VerifyAudit proves the audit log.
func (i insight) VerifyAudit(ctx context.Context) (any, error) { return i.s.verify(ctx) }

// Halts lists what is halted, the flag file included.
func (i insight) Halts(ctx context.Context) ([]bot.Halt, error) { return i.s.brake.Halts(ctx) }

// Playbooks are the loaded ones.
func (i insight) Playbooks() []bot.Playbook { return i.s.opts.Library.Playbooks }

// status is how Salve is.
type status struct {
	Version   string    `json:"version"`
	Since     time.Time `json:"since"`
	URL       string    `json:"url"`
	DataDir   string    `json:"data_dir"`
	Epoch     int64     `json:"epoch"`
	Ready     bool      `json:"ready"`
	Problem   string    `json:"problem,omitempty"`
	Playbooks int       `json:"playbooks"`
	Halts     int       `json:"halts"`

	Traces *otlp.Stats    `json:"traces,omitempty"` // absent: they go nowhere
	Audit  *notary.Status `json:"audit,omitempty"`
}

// Status tells how Salve is, also when the store does not answer.
func (i insight) Status(ctx context.Context) (any, error) {
	s := i.s
	st := status{
		Version: s.opts.Version, Since: s.started, URL: s.URL(), DataDir: s.dir, Epoch: s.store.Epoch(),
		Ready: true, Playbooks: len(s.opts.Library.Playbooks), Traces: s.tracesNow(), Audit: s.AuditLag(),
	}
	if err := s.store.Ping(ctx); err != nil {
		st.Ready, st.Problem = false, "the database cannot be read and written"
	}
	halts, err := s.brake.Halts(ctx)
	if err != nil {
		st.Ready, st.Problem = false, "what is halted cannot be read; nothing runs"
	}
	st.Halts = len(halts)
	return st, nil
}
