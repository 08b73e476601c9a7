package serve_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/approval"
	"salve/bot/flow/hear"
	"salve/cmd/salve/serve"
)

// silent is a surface that shows nothing, and whose every user is on call.
type silent struct{}

func (silent) Whisper(context.Context, bot.Gesture, bot.Message) error     { return nil }
func (silent) Open(context.Context, bot.Gesture, bot.Form) (string, error) { return "V1", nil }
func (silent) Refill(context.Context, string, bot.Form) (string, error)    { return "V1", nil }
func (silent) Home(context.Context, bot.ChatUser, bot.Message) error       { return nil }
func (silent) Member(_ context.Context, u bot.ChatUser) (bot.Member, error) {
	return bot.Member{User: u, Groups: []string{"oncall"}, ReadAt: time.Now().UTC()}, nil
}

// rounds is a Salve of which only the desk and the leg that hears work: what is
// decided is on disk, and nothing runs.
type rounds struct {
	*testing.T
	*serve.Salve
	leg    *hear.Leg
	people [8]bot.Person
}

func newRounds(t *testing.T) *rounds {
	t.Helper()
	s, err := start(t, setUp(t, newShop(t)))
	require.NoError(t, err)
	r := &rounds{T: t, Salve: s}
	for i := range r.people {
		r.people[i] = bot.Person{ID: bot.PersonID(fmt.Sprint("p", i)), Name: fmt.Sprint("P", i), Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"},
			Identities: []bot.Identity{{Surface: "slack", ID: fmt.Sprint("T1/U", i)}}}
		require.NoError(t, s.People().Add(t.Context(), bot.Salve, r.people[i]))
	}
	r.leg, err = hear.New(hear.House{Store: s.Rows(), Desk: s.Desk(), Window: s.Window(), People: s.People()},
		map[string]hear.Venue{"slack": {Surface: silent{}, Directory: silent{}}}, hear.Options{Workers: 32, PerUser: 1000})
	require.NoError(t, err)
	working, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.leg.Run(working) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
		require.NoError(t, s.Run(working)) // which closes it
	})
	return r
}

// question is one that waits, with the card that asks it and its two buttons.
func (r *rounds) question(n int) bot.Approval {
	now := time.Now().UTC().Truncate(time.Millisecond)
	name := fmt.Sprint("target-", n)
	got, err := r.Rows().Commit(context.Background(), bot.Change{By: bot.Actor{Name: "prod", Surface: "webhook"}, Observed: []bot.Alert{{
		AlertKey: bot.AlertKey{Source: "prod", Fingerprint: name, StartsAt: now}, GroupKey: name, State: bot.AlertFiring,
		Severity: bot.SeverityHigh, Title: "Down", ReceivedAt: now,
	}}})
	require.NoError(r, err)
	p := bot.Plan{
		ID: bot.PlanID(r.Store().NextID(bot.KindPlan)), Incident: got.Observed[0].Incident, Kind: bot.PlanRespond, Playbook: "heal", Title: "Heal", Target: name, CreatedAt: now,
		Steps: []bot.PlanStep{{ID: "go", Action: "wait", Args: map[string]any{"for": "1s"}, Effect: bot.EffectChanges}},
		Rule:  bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1, ExpiresIn: bot.Duration(time.Hour)},
	}
	p.Digest, err = p.ComputeDigest()
	require.NoError(r, err)
	a := approval.Open(bot.ApprovalID(r.Store().NextID(bot.KindApproval)), p, bot.Verdict{Ruling: bot.AskPerson, Reason: "high"}, now)
	key := "slack/C1/card/" + a.Incident.String()
	offer := func(kind bot.PressKind, verb bot.Verb, asks ...string) bot.Offer {
		return bot.Offer{Token: string(verb) + name, Surface: "slack", Post: key, ExpiresAt: now.Add(time.Hour),
			Press: bot.Press{Kind: kind, Asks: asks, Command: bot.Command{Verb: verb, Incident: a.Incident, Approval: a.ID, Digest: string(a.Digest)}}}
	}
	form := offer(bot.PressCommand, bot.VerbDeny, "reason")
	form.For = "T1/U5"
	_, err = r.Rows().Commit(context.Background(), bot.Change{
		Plans: []bot.Plan{p}, Approvals: []bot.Approval{a}, Offers: []bot.Offer{offer(bot.PressCommand, bot.VerbApprove), form},
		Posts: []bot.Post{{Key: key, State: bot.PostShown, Surface: "slack", Place: "C1", Kind: bot.MessageCard, Incident: a.Incident, OpenedAt: now, Mark: bot.Mark{Place: "C1", Ref: name}}},
	})
	require.NoError(r, err)
	return a
}

// A round is one question and eight people who answer it at once, each on disk
// before the next step: three press the button, two type the digest, one hands in
// the form that denies, one decides over the API and one at the command line.
// What is left out is Slack's own HTTP and what runs after it.
func (r *rounds) round(n int) error {
	a := r.question(n)
	name := a.Target
	gesture := func(i int, kind bot.GestureKind) bot.Gesture {
		return bot.Gesture{Key: fmt.Sprint("slack/", name, "/", i), Surface: "slack", Transport: "socket", Kind: kind, User: bot.ChatUser{ID: fmt.Sprint("T1/U", i)}, Place: "C1"}
	}
	var all []bot.Gesture
	for i := range 6 {
		g := gesture(i, bot.GesturePressed)
		switch {
		case i < 3:
			g.Message, g.Token = name, "approve"+name
		case i < 5:
			g.Kind, g.Text = bot.GestureSaid, fmt.Sprintf("approve %s %s", a.Incident, a.Digest.Short())
		default:
			g.Kind, g.Token, g.Fields = bot.GestureFilled, "deny"+name, map[string]string{"reason": "not now"}
		}
		all = append(all, g)
	}
	errs := make(chan error, 8)
	var wait sync.WaitGroup
	for _, g := range all {
		wait.Go(func() { errs <- r.leg.Hear(context.Background(), g) })
	}
	for i, surface := range []string{"console", "cli"} {
		wait.Go(func() {
			_, err := r.Desk().Do(context.Background(), bot.Command{Verb: bot.VerbApprove, Incident: a.Incident, Digest: a.Digest.Short(), By: r.people[6+i], Surface: surface})
			if _, refused := errors.AsType[*bot.Refusal](err); !refused {
				errs <- err
			}
		})
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return fmt.Errorf("round %d: %w", n, err)
		}
	}
	return r.judge(a, all)
}

// judge waits until every gesture was answered and counts what became of it.
func (r *rounds) judge(a bot.Approval, all []bot.Gesture) error {
	ctx := context.Background()
	for _, g := range all {
		for end := time.Now().Add(waiting); ; time.Sleep(time.Millisecond) {
			now, err := r.Rows().Gesture(ctx, g.Key)
			if err == nil && now.Done {
				break
			}
			if time.Now().After(end) {
				return fmt.Errorf("%s: nothing became of %s: %w", a.ID, g.Key, err)
			}
		}
	}
	now, err := r.Rows().Approval(ctx, a.ID)
	if err != nil {
		return err
	}
	runs, err := r.Rows().Runs(ctx, bot.RunQuery{Incident: a.Incident})
	if err != nil {
		return err
	}
	want := map[bot.ApprovalState]int{bot.ApprovalApproved: 1, bot.ApprovalDenied: 0}
	if n, decided := want[now.State]; !decided || len(now.Votes) != 1 || len(runs) != n {
		return fmt.Errorf("%s is %s with %d votes and %d runs", a.ID, now.State, len(now.Votes), len(runs))
	}
	return nil
}

func TestAThousandRoundsOfEightPeopleAtOnceAreAThousandDecisions(t *testing.T) {
	t.Parallel()
	r := newRounds(t)
	const count, atOnce = 1000, 8
	var wait sync.WaitGroup
	failed := make(chan error, count)
	for lane := range atOnce {
		wait.Go(func() {
			for n := lane; n < count; n += atOnce {
				if err := r.round(n); err != nil {
					failed <- err
				}
			}
		})
	}
	wait.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	voted, runs := 0, 0
	for after := int64(0); ; {
		events, err := r.Rows().Events(t.Context(), bot.EventQuery{After: after, Limit: 1000})
		require.NoError(t, err)
		for _, e := range events {
			switch e.Kind {
			case bot.EventVoted:
				voted++
			case bot.EventRunPlanned:
				runs++
			}
			after = e.Seq
		}
		if len(events) == 0 {
			break
		}
	}
	require.Equal(t, count, voted, "one decision a round is in the record")
	require.LessOrEqual(t, runs, count)
	require.NotZero(t, runs)
}
