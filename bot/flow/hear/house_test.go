package hear_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/flow/command"
	"salve/bot/flow/hear"
	"salve/bot/flow/receive"
	"salve/bot/flow/tell"
	"salve/bot/people"
	"salve/storage/sqlite"
)

var (
	rita = bot.Person{ID: "rita", Name: "Rita", Roles: []bot.Role{bot.RoleResponder}, Identities: []bot.Identity{{Surface: "slack", ID: "T1/URITA"}}}
	olga = bot.Person{ID: "olga", Name: "Olga", Roles: []bot.Role{bot.RoleViewer}, Groups: []string{"oncall"}, Identities: []bot.Identity{{Surface: "slack", ID: "T1/UOLGA"}}}
	rosa = bot.Person{ID: "rosa", Name: "Rosa", Roles: []bot.Role{bot.RoleResponder}, Identities: []bot.Identity{{Surface: "slack", ID: "T1/UROSA"}}}
	dora = bot.Person{ID: "dora", Name: "Dora", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}, Disabled: true, Identities: []bot.Identity{{Surface: "slack", ID: "T1/UDORA"}}}
)

// house is the leg over a real store, a real desk and real windows; Slack and
// its directory are fakes that can be told to fail.
type house struct {
	*testing.T
	store  *faulty
	leg    *hear.Leg
	slack  *slack
	roll   *roll
	desk   hear.Desk
	window *tell.Leg
	n      int
}

// faulty is a store whose writes can be told to fail.
type faulty struct {
	*sqlite.Store
	mu   sync.Mutex
	fail func(bot.Change) error
}

func (f *faulty) Commit(ctx context.Context, c bot.Change) (bot.Receipt, error) {
	f.mu.Lock()
	fail := f.fail
	f.mu.Unlock()
	if fail != nil {
		if err := fail(c); err != nil {
			return bot.Receipt{}, err
		}
	}
	return f.Store.Commit(ctx, c)
}

func (f *faulty) breakWith(fail func(bot.Change) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

// brake is the halts of the store and a flag in memory.
type brake struct {
	store *faulty
	mu    sync.Mutex
	flag  string
}

func (b *brake) Halts(ctx context.Context) ([]bot.Halt, error) { return b.store.Halts(ctx) }
func (b *brake) ClearFlag(time.Time) error                     { return nil }
func (b *brake) SetFlag(reason string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.flag = reason + "!"
	return nil
}

// books refuses a count of two digits.
type books struct{}

func (books) Check(_ string, params map[string]string) error {
	if v := params["count"]; len(v) > 1 {
		return fmt.Errorf("param count: %s is above 9; write that or less", v)
	}
	return nil
}

func (books) TargetOf(_ string, _ bot.Alert, inc bot.Incident, _ map[string]string) (string, error) {
	return "host-" + inc.ID.String(), nil
}

type shelf struct{}

func (shelf) Replay(context.Context, bot.QuarantineID, bot.Actor) (bot.Answer, error) {
	return bot.Answer{}, bot.ErrNotFound
}

func (shelf) Discard(context.Context, bot.QuarantineID, bot.Actor) (bot.Answer, error) {
	return bot.Answer{}, bot.ErrNotFound
}

// roll is what Slack knows of its users: everybody is a full member.
type roll struct {
	mu      sync.Mutex
	members map[string]bot.Member
	fail    error
}

func (r *roll) Member(_ context.Context, user bot.ChatUser) (bot.Member, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[user.ID]
	m.User, m.ReadAt = user, time.Now().UTC().Truncate(time.Millisecond)
	return m, r.fail
}

func (r *roll) set(user string, m bot.Member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[user] = m
}

func (r *roll) down(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = err
}

// slack is a surface that remembers what it showed.
type slack struct {
	mu       sync.Mutex
	whispers []whisper
	forms    []bot.Form // as they were opened and refilled
	homes    []bot.Message
	noOpen   error
	panics   bool
}

type whisper struct {
	to bot.Gesture
	m  bot.Message
}

func (s *slack) Whisper(_ context.Context, g bot.Gesture, m bot.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.panics {
		panic("a fault in a surface")
	}
	s.whispers = append(s.whispers, whisper{g, m})
	return nil
}

func (s *slack) Open(_ context.Context, _ bot.Gesture, f bot.Form) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.noOpen != nil {
		return "", s.noOpen
	}
	s.forms = append(s.forms, f)
	return fmt.Sprint(len(s.forms)), nil
}

func (s *slack) Refill(_ context.Context, opened string, f bot.Form) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forms = append(s.forms, f)
	return opened, nil
}

func (s *slack) Home(_ context.Context, _ bot.ChatUser, m bot.Message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.homes = append(s.homes, m)
	return nil
}

func (s *slack) said() []whisper {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]whisper(nil), s.whispers...)
}

func (s *slack) shownForms() []bot.Form {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]bot.Form(nil), s.forms...)
}

func five() *int64 { n := int64(5); return &n }

var playbooks = []bot.Playbook{{
	Name: "restart", Approvers: []string{"oncall"}, Quorum: 1,
	Params: map[string]bot.Param{"count": {Type: bot.ParamInteger, Default: "1", Max: five()}},
}}

// closed is a house whose leg does not run yet.
func closed(t *testing.T) *house {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	h := &house{T: t, store: &faulty{Store: store}, roll: &roll{members: map[string]bot.Member{}}, slack: &slack{}}
	door, err := receive.New(h.store, receive.Options{})
	require.NoError(t, err)
	h.desk, err = command.New(h.store, &brake{store: h.store}, shelf{}, command.Options{Door: door, Playbooks: books{}, Known: func(n string) bool { return n == "restart" }})
	require.NoError(t, err)
	h.window, err = tell.New(h.store, tell.Options{Playbooks: playbooks})
	require.NoError(t, err)
	h.leg = h.another(hear.Options{})
	h.commit(bot.Change{People: []bot.Person{rita, olga, rosa, dora}})
	return h
}

// another is one more leg over the same rows.
func (h *house) another(opts hear.Options) *hear.Leg {
	h.Helper()
	known, err := people.New(h.store, people.Options{})
	require.NoError(h, err)
	opts.Playbooks, opts.ResumeGroup = playbooks, "resumers"
	leg, err := hear.New(hear.House{Store: h.store, Desk: h.desk, Window: h.window, People: known}, map[string]hear.Venue{"slack": {
		Surface: h.slack, Directory: h.roll, Brief: brief.Options{Command: "/salve"}, Admits: []string{"oncall"},
		Mapping: func(group string) string { return "slack:\n  groups:\n    " + group + ":\n      user_group: S0123" },
	}}, opts)
	require.NoError(h, err)
	return leg
}

// open is a house whose leg runs.
func open(t *testing.T) *house {
	t.Helper()
	h := closed(t)
	h.runs(h.leg)
	return h
}

// runs lets a leg work until the test is over, or until what it gives is called.
func (h *house) runs(leg *hear.Leg) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { _ = leg.Run(ctx) })
	stop = func() { cancel(); wait.Wait() }
	h.Cleanup(stop)
	return stop
}

func (h *house) commit(c bot.Change) bot.Receipt {
	h.Helper()
	receipt, err := h.store.Store.Commit(h.Context(), c)
	require.NoError(h, err)
	return receipt
}

// asks is an incident with a question about it.
func (h *house) asks() bot.Approval {
	h.Helper()
	h.n++
	began := time.Now().UTC().Add(-time.Hour).Truncate(time.Millisecond)
	key := bot.AlertKey{Source: "prod", Fingerprint: fmt.Sprint("f", h.n), StartsAt: began}
	inc := h.commit(bot.Change{By: bot.Actor{Name: "prod"}, Observed: []bot.Alert{{
		AlertKey: key, GroupKey: fmt.Sprint(h.n), State: bot.AlertFiring,
		Severity: bot.SeverityHigh, Title: "Down", ReceivedAt: began,
	}}}).Observed[0].Incident
	p := bot.Plan{
		ID: bot.PlanID(h.store.NextID(bot.KindPlan)), Incident: inc, Kind: bot.PlanRespond, Playbook: "restart", Target: "host-" + inc.String(),
		Params: map[string]string{"count": "1"}, Alert: key, CreatedAt: began,
		Steps: []bot.PlanStep{{ID: "go", Action: "wait", Args: map[string]any{"for": "1s"}, Effect: bot.EffectChanges}},
		Rule:  bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1, ExpiresIn: bot.Duration(24 * time.Hour)},
	}
	var err error
	p.Digest, err = p.ComputeDigest()
	require.NoError(h, err)
	a := bot.Approval{
		ID: bot.ApprovalID(h.store.NextID(bot.KindApproval)), Incident: inc, Plan: p.ID, Digest: p.Digest, Playbook: p.Playbook, Target: p.Target,
		State: bot.ApprovalPending, Rule: p.Rule, OpenedAt: began, ExpiresAt: began.Add(24 * time.Hour),
	}
	h.commit(bot.Change{Plans: []bot.Plan{p}, Approvals: []bot.Approval{a}})
	a, err = h.store.Approval(h.Context(), a.ID)
	require.NoError(h, err)
	return a
}

// card posts the card of a question, with a button that approves.
func (h *house) card(a bot.Approval, change ...func(*bot.Offer)) (bot.Post, bot.Offer) {
	h.Helper()
	p := bot.Post{
		Key: "slack/C1/card/" + a.Incident.String(), State: bot.PostShown, Surface: "slack", Place: "C1", Kind: bot.MessageCard, Incident: a.Incident,
		Mark: bot.Mark{Place: "C1", Ref: fmt.Sprintf("17000.%d", a.Incident)}, OpenedAt: time.Now().UTC(),
	}
	o := bot.Offer{
		Token: "token-" + a.ID.String(), Surface: "slack", Post: p.Key, Shown: "HIGH Down: approve restart?", ExpiresAt: time.Now().UTC().Add(time.Hour),
		Press: bot.Press{Kind: bot.PressCommand, Command: bot.Command{Verb: bot.VerbApprove, Incident: a.Incident, Approval: a.ID, Digest: string(a.Digest)}},
	}
	for _, c := range change {
		c(&o)
	}
	h.commit(bot.Change{Posts: []bot.Post{p}, Offers: []bot.Offer{o}})
	return p, o
}

// gesture begins one of a person.
func (h *house) gesture(kind bot.GestureKind, user string) bot.Gesture {
	h.n++
	return bot.Gesture{
		Key: fmt.Sprintf("slack/%d", h.n), Surface: "slack", Transport: "socket", Kind: kind, User: bot.ChatUser{ID: "T1/" + user, Name: strings.ToLower(user)},
		Place: "C1", Handles: map[string]string{"trigger_id": "secret-handle", "response_url": "https://hooks.example.org/secret-handle"}, ReceivedAt: time.Now().UTC().Truncate(time.Millisecond),
	}
}

func (h *house) press(user string, p bot.Post, token string) bot.Gesture {
	g := h.gesture(bot.GesturePressed, user)
	g.Message, g.Token = p.Mark.Ref, token
	return g
}

func (h *house) says(user, text string) bot.Gesture {
	g := h.gesture(bot.GestureSaid, user)
	g.Text = text
	return g
}

// hears gives a Gesture to the leg and waits until it is done.
func (h *house) hears(g bot.Gesture) bot.Gesture {
	h.Helper()
	require.NoError(h, h.leg.Hear(h.Context(), g))
	return h.done(g.Key)
}

func (h *house) done(key string) bot.Gesture {
	h.Helper()
	var g bot.Gesture
	require.Eventually(h, func() bool {
		var err error
		g, err = h.store.Gesture(context.Background(), key)
		return err == nil && g.Done
	}, 20*time.Second, 2*time.Millisecond)
	require.Empty(h, g.Handles, "what opens something is dropped")
	require.NotEmpty(h, g.Result)
	return g
}

// answered hears a Gesture and gives the one private answer to it.
func (h *house) answered(g bot.Gesture) bot.Message {
	h.Helper()
	before := len(h.slack.said())
	h.hears(g)
	said := h.slack.said()
	require.Len(h, said, before+1)
	w := said[before]
	require.Equal(h, g.User.ID, w.to.User.ID)
	for _, b := range buttons(w.m) {
		require.NotEmpty(h, b.Token, "every button stands for something: %s", b.Label)
	}
	return w.m
}

func buttons(m bot.Message) []bot.Button {
	out := append(append([]bot.Button(nil), m.Buttons...), m.More...)
	for _, r := range m.Rows {
		if r.Button != nil {
			out = append(out, *r.Button)
		}
	}
	return out
}

// words is all that a Message says.
func words(m bot.Message) string {
	var b strings.Builder
	b.WriteString(m.Alone + "\n")
	for _, l := range append([]bot.Line{{Spans: m.Title}}, m.Lines...) {
		for _, s := range l.Spans {
			b.WriteString(s.Text)
		}
		b.WriteByte('\n')
	}
	for _, r := range m.Rows {
		for _, s := range r.Line.Spans {
			b.WriteString(s.Text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func formWords(f bot.Form) string {
	return f.Title + "\n" + words(bot.Message{Lines: f.Lines, Rows: f.Rows})
}

func (h *house) approval(id bot.ApprovalID) bot.Approval {
	h.Helper()
	a, err := h.store.Approval(h.Context(), id)
	require.NoError(h, err)
	return a
}

func (h *house) events(kind bot.EventKind) []bot.Event {
	h.Helper()
	all, err := h.store.Events(h.Context(), bot.EventQuery{Last: true, Limit: 10_000})
	require.NoError(h, err)
	var out []bot.Event
	for _, e := range all {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

// button is the one with that label.
func (h *house) button(m bot.Message, label string) bot.Button {
	h.Helper()
	for _, b := range buttons(m) {
		if b.Label == label {
			return b
		}
	}
	h.Fatalf("there is no button %q in: %s", label, words(m))
	return bot.Button{}
}

var errDown = errors.New("slack does not answer")
