package audit_test

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/audit"
)

const logSize = 6

func newLog(t require.TestingT, chain string) []bot.Event {
	var log []bot.Event
	prev := ""
	for i := range int64(logSize) {
		e := bot.Event{
			At: time.Date(2026, 5, 4, 3, 2, int(i), 0, time.UTC), Kind: bot.EventVoted, Actor: bot.Actor{Person: "p1", Name: "ann"},
			Incident: bot.IncidentID(i + 1), Run: 7, Text: fmt.Sprintf("vote %d", i), Data: map[string]string{"yes": "true"},
		}
		sealed, err := e.Seal(chain, i+1, prev)
		require.NoError(t, err)
		log, prev = append(log, sealed), sealed.Hash
	}
	return log
}

func stream(log []bot.Event) iter.Seq2[bot.Event, error] {
	return audit.From(func(take func(bot.Event) error) error {
		for _, e := range log {
			if err := take(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func faultsOf(t require.TestingT, log []bot.Event, noted ...audit.Head) []string {
	r, err := audit.Verify(stream(log), noted...)
	require.NoError(t, err)
	require.EqualValues(t, len(log), r.Events)
	var found []string
	for _, f := range r.Faults {
		found = append(found, fmt.Sprintf("%s %d-%d %s", f.Chain, f.Seq, f.To, f.Kind))
	}
	require.Equal(t, len(found) == 0, r.OK())
	return found
}

func TestAWholeLogProves(t *testing.T) {
	t.Parallel()
	a, b := newLog(t, "a"), newLog(t, "b")
	var mixed []bot.Event
	for i := range a {
		mixed = append(mixed, b[i], a[i])
	}
	last := audit.Head{Chain: "a", Seq: logSize, Hash: a[logSize-1].Hash}
	r, err := audit.Verify(stream(mixed), last, audit.Head{Chain: "b", Seq: 2, Hash: b[1].Hash})
	require.NoError(t, err)
	require.True(t, r.OK(), r.Faults)
	require.Equal(t, 2, r.Chains)
	require.Equal(t, []audit.Head{last, {Chain: "b", Seq: logSize, Hash: b[logSize-1].Hash}}, r.Heads)
}

func TestAnEmptyLogProvesNothingWrong(t *testing.T) {
	t.Parallel()
	require.Empty(t, faultsOf(t, nil))
}

func TestEachAlteredFieldNamesItsRow(t *testing.T) {
	t.Parallel()
	alter := map[string]func(*bot.Event){
		"time":     func(e *bot.Event) { e.At = e.At.Add(time.Millisecond) },
		"kind":     func(e *bot.Event) { e.Kind = bot.EventDenied },
		"person":   func(e *bot.Event) { e.Actor.Person = "p2" },
		"name":     func(e *bot.Event) { e.Actor.Name = "bob" },
		"surface":  func(e *bot.Event) { e.Actor.Surface = "cli" },
		"incident": func(e *bot.Event) { e.Incident++ },
		"plan":     func(e *bot.Event) { e.Plan = 9 },
		"approval": func(e *bot.Event) { e.Approval = 9 },
		"run":      func(e *bot.Event) { e.Run = 0 },
		"text":     func(e *bot.Event) { e.Text += "!" },
		"data":     func(e *bot.Event) { e.Data = map[string]string{"yes": "false"} },
		"previous": func(e *bot.Event) { e.Prev = "00" },
		"hash":     func(e *bot.Event) { e.Hash = "00" },
	}
	for name, f := range alter {
		for i := range logSize {
			t.Run(fmt.Sprintf("%s of row %d", name, i+1), func(t *testing.T) {
				t.Parallel()
				log := newLog(t, "main")
				f(&log[i])
				require.Equal(t, []string{fmt.Sprintf("main %d-%d altered", i+1, i+1)}, faultsOf(t, log))
			})
		}
	}
}

func TestARowThatWasSealedAgainIsNamed(t *testing.T) {
	t.Parallel()
	for i := range logSize {
		log := newLog(t, "main")
		log[i].Text = "nothing happened"
		again, err := log[i].Seal("main", log[i].Seq, log[i].Prev)
		require.NoError(t, err)
		log[i] = again
		if i == logSize-1 {
			require.Empty(t, faultsOf(t, log), "the last row has nothing after it that would tell")
			head := audit.Head{Chain: "main", Seq: logSize, Hash: newLog(t, "main")[i].Hash}
			require.Equal(t, []string{"main 6-6 altered"}, faultsOf(t, log, head))
			continue
		}
		require.Equal(t, []string{fmt.Sprintf("main %d-%d altered", i+1, i+1)}, faultsOf(t, log))
	}
}

func TestADeletedRowIsNamed(t *testing.T) {
	t.Parallel()
	head := audit.Head{Chain: "main", Seq: logSize, Hash: newLog(t, "main")[logSize-1].Hash}
	for i := range logSize {
		log := slices.Delete(newLog(t, "main"), i, i+1)
		require.Equal(t, []string{fmt.Sprintf("main %d-%d missing", i+1, i+1)}, faultsOf(t, log, head))
	}
	require.Equal(t, []string{"main 1-3 missing"}, faultsOf(t, newLog(t, "main")[3:]))
}

func TestSwappedRowsAreNamed(t *testing.T) {
	t.Parallel()
	for i := range logSize - 1 {
		log := newLog(t, "main")
		log[i], log[i+1] = log[i+1], log[i]
		require.Equal(t, []string{fmt.Sprintf("main %d-%d reordered", i+1, i+1)}, faultsOf(t, log))
	}
}

func TestARowThatComesTwiceIsNamed(t *testing.T) {
	t.Parallel()
	log := newLog(t, "main")
	require.Equal(t, []string{"main 2-2 reordered"}, faultsOf(t, append(log, log[1])))
}

func TestACutLogShowsAgainstANotedHead(t *testing.T) {
	t.Parallel()
	head := audit.Head{Chain: "main", Seq: logSize, Hash: newLog(t, "main")[logSize-1].Hash}
	for i := range logSize {
		log := newLog(t, "main")[:i]
		require.Empty(t, faultsOf(t, log))
		require.Equal(t, []string{fmt.Sprintf("main %d-6 missing", i+1)}, faultsOf(t, log, head))
	}
}

func TestAStreamThatBreaksIsAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is gone")
	r, err := audit.Verify(func(yield func(bot.Event, error) bool) {
		if yield(newLog(t, "main")[0], nil) {
			yield(bot.Event{}, broken)
		}
	})
	require.ErrorIs(t, err, broken)
	require.EqualValues(t, 1, r.Events)
}

func TestALogOfHolesGivesBoundedFaults(t *testing.T) {
	t.Parallel()
	r, err := audit.Verify(func(yield func(bot.Event, error) bool) {
		for i := range int64(5000) {
			if !yield(bot.Event{Chain: "main", Seq: 2 * (i + 1)}, nil) {
				return
			}
		}
	})
	require.NoError(t, err)
	require.Len(t, r.Faults, audit.MaxFaults)
	require.EqualValues(t, 10000-audit.MaxFaults, r.More)
}

func TestAnyDamageIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole := newLog(t, "main")
		log := slices.Clone(whole)
		for range rapid.IntRange(1, 4).Draw(t, "damages") {
			if len(log) == 0 {
				break
			}
			i := rapid.IntRange(0, len(log)-1).Draw(t, "row")
			switch rapid.IntRange(0, 3).Draw(t, "damage") {
			case 0:
				log[i].Text += "x"
			case 1:
				log = slices.Delete(log, i, i+1)
			case 2:
				j := rapid.IntRange(0, len(log)-1).Draw(t, "with")
				log[i], log[j] = log[j], log[i]
			case 3:
				log = log[:i]
			}
		}
		head := audit.Head{Chain: "main", Seq: logSize, Hash: whole[logSize-1].Hash}
		require.Equal(t, fmt.Sprint(log) == fmt.Sprint(whole), len(faultsOf(t, log, head)) == 0)
	})
}
