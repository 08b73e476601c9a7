package cli_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/audit"
	"salve/storage/sqlite"
)

// archive is a database with a log, its signed heads and their key.
type archive struct {
	*testing.T
	dir, heads, key, public string
}

// newArchive writes n events, and signs a head after every tenth.
func newArchive(t *testing.T, n int) *archive {
	t.Helper()
	dir := t.TempDir()
	a := &archive{T: t, dir: filepath.Join(dir, "data"), heads: filepath.Join(dir, "heads.log"), key: filepath.Join(dir, "audit.key")}
	store, err := sqlite.Open(t.Context(), a.dir, sqlite.Options{})
	require.NoError(t, err)
	var events []bot.Event
	for i := range n - 1 { // the store writes the first one
		events = append(events, bot.Event{At: time.Date(2026, 5, 1, 0, 0, i, 0, time.UTC), Kind: bot.EventNoted, Actor: bot.Salve, Incident: 1, Text: fmt.Sprint("note ", i+2)})
	}
	_, err = store.Commit(t.Context(), bot.Change{Events: events})
	require.NoError(t, err)
	r := typed(t, nil, "audit", "key", "new", a.key, "--name", "test")
	require.Equal(t, 0, r.code, r.err)
	a.public = strings.TrimSpace(r.out)
	a.sign(store)
	require.NoError(t, store.Close())
	return a
}

func (a *archive) sign(store *sqlite.Store) {
	secret, err := os.ReadFile(a.key)
	require.NoError(a, err)
	s, err := audit.NewSigner(strings.TrimSpace(string(secret)))
	require.NoError(a, err)
	var file strings.Builder
	var edge audit.Edge
	require.NoError(a, store.EachEvent(a.Context(), func(e bot.Event) error {
		if edge.Add(e.Hash); edge.Size()%10 != 0 {
			return nil
		}
		note, err := s.Sign(audit.Checkpoint{Size: edge.Size(), Root: edge.Root(), Chain: e.Chain, Head: e.Hash, At: e.At})
		file.Write(append(note, '\n'))
		return err
	}))
	require.NoError(a, os.WriteFile(a.heads, []byte(file.String()), 0o600))
}

// tamper changes the database as its owner can.
func (a *archive) tamper(statements ...string) {
	db, err := sql.Open("sqlite", filepath.Join(a.dir, "salve.db"))
	require.NoError(a, err)
	for _, s := range append([]string{"DROP TRIGGER events_no_update", "DROP TRIGGER events_no_delete"}, statements...) {
		_, err := db.ExecContext(a.Context(), s)
		require.NoError(a, err, s)
	}
	require.NoError(a, db.Close())
}

// reseal changes an event and writes all that follow anew.
func (a *archive) reseal(seq int64) {
	store, err := sqlite.OpenReadOnly(a.Context(), a.dir)
	require.NoError(a, err)
	all, err := store.Events(a.Context(), bot.EventQuery{Limit: 1000})
	require.NoError(a, err)
	require.NoError(a, store.Close())
	all[seq-1].Text += " or not"
	var statements []string
	prev := all[seq-1].Prev
	for _, e := range all[seq-1:] {
		sealed, body, err := e.SealJSON(e.Chain, e.Seq, prev)
		require.NoError(a, err)
		prev = sealed.Hash
		statements = append(statements, fmt.Sprintf("UPDATE events SET body = '%s' WHERE seq = %d", strings.ReplaceAll(string(body), "'", "''"), e.Seq))
	}
	a.tamper(statements...)
}

func (a *archive) verify(more ...string) result {
	return typed(a.T, nil, append([]string{"audit", "verify", "--data-dir", a.dir, "--against", a.heads, "--key", a.public}, more...)...)
}

func TestALogIsVerifiedAgainstItsSignedHeads(t *testing.T) {
	t.Parallel()
	a := newArchive(t, 45)
	r := a.verify()
	require.Equal(t, 0, r.code, r.err)
	require.Contains(t, r.out, "45 events in 1 chain: the audit log proves\nup to event 40 it is the log that was signed (4 heads agree)\n")

	b, err := os.ReadFile(filepath.Join(a.dir, "salve.db")) // a backup under another name
	require.NoError(t, err)
	backup := filepath.Join(t.TempDir(), "backup.db")
	require.NoError(t, os.WriteFile(backup, b, 0o600))
	r = typed(t, nil, "audit", "verify", "--data-dir", backup, "--against", filepath.Dir(a.heads)+"/heads.log", "--key", a.public, "--json")
	require.Equal(t, 0, r.code, r.err)
	var found struct {
		Events int64
		Signed audit.Signed
		Given  audit.Heads
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &found))
	require.Equal(t, int64(40), found.Signed.To)
	require.Equal(t, 4, found.Given.Read)
}

func TestEachDamageIsNamedAndExitsWithOne(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		damage func(*archive)
		says   string
	}{
		"edited":       {func(a *archive) { a.tamper("UPDATE events SET body = replace(body, 'note 7', 'note 8') WHERE seq = 7") }, "main 7: altered"},
		"deleted":      {func(a *archive) { a.tamper("DELETE FROM events WHERE seq = 7") }, "main 7: missing"},
		"cut off":      {func(a *archive) { a.tamper("DELETE FROM events WHERE seq > 33") }, "main 34 to 40: missing: the log was cut off after event 33: a head of 40 events was signed"},
		"sealed again": {func(a *archive) { a.reseal(17) }, "main 11 to 20: rewritten"},
		"emptied":      {func(a *archive) { a.tamper("DELETE FROM events") }, "main 1 to 40: missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newArchive(t, 45)
			c.damage(a)
			r := a.verify()
			require.Equal(t, 1, r.code, r.err)
			require.Contains(t, r.out, c.says)
			require.Contains(t, r.out, "THE AUDIT LOG DOES NOT PROVE")
			r = typed(t, nil, "audit", "report", "--data-dir", a.dir, "--against", a.heads, "--key", a.public, "--from", "2026-01-01", "--to", "2026-12-31")
			require.Equal(t, 1, r.code)
			require.Contains(t, r.out, "The audit log does not prove")
		})
	}
}

func TestWhatCannotBeCheckedExitsWithThree(t *testing.T) {
	t.Parallel()
	a := newArchive(t, 20)
	other := newArchive(t, 12)
	r := typed(t, nil, "audit", "verify", "--data-dir", a.dir, "--against", a.heads, "--key", other.public)
	require.Equal(t, 3, r.code)
	require.Contains(t, r.err, "nothing can be compared with "+a.heads)
	require.Contains(t, r.err, "is signed by none of the keys that are trusted")
	require.Equal(t, 3, a.verify("--against", "/none").code)
	require.Equal(t, 3, a.verify("--key", "nonsense").code)
	require.Equal(t, 3, typed(t, nil, "audit", "verify", "--data-dir", a.dir, "--against", a.heads, "--config", "/none.yaml").code)
	require.Equal(t, 2, typed(t, nil, "audit", "verify", "--against", a.heads, "--key", a.public, "--config", "/none.yaml").code)
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	require.Contains(t, a.verify("--against", empty).err, "there is no signed head in it")
}

func TestHeadsOfARotatedKeyStillCount(t *testing.T) {
	t.Parallel()
	a := newArchive(t, 30)
	first, err := os.ReadFile(a.heads)
	require.NoError(t, err)
	old := a.public
	a.key += ".new"
	r := typed(t, nil, "audit", "key", "new", a.key, "--name", "test")
	require.Equal(t, 0, r.code, r.err)
	a.public = strings.TrimSpace(r.out)
	store, err := sqlite.OpenReadOnly(t.Context(), a.dir)
	require.NoError(t, err)
	a.sign(store)
	require.NoError(t, store.Close())
	second, err := os.ReadFile(a.heads)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(a.heads, slices.Concat(first[:len(first)/3], second), 0o600))

	keys := filepath.Join(t.TempDir(), "keys.txt")
	require.NoError(t, os.WriteFile(keys, []byte("# from spring on\n"+a.public+"\n"+old+"\n"), 0o600))
	r = typed(t, nil, "audit", "verify", "--data-dir", a.dir, "--against", a.heads, "--key", keys)
	require.Equal(t, 0, r.code, r.err)
	require.NotContains(t, r.out, "not a head")
	r = a.verify()
	require.Equal(t, 0, r.code)
	require.Contains(t, r.out, "not a head: line 1: it is signed by none")
	r = typed(t, nil, "audit", "key", "show", a.key)
	require.Equal(t, a.public+"\n", r.out)
	r = typed(t, nil, "audit", "key", "new", a.key)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "a key is never written over")
}

func TestHeadsAreReadFromAnAddress(t *testing.T) {
	t.Parallel()
	a := newArchive(t, 20)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer open-sesame" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		http.ServeFile(w, r, a.heads)
	}))
	defer srv.Close()
	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("open-sesame\n"), 0o600))
	r := ticking(t, nil, "audit", "verify", "--data-dir", a.dir, "--against", srv.URL+"/heads.log", "--key", a.public, "--bearer", "file:"+token)
	require.Equal(t, 0, r.code, r.err)
	r = ticking(t, nil, "audit", "verify", "--data-dir", a.dir, "--against", srv.URL+"/heads.log", "--key", a.public)
	require.Equal(t, 3, r.code)
	require.Contains(t, r.err, "the answer was 403")
}

func TestAProofIsMadeAndCheckedElsewhere(t *testing.T) {
	t.Parallel()
	a := newArchive(t, 45)
	for _, what := range [][]string{{"--event", "7"}, {"--from", "10", "--to", "40"}, {"--event", "7", "--to", "30"}} {
		r := typed(t, nil, append([]string{"audit", "prove", "--data-dir", a.dir, "--against", a.heads, "--key", a.public}, what...)...)
		require.Equal(t, 0, r.code, r.err)
		require.Empty(t, r.err)
		file := filepath.Join(t.TempDir(), "proof.json")
		require.NoError(t, os.WriteFile(file, []byte(r.out), 0o600))
		check := typed(t, nil, "audit", "check-proof", file, "--key", a.public)
		require.Equal(t, 0, check.code, check.err)
		require.Contains(t, check.out, "the proof holds")
		check = typed(t, nil, "audit", "check-proof", file)
		require.Equal(t, 3, check.code, "nobody is trusted")
		require.NoError(t, os.WriteFile(file, []byte(strings.Replace(r.out, `"size": `, `"size": 1`, 1)), 0o600))
		check = typed(t, nil, "audit", "check-proof", file, "--key", a.public)
		require.Equal(t, 1, check.code, check.out)
	}
	r := typed(t, nil, "audit", "prove", "--data-dir", a.dir, "--event", "43")
	require.Equal(t, 0, r.code, r.err)
	require.Contains(t, r.err, "There is no signed head of this size")
	require.Equal(t, 1, typed(t, nil, "audit", "prove", "--data-dir", a.dir, "--event", "46").code)
	require.Equal(t, 2, typed(t, nil, "audit", "prove", "--data-dir", a.dir).code)
	require.Equal(t, 2, typed(t, nil, "audit", "prove", "--data-dir", a.dir, "--event", "1", "--from", "1").code)
}

func TestAReportIsWrittenWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	a := newArchive(t, 45)
	out := filepath.Join(t.TempDir(), "may.html")
	r := typed(t, nil, "audit", "report", "--data-dir", a.dir, "--against", a.heads, "--key", a.public, "--from", "2026-05-01", "--to", "2026-05-01", "--out", out)
	require.Equal(t, 0, r.code, r.err)
	b, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Contains(t, string(b), "<th>Events</th><td>44</td>", "the day is included")
	st, err := os.Stat(out)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	r = typed(t, nil, "audit", "report", "--data-dir", a.dir, "--from", "2026-05-01", "--to", "2026-05-01", "--out", filepath.Join(t.TempDir(), "none", "x"))
	require.Equal(t, 1, r.code)
	for _, bad := range [][]string{{"may", "2026-05-01"}, {"2026-05-02", "2026-05-01"}, {"2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z"}} {
		require.Equal(t, 2, typed(t, nil, "audit", "report", "--data-dir", a.dir, "--from", bad[0], "--to", bad[1]).code)
	}
}
