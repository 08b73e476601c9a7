package health_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/health"
)

var limits = health.Limits{
	LegSlow: 2 * time.Minute, LegDead: 5 * time.Minute, DiskFree: 5, DiskLeast: 16, Certificates: 14 * 24 * time.Hour,
}

var errDisk = errors.New("open /var/lib/salve/salve.db: no space left on device")

func TestEachFactIsNamedWithItsCure(t *testing.T) {
	t.Parallel()
	jump := &bot.Halt{Scope: bot.HaltAll, By: bot.Salve, At: t0, Reason: "the clock jumped back by 3h"}
	tests := []struct {
		name     string
		facts    health.Facts
		key      string // empty: nothing is wrong
		unready  bool
		severity bot.Severity
	}{
		{"all is well", health.Facts{}, "", false, 0},
		{"a stop was asked for", health.Facts{Draining: true}, "draining", true, bot.SeverityInfo},
		{"no read", health.Facts{Read: errDisk}, "database-read", true, bot.SeverityCritical},
		{"no write", health.Facts{Write: errDisk}, "database-write", true, bot.SeverityCritical},
		{"no audit", health.Facts{Audit: errDisk}, "audit-write", true, bot.SeverityCritical},
		{"no halts", health.Facts{Halts: errDisk}, "halts-unknown", true, bot.SeverityCritical},
		{"too much at once", health.Facts{Busy: true}, "database-slow", false, bot.SeverityMedium},
		{"a leg that rests", health.Facts{Legs: []health.Leg{{"tell", 2 * time.Minute}}}, "", false, 0},
		{"a leg that hangs", health.Facts{Legs: []health.Leg{{"act", 2*time.Minute + 1}}}, "leg-stuck/act", true, bot.SeverityCritical},
		{"a disk that is full", health.Facts{Disk: health.Disk{Free: 15, Total: 1000}}, "disk-full", true, bot.SeverityCritical},
		{"a disk that is nearly full", health.Facts{Disk: health.Disk{Free: 49, Total: 1000}}, "disk-low", false, bot.SeverityHigh},
		{"a disk with room", health.Facts{Disk: health.Disk{Free: 50, Total: 1000}}, "", false, 0},
		{"a disk that is not known", health.Facts{Disk: health.Disk{Free: 0, Total: 0}}, "", false, 0},
		{"a jump that is on record", health.Facts{Clock: jump}, "clock-jumped", false, bot.SeverityHigh},
		{"a jump that is not", health.Facts{Clock: jump, Uncontained: true}, "clock-jumped", true, bot.SeverityHigh},
		{"a certificate with time", health.Facts{Certificate: t0.Add(15 * 24 * time.Hour)}, "", false, 0},
		{"a certificate that ends soon", health.Facts{Certificate: t0.Add(13 * 24 * time.Hour)}, "certificate", false, bot.SeverityMedium},
		{"a certificate that ends now", health.Facts{Certificate: t0.Add(24 * time.Hour)}, "certificate", false, bot.SeverityHigh},
		{"a certificate that has ended", health.Facts{Certificate: t0.Add(-time.Hour)}, "certificate", false, bot.SeverityHigh},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.facts.Now = t0
			cs := health.Judge(tt.facts, limits)
			if tt.key == "" {
				require.Empty(t, cs)
				return
			}
			require.Len(t, cs, 1)
			c := cs[0]
			require.Equal(t, tt.key, c.Key())
			require.Equal(t, tt.unready, c.Unready)
			require.Equal(t, tt.severity, c.Severity)
			require.Equal(t, !tt.unready, health.Ready(cs))
			require.NotEmpty(t, c.Says)
			require.NotEmpty(t, c.Do)
			require.NotContains(t, c.Says+c.Do, "/var/lib", "what anybody may read has nothing internal in it")
		})
	}
}

func TestWhatStandsInTheWayComesFirst(t *testing.T) {
	t.Parallel()
	cs := health.Judge(health.Facts{Now: t0, Busy: true, Disk: health.Disk{Free: 1, Total: 1000}, Certificate: t0}, limits)
	require.Equal(t, []string{"disk-full", "database-slow", "certificate"}, keys(cs))
}

func TestALegThatIsDeadIsNamed(t *testing.T) {
	t.Parallel()
	legs := []health.Leg{{"act", 5*time.Minute + 1}, {"decide", time.Minute}, {"tell", 5 * time.Minute}}
	require.Equal(t, []string{"act"}, health.Dead(legs, limits))
	require.Empty(t, health.Dead(nil, limits))
}

func TestAConditionKeepsItsBeginning(t *testing.T) {
	t.Parallel()
	known := t0.Add(-time.Hour)
	before := []bot.Condition{{Name: "disk-low", Since: known}, {Name: "leg-stuck", Subject: "act", Since: known}}
	now := health.Since(before, []bot.Condition{
		{Name: "disk-low"}, {Name: "leg-stuck", Subject: "tell"}, {Name: "clock-jumped", Since: known.Add(time.Minute)},
	}, t0)
	require.Equal(t, []time.Time{known, t0, known.Add(time.Minute)}, []time.Time{now[0].Since, now[1].Since, now[2].Since})
}

func keys(cs []bot.Condition) []string {
	out := []string{}
	for _, c := range cs {
		out = append(out, c.Key())
	}
	return out
}
