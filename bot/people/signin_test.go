package people_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

var (
	subject = bot.Identity{Surface: "oidc", ID: "https://login.example.com#248289761001"}
	address = bot.Identity{Surface: "email", ID: "alice@example.com"}
)

func linked(ids ...bot.Identity) bot.Person {
	a := alice()
	a.Identities = append(a.Identities, ids...)
	return a
}

func TestWhoeverIsLinkedToWhatTheProviderSaysGetsASession(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		has     []bot.Identity
		vouched []bot.Identity
		by      bot.Identity
	}{
		{"by the subject", []bot.Identity{subject}, []bot.Identity{subject}, subject},
		{"by the subject, with an address that is nobody's", []bot.Identity{subject}, []bot.Identity{subject, address}, subject},
		{"by the address, with a subject that is nobody's", []bot.Identity{address}, []bot.Identity{subject, address}, address},
		{"by both", []bot.Identity{subject, address}, []bot.Identity{subject, address}, subject},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, m := setUp(t)
			require.NoError(t, p.Update(t.Context(), root, linked(tt.has...)))
			session, who, err := p.SignIn(t.Context(), "Alice L.", tt.vouched...)
			require.NoError(t, err)
			require.Equal(t, bot.PersonID("alice"), who.ID)
			got, err := p.Authenticate(t.Context(), session, bot.TokenSession)
			require.NoError(t, err)
			require.Equal(t, bot.PersonID("alice"), got.ID)

			e := m.events[len(m.events)-1]
			require.Equal(t, bot.EventLogin, e.Kind)
			require.Equal(t, "Alice signed in to the console by "+tt.by.Surface, e.Text)
			require.Equal(t, bot.Actor{Person: "alice", Name: "Alice", Surface: "console"}, e.Actor)
			require.Equal(t, map[string]string{"identity": tt.by.Surface + "=" + tt.by.ID, "vouched_for": "oidc=" + subject.ID}, e.Data)
			require.NotContains(t, e.Text+e.Data["identity"], session)
		})
	}
}

func TestWhoIsDisabledDoesNotSignIn(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	require.NoError(t, p.Update(t.Context(), root, linked(subject)))
	bob := bot.Person{ID: "bob", Name: "Bob", Roles: []bot.Role{bot.RoleAdmin}, Identities: []bot.Identity{address}}
	require.NoError(t, p.Add(t.Context(), root, bob))
	require.NoError(t, p.Disable(t.Context(), root, "alice"))
	before := len(m.events)
	_, _, err := p.SignIn(t.Context(), "Alice", subject, address)
	requireRefused(t, err, bot.RefusedForbidden)
	require.ErrorContains(t, err, "Alice is disabled. An admin can change that: salve user enable alice.")
	require.Len(t, m.events, before, "nor as somebody else by another identity")
	require.Empty(t, m.tokens)
}

func TestWhoIsNotLinkedReadsTheLineThatLinksThem(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	for _, tt := range []struct{ id, says string }{
		{subject.ID, "The identity provider knows you as Eve, but no person of Salve is linked to that. An admin links you: salve user edit NAME --oidc 'https://login.example.com#248289761001'"},
		{"https://a.example#auth0|12 'x'; rm -rf /", `--oidc 'https://a.example#auth0|12 '\''x'\''; rm -rf /'`},
		{"https://a.example#a\u202eb", `Nor can one be: "https://a.example#a\u202eb" cannot be an identity of oidc.`},
		{"https://a.example#" + strings.Repeat("x", 512), "Nor can one be"},
	} {
		_, _, err := p.SignIn(t.Context(), "Eve", bot.Identity{Surface: "oidc", ID: tt.id}, address)
		requireRefused(t, err, bot.RefusedIdentity)
		require.ErrorContains(t, err, tt.says)
	}
	_, _, err := p.SignIn(t.Context(), "Eve")
	requireRefused(t, err, bot.RefusedIdentity)
	require.Empty(t, m.tokens)
}

func TestAStoreThatFailsSignsNobodyIn(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	require.NoError(t, p.Update(t.Context(), root, linked(subject)))
	m.fail = bot.ErrUnavailable
	secret, _, err := p.SignIn(t.Context(), "Alice", subject)
	require.ErrorIs(t, err, bot.ErrUnavailable)
	require.Empty(t, secret)
}

func TestIdentitiesOfAProviderHaveTheirShape(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		surface, id string
		fits        bool
	}{
		{"oidc", subject.ID, true},
		{"oidc", "https://login.example.com/realms/x#CN=Alice, OU=People", true},
		{"oidc", "http://127.0.0.1:9000#a#b", true},
		{"oidc", "https://a.example#" + strings.Repeat("x", 494), true},
		{"oidc", "https://a.example#" + strings.Repeat("x", 495), false},
		{"oidc", "https://a.example", false},
		{"oidc", "https://a.example#", false},
		{"oidc", "alice@example.com", false},
		{"oidc", "a.example#x", false},
		{"oidc", "ldap://a.example#x", false},
		{"oidc", "https://u@a.example#x", false},
		{"oidc", "https://a.example?tenant=1#x", false},
		{"oidc", "https://a.example#a\u200bb", false},
		{"email", "alice@example.com", true},
		{"email", "al.ice+x@ex-ample.co.uk", true},
		{"email", "alice@localhost", true},
		{"email", "Alice@example.com", false},
		{"email", "\u212aevin@example.com", false},
		{"email", "alice", false},
		{"email", "alice@", false},
		{"email", "@example.com", false},
		{"email", "a@b@example.com", false},
		{"email", "al ice@example.com", false},
		{"email", "Alice <alice@example.com>", false},
		{"email", strings.Repeat("a", 65) + "@example.com", false},
	} {
		p, _ := setUp(t)
		err := p.Update(t.Context(), root, linked(bot.Identity{Surface: tt.surface, ID: tt.id}))
		if tt.fits {
			require.NoError(t, err, tt.id)
			continue
		}
		requireRefused(t, err, bot.RefusedInput)
	}
	p, _ := setUp(t)
	err := p.Update(t.Context(), root, linked(bot.Identity{Surface: "oidc", ID: "alice"}))
	require.ErrorContains(t, err, "For example --oidc 'https://login.example.com#248289761001'.")
}
