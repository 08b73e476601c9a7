package command_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/command"
)

// silent is a store that never answers a write.
type silent struct{ command.Store }

func (silent) Commit(ctx context.Context, _ bot.Change) (bot.Receipt, error) {
	<-ctx.Done()
	return bot.Receipt{}, context.Cause(ctx)
}

func (silent) Incident(context.Context, bot.IncidentID) (bot.Incident, error) {
	return bot.Incident{ID: 1, Version: 1, Fold: bot.Fold{Firing: 1}}, nil
}

func (silent) ClaimsOf(context.Context, bot.IncidentID) ([]bot.Claim, error) { return nil, nil }

// lever is a brake with a flag and nothing else.
type lever struct{ flag string }

func (*lever) Halts(context.Context) ([]bot.Halt, error) { return nil, nil }
func (l *lever) SetFlag(reason string) error             { l.flag = reason; return nil }
func (*lever) ClearFlag(time.Time) error                 { return nil }

func TestAStoreThatHangsHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &lever{}
		desk, err := command.New(silent{}, l, shelf{}, command.Options{})
		require.NoError(t, err)
		began := time.Now()
		_, err = desk.Do(t.Context(), bot.Command{Verb: bot.VerbHalt, Reason: "smoke", Caller: "uid 1000"})
		require.NoError(t, err)
		require.Equal(t, "uid 1000 (unknown): smoke", l.flag)
		require.LessOrEqual(t, time.Since(began), 2*time.Second)

		_, err = desk.Do(t.Context(), bot.Command{Verb: bot.VerbTake, Incident: 1, By: rita})
		require.ErrorContains(t, err, "not known whether this was recorded")
		require.ErrorContains(t, err, "Say it again")
		require.LessOrEqual(t, time.Since(began), 7*time.Second)
	})
}

func TestNamesThatAnybodyHaltsAreBoundedAndEverythingIsNot(t *testing.T) {
	t.Parallel()
	h := open(t)
	var halts []bot.Halt
	for i := range 500 {
		halts = append(halts, bot.Halt{Scope: bot.HaltTarget, Name: fmt.Sprint("host-", i), By: bot.Salve, At: time.Now().UTC()})
	}
	h.commit(bot.Change{Halts: halts})
	h.refused(bot.Person{}, bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltTarget, Name: "one-more"}, bot.RefusedState, "500", "salve halt")
	require.True(t, h.says(bot.Person{}, bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltTarget, Name: "host-7"}).Repeated)
	require.Contains(t, h.says(bot.Person{}, bot.Command{Verb: bot.VerbHalt}).Text, "Everything is halted")
}

func TestADeskNeedsWhatItStandsOn(t *testing.T) {
	t.Parallel()
	_, err := command.New(nil, &lever{}, shelf{}, command.Options{})
	require.Error(t, err)
	_, err = command.New(silent{}, nil, shelf{}, command.Options{})
	require.Error(t, err)
	_, err = command.New(silent{}, &lever{}, nil, command.Options{})
	require.Error(t, err)
}

func TestWhoHaltsIsToldWhatLiftsIt(t *testing.T) {
	t.Parallel()
	h := open(t)
	for _, tc := range []struct {
		scope      bot.HaltScope
		name, says string
	}{
		{bot.HaltTarget, "db-3", "until somebody resumes: salve resume --target=db-3."},
		{bot.HaltAll, "", "until somebody resumes: salve resume."},
	} {
		require.Contains(t, h.says(rita, bot.Command{Verb: bot.VerbHalt, Scope: tc.scope, Name: tc.name}).Text, tc.says)
	}
}
