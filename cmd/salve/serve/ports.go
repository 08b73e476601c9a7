package serve

import (
	"context"
	"fmt"

	"salve/bot"
	"salve/bot/audit"
	"salve/integrations/console"
	"salve/integrations/control"
)

func (s *Salve) consolePorts() console.Ports {
	return console.Ports{
		Commander: s.desk, Cards: s.tell, Lists: s.store, Records: s.store, Brake: s.brake, People: s.known(), Claims: s.store,
		Live: s.tell, Auditor: auditor{s}, Playbooks: s.opts.Library.Playbooks, Health: s.doctor,
	}
}

func (s *Salve) controlPorts() control.Ports {
	return control.Ports{
		Commander: s.desk, Cards: s.tell, Rows: s.store, Records: s.store, Identities: s.known(), Registry: s.people,
		Tokens: s.people, Insight: insight{s}, Claims: s.store, Duty: duty{s},
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
