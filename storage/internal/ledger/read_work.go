package ledger

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"salve/bot"
	"salve/storage/internal/query"
)

// Plan reads one; bot.ErrNotFound if there is none.
func (l *Ledger) Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error) {
	return rowOf(ctx, l, asking("read plan "+id.String(), query.Plan, int64(id)), scanPlan)
}

// Plans reads those of an Incident, oldest first.
func (l *Ledger) Plans(ctx context.Context, id bot.IncidentID) ([]bot.Plan, error) {
	return rowsOf(ctx, l, asking("read plans of "+id.String(), query.PlansOf, int64(id)), scanPlan)
}

func scanPlan(rows *sql.Rows) (bot.Plan, error) {
	var body sql.RawBytes
	if err := rows.Scan(&body); err != nil {
		return bot.Plan{}, err
	}
	return decodePlan(body)
}

// Approval reads one; bot.ErrNotFound if there is none.
func (l *Ledger) Approval(ctx context.Context, id bot.ApprovalID) (bot.Approval, error) {
	return rowOf(ctx, l, asking("read approval "+id.String(), query.Approval, int64(id)), scanApproval)
}

// Approvals reads those that the query selects, newest first.
func (l *Ledger) Approvals(ctx context.Context, q bot.ApprovalQuery) ([]bot.Approval, error) {
	var f filter
	in(&f, "state", q.States)
	if q.Incident != 0 {
		f.add("incident = ?", int64(q.Incident))
	}
	return rowsOf(ctx, l, f.ask("read approvals", query.Approvals, "id DESC", limitOf(q.Limit, 50)), scanApproval)
}

func scanApproval(rows *sql.Rows) (a bot.Approval, err error) {
	var id, version int64
	var body sql.RawBytes
	if err := rows.Scan(&id, &version, &body); err != nil {
		return a, err
	}
	err = decode(body, &a)
	a.ID, a.Version = bot.ApprovalID(id), version
	return a, err
}

// Run reads one; bot.ErrNotFound if there is none.
func (l *Ledger) Run(ctx context.Context, id bot.RunID) (bot.Run, error) {
	return rowOf(ctx, l, asking("read run "+id.String(), query.Run, int64(id)), scanRun)
}

// Runs reads those that the query selects, newest first.
func (l *Ledger) Runs(ctx context.Context, q bot.RunQuery) ([]bot.Run, error) {
	var f filter
	if q.Incident != 0 {
		f.add("incident = ?", int64(q.Incident))
	}
	if q.Target != "" {
		f.add("target = ?", q.Target)
	}
	if q.Playbook != "" {
		f.add("playbook = ?", q.Playbook)
	}
	if q.Active {
		f.add("active = 1")
	}
	if q.Before != 0 {
		f.add("id < ?", int64(q.Before))
	}
	return rowsOf(ctx, l, f.ask("read runs", query.Runs, "id DESC", limitOf(q.Limit, 50)), scanRun)
}

// DueRuns reads the active Runs whose time has come, longest due first.
func (l *Ledger) DueRuns(ctx context.Context, now time.Time, limit int) ([]bot.Run, error) {
	return rowsOf(ctx, l, asking("read due runs", query.DueRuns, MS(now), int64(limit)), scanRun)
}

// Interrupted reads the Runs that a process which is gone had in hand: active,
// not waiting for a person, not due, and of a lower epoch.
func (l *Ledger) Interrupted(ctx context.Context) ([]bot.Run, error) {
	return rowsOf(ctx, l, asking("read interrupted runs", query.InterruptedRuns, l.reading.Epoch()), scanRun)
}

// RunsWhere reads the Runs that a query of the store's own selects.
func (l *Ledger) RunsWhere(ctx context.Context, doing, text string, args ...any) ([]bot.Run, error) {
	return rowsOf(ctx, l, asking(doing, text, args...), scanRun)
}

func scanRun(rows *sql.Rows) (r bot.Run, err error) {
	var id, version int64
	var body sql.RawBytes
	if err := rows.Scan(&id, &version, &body); err != nil {
		return r, err
	}
	err = decode(body, &r)
	r.ID, r.Version = bot.RunID(id), version
	return r, err
}

// History reads what the guard wants to know about a target and a playbook, as
// of one moment.
func (l *Ledger) History(ctx context.Context, playbook, target string) (bot.History, error) {
	var h bot.History
	_, err := rowsOf(ctx, l, asking("read history", query.History, target, playbook), func(rows *sql.Rows) (struct{}, error) {
		return struct{}{}, scanHistory(rows, &h)
	})
	if err != nil {
		return bot.History{}, err
	}
	slices.SortFunc(h.Claims, func(a, b bot.Claim) int { return cmp.Compare(a.Incident, b.Incident) })
	return h, nil
}

func scanHistory(rows *sql.Rows, h *bot.History) error {
	var what, id, version int64
	var body sql.RawBytes
	if err := rows.Scan(&what, &id, &version, &body); err != nil {
		return err
	}
	if what == 3 {
		var c bot.Claim
		err := decode(body, &c)
		h.Claims = append(h.Claims, c)
		return err
	}
	r := new(bot.Run)
	err := decode(body, r)
	r.ID, r.Version = bot.RunID(id), version
	if what == 1 {
		h.Active = r
	} else {
		h.Last = r
	}
	return err
}

// Halts reads all that are set.
func (l *Ledger) Halts(ctx context.Context) ([]bot.Halt, error) {
	return rowsOf(ctx, l, asking("read halts", query.Halts), scanBody[bot.Halt])
}

// ClaimsOf reads the Claims held through an Incident.
func (l *Ledger) ClaimsOf(ctx context.Context, id bot.IncidentID) ([]bot.Claim, error) {
	return rowsOf(ctx, l, asking("read claims of "+id.String(), query.ClaimsOf, int64(id)), scanBody[bot.Claim])
}
