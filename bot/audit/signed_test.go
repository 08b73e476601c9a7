package audit_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/audit"
)

// sealAll writes a chain anew, from event i on.
func sealAll(t require.TestingT, log []bot.Event, i int) {
	for ; i < len(log); i++ {
		prev := ""
		if i > 0 {
			prev = log[i-1].Hash
		}
		e, err := log[i].Seal("main", int64(i+1), prev)
		require.NoError(t, err)
		log[i] = e
	}
}

// longLog is a log of n Events, sealed.
func longLog(t require.TestingT, n int) []bot.Event {
	log := make([]bot.Event, n)
	for i := range log {
		log[i] = bot.Event{
			At: time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC).Add(time.Duration(i) * time.Second), Kind: bot.EventNoted,
			Actor: bot.Salve, Incident: bot.IncidentID(i%50 + 1), Text: fmt.Sprintf("event %d", i+1),
		}
	}
	sealAll(t, log, 0)
	return log
}

var tenThousand = sync.OnceValue(func() []bot.Event { return longLog(panics{}, 10_000) })

type panics struct{}

func (panics) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (panics) FailNow()                          { panic("stop") }

func newSigner(t require.TestingT, name string) (*audit.Signer, audit.Keys) {
	secret, public, err := audit.NewKey(rand.Reader, name)
	require.NoError(t, err)
	s, err := audit.NewSigner(secret)
	require.NoError(t, err)
	require.Equal(t, public, s.Public())
	keys, err := audit.ParseKeys(public)
	require.NoError(t, err)
	return s, keys
}

// headsOf are the signed heads of a log at some sizes, opened.
func headsOf(t require.TestingT, log []bot.Event, sizes ...int) []audit.Checkpoint {
	s, keys := newSigner(t, "test")
	var out []audit.Checkpoint
	for _, note := range notesOf(t, s, log, sizes...) {
		c, err := keys.Open([]byte(note))
		require.NoError(t, err)
		out = append(out, c)
	}
	return out
}

func notesOf(t require.TestingT, s *audit.Signer, log []bot.Event, sizes ...int) []string {
	var out []string
	var edge audit.Edge
	for i, e := range log {
		edge.Add(e.Hash)
		if slices.Contains(sizes, i+1) {
			note, err := s.Sign(audit.Checkpoint{Size: edge.Size(), Root: edge.Root(), Chain: e.Chain, Head: e.Hash, At: e.At})
			require.NoError(t, err)
			out = append(out, string(note))
		}
	}
	return out
}

func everyThousand() []int {
	var out []int
	for n := 1000; n <= 10_000; n += 1000 {
		out = append(out, n)
	}
	return out
}

func TestWhateverIsDoneToALogOfTenThousandIsFoundAgainstItsHeads(t *testing.T) {
	t.Parallel()
	signed := headsOf(t, tenThousand(), everyThousand()...)
	for _, row := range []int{1, 2, 1000, 1001, 4321, 10_000} {
		i := row - 1
		for name, c := range map[string]struct {
			damage func([]bot.Event) []bot.Event
			says   string // the fault that names the row
		}{
			"edited":  {func(l []bot.Event) []bot.Event { l[i].Text = "nothing"; return l }, fmt.Sprintf("main %d-%d altered", row, row)},
			"deleted": {func(l []bot.Event) []bot.Event { return slices.Delete(l, i, i+1) }, fmt.Sprintf("main %d-%d missing", row, row)},
			"cut off": {func(l []bot.Event) []bot.Event { return l[:i] }, fmt.Sprintf("main %d-10000 missing", row)},
			"swapped": {func(l []bot.Event) []bot.Event {
				j := max(i, 1)
				l[j-1], l[j] = l[j], l[j-1]
				return l
			}, fmt.Sprintf("main %d-%d reordered", max(row, 2)-1, max(row, 2)-1)},
			"edited and all sealed again": {func(l []bot.Event) []bot.Event {
				l[i].Text = "nothing"
				sealAll(t, l, i)
				return l
			}, fmt.Sprintf("main %d-%d rewritten", i/1000*1000+1, i/1000*1000+1000)},
			"deleted and all sealed again": {func(l []bot.Event) []bot.Event {
				l = append(slices.Delete(l, i, i+1), bot.Event{Kind: bot.EventNoted, Text: "more"})
				sealAll(t, l, i)
				return l
			}, fmt.Sprintf("main %d-%d rewritten", i/1000*1000+1, i/1000*1000+1000)},
		} {
			t.Run(fmt.Sprintf("row %d %s", row, name), func(t *testing.T) {
				t.Parallel()
				log := c.damage(slices.Clone(tenThousand()))
				r, err := audit.Prove(stream(log), audit.Against{Signed: signed})
				require.NoError(t, err)
				require.False(t, r.OK())
				var found []string
				for _, f := range r.Faults {
					found = append(found, fmt.Sprintf("%s %d-%d %s", f.Chain, f.Seq, f.To, f.Kind))
				}
				require.Equal(t, []string{c.says}, found, "%v", r.Faults)
			})
		}
	}
}

func TestALogThatGoesOnFromItsHeadsProves(t *testing.T) {
	t.Parallel()
	log := tenThousand()
	r, err := audit.Prove(stream(log), audit.Against{Signed: headsOf(t, log, 1, 2, 3, 700, 9999)})
	require.NoError(t, err)
	require.True(t, r.OK(), r.Faults)
	require.Equal(t, audit.Signed{Heads: 5, To: 9999, At: log[9998].At}, *r.Signed)
	require.EqualValues(t, 10_000, r.Edge("main").Size())
}

func TestWithoutItsHeadsALogThatWasSealedAgainProves(t *testing.T) {
	t.Parallel()
	log := slices.Clone(tenThousand())
	log[5].Text = "nothing"
	sealAll(t, log, 5)
	r, err := audit.Prove(stream(log), audit.Against{})
	require.NoError(t, err)
	require.True(t, r.OK(), "this is why heads are kept elsewhere")
}

func TestTwoHeadsOfOneSizeCannotBothBeRight(t *testing.T) {
	t.Parallel()
	log := longLog(t, 20)
	other := slices.Clone(log)
	other[3].Text = "another"
	sealAll(t, other, 3)
	for _, signed := range [][]audit.Checkpoint{
		append(headsOf(t, log, 10), headsOf(t, other, 10)...),
		append(headsOf(t, other, 10), headsOf(t, log, 10)...),
	} {
		r, err := audit.Prove(stream(log), audit.Against{Signed: signed})
		require.NoError(t, err)
		require.False(t, r.OK())
	}
}

func TestAPrunedLogProvesFromASignedBoundaryOnly(t *testing.T) {
	t.Parallel()
	log := longLog(t, 300)
	signed := headsOf(t, log, 100, 150, 300)
	var edge audit.Edge
	for _, e := range log[:150] {
		edge.Add(e.Hash)
	}
	prove := func(log []bot.Event, signed []audit.Checkpoint, edges ...audit.Edge) audit.Report {
		r, err := audit.Prove(stream(log), audit.Against{Signed: signed, Edges: edges})
		require.NoError(t, err)
		return r
	}
	for _, edges := range [][]audit.Edge{nil, {edge}} {
		r := prove(log[150:], signed, edges...)
		require.True(t, r.OK(), r.Faults)
		require.EqualValues(t, 150, r.Pruned)
		require.EqualValues(t, 300, r.Signed.To)
	}
	require.Equal(t, prove(log, nil).Edge("main"), prove(log[150:], signed, edge).Edge("main"))
	require.False(t, prove(log[150:], nil).OK(), "no head at all")
	require.False(t, prove(log[149:], signed).OK(), "a head of another size")
	require.False(t, prove(log[151:], signed).OK(), "one more is missing")

	other := slices.Clone(log)
	other[149].Text = "another"
	sealAll(t, other, 149)
	r := prove(other[150:], signed)
	require.Equal(t, audit.Rewritten, r.Faults[0].Kind)
	require.EqualValues(t, 151, r.Faults[0].Seq)
}

func TestAnEdgeGoesThroughText(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var e, back audit.Edge
		for range rapid.IntRange(0, 300).Draw(t, "size") {
			e.Add("x")
		}
		text, err := e.MarshalText()
		require.NoError(t, err)
		require.NoError(t, back.UnmarshalText(text))
		require.Equal(t, e.Root(), back.Root())
		require.Equal(t, e.Size(), back.Size())
	})
	for _, bad := range []string{"", "-1", "01", "1", "0 x", "2 " + strings.Repeat("A", 43) + "=" + " x", "1 AAAA"} {
		require.Error(t, new(audit.Edge).UnmarshalText([]byte(bad)), bad)
	}
}

// A log that is pruned at any head and then damaged in any way is found out; one
// that is only pruned proves.
func TestPruneAndProve(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 60).Draw(t, "events")
		whole := longLog(t, n)
		at := rapid.IntRange(1, n-1).Draw(t, "pruned at")
		later := rapid.IntRange(at, n).Draw(t, "a later head")
		signed := headsOf(t, whole, at, later, n)
		var edge audit.Edge
		for _, e := range whole[:at] {
			edge.Add(e.Hash)
		}
		log := slices.Clone(whole[at:])
		damaged := rapid.Bool().Draw(t, "damaged")
		if damaged {
			i := rapid.IntRange(0, len(log)-1).Draw(t, "row")
			switch rapid.IntRange(0, 2).Draw(t, "how") {
			case 0:
				log[i].Text += "!"
			case 1:
				log = slices.Delete(log, i, i+1)
			case 2:
				log[i].Text += "!"
				prev := whole[at-1].Hash
				for j := range log {
					e, err := log[j].Seal("main", int64(at+j+1), prev)
					require.NoError(t, err)
					log[j], prev = e, e.Hash
				}
			}
		}
		against := audit.Against{Signed: signed}
		if rapid.Bool().Draw(t, "with edge") {
			against.Edges = []audit.Edge{edge}
		}
		r, err := audit.Prove(stream(log), against)
		require.NoError(t, err)
		// Dropping the oldest up to another signed head is pruning, and told as such.
		require.Equal(t, !damaged, r.OK() && r.Pruned == int64(at), "%v", r.Faults)
	})
}

func TestALogWhosePruningWasBrokenOffProves(t *testing.T) {
	t.Parallel()
	log := longLog(t, 30)
	log[29].Kind, log[29].Data = bot.EventPruned, map[string]string{"size": "10"}
	sealAll(t, log, 29)
	signed := headsOf(t, log, 10, 30)
	r, err := audit.Prove(stream(log[10:29]), audit.Against{Signed: signed[:1], Boundary: 10})
	require.NoError(t, err)
	require.Contains(t, r.Faults[0].Text, "no event tells that it was pruned")
	for first := range 12 {
		r, err := audit.Prove(stream(log[first:]), audit.Against{Signed: signed, Boundary: 10})
		require.NoError(t, err)
		require.Equal(t, first <= 10, r.OK(), "without the first %d: %v", first, r.Faults)
	}
}
