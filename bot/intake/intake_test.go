package intake_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/intake"
)

var now = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

func alert(change func(*bot.Alert)) bot.Alert {
	a := bot.Alert{
		AlertKey: bot.AlertKey{Source: "am", Fingerprint: "f1", StartsAt: now.Add(-time.Minute)},
		GroupKey: "{}:{}", State: bot.AlertFiring, ReceivedAt: now,
		Labels: map[string]string{"alertname": "Down", "severity": "warning", "service": "shop"},
	}
	if change != nil {
		change(&a)
	}
	return a
}

func one(t *testing.T, r intake.Rules, a bot.Alert) bot.Alert {
	t.Helper()
	require.NoError(t, r.Check())
	got, problems := r.Apply([]bot.Alert{a})
	require.Empty(t, problems)
	require.Len(t, got, 1)
	return got[0]
}

func TestSeverityIsWhatTheRulesSayElseWhatTheWordMeansElseUnknown(t *testing.T) {
	t.Parallel()
	rules := intake.Rules{Severities: map[string]bot.Severity{"warning": bot.SeverityLow, "sev9": bot.SeverityInfo}}
	byPriority := intake.Rules{SeverityLabel: "priority"}
	tests := []struct {
		rules intake.Rules
		label string
		value string
		want  bot.Severity
	}{
		{intake.Rules{}, "severity", "info", bot.SeverityInfo},
		{intake.Rules{}, "severity", "none", bot.SeverityInfo},
		{intake.Rules{}, "severity", "low", bot.SeverityLow},
		{intake.Rules{}, "severity", "minor", bot.SeverityLow},
		{intake.Rules{}, "severity", "warning", bot.SeverityMedium},
		{intake.Rules{}, "severity", " Warning ", bot.SeverityMedium},
		{intake.Rules{}, "severity", "major", bot.SeverityHigh},
		{intake.Rules{}, "severity", "error", bot.SeverityHigh},
		{intake.Rules{}, "severity", "critical", bot.SeverityCritical},
		{intake.Rules{}, "severity", "page", bot.SeverityCritical},
		{intake.Rules{}, "severity", "EMERGENCY", bot.SeverityCritical},
		{intake.Rules{}, "severity", "infо", bot.SeverityUnknown}, // with a Cyrillic o
		{intake.Rules{}, "severity", "low\u200b", bot.SeverityUnknown},
		{intake.Rules{}, "severity", "", bot.SeverityUnknown},
		{intake.Rules{}, "other", "info", bot.SeverityUnknown},
		{rules, "severity", "warning", bot.SeverityLow},
		{rules, "severity", "SEV9", bot.SeverityInfo},
		{rules, "severity", "critical", bot.SeverityCritical},
		{byPriority, "priority", "high", bot.SeverityHigh},
		{byPriority, "severity", "info", bot.SeverityUnknown},
	}
	for _, tt := range tests {
		got := one(t, tt.rules, alert(func(a *bot.Alert) { a.Labels = map[string]string{tt.label: tt.value} }))
		require.Equal(t, tt.want, got.Severity, "%s=%q", tt.label, tt.value)
	}
}

func TestSeverityOfTheDecoderStaysWithoutTheLabel(t *testing.T) {
	t.Parallel()
	got := one(t, intake.Rules{}, alert(func(a *bot.Alert) { a.Labels, a.Severity = nil, bot.SeverityHigh }))
	require.Equal(t, bot.SeverityHigh, got.Severity)
}

func TestGroupIsTheSendersOrMadeOfLabels(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		by   []string
		key  string
		want string
	}{
		{"the sender's", nil, "{}:{}", "{}:{}"},
		{"none of the sender", nil, "", "fingerprint=f1"},
		{"labels in any order", []string{"service", "alertname"}, "{}:{}", `alertname="Down",service="shop"`},
		{"a label that is missing", []string{"zone", "service"}, "{}:{}", `service="shop",zone=""`},
		{"each by itself", []string{"fingerprint"}, "{}:{}", "fingerprint=f1"},
	}
	for _, tt := range tests {
		got := one(t, intake.Rules{GroupBy: tt.by}, alert(func(a *bot.Alert) { a.GroupKey = tt.key }))
		require.Equal(t, tt.want, got.GroupKey, tt.name)
	}
	long := strings.Repeat("x", 2000)
	a := one(t, intake.Rules{}, alert(func(a *bot.Alert) { a.GroupKey = long }))
	b := one(t, intake.Rules{}, alert(func(a *bot.Alert) { a.GroupKey = long + "y" }))
	require.Less(t, len(a.GroupKey), 100)
	require.NotEqual(t, a.GroupKey, b.GroupKey)
}

func TestGroupsOfHostileLabelsDoNotCollide(t *testing.T) {
	t.Parallel()
	rules := intake.Rules{GroupBy: []string{"a", "b"}}
	first := one(t, rules, alert(func(a *bot.Alert) { a.Labels = map[string]string{"a": `x",b="y`, "b": ""} }))
	second := one(t, rules, alert(func(a *bot.Alert) { a.Labels = map[string]string{"a": "x", "b": "y"} }))
	require.NotEqual(t, first.GroupKey, second.GroupKey)
}

func TestTitleIsOneReadableLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, title, alertname, summary, want string
	}{
		{"name and summary", "", "Down", "shop is down", "Down: shop is down"},
		{"name only", "", "Down", "", "Down"},
		{"summary only", "", "", "shop is down", "shop is down"},
		{"neither", "", "", "", "alert f1"},
		{"the decoder's own", "Push failed", "Down", "x", "Push failed"},
		{"white space", "", "Down", "  a\r\n\tb  ", "Down: a b"},
		{"a line separator", "", "Down", "a\u2028b", "Down: a b"},
		{"only white space", " \n ", "", "", "alert f1"},
		{"a direction override", "", "Down", "a\u202egnp.exe", "Down: a<U+202E>gnp.exe"},
		{"zero width", "", "Do\u200bwn", "", "Do<U+200B>wn"},
		{"a control character", "", "Do\x00wn\x1b[31m", "", "Do<U+0000>wn<U+001B>[31m"},
		{"a tag character", "", "a\U000E0041", "", "a<U+E0041>"},
		{"a filler that looks like a space", "", "a\u3164b", "", "a<U+3164>b"},
		{"letters of all kinds", "", "Störung", "サーバー停止 🚑", "Störung: サーバー停止 🚑"},
	}
	for _, tt := range tests {
		got := one(t, intake.Rules{}, alert(func(a *bot.Alert) {
			a.Title, a.Labels, a.Annotations = tt.title, map[string]string{}, map[string]string{}
			if tt.alertname != "" {
				a.Labels["alertname"] = tt.alertname
			}
			if tt.summary != "" {
				a.Annotations["summary"] = tt.summary
			}
		}))
		require.Equal(t, tt.want, got.Title, tt.name)
	}
	for _, long := range []string{strings.Repeat("a", 500), strings.Repeat("ä ", 500), strings.Repeat("\u202e", 500)} {
		got := one(t, intake.Rules{}, alert(func(a *bot.Alert) { a.Title = long }))
		require.LessOrEqual(t, len([]rune(got.Title)), 160)
		require.True(t, strings.HasSuffix(got.Title, "…"))
	}
}

func TestTimesBecomeUTCMilliseconds(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("X", 3600)
	got := one(t, intake.Rules{}, alert(func(a *bot.Alert) {
		a.StartsAt = time.Date(2026, 11, 24, 9, 30, 0, 1_999_999, zone)
		a.State, a.EndsAt = bot.AlertResolved, a.StartsAt.Add(-time.Hour)
	}))
	require.Equal(t, time.Date(2026, 11, 24, 8, 30, 0, 1_000_000, time.UTC), got.StartsAt)
	require.Equal(t, got.StartsAt, got.EndsAt, "an end before the start is the start")
}

func TestClocksThatCannotBeRightAreProblems(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		starts time.Time
		ends   time.Time
		bad    string
	}{
		{"just now", now, time.Time{}, ""},
		{"nearly an hour ahead", now.Add(59 * time.Minute), time.Time{}, ""},
		{"years ago", now.AddDate(-8, 0, 0), time.Time{}, ""},
		{"ten years ago", now.AddDate(-10, 0, 0).Add(time.Hour), time.Time{}, "more than 9 years before"},
		{"ten years ahead", now.AddDate(10, 0, 0), time.Time{}, "more than an hour after"},
		{"two hours ahead", now.Add(2 * time.Hour), time.Time{}, "more than an hour after"},
		{"no start", time.Time{}, time.Time{}, "has no start"},
		{"an end ten years ahead", now, now.AddDate(10, 0, 0), "ended at"},
	}
	for _, tt := range tests {
		bad := alert(func(a *bot.Alert) {
			a.StartsAt, a.EndsAt = tt.starts, tt.ends
			if !tt.ends.IsZero() {
				a.State = bot.AlertResolved
			}
		})
		got, problems := intake.Rules{}.Apply([]bot.Alert{alert(nil), bad, alert(nil)})
		if tt.bad == "" {
			require.Len(t, got, 3, tt.name)
			continue
		}
		require.Len(t, got, 2, tt.name)
		require.Len(t, problems, 1, tt.name)
		require.Equal(t, 1, problems[0].Index)
		require.Contains(t, problems[0].String(), tt.bad)
		require.Contains(t, problems[0].String(), "alert 2 ")
	}
}

func TestApplyTwiceIsApplyOnce(t *testing.T) {
	t.Parallel()
	rules := intake.Rules{GroupBy: []string{"service"}}
	once := one(t, rules, alert(func(a *bot.Alert) { a.Annotations = map[string]string{"summary": "a\u202eb \n c"} }))
	require.Equal(t, once, one(t, rules, once))
}

func TestRulesThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	refused := map[string]intake.Rules{
		"severity_label": {SeverityLabel: " severity"},
		"small letters":  {Severities: map[string]bot.Severity{"Page": bot.SeverityHigh}},
		"can never":      {Severities: map[string]bot.Severity{"": bot.SeverityHigh}},
		"no severity":    {Severities: map[string]bot.Severity{"page": 9}},
		"not the name":   {GroupBy: []string{""}},
		"twice":          {GroupBy: []string{"a", "a"}},
		"write it alone": {GroupBy: []string{"fingerprint", "a"}},
	}
	for want, rules := range refused {
		require.ErrorContains(t, rules.Check(), want)
	}
}

func FuzzTitle(f *testing.F) {
	f.Add("Down: shop\u202e\n is down")
	f.Add(strings.Repeat("ü ", 300))
	f.Fuzz(func(t *testing.T, s string) {
		got := intake.Clean(s, 160)
		require.LessOrEqual(t, len([]rune(got)), 160)
		require.NotContains(t, got, "\n")
		require.Equal(t, got, intake.Clean(got, 160), "clean text stays as it is")
	})
}
