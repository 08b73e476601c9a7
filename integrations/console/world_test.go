package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/chat"
	"salve/integrations/console"
)

// world is a small working Salve: rows in memory, cards made by the real
// bot/chat, and commands written down instead of carried out.
type world struct {
	mu        sync.Mutex
	incidents map[bot.IncidentID]chat.State
	people    map[string]bot.Person // by session secret
	seen      []string              // sessions that were noted as being used
	links     map[string]bot.Person // by login secret
	halts     []bot.Halt
	held      []bot.Quarantined
	playbooks []bot.Playbook
	did       []bot.Command
	answer    error // what Do refuses with
	down      error // what the rows answer with
	chain     error // what the audit says
	subs      []chan bot.Touched
}

var (
	viewer    = bot.Person{ID: "vera", Name: "Vera", Roles: []bot.Role{bot.RoleViewer}}
	responder = bot.Person{ID: "rob", Name: "Rob", Roles: []bot.Role{bot.RoleResponder}}
	approver  = bot.Person{ID: "alice", Name: "Alice", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}}
	nobody    = bot.Person{ID: "nina", Name: "Nina"} // has no role
)

func newWorld() *world {
	return &world{
		incidents: map[bot.IncidentID]chat.State{},
		people: map[string]bot.Person{
			"s-vera": viewer, "s-rob": responder, "s-alice": approver, "s-nina": nobody,
		},
		links: map[string]bot.Person{"l-alice": approver},
	}
}

func (w *world) Do(_ context.Context, cmd bot.Command) (bot.Answer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answer != nil {
		return bot.Answer{}, w.answer
	}
	w.did = append(w.did, cmd)
	answer := bot.Answer{Text: "Done: " + string(cmd.Verb) + "."}
	if cmd.Verb == bot.VerbRaise {
		answer.Incident = 777
	}
	return answer, nil
}

func (w *world) state(id bot.IncidentID) (chat.State, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down != nil {
		return chat.State{}, w.down
	}
	s, ok := w.incidents[id]
	if !ok {
		return s, fmt.Errorf("incident %s: %w", id, bot.ErrNotFound)
	}
	s.Halts, s.Playbooks = w.halts, w.playbooks
	return s, nil
}

func (w *world) Card(_ context.Context, id bot.IncidentID, viewer bot.Person) (bot.Card, error) {
	s, err := w.state(id)
	if err != nil {
		return bot.Card{}, err
	}
	return chat.Card(s, viewer, time.Now()), nil
}

func (w *world) Timeline(_ context.Context, id bot.IncidentID) (string, error) {
	s, err := w.state(id)
	if err != nil {
		return "", err
	}
	return chat.Timeline(s), nil
}

func (w *world) all() []chat.State {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []chat.State
	for _, s := range w.incidents {
		s.Halts = w.halts
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b chat.State) int { return int(b.Incident.ID - a.Incident.ID) })
	return out
}

func (w *world) Board(_ context.Context, q bot.IncidentQuery, viewer bot.Person) ([]bot.Card, error) {
	if w.down != nil {
		return nil, w.down
	}
	var out []bot.Card
	for _, s := range w.all() {
		inc := s.Incident
		if len(q.States) > 0 && !slices.Contains(q.States, inc.State()) || q.Owner != "" && q.Owner != inc.Owner ||
			q.Before != 0 && inc.ID >= q.Before || !strings.Contains(strings.ToLower(inc.Title), strings.ToLower(q.Text)) {
			continue
		}
		if len(out) < q.Limit {
			out = append(out, chat.Card(s, viewer, time.Now()))
		}
	}
	return out, nil
}

func (w *world) Proposals(_ context.Context, viewer bot.Person) ([]bot.CardProposal, error) {
	var out []bot.CardProposal
	for _, s := range w.all() {
		for i, a := range s.Approvals {
			if a.State == bot.ApprovalPending {
				out = append(out, chat.Proposal(a, s.Plans[i], viewer, time.Now()))
			}
		}
	}
	return out, w.down
}

func (w *world) Runs(_ context.Context, q bot.RunQuery) ([]bot.Run, error) {
	var out []bot.Run
	for _, s := range w.all() {
		for _, r := range s.Runs {
			if !q.Active || r.Active() {
				out = append(out, r)
			}
		}
	}
	return out, w.down
}

func (w *world) Run(_ context.Context, id bot.RunID) (bot.Run, error) {
	for _, s := range w.all() {
		for _, r := range s.Runs {
			if r.ID == id {
				return r, nil
			}
		}
	}
	return bot.Run{}, fmt.Errorf("run %s: %w", id, bot.ErrNotFound)
}

func (w *world) Plan(_ context.Context, id bot.PlanID) (bot.Plan, error) {
	for _, s := range w.all() {
		for _, p := range s.Plans {
			if p.ID == id {
				return p, nil
			}
		}
	}
	return bot.Plan{}, fmt.Errorf("plan %s: %w", id, bot.ErrNotFound)
}

func (w *world) Approvals(_ context.Context, q bot.ApprovalQuery) ([]bot.Approval, error) {
	var out []bot.Approval
	for _, s := range w.all() {
		for _, a := range s.Approvals {
			if len(q.States) == 0 || slices.Contains(q.States, a.State) {
				out = append(out, a)
			}
		}
	}
	return out, w.down
}

func (w *world) People(context.Context) ([]bot.Person, error) {
	return []bot.Person{viewer, responder, approver, nobody}, nil
}

func (w *world) Events(_ context.Context, q bot.EventQuery) ([]bot.Event, error) {
	var out []bot.Event
	for _, s := range w.all() {
		out = append(out, s.Events...)
	}
	slices.SortFunc(out, func(a, b bot.Event) int { return int(a.Seq - b.Seq) })
	return out, w.down
}

func (w *world) QuarantineList(context.Context, bot.QuarantineQuery) ([]bot.Quarantined, error) {
	return w.held, w.down
}

func (w *world) QuarantineItem(_ context.Context, id bot.QuarantineID) (bot.Quarantined, error) {
	for _, q := range w.held {
		if q.ID == id {
			return q, nil
		}
	}
	return bot.Quarantined{}, fmt.Errorf("payload %s: %w", id, bot.ErrNotFound)
}

func (w *world) Halts(context.Context) ([]bot.Halt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.halts, w.down
}

// ClaimsOf are one that stands and one that is over.
func (w *world) ClaimsOf(_ context.Context, id bot.IncidentID) ([]bot.Claim, error) {
	if id != 0 || w.down != nil {
		return nil, w.down
	}
	now := time.Now().UTC()
	return []bot.Claim{
		{Target: "db-3\u202e", Holder: "rob", Name: "Rob <b>", At: now.Add(-time.Hour), Until: now.Add(time.Hour), Reason: "new disks"},
		{Target: "db-4", Holder: "rob", Name: "Rob", At: now.Add(-time.Hour), Until: now.Add(-time.Minute)},
	}, nil
}

func (w *world) VerifyAudit(context.Context) (int64, error) { return 42, w.chain }

func (w *world) Authenticate(_ context.Context, secret string, kind bot.TokenKind) (bot.Person, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down != nil {
		return bot.Person{}, w.down
	}
	from := w.people
	if kind == bot.TokenLogin {
		from = w.links
	}
	if p, ok := from[secret]; ok {
		return p, nil
	}
	return bot.Person{}, bot.Refuse(bot.RefusedIdentity, "Nobody knows this.", "")
}

func (w *world) Redeem(_ context.Context, secret string) (string, bot.Person, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.links[secret]
	if !ok {
		return "", bot.Person{}, bot.Refuse(bot.RefusedIdentity, "The link is used up.", "Ask for another.")
	}
	delete(w.links, secret)
	w.people["fresh-session"] = p
	return "fresh-session", p, nil
}

func (w *world) Seen(_ context.Context, secret string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down == nil {
		w.seen = append(w.seen, secret)
	}
	return w.down
}

func (w *world) SignOut(_ context.Context, secret string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.people, secret)
	return nil
}

func (w *world) Subscribe(ctx context.Context) <-chan bot.Touched {
	ch := make(chan bot.Touched, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.subs = append(w.subs, ch)
	context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.subs = slices.DeleteFunc(w.subs, func(c chan bot.Touched) bool { return c == ch })
		close(ch)
	})
	return ch
}

func (w *world) publish(t bot.Touched) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.subs {
		select {
		case ch <- t:
		default:
		}
	}
}

func (w *world) commands() []bot.Command {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.did)
}

func (w *world) ports() console.Ports {
	return console.Ports{
		Commander: w, Cards: w, Lists: lists{w}, Records: w, Brake: w, People: w, Live: w, Auditor: w, Claims: w,
		Playbooks: w.playbooks,
	}
}

// lists keeps the two ports apart that have a method of the same name.
type lists struct{ *world }

func (l lists) People(ctx context.Context) ([]bot.Person, error) { return l.world.People(ctx) }

func open(t testing.TB, w *world, opts console.Options) *console.Console {
	t.Helper()
	c, err := console.New(w.ports(), opts)
	require.NoError(t, err)
	return c
}

// ask is a request by somebody, by the secret of a session ("" for nobody).
func ask(c http.Handler, method, target, session string, form url.Values) *httptest.ResponseRecorder {
	var r *http.Request
	if form != nil {
		r = httptest.NewRequest(method, "http://localhost"+target, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r = httptest.NewRequest(method, "http://localhost"+target, nil)
	}
	if session != "" {
		r.AddCookie(&http.Cookie{Name: "salve_session", Value: session})
	}
	rec := httptest.NewRecorder()
	c.ServeHTTP(rec, r)
	return rec
}
