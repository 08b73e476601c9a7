package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/audit"
	"salve/storage/sqlite"
)

// prune drops the first n events of an archive, as Salve does.
func (a *archive) prune(n int64) {
	store, err := sqlite.Open(a.Context(), a.dir, sqlite.Options{})
	require.NoError(a, err)
	secret, err := os.ReadFile(a.key)
	require.NoError(a, err)
	s, err := audit.NewSigner(strings.TrimSpace(string(secret)))
	require.NoError(a, err)
	cut := audit.NewCut(time.Now().Add(time.Hour), n+1, audit.Edge{}, nil)
	require.NoError(a, store.EachEvent(a.Context(), func(e bot.Event) error { cut.Take(e); return nil }))
	b, at, err := cut.Boundary(s)
	require.NoError(a, err)
	require.Equal(a, n, b.Size)
	e, err := audit.Pruned(b, at, time.Now())
	require.NoError(a, err)
	dropped, err := store.PruneEvents(a.Context(), b, e)
	require.NoError(a, err)
	require.Equal(a, n, dropped)
	require.NoError(a, store.Close())
}

func TestAPrunedLogStillProvesAndIsReportedOn(t *testing.T) {
	t.Parallel()
	a := newArchive(t, 45)
	store, err := sqlite.Open(t.Context(), a.dir, sqlite.Options{})
	require.NoError(t, err)
	_, err = store.Commit(t.Context(), bot.Change{Events: []bot.Event{
		{At: time.Date(2026, 5, 1, 1, 0, 0, 0, time.UTC), Kind: bot.EventPerson, Actor: bot.Salve, Text: "added ann", Data: map[string]string{"person": "ann", "name": "ann", "groups": "oncall"}},
		{At: time.Date(2026, 5, 1, 1, 0, 1, 0, time.UTC), Kind: bot.EventNoted, Actor: bot.Salve, Incident: 1, Text: "the last one"},
	}})
	require.NoError(t, err)
	require.NoError(t, store.Close())
	a.prune(46)

	r := a.verify()
	require.Equal(t, 0, r.code, r.err+r.out)
	require.Contains(t, r.out, "events 1 to 46 are not there any more: the log was pruned at a signed head")
	require.Equal(t, 0, typed(t, nil, "audit", "verify", "--data-dir", a.dir, "--key", a.public).code, "its own boundary is enough")
	r = typed(t, nil, "audit", "verify", "--data-dir", a.dir, "--config", "/none.yaml")
	require.Equal(t, 3, r.code, "whether the head there is a true one cannot be said")
	require.Contains(t, r.err, "the log was pruned at event 46, at a signed head: no key is named")
	other := newArchive(t, 2)
	require.Equal(t, 3, typed(t, nil, "audit", "verify", "--data-dir", a.dir, "--key", other.public).code)

	r = typed(t, nil, "audit", "report", "--data-dir", a.dir, "--key", a.public, "--from", "2026-05-01", "--to", "2030-01-01", "--format", "json")
	require.Equal(t, 0, r.code, r.err)
	var found struct {
		Report struct {
			People []struct{ Person string }
		}
		Proof struct{ Pruned int64 }
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &found))
	require.Equal(t, int64(46), found.Proof.Pruned)
	require.Len(t, found.Report.People, 1, "who there was is carried over")

	for _, what := range [][]string{{"--event", "47"}, {"--from", "46", "--to", "48"}} {
		r = typed(t, nil, append([]string{"audit", "prove", "--data-dir", a.dir, "--key", a.public}, what...)...)
		require.Equal(t, 0, r.code, r.err)
		file := filepath.Join(t.TempDir(), "proof.json")
		require.NoError(t, os.WriteFile(file, []byte(r.out), 0o600))
		require.Contains(t, typed(t, nil, "audit", "check-proof", file).out, "the proof holds")
	}
	require.Contains(t, typed(t, nil, "audit", "prove", "--data-dir", a.dir, "--key", a.public, "--event", "5").err, "event 5 was pruned")
}

func TestAPrunedLogThatWasDamagedIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statement, says string
	}{
		"more was dropped":        {"DELETE FROM events WHERE seq <= 25", "main 21 to 25: missing"},
		"a row was edited":        {"UPDATE events SET body = replace(body, 'note 31', 'note 32') WHERE seq = 31", "main 31: altered"},
		"the pruning is not told": {"DELETE FROM events WHERE seq > 45", "no event tells that it was pruned"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t, 45)
			a.prune(20)
			require.Equal(t, 0, a.verify().code)
			a.tamper(c.statement)
			r := a.verify()
			require.Equal(t, 1, r.code, r.err)
			require.Contains(t, r.out, c.says)
		})
	}
	a := newArchive(t, 45)
	a.prune(20)
	a.tamper("DROP TRIGGER audit_boundaries_no_update", "UPDATE audit_boundaries SET carried = '[]', size = 21")
	require.Equal(t, 3, a.verify().code)
}
