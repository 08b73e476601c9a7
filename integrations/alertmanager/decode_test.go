package alertmanager_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/alertmanager"
)

var receivedAt = time.Date(2026, 11, 24, 9, 0, 0, 123_456_789, time.UTC)

func decode(body string) ([]bot.Alert, error) {
	return alertmanager.Decode("am", []byte(body), receivedAt)
}

// wrap puts alerts into a payload.
func wrap(alerts string) string {
	return `{"version":"4","groupKey":"{}:{a=\"b\"}","externalURL":"http://am.example.net","alerts":[` + alerts + `]}`
}

const firing = `{"status":"firing","labels":{"alertname":"Down"},"startsAt":"2026-11-24T08:00:00Z"}`

// deliveries are the captured ones, and those below SALVE_SHARED if it is set.
func deliveries(t testing.TB) map[string][]byte {
	roots := []string{"testdata/webhooks"}
	if shared := os.Getenv("SALVE_SHARED"); shared != "" {
		roots = append(roots, filepath.Join(shared, "alertmanager-webhooks"), filepath.Join(shared, "misc", "alertmanager"))
	}
	out := map[string][]byte{}
	for _, root := range roots {
		for _, pattern := range []string{"*.json", "*/*.json"} {
			files, err := filepath.Glob(filepath.Join(root, pattern))
			require.NoError(t, err)
			for _, f := range files {
				body, err := os.ReadFile(f)
				require.NoError(t, err)
				out[f] = body
			}
		}
	}
	require.GreaterOrEqual(t, len(out), 8)
	return out
}

func TestCapturedDeliveriesDecodeWithTheirOwnFingerprints(t *testing.T) {
	t.Parallel()
	for file, body := range deliveries(t) {
		before := bytes.Clone(body)
		alerts, err := alertmanager.Decode("am", body, receivedAt)
		require.NoError(t, err, file)
		require.NotEmpty(t, alerts, file)
		require.Equal(t, before, body, "the body stays as it came")
		for _, a := range alerts {
			if !strings.Contains(file, "card-") { // that one's fingerprints were made up
				require.Equal(t, alertmanager.Fingerprint(a.Labels), a.Fingerprint, file)
			}
			require.NotEmpty(t, a.GroupKey, file)
			require.False(t, a.StartsAt.IsZero(), file)
			require.Equal(t, a.State == bot.AlertFiring, a.EndsAt.IsZero(), file)
		}
	}
}

func TestEveryFieldArrives(t *testing.T) {
	t.Parallel()
	got, err := decode(`{"version":"4","receiver":"r","status":"firing","groupLabels":{"a":"b"},"commonLabels":{},"commonAnnotations":{},
		"alerts":[{"status":"resolved","labels":{"alertname":"D\u00fcwn"},"annotations":{"summary":"x\n\"y\""},"startsAt":"2026-11-24T09:00:00.123987+01:00",
		"endsAt":"2026-11-24T08:30:00Z","generatorURL":"https://p.example.net/graph?q=1","fingerprint":"abc","new":{"deep":[1,{"x":null}]}}],
		"groupKey":"{}:{a=\"b\"}","truncatedAlerts":7,"externalURL":"http://am.example.net","new":[[]]}`)
	require.NoError(t, err)
	require.Equal(t, []bot.Alert{{
		AlertKey: bot.AlertKey{Source: "am", Fingerprint: "abc", StartsAt: time.Date(2026, 11, 24, 8, 0, 0, 123e6, time.UTC)},
		GroupKey: `{}:{a="b"}`, State: bot.AlertResolved, Labels: map[string]string{"alertname": "Düwn"},
		Annotations: map[string]string{"summary": "x\n\"y\""}, EndsAt: time.Date(2026, 11, 24, 8, 30, 0, 0, time.UTC),
		Link: "https://p.example.net/graph?q=1", Truncated: 7, ReceivedAt: receivedAt.Truncate(time.Millisecond),
	}}, got)
}

func TestStateAndEndAgree(t *testing.T) {
	t.Parallel()
	starts := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	tests := []struct {
		name, status, ends string
		want               time.Time
	}{
		{"firing without an end", "firing", ``, time.Time{}},
		{"firing with a zero end", "firing", `,"endsAt":"0001-01-01T00:00:00Z"`, time.Time{}},
		{"firing with an end", "firing", `,"endsAt":"2026-11-24T08:30:00Z"`, time.Time{}},
		{"resolved with an end", "resolved", `,"endsAt":"2026-11-24T08:30:00Z"`, starts.Add(30 * time.Minute)},
		{"resolved without an end", "resolved", ``, starts},
		{"resolved with a null end", "resolved", `,"endsAt":null`, starts},
		{"resolved with an empty end", "resolved", `,"endsAt":""`, starts},
		{"resolved with a zero end", "resolved", `,"endsAt":"0001-01-01T00:00:00Z"`, starts},
		{"resolved before it started", "resolved", `,"endsAt":"2026-11-24T07:00:00Z"`, starts},
	}
	for _, tt := range tests {
		got, err := decode(wrap(`{"status":"` + tt.status + `","labels":{"a":"b"},"startsAt":"2026-11-24T08:00:00Z"` + tt.ends + `}`))
		require.NoError(t, err, tt.name)
		require.Equal(t, bot.AlertState(tt.status), got[0].State, tt.name)
		require.Equal(t, tt.want, got[0].EndsAt, tt.name)
	}
}

func TestTruncatedAlertsAreCountedHoweverTheyAreWritten(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]int{"0": 0, "29": 29, "true": 1, "false": 0, "null": 0, "99999999999": 1<<31 - 1} {
		got, err := decode(strings.Replace(wrap(firing), `"version"`, `"truncatedAlerts":`+written+`,"version"`, 1))
		require.NoError(t, err, written)
		require.Equal(t, want, got[0].Truncated, written)
	}
	for _, written := range []string{"-1", "1.5", `"29"`, "[]", "1e2", "99999999999999999999"} {
		got, err := decode(strings.Replace(wrap(firing), `"version"`, `"truncatedAlerts":`+written+`,"version"`, 1))
		require.ErrorContains(t, err, "truncatedAlerts", written)
		require.Empty(t, got)
	}
}

func TestOnlyWebAddressesBecomeLinks(t *testing.T) {
	t.Parallel()
	const fallback = "http://am.example.net"
	tests := map[string]string{
		`"http://p.example.net/graph?a=b@c"`: "http://p.example.net/graph?a=b@c",
		`"HTTPS://p.example.net"`:            "HTTPS://p.example.net",
		`"javascript:alert(1)"`:              fallback,
		`"data:text/html,x"`:                 fallback,
		`"//p.example.net/"`:                 fallback,
		`"http://"`:                          fallback,
		`"http:///x"`:                        fallback,
		`"http://trusted.example@evil.test"`: fallback,
		`"http://a\\@evil.test"`:             fallback,
		`"http://p.example.net/\nx"`:         fallback,
		`"http://p.example.net/\u202ex"`:     fallback,
		`"/graph"`:                           fallback,
		`""`:                                 fallback,
		`null`:                               fallback,
		`7`:                                  fallback,
		`"http://` + strings.Repeat("a", 5000) + `"`: fallback,
	}
	for written, want := range tests {
		got, err := decode(wrap(strings.Replace(firing, `"status"`, `"generatorURL":`+written+`,"status"`, 1)))
		require.NoError(t, err, written)
		require.Equal(t, want, got[0].Link, written)
	}
}

func TestFormThatIsBrokenIsRefusedWhole(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 64) + strings.Repeat("]", 64)
	tests := map[string]string{
		"":                    "is empty",
		"   ":                 "ends in the middle",
		"nonsense":            "not a JSON object",
		"{nonsense":           "not valid JSON",
		"[]":                  "not a JSON object",
		"null":                "not a JSON object",
		"\ufeff" + wrap(""):   "not valid JSON",
		wrap(firing)[:100]:    "ends in the middle",
		wrap(firing) + "{}":   "something follows",
		wrap(firing) + "\x00": "something follows",
		wrap(firing + ","):    "not valid JSON",
		"{\"version\":\"4\",\"x\":\"\xff\",\"alerts\":[]}":                             "not valid UTF-8",
		`{"version":"4","x":"\ud800","alerts":[]}`:                                     "not valid JSON",
		`{"version":"4","version":"4","alerts":[]}`:                                    "given twice",
		`{"version":"4","vers\u0069on":"4","alerts":[]}`:                               "given twice",
		wrap(strings.Replace(firing, `"alertname"`, `"alertname":"x","alertname"`, 1)): "given twice",
		`{"version":"4","x":{"y":1,"y":2},"alerts":[]}`:                                "given twice",
		`{"Version":"4","alerts":[]}`:                                                  `"version" is missing`,
		`{"version":4,"alerts":[]}`:                                                    `"version" is not a string`,
		`{"version":"3","alerts":[]}`:                                                  `"version" is not "4"`,
		`{"version":"4"}`:                                                              `"alerts" is missing`,
		`{"version":"4","Alerts":[]}`:                                                  `"alerts" is missing`,
		`{"version":"4","alerts":{}}`:                                                  `not a list`,
		`{"version":"4","groupKey":7,"alerts":[]}`:                                     `"groupKey" is not a string`,
		`{"version":"4","alerts":[],"x":` + deep + `}`:                                 "nested more than 64",
		`{"version":"4","alerts":` + strings.Repeat("[", 100_000):                      "nested more than 64",
		`{"version":"4","x":` + strings.Repeat(`{"a":`, 100_000):                       "nested more than 64",
		wrap(strings.TrimSuffix(strings.Repeat("{},", 10_001), ",")):                   "more than 10000 alerts",
	}
	for body, want := range tests {
		got, err := decode(body)
		name := body[:min(len(body), 60)]
		require.ErrorContains(t, err, want, name)
		require.ErrorContains(t, err, "byte ", name)
		require.Empty(t, got, name)
	}
}

func TestOneBadAlertHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	labels := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"l%d":"v"`, i)
		}
		return b.String()[1:]
	}
	long := strings.Repeat("x", 4097)
	tests := map[string]string{
		`7`:                   "alerts[1] is not an object",
		`[[]]`:                "alerts[1] is not an object",
		`{}`:                  "status",
		`{"status":"Firing"}`: "status is neither",
		`{"status":5}`:        "status is not a string",
		`{"status":"firing"}`: "startsAt is missing",
		`{"status":"firing","startsAt":"0001-01-01T00:00:00Z"}`:                           "startsAt is missing or zero",
		`{"status":"firing","startsAt":"2026-11-24"}`:                                     "startsAt is not a time",
		`{"status":"firing","startsAt":"2026-13-24T00:00:00Z"}`:                           "startsAt is not a time",
		`{"status":"firing","startsAt":1700000000}`:                                       "startsAt is not a time",
		strings.Replace(firing, `{"alertname":"Down"}`, `[]`, 1):                          "labels is not an object",
		strings.Replace(firing, `"Down"`, `7`, 1):                                         "value that is not a string",
		strings.Replace(firing, `"Down"`, `{"a":[1,2]}`, 1):                               "value that is not a string",
		strings.Replace(firing, `"Down"`, `"`+long+`"`, 1):                                "more than 4096 bytes",
		strings.Replace(firing, `alertname`, long, 1):                                     "more than 4096 bytes",
		strings.Replace(firing, `"alertname":"Down"`, labels(201), 1):                     "labels has 201 members",
		strings.Replace(firing, `"alertname":"Down"`, labels(5000), 1):                    "labels has 5000 members",
		strings.Replace(firing, `"status"`, `"annotations":{"a":"`+long+`"},"status"`, 1): "annotations has a name or value",
		strings.Replace(firing, `"status"`, `"fingerprint":"a b","status"`, 1):            "fingerprint is not plain",
		strings.Replace(firing, `"status"`, `"fingerprint":"`+long+`","status"`, 1):       "fingerprint is not plain",
	}
	for bad, want := range tests {
		got, err := decode(wrap(firing + "," + bad + "," + strings.Replace(firing, "Down", "Up", 1)))
		name := bad[:min(len(bad), 60)]
		require.ErrorContains(t, err, want, name)
		require.Len(t, got, 2, name)
		require.Equal(t, "Down", got[0].Labels["alertname"])
		require.Equal(t, "Up", got[1].Labels["alertname"])
	}
	t.Run("what is just within the bounds is taken", func(t *testing.T) {
		t.Parallel()
		for _, good := range []string{
			strings.Replace(firing, `"alertname":"Down"`, labels(200), 1),
			strings.Replace(firing, `"Down"`, `"`+long[1:]+`"`, 1),
			strings.Replace(firing, `"status"`, `"annotations":null,"fingerprint":null,"status"`, 1),
		} {
			got, err := decode(wrap(good))
			require.NoError(t, err)
			require.Len(t, got, 1)
		}
	})
	t.Run("many faults are counted, not listed", func(t *testing.T) {
		t.Parallel()
		_, err := decode(wrap(strings.TrimSuffix(strings.Repeat("7,", 1000), ",")))
		require.ErrorContains(t, err, "and 995 more alerts")
		require.Less(t, len(err.Error()), 500)
	})
}

func TestAnAlertWithoutFingerprintIsTheSameAlert(t *testing.T) {
	t.Parallel()
	with := notification(1)
	without := bytes.Replace(with, []byte(`,"fingerprint":"0000000000000000"`), nil, 1)
	require.NotEqual(t, with, without)
	got, err := alertmanager.Decode("am", without, receivedAt)
	require.NoError(t, err)
	require.Equal(t, alertmanager.Fingerprint(got[0].Labels), got[0].Fingerprint)
	require.Len(t, alertmanager.Fingerprint(nil), 16)
}

func TestNothingOfThePayloadIsRepeated(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"version":"4","alerts":[],"canary":1,"canary":2}`,
		`{"version":"4","alerts":[{"status":"canary"}]}`,
		`{"version":"4","alerts":[{"labels":{"canary":"x`,
		`{"version":"canary"}`, "canary", `{"x":"\canary"}`,
	} {
		_, err := decode(body)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "canary")
	}
}

// FuzzDecode starts from the captured deliveries and holds every result to what
// the rest of the house takes for granted.
func FuzzDecode(f *testing.F) {
	for _, body := range deliveries(f) {
		f.Add(body)
	}
	f.Add([]byte(wrap(firing + `,{"status":7}`)))
	f.Add([]byte(`{"version":"4","alerts":[],"x":[[[[{"y":{}}]]]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		got, err := alertmanager.Decode("am", body, receivedAt)
		require.True(t, bytes.Equal(before, body))
		again, errAgain := alertmanager.Decode("am", body, receivedAt)
		require.Equal(t, got, again)
		require.Equal(t, err == nil, errAgain == nil)
		if err != nil {
			require.Less(t, len(err.Error()), 1000)
		}
		for _, a := range got {
			require.True(t, a.State == bot.AlertFiring || a.State == bot.AlertResolved)
			require.Equal(t, a.State == bot.AlertFiring, a.EndsAt.IsZero())
			require.False(t, a.StartsAt.IsZero() || a.EndsAt.Before(a.StartsAt) && !a.EndsAt.IsZero())
			require.NotEmpty(t, a.Fingerprint)
			require.LessOrEqual(t, len(a.Labels), 200)
			require.True(t, a.Link == "" || strings.HasPrefix(strings.ToLower(a.Link), "http"))
		}
	})
}
