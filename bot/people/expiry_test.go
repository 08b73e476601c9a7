package people_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/people"
)

func TestSettingTheClockBackOpensNothingAgain(t *testing.T) {
	t.Parallel()
	start := bot.Reading{Wall: time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)}
	clock := start
	pass := func(d time.Duration) { clock.Wall, clock.Ran = clock.Wall.Add(d), clock.Ran+d }
	m := &memory{people: map[bot.PersonID]bot.Person{}, tokens: map[string]bot.Token{}}
	p, err := people.New(m, people.Options{SessionIdle: 24 * time.Hour, Expiry: func() time.Time { return clock.NoEarlier(start) }})
	require.NoError(t, err)
	require.NoError(t, p.Add(t.Context(), root, alice()))
	issue := func(kind bot.TokenKind, ttl time.Duration) string {
		secret, _, err := p.Issue(t.Context(), root, bot.Token{Person: "alice", Kind: kind, Label: "x"}, ttl)
		require.NoError(t, err)
		return secret
	}
	opens := func(secret string, kind bot.TokenKind) bool {
		_, err := p.Authenticate(t.Context(), secret, kind)
		return err == nil
	}
	ended, short := issue(bot.TokenAPI, time.Hour), issue(bot.TokenAPI, 2*time.Hour)
	pass(time.Hour)
	require.False(t, opens(ended, bot.TokenAPI))
	require.True(t, opens(short, bot.TokenAPI))

	clock.Wall = clock.Wall.Add(-3 * time.Hour) // somebody sets it back
	require.False(t, opens(ended, bot.TokenAPI), "what has ended stays so")
	require.True(t, opens(short, bot.TokenAPI))
	link := issue(bot.TokenLogin, 15*time.Minute)
	session, _, err := p.Redeem(t.Context(), link)
	require.NoError(t, err, "people can still sign in")
	require.True(t, opens(session, bot.TokenSession))
	pass(time.Hour)
	require.False(t, opens(short, bot.TokenAPI), "it ends after the time that it was given for")
	pass(11 * time.Hour)
	require.False(t, opens(session, bot.TokenSession))
}
