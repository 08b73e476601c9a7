package post_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/chat"
)

var errDead = errors.New("the process is dead")

// world is a store in memory, with what happens in it.
type world struct {
	mu        sync.Mutex
	incidents map[bot.IncidentID]bot.Incident
	approvals map[bot.ApprovalID]bot.Approval
	plans     map[bot.PlanID]bot.Plan
	runs      map[bot.RunID]bot.Run
	events    []bot.Event
	posts     map[string]bot.Post
	offers    map[string]bot.Offer
	cursors   map[string]bot.Cursor
	halts     []bot.Halt

	down    error            // what everything answers
	commits int              // so far
	before  func(n int) bool // dies instead of the n-th commit
	after   func(n int) bool // dies after it
	dead    bool
	meet    func(w *world) // something that happens between a reading and a commit
	widest  int            // the largest batch of posts in one commit
}

func newWorld() *world {
	return &world{
		incidents: map[bot.IncidentID]bot.Incident{}, approvals: map[bot.ApprovalID]bot.Approval{}, plans: map[bot.PlanID]bot.Plan{},
		runs: map[bot.RunID]bot.Run{}, posts: map[string]bot.Post{}, offers: map[string]bot.Offer{}, cursors: map[string]bot.Cursor{},
		events: []bot.Event{{Seq: 1, Kind: bot.EventGenesis}},
	}
}

func (w *world) lock() error {
	w.mu.Lock()
	if w.dead {
		w.mu.Unlock()
		return errDead
	}
	if w.down != nil {
		defer w.mu.Unlock()
		return w.down
	}
	return nil
}

func (w *world) Posts(_ context.Context, q bot.PostQuery) ([]bot.Post, error) {
	if err := w.lock(); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	var out []bot.Post
	for _, p := range w.posts {
		if q.Surface != "" && p.Surface != q.Surface || q.Place != "" && p.Place != q.Place || q.Incident != 0 && p.Incident != q.Incident {
			continue
		}
		if !q.Due.IsZero() && (p.State != bot.PostDue || p.DueAt.After(q.Due)) {
			continue
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b bot.Post) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), a.DueAt.Compare(b.DueAt), cmp.Compare(a.Key, b.Key))
	})
	return out[:min(len(out), cmp.Or(q.Limit, 50))], nil
}

func (w *world) Post(_ context.Context, key string) (bot.Post, error) {
	if err := w.lock(); err != nil {
		return bot.Post{}, err
	}
	defer w.mu.Unlock()
	p, ok := w.posts[key]
	if !ok {
		return p, bot.ErrNotFound
	}
	return p, nil
}

func (w *world) Cursor(_ context.Context, name string) (bot.Cursor, error) {
	if err := w.lock(); err != nil {
		return bot.Cursor{}, err
	}
	defer w.mu.Unlock()
	c := w.cursors[name]
	c.Name = name
	return c, nil
}

func (w *world) Commit(_ context.Context, c bot.Change) (bot.Receipt, error) {
	if meet := w.meet; meet != nil {
		meet(w)
	}
	if err := w.lock(); err != nil {
		return bot.Receipt{}, err
	}
	defer w.mu.Unlock()
	w.commits++
	if w.before != nil && w.before(w.commits) {
		w.dead = true
		return bot.Receipt{}, errDead
	}
	if err := w.write(c); err != nil {
		return bot.Receipt{}, err
	}
	w.widest = max(w.widest, len(c.Posts))
	if w.after != nil && w.after(w.commits) {
		w.dead = true
		return bot.Receipt{}, errDead
	}
	return bot.Receipt{}, nil
}

func (w *world) write(c bot.Change) error {
	seen := map[string]bool{}
	for _, p := range c.Posts {
		if w.posts[p.Key].Version != p.Version {
			return bot.ErrConflict
		}
		if seen[p.Key] {
			return errors.New("the same post twice in one change: " + p.Key)
		}
		seen[p.Key] = true
	}
	for _, cur := range c.Cursors {
		if w.cursors[cur.Name].Version != cur.Version {
			return bot.ErrConflict
		}
	}
	for _, p := range c.Posts {
		p.Version++
		w.posts[p.Key] = p
	}
	for _, cur := range c.Cursors {
		cur.Version++
		w.cursors[cur.Name] = cur
	}
	for _, o := range c.Offers {
		w.offers[o.Token] = o
	}
	w.log(c.Events...)
	return nil
}

func (w *world) log(events ...bot.Event) {
	for _, e := range events {
		e.Seq = int64(len(w.events) + 1)
		if e.At.IsZero() {
			e.At = time.Now().UTC()
		}
		w.events = append(w.events, e)
	}
}

func (w *world) Events(_ context.Context, q bot.EventQuery) ([]bot.Event, error) {
	if err := w.lock(); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	limit := cmp.Or(q.Limit, 200)
	if q.Incident == 0 && !q.Last {
		from := min(int(q.After), len(w.events))
		return slices.Clone(w.events[from:min(from+limit, len(w.events))]), nil
	}
	if q.Incident == 0 {
		return slices.Clone(w.events[max(0, len(w.events)-limit):]), nil
	}
	var out []bot.Event
	for _, e := range w.events {
		if e.Incident == q.Incident && e.Seq > q.After {
			out = append(out, e)
		}
	}
	if q.Last {
		return out[max(0, len(out)-limit):], nil
	}
	return out[:min(len(out), limit)], nil
}

func (w *world) Incident(_ context.Context, id bot.IncidentID) (bot.Incident, error) {
	if err := w.lock(); err != nil {
		return bot.Incident{}, err
	}
	defer w.mu.Unlock()
	inc, ok := w.incidents[id]
	if !ok {
		return inc, bot.ErrNotFound
	}
	return inc, nil
}

func (w *world) Incidents(_ context.Context, q bot.IncidentQuery) ([]bot.Incident, error) {
	if err := w.lock(); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	var out []bot.Incident
	for _, inc := range w.incidents {
		if len(q.States) == 0 || slices.Contains(q.States, inc.State()) {
			out = append(out, inc)
		}
	}
	slices.SortFunc(out, func(a, b bot.Incident) int { return cmp.Compare(b.ID, a.ID) })
	return out[:min(len(out), cmp.Or(q.Limit, 50))], nil
}

func (w *world) Alerts(_ context.Context, id bot.IncidentID, _ int) ([]bot.Alert, error) {
	if err := w.lock(); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	return []bot.Alert{{Title: w.incidents[id].Title, State: bot.AlertFiring}}, nil
}

func (w *world) Approvals(_ context.Context, q bot.ApprovalQuery) ([]bot.Approval, error) {
	if err := w.lock(); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	var out []bot.Approval
	for _, a := range w.approvals {
		if (q.Incident == 0 || a.Incident == q.Incident) && (len(q.States) == 0 || slices.Contains(q.States, a.State)) {
			out = append(out, a)
		}
	}
	return out, nil
}

func (w *world) Runs(_ context.Context, q bot.RunQuery) ([]bot.Run, error) {
	if err := w.lock(); err != nil {
		return nil, err
	}
	defer w.mu.Unlock()
	var out []bot.Run
	for _, r := range w.runs {
		if (q.Incident == 0 || r.Incident == q.Incident) && (!q.Active || r.Active()) {
			out = append(out, r)
		}
	}
	return out, nil
}

// Card shows an incident as the real house does, from the rows here.
func (w *world) Card(ctx context.Context, id bot.IncidentID, viewer bot.Person) (bot.Card, error) {
	inc, err := w.Incident(ctx, id)
	if err != nil {
		return bot.Card{}, err
	}
	s := chat.State{Incident: inc}
	s.Approvals, _ = w.Approvals(ctx, bot.ApprovalQuery{Incident: id})
	s.Runs, _ = w.Runs(ctx, bot.RunQuery{Incident: id})
	s.Events, _ = w.Events(ctx, bot.EventQuery{Incident: id, Last: true})
	w.mu.Lock()
	for _, p := range w.plans {
		if p.Incident == id {
			s.Plans = append(s.Plans, p)
		}
	}
	s.Halts = slices.Clone(w.halts)
	w.mu.Unlock()
	return chat.Card(s, viewer, time.Now()), nil
}

// open makes an incident that fires.
func (w *world) open(id bot.IncidentID, sev bot.Severity) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.incidents[id] = bot.Incident{ID: id, Version: 1, FoldRev: 1, Fold: bot.Fold{
		Source: "prometheus", Title: "disk of db-" + strconv.Itoa(int(id)) + " is full", Severity: sev, Firing: 1, Total: 1,
		FirstAt: time.Now().UTC(), LastAt: time.Now().UTC(),
	}}
	w.log(bot.Event{Kind: bot.EventAlerts, Incident: id, Text: "1 alert"})
}

// change does something to an incident, with its event.
func (w *world) change(id bot.IncidentID, kind bot.EventKind, f func(*bot.Incident)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	inc := w.incidents[id]
	f(&inc)
	inc.FoldRev++
	w.incidents[id] = inc
	w.log(bot.Event{Kind: kind, Incident: id, Text: "something changed"})
}

func (w *world) grow(id bot.IncidentID) {
	w.change(id, bot.EventAlerts, func(i *bot.Incident) { i.Firing++; i.Total++ })
}

func (w *world) resolve(id bot.IncidentID) {
	w.change(id, bot.EventAlerts, func(i *bot.Incident) { i.Firing, i.ResolvedAt = 0, time.Now().UTC() })
}

// ask opens a question about an incident.
func (w *world) ask(id bot.IncidentID, lasts time.Duration) bot.ApprovalID {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := int64(len(w.approvals) + 1)
	now := time.Now().UTC()
	a := bot.Approval{
		ID: bot.ApprovalID(n), Version: 1, Incident: id, Plan: bot.PlanID(n), Digest: "3fa9c1d2e5", Playbook: "grow-disk", Target: "db-" + strconv.Itoa(int(id)),
		State: bot.ApprovalPending, Rule: bot.ApprovalRule{Approvers: []string{"oncall"}}, OpenedAt: now, ExpiresAt: now.Add(lasts),
	}
	w.approvals[a.ID] = a
	w.plans[a.Plan] = bot.Plan{ID: a.Plan, Incident: id, Playbook: a.Playbook, Target: a.Target, Digest: a.Digest}
	w.log(bot.Event{Kind: bot.EventProposed, Incident: id, Approval: a.ID, Plan: a.Plan, Text: "may it?"})
	return a.ID
}

// answer ends a question.
func (w *world) answer(id bot.ApprovalID, state bot.ApprovalState, kind bot.EventKind) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.approvals[id]
	a.State, a.DecidedAt = state, time.Now().UTC()
	a.Version++
	w.approvals[id] = a
	w.log(bot.Event{Kind: kind, Incident: a.Incident, Approval: id, Plan: a.Plan, Text: "decided"})
}

// move brings a run to a state.
func (w *world) move(id bot.RunID, inc bot.IncidentID, state bot.RunState, step bot.StepState) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now().UTC()
	r := bot.Run{
		ID: id, Version: w.runs[id].Version + 1, Incident: inc, Playbook: "grow-disk", Target: "db-1", Digest: "3fa9c1d2e5", State: state, CreatedAt: now,
		Steps: []bot.Step{{ID: "grow", State: step, Attempt: 1, StartedAt: now}}, StartedAt: now,
	}
	if was, ok := w.runs[id]; ok {
		r.StartedAt, r.Steps[0].StartedAt = was.StartedAt, was.StartedAt
	}
	if !r.Active() {
		r.EndedAt = now
	}
	kind := map[bot.RunState]bot.EventKind{
		bot.RunPlanned: bot.EventRunPlanned, bot.RunRunning: bot.EventStepStarted, bot.RunVerifying: bot.EventRunVerifying, bot.RunWaiting: bot.EventRunWaiting,
	}[state]
	if kind == "" {
		kind = bot.EventRunEnded
	}
	w.runs[id] = r
	if step == bot.StepUnknown {
		w.log(bot.Event{Kind: bot.EventStepUnknown, Incident: inc, Run: id, Text: "nobody knows"})
	}
	w.log(bot.Event{Kind: kind, Incident: inc, Run: id, Text: "the run moved", Data: map[string]string{"state": string(state)}})
}

// post is a row of the outbox.
func (w *world) post(key string) bot.Post {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.posts[key]
}

// due counts what is to be sent.
func (w *world) due() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for _, p := range w.posts {
		if p.State == bot.PostDue {
			n++
		}
	}
	return n
}

// read reports whether all of the log was read.
func (w *world) read() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cursors["chat"].Seq == int64(len(w.events))
}

// revive is a new process on the same rows.
func (w *world) revive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead, w.before, w.after, w.commits = false, nil, nil, 0
}

func (w *world) isDead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dead
}
