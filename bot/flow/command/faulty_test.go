package command_test

import (
	"context"
	"sync"

	"salve/bot"
	"salve/storage/sqlite"
)

// faulty is a store that can be told to fail, and before whose writes others can
// come.
type faulty struct {
	*sqlite.Store
	mu      sync.Mutex
	fail    error  // of every write
	calls   int    // until one call fails; negative: none will
	between func() // done before the next write, once
}

func (f *faulty) breakWith(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

// breakCall makes the nth call from now fail, once; negative: none.
func (f *faulty) breakCall(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = n
}

// broke reports whether the call that was to fail has come.
func (f *faulty) broke() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls < 0
}

func (f *faulty) meanwhile(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.between = do
}

func (f *faulty) call() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls--
	if f.calls == -1 {
		return bot.ErrUnavailable
	}
	f.calls = max(f.calls, -1_000)
	return nil
}

func (f *faulty) Commit(ctx context.Context, c bot.Change) (bot.Receipt, error) {
	if err := f.call(); err != nil {
		return bot.Receipt{}, err
	}
	f.mu.Lock()
	err, between := f.fail, f.between
	f.between = nil
	f.mu.Unlock()
	if between != nil {
		between()
	}
	if err != nil {
		return bot.Receipt{}, err
	}
	return f.Store.Commit(ctx, c)
}

func (f *faulty) Incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error) {
	return read(f, func() (bot.Incident, error) { return f.Store.Incident(ctx, id) })
}

func (f *faulty) Alerts(ctx context.Context, id bot.IncidentID, limit int) ([]bot.Alert, error) {
	return read(f, func() ([]bot.Alert, error) { return f.Store.Alerts(ctx, id, limit) })
}

func (f *faulty) Approval(ctx context.Context, id bot.ApprovalID) (bot.Approval, error) {
	return read(f, func() (bot.Approval, error) { return f.Store.Approval(ctx, id) })
}

func (f *faulty) Approvals(ctx context.Context, q bot.ApprovalQuery) ([]bot.Approval, error) {
	return read(f, func() ([]bot.Approval, error) { return f.Store.Approvals(ctx, q) })
}

func (f *faulty) Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error) {
	return read(f, func() (bot.Plan, error) { return f.Store.Plan(ctx, id) })
}

func (f *faulty) Run(ctx context.Context, id bot.RunID) (bot.Run, error) {
	return read(f, func() (bot.Run, error) { return f.Store.Run(ctx, id) })
}

func (f *faulty) Runs(ctx context.Context, q bot.RunQuery) ([]bot.Run, error) {
	return read(f, func() ([]bot.Run, error) { return f.Store.Runs(ctx, q) })
}

func (f *faulty) ClaimsOf(ctx context.Context, id bot.IncidentID) ([]bot.Claim, error) {
	return read(f, func() ([]bot.Claim, error) { return f.Store.ClaimsOf(ctx, id) })
}

func (f *faulty) Person(ctx context.Context, id bot.PersonID) (bot.Person, error) {
	return read(f, func() (bot.Person, error) { return f.Store.Person(ctx, id) })
}

func (f *faulty) Events(ctx context.Context, q bot.EventQuery) ([]bot.Event, error) {
	return read(f, func() ([]bot.Event, error) { return f.Store.Events(ctx, q) })
}

func (f *faulty) Halts(ctx context.Context) ([]bot.Halt, error) {
	return read(f, func() ([]bot.Halt, error) { return f.Store.Halts(ctx) })
}

func (f *faulty) History(ctx context.Context, playbook, target string) (bot.History, error) {
	return read(f, func() (bot.History, error) { return f.Store.History(ctx, playbook, target) })
}

func (f *faulty) Incidents(ctx context.Context, q bot.IncidentQuery) ([]bot.Incident, error) {
	return read(f, func() ([]bot.Incident, error) { return f.Store.Incidents(ctx, q) })
}

func (f *faulty) OpenAlertsOf(ctx context.Context, source string, limit int) ([]bot.Alert, error) {
	return read(f, func() ([]bot.Alert, error) { return f.Store.OpenAlertsOf(ctx, source, limit) })
}

func read[T any](f *faulty, get func() (T, error)) (T, error) {
	if err := f.call(); err != nil {
		var zero T
		return zero, err
	}
	return get()
}
