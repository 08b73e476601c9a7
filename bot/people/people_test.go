package people_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/people"
)

// memory is a store of people that checks versions like the real ones.
type memory struct {
	mu     sync.Mutex
	people map[bot.PersonID]bot.Person
	tokens map[string]bot.Token
	events []bot.Event
	fail   error
}

func (m *memory) Commit(_ context.Context, c bot.Change) (bot.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return bot.Receipt{}, m.fail
	}
	for _, p := range c.People {
		if m.people[p.ID].Version != p.Version {
			return bot.Receipt{}, bot.ErrConflict
		}
	}
	for _, t := range c.Tokens {
		if m.tokens[t.Hash].Version != t.Version {
			return bot.Receipt{}, bot.ErrConflict
		}
	}
	for _, p := range c.People {
		p.Version++
		m.people[p.ID] = p
	}
	for _, t := range c.Tokens {
		t.Version++
		m.tokens[t.Hash] = t
	}
	m.events = append(m.events, c.Events...)
	return bot.Receipt{}, nil
}

func (m *memory) Person(_ context.Context, id bot.PersonID) (bot.Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p, ok := m.people[id]
	if !ok {
		return p, bot.ErrNotFound
	}
	return p, nil
}

func (m *memory) PersonBy(_ context.Context, id bot.Identity) (bot.Person, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.people {
		for _, have := range p.Identities {
			if have == id {
				return p, nil
			}
		}
	}
	return bot.Person{}, bot.ErrNotFound
}

func (m *memory) Token(_ context.Context, hash string) (bot.Token, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, ok := m.tokens[hash]
	if !ok {
		return t, bot.ErrNotFound
	}
	return t, nil
}

func (m *memory) Tokens(_ context.Context, id bot.PersonID) (out []bot.Token, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range m.tokens {
		if t.Person == id {
			out = append(out, t)
		}
	}
	return out, nil
}

var root = bot.Actor{Name: "root", Surface: "cli"}

func setUp(t *testing.T) (*people.People, *memory) {
	t.Helper()
	m := &memory{people: map[bot.PersonID]bot.Person{}, tokens: map[string]bot.Token{}}
	p, err := people.New(m, people.Options{})
	require.NoError(t, err)
	require.NoError(t, p.Add(t.Context(), root, alice()))
	return p, m
}

func alice() bot.Person {
	return bot.Person{ID: "alice", Name: "Alice", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}, Identities: []bot.Identity{{Surface: "unix", ID: "1000"}}}
}

func requireRefused(t *testing.T, err error, code bot.RefusalCode) {
	t.Helper()
	r, ok := errors.AsType[*bot.Refusal](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, code, r.Code, r.Error())
}

func TestASecretOpensWhatItIsForUntilItIsOver(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	secret, tok, err := p.Issue(t.Context(), root, bot.Token{Person: "alice", Kind: bot.TokenAPI, Label: "laptop"}, time.Hour)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(secret, "salve_api_"))

	who, err := p.Authenticate(t.Context(), secret, bot.TokenAPI)
	require.NoError(t, err)
	require.Equal(t, bot.PersonID("alice"), who.ID)
	for name, wrong := range map[string]string{"other": secret + "x", "empty": "", "huge": strings.Repeat("x", 1<<20), "its hash": tok.Hash} {
		_, err = p.Authenticate(t.Context(), wrong, bot.TokenAPI)
		require.Error(t, err, name)
	}
	_, err = p.Authenticate(t.Context(), secret, bot.TokenSession)
	requireRefused(t, err, bot.RefusedIdentity)

	require.NoError(t, p.Revoke(t.Context(), root, "alice", tok.Hash[:12]))
	require.NoError(t, p.Revoke(t.Context(), root, "alice", tok.Hash[:12]), "revoking again changes nothing")
	_, err = p.Authenticate(t.Context(), secret, bot.TokenAPI)
	requireRefused(t, err, bot.RefusedIdentity)

	kept, err := json.Marshal([]any{m.tokens, m.events, m.people})
	require.NoError(t, err)
	require.NotContains(t, string(kept), secret, "secrets are not kept")
}

func TestALoginLinkOpensOneSession(t *testing.T) {
	t.Parallel()
	p, _ := setUp(t)
	link, _, err := p.Issue(t.Context(), root, bot.Token{Person: "alice", Kind: bot.TokenLogin}, 0)
	require.NoError(t, err)
	_, err = p.Authenticate(t.Context(), link, bot.TokenLogin)
	require.NoError(t, err, "looking does not use it up")

	var opened atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if session, who, err := p.Redeem(t.Context(), link); err == nil && who.ID == "alice" {
				opened.Add(1)
				_, err = p.Authenticate(t.Context(), session, bot.TokenSession)
				require.NoError(t, err)
				require.NoError(t, p.SignOut(t.Context(), session))
				require.NoError(t, p.SignOut(t.Context(), session))
				_, err = p.Authenticate(t.Context(), session, bot.TokenSession)
				require.Error(t, err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, int32(1), opened.Load())
	_, _, err = p.Redeem(t.Context(), link)
	requireRefused(t, err, bot.RefusedIdentity)
}

func TestSomebodyDisabledIsNobodyAtOnce(t *testing.T) {
	t.Parallel()
	p, _ := setUp(t)
	secret, _, err := p.Issue(t.Context(), root, bot.Token{Person: "alice", Kind: bot.TokenAPI}, time.Hour)
	require.NoError(t, err)
	require.NoError(t, p.Disable(t.Context(), root, "alice"))
	_, err = p.Authenticate(t.Context(), secret, bot.TokenAPI)
	requireRefused(t, err, bot.RefusedIdentity)
	_, known, err := p.ByIdentity(t.Context(), bot.Identity{Surface: "unix", ID: "1000"})
	require.NoError(t, err)
	require.False(t, known)
	_, _, err = p.Issue(t.Context(), root, bot.Token{Person: "alice", Kind: bot.TokenAPI}, time.Hour)
	requireRefused(t, err, bot.RefusedState)
	require.NoError(t, p.Enable(t.Context(), root, "alice"))
	_, err = p.Authenticate(t.Context(), secret, bot.TokenAPI)
	require.NoError(t, err)
}

func TestOnePersonOnSeveralSurfacesCountsOnce(t *testing.T) {
	t.Parallel()
	p, _ := setUp(t)
	who, known, err := p.ByIdentity(t.Context(), bot.Identity{Surface: "unix", ID: "1000"})
	require.NoError(t, err)
	require.True(t, known)
	require.Equal(t, bot.PersonID("alice"), who.ID)
	_, known, err = p.ByIdentity(t.Context(), bot.Identity{Surface: "unix", ID: "1"})
	require.NoError(t, err)
	require.False(t, known)

	twin := alice()
	twin.ID, twin.Name = "alice2", "Alice again"
	requireRefused(t, p.Add(t.Context(), root, twin), bot.RefusedState)
	both := alice()
	both.Identities = append(both.Identities, bot.Identity{Surface: "slack", ID: "T1/U1"})
	require.NoError(t, p.Update(t.Context(), root, both))
}

func TestWhatCannotBeAPersonIsRefused(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	tests := map[string]func(*bot.Person){
		"upper case id": func(b *bot.Person) { b.ID = "Bob" }, "empty id": func(b *bot.Person) { b.ID = "" }, "path in id": func(b *bot.Person) { b.ID = "../bob" },
		"no name": func(b *bot.Person) { b.Name = "" }, "hidden name": func(b *bot.Person) { b.Name = "a\u202eb" }, "no role": func(b *bot.Person) { b.Roles = nil },
		"odd role": func(b *bot.Person) { b.Roles = []bot.Role{"king"} }, "odd group": func(b *bot.Person) { b.Groups = []string{"On Call"} },
		"empty identity": func(b *bot.Person) { b.Identities = []bot.Identity{{}} },
	}
	for name, change := range tests {
		b := bot.Person{ID: "bob", Name: "Bob", Roles: []bot.Role{bot.RoleViewer}}
		change(&b)
		err := p.Add(t.Context(), root, b)
		requireRefused(t, err, bot.RefusedInput)
		require.NotContains(t, m.people, b.ID, name)
	}
	requireRefused(t, p.Add(t.Context(), root, bot.Person{ID: "alice", Name: "A", Roles: []bot.Role{bot.RoleViewer}}), bot.RefusedState)
	requireRefused(t, p.Update(t.Context(), root, bot.Person{ID: "bob", Name: "B", Roles: []bot.Role{bot.RoleViewer}}), bot.RefusedUnknown)
	requireRefused(t, p.Disable(t.Context(), root, "bob"), bot.RefusedUnknown)
	requireRefused(t, p.Revoke(t.Context(), root, "alice", "abc"), bot.RefusedUnknown)
	for _, ttl := range []time.Duration{0, -1, 400 * 24 * time.Hour} {
		_, _, err := p.Issue(t.Context(), root, bot.Token{Person: "alice", Kind: bot.TokenAPI}, ttl)
		requireRefused(t, err, bot.RefusedInput)
	}
}

func TestAStoreThatFailsIsNotARefusal(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	m.fail = bot.ErrUnavailable
	bob := bot.Person{ID: "bob", Name: "Bob", Roles: []bot.Role{bot.RoleViewer}}
	require.ErrorIs(t, p.Add(t.Context(), root, bob), bot.ErrUnavailable)
	_, _, err := p.Issue(t.Context(), root, bot.Token{Person: "alice", Kind: bot.TokenAPI}, time.Hour)
	require.ErrorIs(t, err, bot.ErrUnavailable)
}
