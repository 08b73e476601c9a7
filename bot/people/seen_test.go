package people_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/people"
)

func session(t *testing.T, p *people.People) string {
	t.Helper()
	link, _, err := p.Issue(t.Context(), root, bot.Token{Person: "alice", Kind: bot.TokenLogin}, 0)
	require.NoError(t, err)
	secret, _, err := p.Redeem(t.Context(), link)
	require.NoError(t, err)
	return secret
}

func TestASessionThatNobodyUsesEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := setUp(t)
		secret := session(t, p)
		time.Sleep(2*time.Hour - time.Millisecond)
		_, err := p.Authenticate(t.Context(), secret, bot.TokenSession)
		require.NoError(t, err, "to look is not to use it")
		time.Sleep(time.Millisecond)
		_, err = p.Authenticate(t.Context(), secret, bot.TokenSession)
		requireRefused(t, err, bot.RefusedIdentity)
		requireRefused(t, p.Seen(t.Context(), secret), bot.RefusedIdentity)
		_, err = p.Authenticate(t.Context(), secret, bot.TokenSession)
		requireRefused(t, err, bot.RefusedIdentity)
	})
}

func TestASessionInUseLastsUntilItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, m := setUp(t)
		secret, began := session(t, p), time.Now()
		version := func() int64 { return m.tokens[people.Hash(secret)].Version }
		first := version()
		for range 100 { // within a minute
			require.NoError(t, p.Seen(t.Context(), secret))
			time.Sleep(500 * time.Millisecond)
		}
		require.Equal(t, first, version(), "nothing is written within a minute")
		for time.Since(began) < 12*time.Hour-time.Hour {
			time.Sleep(time.Hour)
			require.NoError(t, p.Seen(t.Context(), secret))
			require.NoError(t, p.Seen(t.Context(), secret))
		}
		require.Equal(t, first+11, version(), "once for each time")
		time.Sleep(time.Until(began.Add(12 * time.Hour)))
		requireRefused(t, p.Seen(t.Context(), secret), bot.RefusedIdentity)
	})
}

func TestATokenOfTheAPIHasNoIdleTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _ := setUp(t)
		secret, _, err := p.Issue(t.Context(), root, bot.Token{Person: "alice", Kind: bot.TokenAPI, Label: "x"}, 90*24*time.Hour)
		require.NoError(t, err)
		time.Sleep(80 * 24 * time.Hour)
		_, err = p.Authenticate(t.Context(), secret, bot.TokenAPI)
		require.NoError(t, err)
	})
}

// between lets something happen to a token between its being read and written.
type between struct {
	*memory
	then func()
}

func (b *between) Commit(ctx context.Context, c bot.Change) (bot.Receipt, error) {
	if then := b.then; then != nil && len(c.Tokens) > 0 {
		b.then = nil
		then()
	}
	return b.memory.Commit(ctx, c)
}

func TestSigningOutWinsOverUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, m := setUp(t)
		b := &between{memory: m}
		p, err := people.New(b, people.Options{})
		require.NoError(t, err)

		// Used while it is being ended.
		secret := session(t, p)
		time.Sleep(time.Hour)
		b.then = func() { require.NoError(t, p.Seen(t.Context(), secret)) }
		require.NoError(t, p.SignOut(t.Context(), secret))
		_, err = p.Authenticate(t.Context(), secret, bot.TokenSession)
		requireRefused(t, err, bot.RefusedIdentity)

		// Ended while it is being used.
		secret = session(t, p)
		time.Sleep(time.Hour)
		b.then = func() { require.NoError(t, p.SignOut(t.Context(), secret)) }
		requireRefused(t, p.Seen(t.Context(), secret), bot.RefusedIdentity)

		// Used twice at once.
		secret = session(t, p)
		time.Sleep(time.Hour)
		b.then = func() { require.NoError(t, p.Seen(t.Context(), secret)) }
		require.NoError(t, p.Seen(t.Context(), secret))
	})
}
