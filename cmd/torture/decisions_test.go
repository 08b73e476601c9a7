package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/approval"
	"salve/bot/flow/command"
	"salve/storage/postgres"
	"salve/storage/postgres/cluster"
	"salve/storage/sqlite"
)

// desk is where people decide: one for each process on the database.
type desk struct {
	*command.Desk
	store interface {
		command.Store
		Close() error
	}
}

// free is a brake that nobody pulls.
type free struct{}

func (free) Halts(context.Context) ([]bot.Halt, error) { return nil, nil }
func (free) SetFlag(string) error                      { return nil }
func (free) ClearFlag(time.Time) error                 { return nil }

// empty is a quarantine with nothing in it.
type empty struct{}

func (empty) Replay(context.Context, bot.QuarantineID, bot.Actor) (bot.Answer, error) {
	return bot.Answer{}, bot.ErrNotFound
}

func (e empty) Discard(ctx context.Context, id bot.QuarantineID, by bot.Actor) (bot.Answer, error) {
	return e.Replay(ctx, id, by)
}

func open(t *testing.T, d desk, err error) desk {
	t.Helper()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.store.Close()) })
	d.Desk, err = command.New(d.store, free{}, empty{}, command.Options{Timeout: time.Minute})
	require.NoError(t, err)
	return d
}

func rounds() int {
	if whole {
		return 1000
	}
	return 50
}

func TestOfEightWhoDecideAtOnceOneDoesOnSQLite(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	race(t, open(t, desk{store: store}, err))
}

func TestOfEightWhoDecideAtOnceOnTwoReplicasOneDoes(t *testing.T) {
	t.Parallel()
	c, err := cluster.Start(t.Context(), filepath.Join(t.TempDir(), "pg"), cluster.Options{Careless: true})
	if errors.Is(err, cluster.ErrMissing) && !whole {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(c.Stop)
	url, err := c.Create(t.Context(), "decisions")
	require.NoError(t, err)
	var desks []desk
	for i := range 2 {
		store, err := postgres.Open(t.Context(), url, postgres.Options{Name: fmt.Sprint("r", i), Readers: 4})
		desks = append(desks, open(t, desk{store: store}, err))
	}
	race(t, desks...)
}

// race opens one question after the other and lets eight people answer each at
// the same moment, half of them at each desk.
func race(t *testing.T, desks ...desk) {
	t.Helper()
	for n := range rounds() {
		a := question(t, desks[n%len(desks)], n)
		made := answers(t, desks, a)
		require.Len(t, made, 1, "round %d: one was told that they decided", n)
		for _, d := range desks {
			decidedOnce(t, d, a, made[0])
		}
	}
}

// question opens one about a plan for a target of its own.
func question(t *testing.T, d desk, n int) bot.Approval {
	t.Helper()
	now := time.Now().UTC().Truncate(time.Millisecond)
	alert := bot.Alert{
		AlertKey: bot.AlertKey{Source: "prod", Fingerprint: fmt.Sprint("f", n), StartsAt: now},
		GroupKey: fmt.Sprint("g", n), State: bot.AlertFiring, Severity: bot.SeverityHigh, Title: "Down", ReceivedAt: now,
	}
	receipt, err := d.store.Commit(t.Context(), bot.Change{Observed: []bot.Alert{alert}, By: bot.Actor{Name: "prod", Surface: "webhook"}})
	require.NoError(t, err)
	p := bot.Plan{
		ID: bot.PlanID(d.store.NextID(bot.KindPlan)), Incident: receipt.Observed[0].Incident, Kind: bot.PlanRespond, Playbook: "restart", Title: "Restart",
		Target: fmt.Sprint("host-", n), CreatedAt: now,
		Steps: []bot.PlanStep{{ID: "go", Action: "wait", Args: map[string]any{"for": "1s"}, Effect: bot.EffectChanges}},
		Rule:  bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1, ExpiresIn: bot.Duration(time.Hour)},
	}
	p.Digest, err = p.ComputeDigest()
	require.NoError(t, err)
	a := approval.Open(bot.ApprovalID(d.store.NextID(bot.KindApproval)), p, bot.Verdict{Ruling: bot.AskPerson, Reason: "high"}, now)
	_, err = d.store.Commit(t.Context(), bot.Change{Plans: []bot.Plan{p}, Approvals: []bot.Approval{a}})
	require.NoError(t, err)
	return a
}

// answers gives the runs that people were told they started.
func answers(t *testing.T, desks []desk, a bot.Approval) (made []bot.RunID) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	at := make(chan struct{})
	for i := range manyClickers {
		wg.Go(func() {
			<-at
			id := bot.PersonID(fmt.Sprint("clicker", i))
			answer, err := desks[i%len(desks)].Do(t.Context(), bot.Command{
				Verb: bot.VerbApprove, By: bot.Person{ID: id, Name: string(id), Roles: []bot.Role{bot.RoleViewer}, Groups: []string{"oncall"}},
				Surface: "cli", Incident: a.Incident, Digest: a.Digest.Short(),
			})
			mu.Lock()
			defer mu.Unlock()
			if _, refused := errors.AsType[*bot.Refusal](err); err != nil && !refused {
				t.Errorf("%s: %v", id, err)
			}
			if err == nil && !answer.Repeated {
				made = append(made, answer.Run)
			}
		})
	}
	close(at)
	wg.Wait()
	return made
}

// decidedOnce wants one vote, one decision and one run, as the store says.
func decidedOnce(t *testing.T, d desk, a bot.Approval, run bot.RunID) {
	t.Helper()
	stored, err := d.store.Approval(t.Context(), a.ID)
	require.NoError(t, err)
	require.Equal(t, bot.ApprovalApproved, stored.State)
	require.Len(t, stored.Votes, 1)
	runs, err := d.store.Runs(t.Context(), bot.RunQuery{Incident: a.Incident})
	require.NoError(t, err)
	require.Len(t, runs, 1)
	require.Equal(t, run, runs[0].ID)
	require.Equal(t, a.Digest, runs[0].Digest)
	events, err := d.store.Events(t.Context(), bot.EventQuery{Incident: a.Incident})
	require.NoError(t, err)
	told := newTrail()
	for _, e := range events {
		told.take(e)
	}
	require.Equal(t, 1, told.decisions[a.ID])
	require.Len(t, told.planned[run], 1)
}
