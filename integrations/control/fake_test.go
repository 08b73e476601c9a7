package control_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/control"
)

const ownerUID = 4242

var (
	vera = bot.Person{ID: "vera", Name: "Vera", Version: 1, Roles: []bot.Role{bot.RoleViewer}}
	rita = bot.Person{ID: "rita", Name: "Rita", Version: 1, Roles: []bot.Role{bot.RoleResponder}, Identities: []bot.Identity{{Surface: "unix", ID: "1000"}}}
	adam = bot.Person{ID: "adam", Name: "Adam", Version: 1, Roles: []bot.Role{bot.RoleAdmin}}
	dora = bot.Person{ID: "dora", Name: "Dora", Version: 1, Roles: []bot.Role{bot.RoleAdmin}, Disabled: true, Identities: []bot.Identity{{Surface: "unix", ID: "1001"}}}
)

// world is everything behind the door, small and in memory.
type world struct {
	mu       sync.Mutex
	people   map[bot.PersonID]bot.Person
	commands []bot.Command
	did      []string // changes of people, with who made them
	seq      int64
	subs     []chan bot.Touched
	fail     error
}

func newWorld() *world {
	w := &world{people: map[bot.PersonID]bot.Person{}, seq: 7}
	w.reset()
	return w
}

// reset makes people as they were.
func (w *world) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.people)
	for _, p := range []bot.Person{vera, rita, adam, dora} {
		w.people[p.ID] = p
	}
}

func (w *world) ports() control.Ports {
	return control.Ports{Commander: w, Cards: w, Rows: w, Records: w, Identities: w, Registry: w, Tokens: w, Insight: w, Claims: w, Duty: w}
}

// ClaimsOf are one that stands and one that is over.
func (w *world) ClaimsOf(_ context.Context, id bot.IncidentID) ([]bot.Claim, error) {
	if id != 0 {
		return nil, nil
	}
	return []bot.Claim{{Target: "db-3", Holder: "rita", Name: "Rita", Until: time.Now().Add(time.Hour)}, {Target: "db-4", Until: time.Now().Add(-time.Hour)}}, w.failing()
}

func (w *world) failing() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fail
}

// Do takes a halt from anybody, and the rest from those who are known.
func (w *world) Do(_ context.Context, c bot.Command) (bot.Answer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.By.ID == "" && c.Verb != bot.VerbHalt {
		return bot.Answer{}, bot.Refuse(bot.RefusedIdentity, "Nobody knows who is asking.", "salve user add NAME")
	}
	w.commands = append(w.commands, c)
	return bot.Answer{Text: "Done.", Incident: c.Incident}, w.fail
}

func (w *world) Card(_ context.Context, id bot.IncidentID, viewer bot.Person) (bot.Card, error) {
	return bot.Card{Incident: id, Owner: viewer.Name}, w.known(int64(id))
}

func (w *world) known(id int64) error {
	if id != 1 {
		return bot.ErrNotFound
	}
	return w.failing()
}

func (w *world) Timeline(_ context.Context, id bot.IncidentID) (string, error) {
	return "# " + id.String() + " <script>", w.known(int64(id))
}

func (w *world) Subscribe(ctx context.Context) <-chan bot.Touched {
	w.mu.Lock()
	defer w.mu.Unlock()
	ch := make(chan bot.Touched, 1)
	w.subs = append(w.subs, ch)
	return ch
}

// change is a commit.
func (w *world) change() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	for _, ch := range w.subs {
		select {
		case ch <- bot.Touched{}:
		default:
		}
	}
}

func (w *world) Incidents(_ context.Context, q bot.IncidentQuery) ([]bot.Incident, error) {
	if err := w.failing(); err != nil {
		return nil, err
	}
	if q.Owner != "" {
		return []bot.Incident{{ID: 1, Work: bot.Work{Owner: q.Owner}, Fold: bot.Fold{Title: "not \xff UTF-8"}}}, nil
	}
	return nil, nil
}

func (w *world) Runs(context.Context, bot.RunQuery) ([]bot.Run, error) { return nil, w.failing() }
func (w *world) Run(_ context.Context, id bot.RunID) (bot.Run, error) {
	return bot.Run{ID: id, Plan: 1, State: bot.RunFixed}, w.known(int64(id))
}

func (w *world) Plan(_ context.Context, id bot.PlanID) (bot.Plan, error) {
	return bot.Plan{ID: id, Title: "Restart"}, w.failing()
}

func (w *world) Approvals(context.Context, bot.ApprovalQuery) ([]bot.Approval, error) {
	return nil, w.failing()
}

func (w *world) Events(_ context.Context, q bot.EventQuery) ([]bot.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return []bot.Event{{Seq: w.seq, Kind: bot.EventNoted, Text: "noted"}}, w.fail
}

func (w *world) QuarantineList(context.Context, bot.QuarantineQuery) ([]bot.Quarantined, error) {
	return nil, w.failing()
}

func (w *world) QuarantineItem(_ context.Context, id bot.QuarantineID) (bot.Quarantined, error) {
	return bot.Quarantined{ID: id, Body: []byte("{\xff")}, w.known(int64(id))
}

func (w *world) People(context.Context) ([]bot.Person, error) {
	return []bot.Person{vera, rita, adam}, w.failing()
}

func (w *world) Person(_ context.Context, id bot.PersonID) (bot.Person, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.people[id]
	if !ok {
		return p, bot.ErrNotFound
	}
	return p, w.fail
}

func (w *world) ByIdentity(_ context.Context, id bot.Identity) (bot.Person, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.people {
		for _, have := range p.Identities {
			if have == id {
				return p, true, w.fail
			}
		}
	}
	return bot.Person{}, false, w.fail
}

// Authenticate knows the token "salve_api_" and a person's id.
func (w *world) Authenticate(_ context.Context, secret string, kind bot.TokenKind) (bot.Person, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.people[bot.PersonID(strings.TrimPrefix(secret, "salve_api_"))]
	if !ok || kind != bot.TokenAPI {
		return bot.Person{}, bot.Refuse(bot.RefusedIdentity, "This opens nothing.", "Get another.")
	}
	return p, w.fail
}

func (w *world) note(by bot.Actor, what string, p bot.Person) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail == nil {
		w.did = append(w.did, by.Name+" "+what+" "+string(p.ID))
		if _, there := w.people[p.ID]; !there || what == "added" || what == "changed" {
			w.people[p.ID] = p
		}
	}
	return w.fail
}

func (w *world) Add(_ context.Context, by bot.Actor, p bot.Person) error {
	return w.note(by, "added", p)
}

func (w *world) Update(_ context.Context, by bot.Actor, p bot.Person) error {
	return w.note(by, "changed", p)
}

func (w *world) Disable(_ context.Context, by bot.Actor, id bot.PersonID) error {
	return w.note(by, "disabled", bot.Person{ID: id, Disabled: true})
}

func (w *world) Enable(_ context.Context, by bot.Actor, id bot.PersonID) error {
	return w.note(by, "enabled", bot.Person{ID: id})
}

func (w *world) Issue(_ context.Context, by bot.Actor, want bot.Token, ttl time.Duration) (string, bot.Token, error) {
	want.Hash, want.ExpiresAt = "abcdef0123", time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(ttl)
	return "salve_" + string(want.Kind) + "_fresh", want, w.note(by, "issued "+string(want.Kind)+" "+want.Label+" for", bot.Person{ID: want.Person})
}

func (w *world) Tokens(context.Context, bot.PersonID) ([]bot.Token, error) { return nil, w.failing() }
func (w *world) Revoke(_ context.Context, by bot.Actor, id bot.PersonID, hash string) error {
	return w.note(by, "revoked "+hash+" of", bot.Person{ID: id})
}

func (w *world) Why(_ context.Context, id bot.IncidentID) (any, error) {
	return map[string]string{"headline": "why " + id.String()}, w.known(int64(id))
}
func (w *world) VerifyAudit(context.Context) (any, error) {
	return map[string]int{"events": 3}, w.failing()
}
func (w *world) Status(context.Context) (any, error) {
	return map[string]bool{"ready": true}, w.failing()
}
func (w *world) Halts(context.Context) ([]bot.Halt, error) { return nil, w.failing() }
func (w *world) Playbooks() []bot.Playbook                 { return nil }

func newDoor(t *testing.T, w *world, opts control.Options) *control.Server {
	t.Helper()
	opts.OwnerUID = ownerUID
	opts.ConsoleURL = "https://salve.example.org"
	s, err := control.New(w.ports(), opts)
	require.NoError(t, err)
	return s
}

// exchange sends one request through the handler and gives the answer.
func exchange(h http.Handler, req *http.Request) (int, string) {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	b, err := io.ReadAll(rec.Body)
	if err != nil {
		return 0, err.Error()
	}
	return rec.Code, string(b)
}

func request(method, path, body string) *http.Request {
	req := httptest.NewRequest(method, "http://127.0.0.1:8080"+path, strings.NewReader(body))
	req.RemoteAddr = "127.0.0.1:5555"
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return req
}

var errDown = errors.New("the disk /var/lib/x said no to salve_api_adam")

func (w *world) OnCall(context.Context) (any, error) { return []string{"Ann"}, w.failing() }

func (w *world) TestPage(_ context.Context, by bot.Actor, pager string) (any, error) {
	return []string{by.Name + " tested " + pager}, w.failing()
}
