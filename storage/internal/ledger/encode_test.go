package ledger_test

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/storage/internal/ledger"
)

// FuzzAlertsSurvive has seeds of its own: text that is awkward in JSON or SQL.
func FuzzAlertsSurvive(f *testing.F) {
	f.Add("title", "key", "value", int64(1_700_000_000_000), 3, true)
	f.Add("\x00\u2028<>&\"\\'", "", "\xff\xfe", int64(-1), 99, false)
	f.Add("\U0001F525", "a\nb", "{\"x\":1}", int64(0), -5, true)
	f.Fuzz(func(t *testing.T, title, key, value string, at int64, severity int, firing bool) {
		a := bot.Alert{
			AlertKey: bot.AlertKey{Source: title, Fingerprint: value, StartsAt: time.UnixMilli(at % 1e13).UTC()},
			GroupKey: key, State: bot.AlertResolved, Severity: bot.Severity(severity % 6), Title: title,
			Labels: map[string]string{key: value, "x": title}, Annotations: map[string]string{value: key}, Link: value, Truncated: 3,
		}
		if a.Severity < 0 {
			a.Severity = 0
		}
		if firing {
			a.State = bot.AlertFiring
		}
		back, fold, err := ledger.RoundTrip(a)
		require.NoError(t, err)
		if utf8.ValidString(title) && utf8.ValidString(key) && utf8.ValidString(value) {
			require.True(t, a.Same(back), "%+v\n%+v", a, back)
			require.True(t, bot.FoldAlerts([]bot.Alert{a}).Same(fold), "%+v", fold)
			return
		}
		again, _, err := ledger.RoundTrip(back)
		require.NoError(t, err)
		require.True(t, back.Same(again), "text that was made valid stays as it is")
	})
}
