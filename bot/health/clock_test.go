package health_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/health"
)

var t0 = time.Date(2026, 3, 1, 14, 0, 0, 0, time.UTC)

// step is what the two clocks do between two looks.
type step struct{ ran, wall time.Duration }

// jumps plays steps and gives what was told.
func jumps(steps ...step) []time.Duration {
	var out []time.Duration
	r := bot.Reading{Wall: t0}
	c, _ := health.Clock{}.See(r)
	for _, s := range steps {
		r.Ran, r.Wall = r.Ran+s.ran, r.Wall.Add(s.wall)
		var by time.Duration
		if c, by = c.See(r); by != 0 {
			out = append(out, by)
		}
	}
	return out
}

func repeated(s step, n int) []step {
	out := make([]step, n)
	for i := range out {
		out[i] = s
	}
	return out
}

func TestAClockThatJumpsIsToldOnce(t *testing.T) {
	t.Parallel()
	const s = time.Second
	calm := step{s, s}
	tests := []struct {
		name  string
		steps []step
		want  []time.Duration
	}{
		{"a clock that runs", repeated(calm, 100), nil},
		{"forward by hours, then calm", append([]step{calm, {s, 3*time.Hour + s}}, repeated(calm, 100)...), []time.Duration{3 * time.Hour}},
		{"back by hours, then calm", append([]step{calm, {s, s - 3*time.Hour}}, repeated(calm, 100)...), []time.Duration{-3 * time.Hour}},
		{"there and back", []step{{s, time.Hour + s}, {s, s - time.Hour}}, []time.Duration{time.Hour, -time.Hour}},
		{"a minute is not yet a jump", []step{{s, 61 * s}}, nil},
		{"a little more is", []step{{s, 62 * s}}, []time.Duration{61 * s}},
		{"a machine that slept", []step{{s, 8 * time.Hour}}, []time.Duration{8*time.Hour - s}},
		{"a process that was not looked at for an hour", []step{{time.Hour, time.Hour}}, nil},
		{"a time service that runs the clock faster for a day", repeated(step{s, s + 500*time.Microsecond}, 86_400), nil},
		{"small steps that add up", repeated(step{s, 7 * s}, 11), []time.Duration{60*s + 6*s - 10*time.Millisecond}},
		{"a leap second", []step{{s, 2 * s}, {s, 0}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := jumps(tt.steps...)
			require.Len(t, got, len(tt.want), "%v", got)
			for i := range got {
				require.InDelta(t, tt.want[i].Seconds(), got[i].Seconds(), 0.1)
			}
		})
	}
}

func TestNoJumpOfMoreThanAMinuteIsMissed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		calm := rapid.IntRange(0, 50).Draw(t, "calm")
		by := time.Duration(rapid.Int64Range(int64(61*time.Second+time.Millisecond), int64(1000*time.Hour)).Draw(t, "by"))
		if rapid.Bool().Draw(t, "back") {
			by = -by
		}
		steps := append(repeated(step{time.Second, time.Second}, calm), step{time.Second, time.Second + by})
		require.Equal(t, []time.Duration{by}, jumps(append(steps, repeated(step{time.Second, time.Second}, calm)...)...))
	})
}

func TestWhatExpiresNeverLivesLonger(t *testing.T) {
	t.Parallel()
	first := bot.Reading{Wall: t0, Ran: time.Minute}
	for _, tt := range []struct {
		name string
		now  bot.Reading
		want time.Time
	}{
		{"time goes on", bot.Reading{Wall: t0.Add(time.Hour), Ran: time.Hour + time.Minute}, t0.Add(time.Hour)},
		{"the clock was set back", bot.Reading{Wall: t0.Add(-3 * time.Hour), Ran: time.Hour + time.Minute}, t0.Add(time.Hour)},
		{"the clock was set forward", bot.Reading{Wall: t0.Add(3 * time.Hour), Ran: 2 * time.Minute}, t0.Add(3 * time.Hour)},
	} {
		require.Equal(t, tt.want, tt.now.NoEarlier(first), tt.name)
	}
}
