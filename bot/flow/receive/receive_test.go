package receive_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/flow/receive"
	"salve/bot/intake"
	"salve/integrations/alertmanager"
	"salve/storage/sqlite"
)

var receivedAt = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

// faulty is a store that can be told to fail.
type faulty struct {
	*sqlite.Store
	fail atomic.Pointer[error]
}

func (f *faulty) Fail(err error) { f.fail.Store(&err) }

func (f *faulty) Commit(ctx context.Context, c bot.Change) (bot.Receipt, error) {
	if err := f.fail.Load(); err != nil && *err != nil {
		return bot.Receipt{}, *err
	}
	return f.Store.Commit(ctx, c)
}

func newStore(t *testing.T) *faulty {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return &faulty{Store: s}
}

func newDoor(t *testing.T, store receive.Store, opts receive.Options) *receive.Door {
	t.Helper()
	if opts.Sources == nil {
		opts.Sources = map[string]receive.Source{"am": {Decode: alertmanager.Decode}}
	}
	d, err := receive.New(store, opts)
	require.NoError(t, err)
	return d
}

// payload is one alert per name, started a minute before it is received.
func payload(at time.Time, names ...string) []byte {
	var alerts []string
	for _, name := range names {
		alerts = append(alerts, alertJSON(name, at.Add(-time.Minute)))
	}
	return wrap(strings.Join(alerts, ","))
}

func alertJSON(name string, starts time.Time) string {
	return fmt.Sprintf(`{"status":"firing","labels":{"alertname":%q,"severity":"low"},"startsAt":%q}`, name, starts.UTC().Format(time.RFC3339Nano))
}

func wrap(alerts string) []byte {
	return []byte(`{"version":"4","groupKey":"{}:{}","alerts":[` + alerts + `]}`)
}

func deliver(t *testing.T, d *receive.Door, source string, body []byte, at time.Time) (bot.Receipt, error) {
	t.Helper()
	alerts, err := alertmanager.Decode(source, body, at)
	require.NoError(t, err)
	return d.Receive(t.Context(), bot.Delivery{Source: source, ReceivedAt: at, Alerts: len(alerts), Body: body}, alerts)
}

func held(t *testing.T, s receive.Store) []bot.Quarantined {
	t.Helper()
	list, err := s.QuarantineList(t.Context(), bot.QuarantineQuery{States: []bot.QuarantineState{bot.QuarantineHeld}})
	require.NoError(t, err)
	return list
}

func kinds(t *testing.T, s *faulty) map[bot.EventKind]int {
	t.Helper()
	out := map[bot.EventKind]int{}
	require.NoError(t, s.EachEvent(t.Context(), func(e bot.Event) error { out[e.Kind]++; return nil }))
	return out
}

// outcome is what must not depend on the order of deliveries.
type outcome struct {
	Fold   bot.Fold
	Alerts []bot.Alert
}

func outcomes(t *testing.T, s *faulty, ids []bot.IncidentID) []outcome {
	t.Helper()
	var out []outcome
	for _, id := range ids {
		inc, err := s.Incident(t.Context(), id)
		require.NoError(t, err)
		alerts, err := s.Alerts(t.Context(), id, 1000)
		require.NoError(t, err)
		inc.Source = ""
		for i := range alerts {
			alerts[i].Source, alerts[i].Incident = "", 0
			alerts[i].ReceivedAt = time.Time{} // tells of the arrival, by its meaning
		}
		out = append(out, outcome{inc.Fold, alerts})
	}
	return out
}

// orders gives every order of a multiset of n deliveries, each twice.
func orders(n int) [][]int {
	left := slices.Repeat([]int{2}, n)
	var out [][]int
	var walk func(done []int)
	walk = func(done []int) {
		if len(done) == 2*n {
			out = append(out, slices.Clone(done))
			return
		}
		for i := range left {
			if left[i] > 0 {
				left[i]--
				walk(append(done, i))
				left[i]++
			}
		}
	}
	walk(nil)
	return out
}

func TestOrderAndRepeatsOfRealDeliveriesChangeNothing(t *testing.T) {
	t.Parallel()
	groups, err := filepath.Glob("../../../integrations/alertmanager/testdata/webhooks/group-*")
	require.NoError(t, err)
	require.Len(t, groups, 3)
	for _, group := range groups {
		t.Run(filepath.Base(group), func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join(group, "*.json"))
			require.NoError(t, err)
			require.GreaterOrEqual(t, len(files), 2)
			bodies := make([][]byte, len(files))
			for i, f := range files {
				bodies[i], err = os.ReadFile(f)
				require.NoError(t, err)
			}
			var want []outcome
			store, sources := newStore(t), map[string]receive.Source{}
			all := orders(len(bodies))
			for i := range all {
				sources[fmt.Sprint("am-", i)] = receive.Source{Decode: alertmanager.Decode}
			}
			door := newDoor(t, store, receive.Options{Sources: sources})
			for i, order := range all {
				var ids []bot.IncidentID
				for _, n := range order {
					receipt, err := deliver(t, door, fmt.Sprint("am-", i), bodies[n], receivedAt.Add(time.Duration(n)*time.Minute))
					require.NoError(t, err)
					for _, o := range receipt.Observed {
						require.NotEmpty(t, o.Because)
						ids = append(ids, o.Incident)
					}
				}
				slices.Sort(ids)
				got := outcomes(t, store, slices.Compact(ids))
				require.Len(t, got, 1, "a group is one incident")
				if want == nil {
					want = got
				}
				require.Equal(t, want, got, "order %v", order)
			}
		})
	}
}

func TestARepeatSaysThatItIsOne(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	door := newDoor(t, store, receive.Options{})
	body := payload(receivedAt, "Down", "Slow")
	first, err := deliver(t, door, "am", body, receivedAt)
	require.NoError(t, err)
	second, err := deliver(t, door, "am", body, receivedAt.Add(time.Hour))
	require.NoError(t, err)
	for i := range first.Observed {
		require.Equal(t, bot.OutcomeNew, first.Observed[i].Outcome)
		require.Equal(t, bot.OutcomeRepeat, second.Observed[i].Outcome)
		require.Equal(t, first.Observed[i].Incident, second.Observed[i].Incident)
	}
	inc, err := store.Incident(t.Context(), first.Observed[0].Incident)
	require.NoError(t, err)
	require.Equal(t, 2, inc.Total)
	require.Equal(t, bot.SeverityLow, inc.Severity)
	require.Equal(t, "Down", inc.Title)
}

func TestRulesOfTheSourceAreApplied(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	rules := intake.Rules{GroupBy: []string{"fingerprint"}, Severities: map[string]bot.Severity{"low": bot.SeverityHigh}}
	door := newDoor(t, store, receive.Options{Sources: map[string]receive.Source{"am": {Decode: alertmanager.Decode, Rules: rules}}})
	receipt, err := deliver(t, door, "am", payload(receivedAt, "Down", "Slow"), receivedAt)
	require.NoError(t, err)
	require.NotEqual(t, receipt.Observed[0].Incident, receipt.Observed[1].Incident)
	inc, err := store.Incident(t.Context(), receipt.Observed[0].Incident)
	require.NoError(t, err)
	require.Equal(t, bot.SeverityHigh, inc.Severity)
}

func TestAWrongClockHoldsThePayloadAndNoOtherAlert(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	door := newDoor(t, store, receive.Options{})
	body := wrap(alertJSON("Early", receivedAt.AddDate(10, 0, 0)) + "," + alertJSON("Down", receivedAt) + "," + alertJSON("Late", receivedAt.AddDate(-10, 0, 0)))
	for range 2 {
		receipt, err := deliver(t, door, "am", body, receivedAt)
		refused, ok := errors.AsType[*bot.Refusal](err)
		require.True(t, ok, err)
		require.Equal(t, bot.RefusedInput, refused.Code)
		require.Contains(t, refused.Why, "alert 1 starts at 2036")
		require.Contains(t, refused.Why, "alert 3 started at 2016")
		require.Contains(t, refused.Next, "salve replay Q-1")
		require.Len(t, receipt.Observed, 1)
		require.Equal(t, []bot.QuarantineID{1}, receipt.Quarantined)
	}
	list := held(t, store)
	require.Len(t, list, 1)
	require.Equal(t, 1, list[0].Repeats)
	require.Equal(t, 1, kinds(t, store)[bot.EventQuarantined], "a repeat is no new fact")
}

func TestNothingIsCommittedForNoAlerts(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	store.Fail(bot.ErrUnavailable)
	receipt, err := deliver(t, newDoor(t, store, receive.Options{}), "am", wrap(""), receivedAt)
	require.NoError(t, err)
	require.Empty(t, receipt.Observed)
}

func TestStoreFaultsArePassedOn(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	door := newDoor(t, store, receive.Options{})
	wrong := wrap(alertJSON("Early", receivedAt.AddDate(10, 0, 0)) + "," + alertJSON("Down", receivedAt))
	for _, fault := range []error{bot.ErrOverloaded, bot.ErrUnavailable, errors.New("other")} {
		store.Fail(fault)
		_, err := deliver(t, door, "am", payload(receivedAt, "Down"), receivedAt)
		require.ErrorIs(t, err, fault)
		_, err = deliver(t, door, "am", wrong, receivedAt)
		require.ErrorIs(t, err, fault)
		_, err = door.Quarantine(t.Context(), bot.Delivery{Source: "am", Body: []byte("x")}, "why")
		require.ErrorIs(t, err, fault)
	}
	store.Fail(nil)
	require.Empty(t, held(t, store))
	_, err := deliver(t, door, "am", payload(receivedAt, "Down"), receivedAt)
	require.NoError(t, err)
}

func TestSourcesThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	_, err := receive.New(store, receive.Options{Sources: map[string]receive.Source{"am": {}}})
	require.ErrorContains(t, err, "source am: it has no decoder")
	_, err = receive.New(store, receive.Options{Sources: map[string]receive.Source{"am": {Decode: alertmanager.Decode, Rules: intake.Rules{GroupBy: []string{""}}}}})
	require.ErrorContains(t, err, "source am: group_by")
	_, err = newDoor(t, store, receive.Options{}).Receive(t.Context(), bot.Delivery{Source: "other"}, nil)
	require.ErrorContains(t, err, `no source is named "other"`)
}
