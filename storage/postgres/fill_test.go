package postgres_test

import (
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/internal/query"
	"salve/storage/postgres"
	"salve/storage/sqlite"
)

// little writes one of everything into a store.
func little(t *testing.T, s *sqlite.Store) {
	t.Helper()
	alerts := []bot.Alert{
		{AlertKey: bot.AlertKey{Source: "s", Fingerprint: "a", StartsAt: at}, GroupKey: "g\x00", Title: "NUL \x00 and \xff", State: bot.AlertFiring, Severity: bot.SeverityHigh},
		{AlertKey: bot.AlertKey{Source: "s", Fingerprint: "b", StartsAt: at}, GroupKey: "h", Title: "b", State: bot.AlertFiring},
	}
	plan := bot.Plan{ID: bot.PlanID(s.NextID(bot.KindPlan)), Target: "x"}
	_, err := s.Commit(t.Context(), bot.Change{
		Observed: alerts, By: bot.Salve, Delivery: &bot.Delivery{Source: "s", ReceivedAt: at, Alerts: 2, Body: []byte("body")},
		Quarantined: []bot.Quarantined{{ID: bot.QuarantineID(s.NextID(bot.KindQuarantine)), Source: "s", State: bot.QuarantineHeld, SHA256: "00", Body: []byte("what")}},
		Plans:       []bot.Plan{plan},
		Approvals:   []bot.Approval{{ID: bot.ApprovalID(s.NextID(bot.KindApproval)), Plan: plan.ID, Target: "x", State: bot.ApprovalPending}},
		Runs:        []bot.Run{{ID: bot.RunID(s.NextID(bot.KindRun)), Plan: plan.ID, Target: "x", State: bot.RunRunning, Epoch: s.Epoch(), Steps: []bot.Step{{ID: "a", State: bot.StepStarted}}}},
		Claims:      []bot.Claim{{Target: "x", Incident: 1}}, Halts: []bot.Halt{{Scope: bot.HaltAll}},
		People: []bot.Person{{ID: "p", Identities: []bot.Identity{{Surface: "unix", ID: "1"}}}}, Tokens: []bot.Token{{Hash: "ab", Person: "p"}},
		Posts:  []bot.Post{{Key: "slack/C1/card/I-1", State: bot.PostDue, Surface: "slack", Place: "C1", Kind: bot.MessageCard, Incident: 1, DueAt: at, OpenedAt: at}},
		Offers: []bot.Offer{{Token: "t", Surface: "slack", Shown: "NUL \x00", ExpiresAt: at}}, Gestures: []bot.Gesture{{Key: "slack/1", DueAt: at, ReceivedAt: at}},
		Cursors: []bot.Cursor{{Name: "post", Seq: 3}},
		Events:  []bot.Event{{Kind: bot.EventNoted, At: at, Actor: bot.Salve, Text: "one of everything"}},
	})
	require.NoError(t, err)
	_, err = s.Tick(t.Context(), "tick", at, time.Hour)
	require.NoError(t, err)
	_, err = s.PruneEvents(t.Context(), bot.Boundary{Size: 1, Note: []byte("note"), Edge: []byte("edge")}, bot.Event{Kind: bot.EventPruned, At: at, Actor: bot.Salve})
	require.NoError(t, err)
}

func TestACopyHoldsEverythingAndGoesOn(t *testing.T) {
	t.Parallel()
	url := database(t)
	from, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, from.Close()) })
	little(t, from)
	counts := map[string]int64{}
	require.NoError(t, postgres.Fill(t.Context(), url, from, func(table string, n int64) { counts[table] = n }))
	require.Len(t, counts, len(query.Tables))
	for table, n := range counts {
		require.Positive(t, n, table)
	}
	to := open(t, url, postgres.Options{})
	for _, id := range []bot.IncidentID{1, 2} {
		want, err := from.Incident(t.Context(), id)
		require.NoError(t, err)
		have, err := to.Incident(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, want, have)
	}
	var want, have []bot.Event
	require.NoError(t, from.EachEvent(t.Context(), func(e bot.Event) error { want = append(want, e); return nil }))
	require.NoError(t, to.EachEvent(t.Context(), func(e bot.Event) error { have = append(have, e); return nil }))
	require.Equal(t, want, have)
	item, err := to.QuarantineItem(t.Context(), 1)
	require.NoError(t, err)
	require.Equal(t, "what", string(item.Body))
	requireSameChat(t, from, to)

	require.Equal(t, []bot.RunID{1}, interrupted(t, to), "what was in hand there is in nobody's hand here")
	require.Greater(t, to.Epoch(), from.Epoch())
	require.EqualValues(t, 2, to.NextID(bot.KindPlan))
	require.EqualValues(t, 2, to.NextID(bot.KindRun))
	r, err := to.Commit(t.Context(), bot.Change{Observed: []bot.Alert{
		{AlertKey: bot.AlertKey{Source: "s", Fingerprint: "b", StartsAt: at}, GroupKey: "h", Title: "b", State: bot.AlertFiring},
		{AlertKey: bot.AlertKey{Source: "s", Fingerprint: "c", StartsAt: at}, GroupKey: "i", Title: "c", State: bot.AlertFiring},
	}})
	require.NoError(t, err)
	require.Equal(t, bot.OutcomeRepeat, r.Observed[0].Outcome)
	require.EqualValues(t, 3, r.Observed[1].Incident)

	err = postgres.Fill(t.Context(), url, from, func(string, int64) {})
	require.ErrorContains(t, err, "name an empty database")
}

func requireSameChat(t *testing.T, from *sqlite.Store, to *postgres.Store) {
	t.Helper()
	due, err := to.Posts(t.Context(), bot.PostQuery{Surface: "slack", Due: at})
	require.NoError(t, err)
	require.Len(t, due, 1)
	post, err := from.Post(t.Context(), "slack/C1/card/I-1")
	require.NoError(t, err)
	require.Equal(t, post, due[0])
	want, err := from.Offer(t.Context(), "t")
	require.NoError(t, err)
	have, err := to.Offer(t.Context(), "t")
	require.NoError(t, err)
	require.Equal(t, want, have)
	gestures, err := to.DueGestures(t.Context(), at, 9)
	require.NoError(t, err)
	require.Len(t, gestures, 1)
	cursor, err := to.Cursor(t.Context(), "post")
	require.NoError(t, err)
	require.Equal(t, bot.Cursor{Name: "post", Version: 1, Seq: 3}, cursor)
}

func TestNoTableIsForgottenByACopy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	db, err := sql.Open("sqlite", "file:"+dir+"/salve.db?mode=ro")
	require.NoError(t, err)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT IN ('meta', 'goose_db_version', 'sqlite_sequence') ORDER BY m.name, c.cid")
	require.NoError(t, err)
	defer rows.Close()
	tables := map[string][]string{}
	for rows.Next() {
		var table, column string
		require.NoError(t, rows.Scan(&table, &column))
		tables[table] = append(tables[table], column)
	}
	require.NoError(t, rows.Err())
	require.Len(t, query.Tables, len(tables))
	for _, table := range query.Tables {
		require.ElementsMatch(t, tables[table.Name], slices.Clone(table.Columns), table.Name)
	}
}
