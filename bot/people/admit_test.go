package people_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

var uma = bot.Identity{Surface: "slack", ID: "T0123/U0456"}

func TestAMemberOfAMappedGroupBecomesAPersonOnce(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	got, err := p.Admit(t.Context(), uma, " Uma\u202e\n Example ", "oncall", "sre")
	require.NoError(t, err)
	require.Equal(t, bot.PersonID("slack-t0123-u0456"), got.ID)
	require.Equal(t, "Uma Example", got.Name)
	require.Equal(t, []bot.Role{bot.RoleResponder}, got.Roles)
	require.Empty(t, got.Groups, "the surface says at each command who is in them")
	require.Equal(t, []bot.Identity{uma}, got.Identities)
	e := m.events[len(m.events)-1]
	require.Equal(t, "salve added slack-t0123-u0456 (Uma Example), who is in oncall, sre by their groups on slack", e.Text)
	require.Equal(t, bot.Salve, e.Actor)
	require.Equal(t, "oncall sre", e.Data["admitted_for"])

	events := len(m.events)
	again, err := p.Admit(t.Context(), uma, "Another Name", "oncall")
	require.NoError(t, err)
	require.Equal(t, got, again)
	again, err = p.Admit(t.Context(), uma, "")
	require.NoError(t, err)
	require.Equal(t, got, again, "who is a person already needs no group")
	require.Len(t, m.events, events)
}

func TestOfManyGesturesAtOnceOneAdmits(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	before := len(m.events)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			got, err := p.Admit(t.Context(), uma, "Uma", "oncall")
			if err != nil || got.ID != "slack-t0123-u0456" {
				t.Error(got, err)
			}
		})
	}
	wg.Wait()
	require.Len(t, m.events, before+1)
}

func TestWhoIsLinkedIsThatPerson(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	linked := alice()
	linked.Identities = append(linked.Identities, uma)
	require.NoError(t, p.Update(t.Context(), root, linked))
	got, err := p.Admit(t.Context(), uma, "Uma", "oncall")
	require.NoError(t, err)
	require.Equal(t, bot.PersonID("alice"), got.ID)
	require.NotContains(t, m.people, bot.PersonID("slack-t0123-u0456"))
}

func TestNobodyComesBackByAChatGroup(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	_, err := p.Admit(t.Context(), uma, "Uma")
	requireRefused(t, err, bot.RefusedIdentity)
	require.ErrorContains(t, err, "salve user add NAME --role responder --slack T0123/U0456")
	_, err = p.Admit(t.Context(), uma, "Uma", "oncall")
	require.NoError(t, err)
	require.NoError(t, p.Disable(t.Context(), root, "slack-t0123-u0456"))
	events := len(m.events)
	_, err = p.Admit(t.Context(), uma, "Uma", "oncall")
	requireRefused(t, err, bot.RefusedForbidden)

	require.NoError(t, p.Enable(t.Context(), root, "slack-t0123-u0456"))
	unlinked := m.people["slack-t0123-u0456"]
	unlinked.Identities = nil
	require.NoError(t, p.Update(t.Context(), root, unlinked))
	_, err = p.Admit(t.Context(), uma, "Uma", "oncall")
	requireRefused(t, err, bot.RefusedIdentity)
	require.ErrorContains(t, err, "was taken from slack-t0123-u0456")
	require.Len(t, m.events, events+2)
}

func TestOddMembersAreTakenAsTheyCanBe(t *testing.T) {
	t.Parallel()
	p, _ := setUp(t)
	for user, name := range map[string]string{"U1": "", "U2": "\u200b\ufeff", "U3": strings.Repeat("é", 400), "U4": "\xff\xfe", "W5": "<!channel> & co"} {
		got, err := p.Admit(t.Context(), bot.Identity{Surface: "slack", ID: "T1/" + user}, name, "oncall")
		require.NoError(t, err, user)
		require.NotEmpty(t, got.Name)
	}
	for _, id := range []string{"", "U1", "T1/", "t1/u1", "T1/U1/U2", "T1/U1\n", "T1/" + strings.Repeat("U", 99), "../U1"} {
		_, err := p.Admit(t.Context(), bot.Identity{Surface: "slack", ID: id}, "X", "oncall")
		requireRefused(t, err, bot.RefusedInput)
	}
	got, err := p.Admit(t.Context(), bot.Identity{Surface: "discord", ID: "100000000000000002/81384788765712384"}, "D", "oncall")
	require.NoError(t, err)
	require.Equal(t, bot.PersonID("discord-100000000000000002-81384788765712384"), got.ID)
}

func TestAStoreThatFailsAdmitsNobody(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	m.fail = bot.ErrUnavailable
	_, err := p.Admit(t.Context(), uma, "Uma", "oncall")
	require.ErrorIs(t, err, bot.ErrUnavailable)
}
