package people_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/people"
)

func TestAChangeOfAPersonIsOnRecordWhole(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	next := alice()
	next.Identities = append(next.Identities, bot.Identity{Surface: "unix", ID: "1001"}, bot.Identity{Surface: "unix", ID: "1001"})
	next.Groups = []string{"sre", "oncall", "sre"}
	require.NoError(t, p.Update(t.Context(), root, next))
	last := m.events[len(m.events)-1]
	require.Equal(t, bot.EventPerson, last.Kind)
	require.Equal(t, "unix:1000 unix:1001", last.Data["identities"])
	require.Equal(t, "oncall sre", last.Data["groups"])
	require.Equal(t, "responder", last.Data["roles"])

	events := len(m.events)
	require.NoError(t, p.Update(t.Context(), root, next), "the same again")
	require.NoError(t, p.Enable(t.Context(), root, "alice"))
	require.Len(t, m.events, events)
	require.NoError(t, p.Disable(t.Context(), root, "alice"))
	require.NoError(t, p.Disable(t.Context(), root, "alice"))
	require.Len(t, m.events, events+1)
	require.Equal(t, "true", m.events[events].Data["disabled"])
}

func TestNobodysChangeOfAPersonIsLost(t *testing.T) {
	t.Parallel()
	p, m := setUp(t)
	mine, theirs := m.people["alice"], m.people["alice"]
	theirs.Groups = []string{"sre"}
	require.NoError(t, p.Update(t.Context(), root, theirs))
	mine.Name = "Alicia"
	requireRefused(t, p.Update(t.Context(), root, mine), bot.RefusedState)
	require.Equal(t, []string{"sre"}, m.people["alice"].Groups)
	mine.Version = 0
	require.NoError(t, p.Update(t.Context(), root, mine), "who names no version means whatever there is")
}

func TestOfSeveralWhoAddTheSamePersonOneDoes(t *testing.T) {
	t.Parallel()
	p, _ := setUp(t)
	var added, refused atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			switch err := p.Add(t.Context(), root, bot.Person{ID: "bob", Name: "Bob", Roles: []bot.Role{bot.RoleViewer}}); {
			case err == nil:
				added.Add(1)
			default:
				if r, ok := errors.AsType[*bot.Refusal](err); !ok || r.Code != bot.RefusedState {
					t.Errorf("%v", err)
				}
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	require.Equal(t, []int32{1, 7}, []int32{added.Load(), refused.Load()})
}

func TestAnIdentityIsWrittenInOneWayOnly(t *testing.T) {
	t.Parallel()
	p, _ := setUp(t)
	for _, id := range []bot.Identity{
		{Surface: "unix", ID: "01000"}, {Surface: "unix", ID: "+1000"}, {Surface: "unix", ID: "root"}, {Surface: "unix", ID: "4294967296"},
		{Surface: "Unix", ID: "7"}, {Surface: "slack", ID: "U\u202e1"}, {Surface: "slack", ID: "U\n"}, {Surface: "", ID: "7"},
		{Surface: "slack", ID: "U0456"}, {Surface: "slack", ID: "t0123/u0456"}, {Surface: "slack", ID: "T0123/B0456"},
	} {
		bob := bot.Person{ID: "bob", Name: "Bob", Roles: []bot.Role{bot.RoleViewer}, Identities: []bot.Identity{id}}
		requireRefused(t, p.Add(t.Context(), root, bob), bot.RefusedInput)
	}
}

func TestATokenIsOfAKindThatThereIs(t *testing.T) {
	t.Parallel()
	p, _ := setUp(t)
	for _, want := range []bot.Token{
		{Kind: "", Person: "alice"}, {Kind: "root", Person: "alice"}, {Kind: bot.TokenAPI, Person: "alice", Label: "a\nb"},
	} {
		_, _, err := p.Issue(t.Context(), root, want, time.Hour)
		requireRefused(t, err, bot.RefusedInput)
	}
	_, _, err := p.Issue(t.Context(), root, bot.Token{Kind: bot.TokenLogin, Person: "alice"}, 25*time.Hour)
	requireRefused(t, err, bot.RefusedInput)
	_, _, err = p.Issue(t.Context(), root, bot.Token{Kind: bot.TokenAPI, Person: "bob"}, time.Hour)
	requireRefused(t, err, bot.RefusedUnknown)
}

func TestEverySecretEndsAtItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, m := setUp(t)
		p, err := people.New(m, people.Options{SessionIdle: 24 * time.Hour})
		require.NoError(t, err)
		link, _, err := p.Issue(t.Context(), root, bot.Token{Kind: bot.TokenLogin, Person: "alice"}, 0)
		require.NoError(t, err)
		late, _, err := p.Issue(t.Context(), root, bot.Token{Kind: bot.TokenLogin, Person: "alice"}, 0)
		require.NoError(t, err)
		session, _, err := p.Redeem(t.Context(), link)
		require.NoError(t, err)
		api, _, err := p.Issue(t.Context(), root, bot.Token{Kind: bot.TokenAPI, Person: "alice"}, people.MaxTokenFor)
		require.NoError(t, err)

		time.Sleep(15*time.Minute - time.Millisecond)
		_, err = p.Authenticate(t.Context(), late, bot.TokenLogin)
		require.NoError(t, err)
		time.Sleep(time.Millisecond)
		_, _, err = p.Redeem(t.Context(), late)
		requireRefused(t, err, bot.RefusedIdentity)

		time.Sleep(12*time.Hour - 15*time.Minute - time.Millisecond)
		_, err = p.Authenticate(t.Context(), session, bot.TokenSession)
		require.NoError(t, err)
		time.Sleep(time.Millisecond)
		_, err = p.Authenticate(t.Context(), session, bot.TokenSession)
		requireRefused(t, err, bot.RefusedIdentity)

		time.Sleep(people.MaxTokenFor)
		_, err = p.Authenticate(t.Context(), api, bot.TokenAPI)
		requireRefused(t, err, bot.RefusedIdentity)
	})
}
