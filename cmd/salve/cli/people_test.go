package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

func TestPeopleAreChanged(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args      []string
		sent, out string
	}{
		{[]string{"user", "disable", "rita"}, "POST /v1/people/rita/disable null", "rita may do nothing any more."},
		{[]string{"user", "enable", "rita"}, "POST /v1/people/rita/enable null", "rita may do again"},
		{[]string{"user", "login-link", "rita"}, "POST /v1/people/rita/login-link null", "https://salve.example.org/login?token=once\nIt signs rita in once, until 2000-01-01 00:15:00."},
		{[]string{"user", "token", "rita", "--label", "laptop"}, `POST /v1/people/rita/tokens {"label":"laptop","ttl":"2160h"}`, "salve_api_fresh\nIt is shown this once."},
		{[]string{"user", "revoke", "rita", "abcdef0123"}, "DELETE /v1/people/rita/tokens/abcdef0123 null", "The token was revoked."},
		{[]string{"user", "add", "rita", "--role", "responder", "--group", "oncall,sre", "--uid", "1000", "--slack", "T0123/U0456"}, "POST /v1/people {", "rita was added.\nrita (Rita), roles responder, groups oncall, unix:1000"},
		{[]string{"user", "edit", "rita", "--name", "R"}, "PUT /v1/people/rita {", "rita was changed.\nrita (Rita)"},
	}
	for _, tt := range tests {
		d := full()
		r := typed(t, d, tt.args...)
		require.Equal(t, 0, r.code, r.err)
		require.Len(t, d.sent, 1)
		require.True(t, strings.HasPrefix(d.sent[0], tt.sent), d.sent[0])
		require.True(t, strings.HasPrefix(r.out, tt.out), r.out)
		requireVisible(t, r.out)
		r = typed(t, d, append(tt.args, "--json")...)
		require.Equal(t, 0, r.code, r.err)
		require.True(t, json.Valid([]byte(r.out)), r.out)
	}
	r := typed(t, full(), "user", "disable", "nobody/../rita")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, "/v1/people/nobody%2F..%2Frita/disable", "an id stays one segment")
}

// Every hint that Salve gives says "user edit X --group Y" and means: as well.
func TestAnEditAddsAndTakesAwayOnlyWhatItNames(t *testing.T) {
	t.Parallel()
	edit := func(args ...string) (bot.Person, result) {
		d := full()
		r := typed(t, d, append([]string{"user", "edit", "rita"}, args...)...)
		var p bot.Person
		if len(d.sent) == 1 {
			require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(d.sent[0], "PUT /v1/people/rita ")), &p))
		}
		return p, r
	}
	p, r := edit("--group", "sre", "--group", "oncall", "--role", "admin", "--uid", "1001")
	require.Equal(t, 0, r.code, r.err)
	require.Equal(t, []string{"oncall", "sre"}, p.Groups)
	require.Equal(t, []bot.Role{bot.RoleResponder, bot.RoleAdmin}, p.Roles)
	require.Equal(t, []bot.Identity{{Surface: "unix", ID: "1000"}, {Surface: "unix", ID: "1001"}}, p.Identities)
	require.Equal(t, "Rita", p.Name)
	require.Equal(t, int64(4), p.Version, "nobody's change in between is lost")

	p, r = edit("--drop-group", "oncall", "--drop-uid", "1000", "--drop-role", "responder", "--role", "viewer", "--name", "Rita R")
	require.Equal(t, 0, r.code, r.err)
	require.Empty(t, p.Groups)
	require.Empty(t, p.Identities)
	require.Equal(t, []bot.Role{bot.RoleViewer}, p.Roles)
	require.Equal(t, "Rita R", p.Name)

	p, r = edit("--slack", "T0123/U0456", "--drop-uid", "1000")
	require.Equal(t, 0, r.code, r.err)
	require.Equal(t, []bot.Identity{{Surface: "slack", ID: "T0123/U0456"}}, p.Identities)
	p, r = edit("--oidc", "https://login.example.com#cn=rita,ou=ops", "--email", "Rita@Example.com", "--email", "\u212aim@example.com")
	require.Equal(t, 0, r.code, r.err)
	require.Equal(t, []bot.Identity{
		{Surface: "unix", ID: "1000"}, {Surface: "oidc", ID: "https://login.example.com#cn=rita,ou=ops"},
		{Surface: "email", ID: "rita@example.com"}, {Surface: "email", ID: "\u212aim@example.com"},
	}, p.Identities, "a comma is part of a subject, and only letters of ASCII change")
	for _, args := range [][]string{{"--drop-oidc", "https://login.example.com#x"}, {"--drop-email", "rita@example.com"}, {"--drop-slack", "T0123/U0456"}, {"--drop-group", "sre"}, {"--drop-uid", "7"}, {"--drop-role", "admin"}} {
		p, r = edit(args...)
		require.Equal(t, 2, r.code, args)
		require.Zero(t, p.ID, "nothing was sent")
		require.Contains(t, r.err, "rita")
	}
}
