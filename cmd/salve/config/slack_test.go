package config_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/config"
)

func TestSlackIsConnectedByTwoTokensAndAChannel(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("salve.yaml", []byte("slack: {bot_token: env:B, app_token: env:A, default_channel: C0123456789}\n"))
	require.NoError(t, err)
	require.True(t, c.Slack.On())
	require.True(t, c.Slack.Socket())

	c, err = config.Parse("salve.yaml", nil)
	require.NoError(t, err)
	require.False(t, c.Slack.On(), "it is off unless it is there")
}

func TestEveryMistakeAboutSlackHasItsPlaceAndItsCure(t *testing.T) {
	t.Parallel()
	const good = "bot_token: env:B, app_token: env:A, default_channel: C0123456789"
	for _, tt := range []struct{ name, src, want string }{
		{"no token", "slack: {app_token: env:A, default_channel: C0123456789}\n", "salve.yaml:1:9: has no bot_token; make an app: salve slack manifest"},
		{"a token in the file", "slack: {bot_token: xoxb-1, app_token: env:A, default_channel: C0123456789}\n", "salve.yaml:1:20: is not a secret reference"},
		{"no channel", "slack: {bot_token: env:B, app_token: env:A}\n", "salve.yaml:1:9: names no default_channel; write the channel's id"},
		{"a channel's name", "slack: {bot_token: env:B, app_token: env:A, default_channel: '#ops'}\n", `"#ops" is not the id of a channel`},
		{"no app token", "slack: {bot_token: env:B, default_channel: C0123456789}\n", "has no app_token, which transport socket needs"},
		{"http without a secret", "public_url: https://a.example\nslack: {bot_token: env:B, transport: http, default_channel: C0123456789}\n", "has no signing_secret: anybody could press buttons"},
		{"http without an address", "slack: {bot_token: env:B, signing_secret: env:S, transport: http, default_channel: C0123456789}\n", "http needs an address at which Slack reaches Salve"},
		{"unknown transport", "slack: {" + good + ", transport: pigeon}\n", `"pigeon" is not a transport; write socket`},
		{"a route without a condition", "slack: {" + good + ", routes: [{channel: C0123456780}]}\n", "has no condition"},
		{"a route without a channel", "slack: {" + good + ", routes: [{when: 'true'}]}\n", "names no channel"},
		{"a group's name", "slack: {" + good + ", groups: {oncall: {user_group: '@oncall'}}}\n", `"@oncall" is not a user group of Slack; write the user group's id`},
		{"an unknown key", "slack: {" + good + ", chanel: x}\n", `"chanel" is not a key in slack`},
		{"weekly", "slack: {" + good + ", weekly: {schedule: mondays}}\n", `schedule "mondays"`},
		{"weekly zone", "slack: {" + good + `, weekly: {schedule: "0 9 * * MON", zone: Mars}}` + "\n", `zone "Mars"`},
		{"another Slack without encryption", "slack: {" + good + ", api_url: http://slack.example}\n", "is not an https address"},
		{"a plot of nothing", "slack: {" + good + ", plot: true}\n", "has nothing to plot from; set prometheus.url"},
		{"prometheus", "prometheus: {url: 'http://u:p@prom'}\n", "is not the address of a Prometheus"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("salve.yaml", []byte(tt.src))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestAWeekIsToldInTheZoneOfTheTeam(t *testing.T) {
	t.Parallel()
	w := config.Weekly{Schedule: "0 9 * * MON", Zone: "Europe/Berlin"}
	next, err := w.Next(time.Date(2026, 10, 24, 0, 0, 0, 0, time.UTC)) // the clocks go back on the 25th
	require.NoError(t, err)
	require.Equal(t, "2026-10-26T08:00:00Z", next.UTC().Format(time.RFC3339))
}

func TestTheExamplesOfThePagesOnSlackAreValid(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"slack.md", "quickstart-slack.md"} {
		doc, err := os.ReadFile("../../../docs/" + page)
		require.NoError(t, err)
		blocks := strings.Split(string(doc), "```yaml\n")[1:]
		require.NotEmpty(t, blocks, page)
		for _, b := range blocks {
			src, _, _ := strings.Cut(b, "```")
			c, err := config.Parse(page, []byte(src))
			require.NoError(t, err, src)
			require.True(t, c.Slack.On())
		}
	}
}
