package storagetest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

var peopleTests = map[string]func(*testing.T, *house){
	"a person is found by id and by identity": func(t *testing.T, h *house) {
		p := bot.Person{
			ID: "p-ann", Name: "ann", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"sre"}, CreatedAt: at(0),
			Identities: []bot.Identity{{Surface: "unix", ID: "1000"}, {Surface: "console", ID: "ann"}},
		}
		h.must(bot.Change{People: []bot.Person{p, {ID: "p-bob", Name: "bob"}}})
		p.Version = 1
		got, err := h.Person(t.Context(), "p-ann")
		require.NoError(t, err)
		require.Equal(t, p, got)
		got, err = h.PersonBy(t.Context(), bot.Identity{Surface: "unix", ID: "1000"})
		require.NoError(t, err)
		require.Equal(t, p, got)
		all, err := h.People(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 2)

		p.Identities, p.Disabled = p.Identities[1:], true
		h.must(bot.Change{People: []bot.Person{p}})
		_, err = h.PersonBy(t.Context(), bot.Identity{Surface: "unix", ID: "1000"})
		require.ErrorIs(t, err, bot.ErrNotFound)
		h.refused(bot.ErrConflict, bot.Change{People: []bot.Person{p}})
	},
	"an identity belongs to one person, an id to one for ever": func(t *testing.T, h *house) {
		id := []bot.Identity{{Surface: "unix", ID: "1000"}}
		h.must(bot.Change{People: []bot.Person{{ID: "p-ann", Identities: id}}})
		h.refused(bot.ErrConflict, bot.Change{People: []bot.Person{{ID: "p-bob", Identities: id}}})
		_, err := h.Person(t.Context(), "p-bob")
		require.ErrorIs(t, err, bot.ErrNotFound)
		h.refused(bot.ErrConflict, bot.Change{People: []bot.Person{{ID: "p-ann"}}})
	},
	"a token is found by its hash and used up by version": func(t *testing.T, h *house) {
		k := bot.Token{Hash: "ab", Kind: bot.TokenLogin, Person: "p-ann", Label: "l", CreatedAt: at(0), ExpiresAt: at(9)}
		h.must(bot.Change{Tokens: []bot.Token{k, {Hash: "cd", Person: "p-bob"}}})
		k.Version = 1
		got, err := h.Token(t.Context(), "ab")
		require.NoError(t, err)
		require.Equal(t, k, got)
		k.RevokedAt = at(5)
		h.must(bot.Change{Tokens: []bot.Token{k}})
		h.refused(bot.ErrConflict, bot.Change{Tokens: []bot.Token{k}})
		h.refused(bot.ErrConflict, bot.Change{Tokens: []bot.Token{{Hash: "ab"}}})
		k.Version = 2
		all, err := h.Tokens(t.Context(), "p-ann")
		require.NoError(t, err)
		require.Equal(t, []bot.Token{k}, all)
	},
}
