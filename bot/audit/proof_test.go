package audit_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/audit"
)

// overText is a proof as it comes out of a file.
func overText(t require.TestingT, p audit.Proof) audit.Proof {
	b, err := json.Marshal(p)
	require.NoError(t, err)
	var back audit.Proof
	require.NoError(t, json.Unmarshal(b, &back))
	return back
}

func TestEveryEventCanBeShownToBeInTheLog(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 80).Draw(t, "events")
		log := longLog(t, n)
		pruned := rapid.IntRange(0, n-1).Draw(t, "pruned")
		var edge audit.Edge
		for _, e := range log[:pruned] {
			edge.Add(e.Hash)
		}
		l := audit.Log{Events: stream(log[pruned:]), Edge: edge}
		size := rapid.IntRange(pruned+1, n).Draw(t, "size")
		seq := rapid.IntRange(pruned+1, size).Draw(t, "event")
		s, keys := newSigner(t, "a")
		p, err := l.ProveEvent(int64(seq), int64(size))
		require.NoError(t, err)
		p.Head = notesOf(t, s, log, size)[0]
		p = overText(t, p)
		signed, err := p.Check(keys)
		require.NoError(t, err)
		require.True(t, signed)

		p.Event.Text = "another"
		_, err = p.Check(keys)
		require.ErrorContains(t, err, "does not hash")
		*p.Event, err = p.Event.Seal("main", p.Event.Seq, p.Event.Prev)
		require.NoError(t, err)
		_, err = p.Check(keys)
		require.ErrorContains(t, err, "is not shown to be in the log")
	})
}

func TestEveryHeadCanBeShownToGoOnFromAnother(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 80).Draw(t, "events")
		log := longLog(t, n)
		from := rapid.IntRange(1, n).Draw(t, "from")
		pruned := rapid.IntRange(0, min(from, n-1)).Draw(t, "pruned")
		var edge audit.Edge
		for _, e := range log[:pruned] {
			edge.Add(e.Hash)
		}
		p, err := audit.Log{Events: stream(log[pruned:]), Edge: edge}.ProveGrowth(int64(from), int64(n))
		require.NoError(t, err)
		s, keys := newSigner(t, "a")
		notes := notesOf(t, s, log, from, n)
		p.FromHead, p.Head = notes[0], notes[len(notes)-1]
		p = overText(t, p)
		signed, err := p.Check(keys)
		require.NoError(t, err)
		require.True(t, signed)

		other := slices.Clone(log)
		other[0].Text = "another"
		sealAll(t, other, 0)
		p.FromHead = notesOf(t, s, other, from)[0]
		_, err = p.Check(keys)
		require.ErrorContains(t, err, "another root")
		p.FromRoot[0] ^= 1
		_, err = p.Check(audit.Keys{})
		require.ErrorContains(t, err, "is not shown to begin")
	})
}

func TestWhatCannotBeProvedIsSaid(t *testing.T) {
	t.Parallel()
	log := longLog(t, 10)
	of := func(log []bot.Event) audit.Log { return audit.Log{Events: stream(log)} }
	_, err := of(log).ProveEvent(11, 10)
	require.ErrorContains(t, err, "there is no event 11 among 10")
	_, err = of(log).ProveEvent(2, 12)
	require.ErrorContains(t, err, "the log has 10 events, not 12")
	_, err = of(log[3:]).ProveEvent(5, 10)
	require.ErrorContains(t, err, "event 1 is not where it should be")
	_, err = of(log).ProveGrowth(0, 4)
	require.ErrorContains(t, err, "cannot begin with")
	var edge audit.Edge
	for _, e := range log[:4] {
		edge.Add(e.Hash)
	}
	_, err = audit.Log{Events: stream(log[4:]), Edge: edge}.ProveEvent(4, 10)
	require.ErrorContains(t, err, "event 4 was pruned; the log begins at 5")
	_, err = audit.Log{Events: stream(log[4:]), Edge: edge}.ProveGrowth(3, 10)
	require.ErrorContains(t, err, "proofs begin at 4")
	_, err = audit.Proof{}.Check(audit.Keys{})
	require.ErrorContains(t, err, "its format")
	p, err := of(log).ProveEvent(1, 1)
	require.NoError(t, err)
	signed, err := p.Check(audit.Keys{})
	require.NoError(t, err)
	require.False(t, signed, "nobody has signed it")
	p.Kind = "x"
	_, err = p.Check(audit.Keys{})
	require.ErrorContains(t, err, "inclusion and consistency")
}
