package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/config"
)

func TestDiscordIsConnectedByATokenTwoIdsAndAChannel(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("salve.yaml", []byte("discord: {bot_token: env:D, application_id: '100000000000000001', guild: '100000000000000002', default_channel: '100000000000000003'}\n"))
	require.NoError(t, err)
	require.True(t, c.Discord.On())
	require.True(t, c.Discord.Gateway())
	require.False(t, c.Slack.On())
}

func TestEveryMistakeAboutDiscordHasItsPlaceAndItsCure(t *testing.T) {
	t.Parallel()
	const good = "bot_token: env:D, application_id: '100000000000000001', guild: '100000000000000002', default_channel: '100000000000000003'"
	for _, tt := range []struct{ name, src, want string }{
		{"no token", "discord: {application_id: '100000000000000001', guild: '100000000000000002', default_channel: '100000000000000003'}\n", "has no bot_token; make an app"},
		{"a token in the file", "discord: {bot_token: abc, application_id: '100000000000000001', guild: '100000000000000002', default_channel: '100000000000000003'}\n", "is not a secret reference"},
		{"no app", "discord: {bot_token: env:D, guild: '100000000000000002', default_channel: '100000000000000003'}\n", "has no application_id, which is the id of the app"},
		{"no server", "discord: {bot_token: env:D, application_id: '100000000000000001', default_channel: '100000000000000003'}\n", "has no guild, which is the id of the server"},
		{"a server's name", "discord: {bot_token: env:D, application_id: '100000000000000001', guild: ops, default_channel: '100000000000000003'}\n", `"ops" is not the id of the server; write its id`},
		{"no channel", "discord: {bot_token: env:D, application_id: '100000000000000001', guild: '100000000000000002'}\n", "names no default_channel; write the channel's id, a long number"},
		{"http without a key", "public_url: https://a.example\ndiscord: {" + good + ", transport: http}\n", "has no public_key, 64 hexadecimal digits"},
		{"http without an address", "discord: {" + good + ", transport: http, public_key: " + key + "}\n", "http needs an address at which Discord reaches Salve"},
		{"unknown transport", "discord: {" + good + ", transport: socket}\n", `"socket" is not a transport; write gateway`},
		{"a role's name", "discord: {" + good + ", groups: {oncall: {role: oncall}}}\n", `"oncall" is not a role of Discord; write its id`},
		{"a route that does not compile", "discord: {" + good + ", routes: [{when: 'incident.sev == 1', channel: '100000000000000003'}]}\n", "salve.yaml:1:"},
		{"an unknown key", "discord: {" + good + ", chanel: x}\n", `"chanel" is not a key in discord`},
		{"weekly", "discord: {" + good + ", weekly: {schedule: mondays}}\n", `schedule "mondays"`},
		{"a plot of nothing", "discord: {" + good + ", plot: true}\n", "has nothing to plot from; set prometheus.url"},
		{"another Discord without encryption", "discord: {" + good + ", api_url: http://discord.example}\n", "is not an https address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("salve.yaml", []byte(tt.src))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

const key = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
