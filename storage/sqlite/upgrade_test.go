package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/sqlite"
)

var update = flag.Bool("update", false, "write the rows and the schema of the newest version; those of older ones are never written again")

// fixture is what a Salve of an older version left behind: the rows that it
// wrote, as INSERT statements, and the schema, which no later change of an old
// migration may alter.
func fixture(kind string, version int64) string {
	return filepath.Join("testdata", fmt.Sprintf("%s-%d.sql", kind, version))
}

func versions(t *testing.T) []int64 {
	t.Helper()
	all, err := sqlite.Versions()
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

func TestRowsOfEveryVersionAreReadAtTheNewest(t *testing.T) {
	t.Parallel()
	all := versions(t)
	newest := all[len(all)-1]
	if *update {
		writeFixtures(t, newest)
	}
	for _, version := range all {
		t.Run(fmt.Sprintf("version %d", version), func(t *testing.T) {
			t.Parallel()
			rows, err := os.ReadFile(fixture("rows", version))
			require.NoError(t, err, "write them with: go test ./storage/sqlite -run Version -update")
			want, err := os.ReadFile(fixture("schema", version))
			require.NoError(t, err)
			dir := t.TempDir()
			schema, err := sqlite.MakeOld(t.Context(), dir, version, string(rows))
			require.NoError(t, err)
			require.Equal(t, string(want), schema, "a migration that is out is never changed: add another")
			require.Equal(t, version, proven(t, filepath.Join(dir, "salve.db")).Schema, "its backup is read as it is")

			before := 0
			require.NoError(t, sqlite.Migrate(t.Context(), dir, func(context.Context) error { before++; return nil }))
			require.Equal(t, version != newest, before == 1)
			have, need, err := sqlite.Schema(t.Context(), dir)
			require.NoError(t, err)
			require.Equal(t, need, have)
			s := open(t, dir, sqlite.Options{})
			requireCarried(t, s)
			if version >= withChat {
				requireChatCarried(t, s)
			}
			require.NoError(t, s.Close())
			proven(t, filepath.Join(dir, "salve.db"))
		})
	}
}

const carriedToken = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

var carriedPlan = bot.Plan{
	ID: 1, Incident: 1, Kind: bot.PlanRespond, Playbook: "restart", Title: "Restart it", Target: "web-1", Digest: "abcdef0123456789",
	Steps: []bot.PlanStep{{ID: "restart", Title: "Restart", Action: "http", Effect: bot.EffectChanges, Args: map[string]any{"url": "https://example.com"}}},
	Rule:  bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1}, Mode: bot.ModePropose, CreatedAt: now,
}

// carry writes a bit of everything: something waits for an approval, a step is
// in flight, another Run is over.
func carry(t *testing.T, s *sqlite.Store) {
	t.Helper()
	ann := bot.Actor{Person: "ann", Name: "Ann", Surface: "cli"}
	commit := func(c bot.Change) bot.Receipt {
		r, err := s.Commit(t.Context(), c)
		require.NoError(t, err)
		return r
	}
	commit(bot.Change{Observed: []bot.Alert{benchAlert(1), benchAlert(2)}, By: bot.Salve, Delivery: benchDelivery(2)})
	second, third := carriedPlan, carriedPlan
	second.ID, second.Target = 2, "web-2"
	third.ID, third.Target = 3, "web-3"
	step := bot.Step{ID: "restart", State: bot.StepStarted, Attempt: 1, Key: "k", StartedAt: now}
	over := bot.Step{ID: "restart", State: bot.StepSucceeded, Attempt: 1, StartedAt: now, EndedAt: now}
	commit(bot.Change{
		Plans:     []bot.Plan{carriedPlan, second, third},
		Approvals: []bot.Approval{{ID: 1, Incident: 1, Plan: 1, Digest: carriedPlan.Digest, Playbook: "restart", Target: "web-1", State: bot.ApprovalPending, Rule: carriedPlan.Rule, OpenedAt: now, ExpiresAt: now.Add(time.Hour)}},
		Runs: []bot.Run{
			{ID: 1, Incident: 2, Plan: 2, Playbook: "restart", Target: "web-2", State: bot.RunRunning, Epoch: s.Epoch(), Steps: []bot.Step{step}, StartedBy: ann, CreatedAt: now},
			{ID: 2, Incident: 2, Plan: 3, Playbook: "restart", Target: "web-3", State: bot.RunFixed, Epoch: s.Epoch(), Steps: []bot.Step{over}, Fix: bot.FixYes, CreatedAt: now, EndedAt: now},
		},
		Claims:      []bot.Claim{{Target: "web-9", Incident: 1, Holder: "ann", Name: "Ann", At: now}},
		Halts:       []bot.Halt{{Scope: bot.HaltPlaybook, Name: "flush", By: ann, At: now}},
		Quarantined: []bot.Quarantined{{ID: 1, State: bot.QuarantineHeld, Source: "prod", Reason: "no JSON", ReceivedAt: now, Size: 3, SHA256: strings.Repeat("ab", 32), Body: []byte("\x00\xffx")}},
		People:      []bot.Person{{ID: "ann", Name: "Ann", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}, Identities: []bot.Identity{{Surface: "unix", ID: "1000"}}, CreatedAt: now}},
		Tokens:      []bot.Token{{Hash: carriedToken, Kind: bot.TokenAPI, Person: "ann", Label: "laptop", CreatedAt: now, ExpiresAt: now.Add(time.Hour)}},
		Events:      []bot.Event{{Kind: bot.EventNoted, At: now, Actor: ann, Incident: 1, Text: "it's \"noted\"; '🙂'"}},
	})
}

// requireCarried holds what carry wrote against what is read now, and that it can
// still be changed.
func requireCarried(t *testing.T, s *sqlite.Store) {
	t.Helper()
	ctx := t.Context()
	approvals, err := s.Approvals(ctx, bot.ApprovalQuery{States: []bot.ApprovalState{bot.ApprovalPending}})
	require.NoError(t, err)
	require.Len(t, approvals, 1)
	require.Equal(t, carriedPlan.Digest, approvals[0].Digest)
	plan, err := s.Plan(ctx, approvals[0].Plan)
	require.NoError(t, err)
	require.Equal(t, carriedPlan.Steps, plan.Steps)
	flying, err := s.Interrupted(ctx)
	require.NoError(t, err)
	require.Len(t, flying, 1)
	require.Equal(t, bot.StepStarted, flying[0].Steps[0].State)
	require.Equal(t, "k", flying[0].Steps[0].Key)
	history, err := s.History(ctx, "restart", "web-3")
	require.NoError(t, err)
	require.Equal(t, bot.RunID(2), history.Last.ID)
	for id := range bot.IncidentID(2) {
		alerts, err := s.Alerts(ctx, id+1, 10)
		require.NoError(t, err)
		require.Len(t, alerts, 1)
		require.Equal(t, benchAlert(int64(id)+1).Labels, alerts[0].Labels)
	}
	held, err := s.QuarantineItem(ctx, 1)
	require.NoError(t, err)
	require.Equal(t, "\x00\xffx", string(held.Body))
	ann, err := s.PersonBy(ctx, bot.Identity{Surface: "unix", ID: "1000"})
	require.NoError(t, err)
	require.Equal(t, []string{"oncall"}, ann.Groups)
	token, err := s.Token(ctx, carriedToken)
	require.NoError(t, err)
	require.Equal(t, ann.ID, token.Person)
	halts, err := s.Halts(ctx)
	require.NoError(t, err)
	require.Len(t, halts, 1)
	claims, err := s.ClaimsOf(ctx, 1)
	require.NoError(t, err)
	require.Len(t, claims, 1)

	approvals[0].State = bot.ApprovalDenied
	flying[0].State, flying[0].Steps[0].State = bot.RunWaiting, bot.StepUnknown
	_, err = s.Commit(ctx, bot.Change{Approvals: approvals, Runs: flying, Observed: []bot.Alert{benchAlert(1), benchAlert(3)}, By: bot.Salve})
	require.NoError(t, err)
	found, err := s.Incidents(ctx, bot.IncidentQuery{})
	require.NoError(t, err)
	require.Len(t, found, 3, "a repeat joined its own, a new one got its own")
}

// writeFixtures writes those of the newest version, as this build does.
func writeFixtures(t *testing.T, version int64) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	carry(t, s)
	carryChat(t, s)
	require.NoError(t, s.Close())
	schema, err := sqlite.MakeOld(t.Context(), t.TempDir(), version, "")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(fixture("schema", version), []byte(schema), 0o600))
	require.NoError(t, os.WriteFile(fixture("rows", version), []byte(inserts(t, filepath.Join(dir, "salve.db"))), 0o600))
}

// inserts are all rows of a database as statements.
func inserts(t *testing.T, path string) string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	var out strings.Builder
	for _, table := range column(t, db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%' ORDER BY name`) {
		quoted := column(t, db, `SELECT 'quote("' || name || '")' FROM pragma_table_info('`+table+`') ORDER BY cid`)
		for _, row := range column(t, db, `SELECT `+strings.Join(quoted, ` || ', ' || `)+` FROM "`+table+`"`) {
			fmt.Fprintf(&out, "INSERT INTO %s VALUES (%s);\n", table, row)
		}
	}
	return out.String()
}

func column(t *testing.T, db *sql.DB, text string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), text)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var v string
		require.NoError(t, rows.Scan(&v))
		all = append(all, v)
	}
	require.NoError(t, rows.Err())
	return all
}

func TestAMigrationStopsBeforeItBegins(t *testing.T) {
	t.Parallel()
	all := versions(t)
	dir := t.TempDir()
	_, err := sqlite.MakeOld(t.Context(), dir, 0, "")
	require.NoError(t, err)
	full := errors.New("no room for a backup")
	require.ErrorIs(t, sqlite.Migrate(t.Context(), dir, func(context.Context) error { return full }), full)
	have, need, err := sqlite.Schema(t.Context(), dir)
	require.NoError(t, err)
	require.Equal(t, []int64{0, all[len(all)-1]}, []int64{have, need})
	need, err = sqlite.NeedsSchema()
	require.NoError(t, err)
	require.Equal(t, all[len(all)-1], need)

	fine := func(context.Context) error { return nil }
	held, err := sqlite.Hold(dir)
	require.NoError(t, err)
	require.ErrorContains(t, sqlite.Migrate(t.Context(), dir, fine), "in use by process")
	require.NoError(t, held.Close())
	require.NoError(t, sqlite.Migrate(t.Context(), dir, fine))
	s := open(t, dir, sqlite.Options{})
	require.NoError(t, s.Exec(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)`))
	require.NoError(t, s.Close())
	require.ErrorContains(t, sqlite.Migrate(t.Context(), dir, fine), "newer Salve (schema version 999")
	require.ErrorIs(t, sqlite.Migrate(t.Context(), t.TempDir(), fine), os.ErrNotExist)
}
