package e2e_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/internal/trial"
	"salve/integrations/control"
)

// watching starts Salve with one source that should be heard every two seconds,
// and that looks at itself every second.
func watching(t *testing.T) *house {
	t.Helper()
	dir := shortDir(t)
	token := filepath.Join(dir, "token")
	require.NoError(t, os.WriteFile(token, []byte(hookToken), 0o600))
	p, err := trial.Start(t.Context(), trial.Setting{Binary: binary, Dir: dir, Config: fmt.Sprintf(
		"sources:\n  - {name: prod, type: alertmanager, bearer: \"file:%s\", expect_every: 2s}\nwatch: {every: 1s, disk_free: 0}\n", token)})
	require.NoError(t, err)
	h := &house{Process: p, Dir: dir, Door: control.NewUnixClient(filepath.Join(p.Dir, "salve.sock"))}
	t.Cleanup(func() {
		p.Kill() // no matter if the test has stopped it
		if t.Failed() {
			t.Log(p.Logs())
		}
	})
	return h
}

func TestASilentSourceIsAnIncidentUntilItIsHeard(t *testing.T) {
	t.Parallel()
	h := watching(t)
	watchdog := post{hookToken, "application/json", fmt.Appendf(nil, delivery, time.Now().UTC().Format(time.RFC3339), `,"severity":"none"`)}
	const title = "the source prod has not been heard"

	card := h.sees(t, title, "fires", func(c bot.Card) bool { return c.Firing == 1 })
	require.Equal(t, bot.SeverityHigh, card.Severity)
	require.Contains(t, h.does(t, "incidents"), title)
	require.Contains(t, h.does(t, "show", card.Incident.String()), "SalveSourceSilent")
	require.Equal(t, http.StatusOK, answers(t, h.URL+"/readyz"), "who is silent is not Salve")

	// An alert that always fires is sent again and again, and that is enough.
	h.sees(t, title, "resolves", func(c bot.Card) bool {
		status, answer := h.delivers(t, watchdog)
		require.Equal(t, http.StatusOK, status, answer)
		return c.Firing == 0
	})

	// Silent again: the same incident, which has not closed yet, fires again.
	again := h.sees(t, title, "fires again", func(c bot.Card) bool { return c.Firing == 1 })
	require.Equal(t, card.Incident, again.Incident)
	require.Equal(t, 2, again.Total)
	require.Contains(t, h.does(t, "audit", "verify"), "the audit log proves")
}

func TestADatabaseThatCannotBeWrittenIsNamedEverywhere(t *testing.T) {
	t.Parallel()
	h := watching(t)
	h.knows(t)
	require.Contains(t, h.does(t, "status"), "ready, started")

	db, err := sql.Open("sqlite", filepath.Join(h.Process.Dir, "salve.db"))
	require.NoError(t, err)
	defer db.Close()
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	until(t, "the database is seized", func() bool {
		_, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
		return err == nil
	})
	until(t, "it is not ready", func() bool {
		return answers(t, h.URL+"/readyz") == http.StatusServiceUnavailable || strings.Contains(h.salve(t, "status").out, "NOT READY")
	})
	sick := h.salve(t, "status")
	require.Equal(t, 1, sick.code)
	require.Contains(t, sick.out, "NOT READY: the database cannot be written")
	require.Contains(t, sick.out, "do:  Look for a full or read-only disk")
	require.Contains(t, h.salve(t, "status", "--json").out, `"name": "database-write"`)
	require.Equal(t, http.StatusOK, answers(t, h.URL+"/livez"))

	// Stopping needs no database.
	require.NoError(t, h.Signal(syscall.SIGUSR1))
	until(t, "the signal halts", func() bool { return strings.Contains(h.salve(t, "status").out, "signal SIGUSR1") })

	_, err = conn.ExecContext(context.Background(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	until(t, "it is ready again", func() bool { return answers(t, h.URL+"/readyz") == http.StatusOK })
	require.Contains(t, h.does(t, "resume"), "is lifted")
	require.NoError(t, h.Stop())
}
