package postgres_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/postgres"
)

func TestASchemaIsLookedAtAndBroughtUpToDate(t *testing.T) {
	t.Parallel()
	url := database(t)
	have, need, err := postgres.Schema(t.Context(), url)
	require.NoError(t, err)
	require.Zero(t, have)
	require.Positive(t, need)
	from, to, err := postgres.Migrate(t.Context(), url)
	require.NoError(t, err)
	require.Equal(t, []int64{0, need}, []int64{from, to})
	have, _, err = postgres.Schema(t.Context(), url)
	require.NoError(t, err)
	require.Equal(t, need, have)

	s := open(t, url, postgres.Options{})
	_, err = s.Commit(t.Context(), note("kept"))
	require.NoError(t, err)
	records, err := postgres.OpenRecords(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, records.Close()) })
	n := 0
	require.NoError(t, records.EachEvent(t.Context(), func(bot.Event) error { n++; return nil }))
	require.Equal(t, 2, n)
}

func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	url := database(t)
	_, _, err := postgres.Migrate(t.Context(), url)
	require.NoError(t, err)
	require.NoError(t, shared.Exec(t.Context(), name(url), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)"))
	_, err = postgres.Open(t.Context(), url, postgres.Options{})
	require.ErrorIs(t, err, bot.ErrUnavailable)
	require.ErrorContains(t, err, "newer Salve (schema version 999")
	_, _, err = postgres.Migrate(t.Context(), url)
	require.ErrorContains(t, err, "going back is not supported")
}

// TestAnUpgradeCarriesWhatWaits: what a version left pending, in flight and due
// is so at the newest, and what it did not know can be written.
func TestAnUpgradeCarriesWhatWaits(t *testing.T) {
	t.Parallel()
	for version := range int64(2) {
		t.Run(fmt.Sprintf("version %d", version+1), func(t *testing.T) {
			t.Parallel()
			url := database(t)
			require.NoError(t, postgres.MigrateTo(t.Context(), url, version+1))
			leaveWork(t, url)
			s := open(t, url, postgres.Options{})
			open, err := s.Approvals(t.Context(), bot.ApprovalQuery{States: []bot.ApprovalState{bot.ApprovalPending}})
			require.NoError(t, err)
			require.Len(t, open, 1)
			require.Equal(t, []bot.RunID{1}, interrupted(t, s))
			claims, err := s.ClaimsOf(t.Context(), 1)
			require.NoError(t, err)
			require.Equal(t, []bot.Claim{{Target: "z", Incident: 1}}, claims)
			open[0].State = bot.ApprovalDenied
			_, err = s.Commit(t.Context(), bot.Change{
				Approvals: open, Events: note("decided").Events,
				Posts: []bot.Post{{Key: "slack/C1/card/I-1", Surface: "slack", State: bot.PostDue, DueAt: at}}, Cursors: []bot.Cursor{{Name: "post", Seq: 1}},
			})
			require.NoError(t, err)
			due, err := s.Posts(t.Context(), bot.PostQuery{Due: at})
			require.NoError(t, err)
			require.Len(t, due, 1)
		})
	}
}

// leaveWork writes rows as every version so far has written them.
func leaveWork(t *testing.T, url string) {
	t.Helper()
	body := func(noun any) string {
		b, err := json.Marshal(noun)
		require.NoError(t, err)
		return "'" + string(b) + "'"
	}
	run := bot.Run{ID: 1, Plan: 2, Target: "y", State: bot.RunRunning, Epoch: 7, Steps: []bot.Step{{ID: "a", State: bot.StepStarted, Attempt: 1}}}
	for _, text := range []string{
		`INSERT INTO plans (id, incident, body) VALUES (1, 1, ` + body(bot.Plan{ID: 1}) + `), (2, 1, ` + body(bot.Plan{ID: 2}) + `)`,
		`INSERT INTO approvals (id, version, incident, plan, target, state, body) VALUES (1, 1, 1, 1, 'x', 'pending', ` +
			body(bot.Approval{ID: 1, Plan: 1, Incident: 1, Target: "x", State: bot.ApprovalPending}) + `)`,
		`INSERT INTO runs (id, version, incident, plan, playbook, target, state, active, changed, epoch, due_at, ended_at, body)
			VALUES (1, 1, 1, 2, 'p', 'y', 'running', 1, 1, 7, 0, 0, ` + body(run) + `)`,
		`INSERT INTO claims (target, incident, body) VALUES ('z', 1, ` + body(bot.Claim{Target: "z", Incident: 1}) + `)`,
	} {
		require.NoError(t, shared.Exec(t.Context(), name(url), text))
	}
}
