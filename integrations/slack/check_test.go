package slack_test

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"salve/bot/secret"
	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
)

func findings(all []slack.Finding) map[string]slack.Finding {
	out := map[string]slack.Finding{}
	for _, f := range all {
		out[f.What] = f
	}
	return out
}

func TestCheckSaysWhatIsWrongAndHowToMendIt(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true, Scopes: []string{"chat:write", "channels:read", "groups:read", "usergroups:read", "users:read"}})
	fake.AddChannel(slacktest.Channel{ID: "C0OLD", Name: "old", Archived: true})
	fake.AddChannel(slacktest.Channel{ID: "C0PUBLIC", Name: "public"})
	fake.AddGroup(slacktest.Group{ID: "S0ONCALL", Users: []string{"U1"}})
	fake.AddGroup(slacktest.Group{ID: "S0EMPTY"})
	c := client(t, fake, slack.Options{Groups: map[string]string{"oncall": "S0ONCALL", "empty": "S0EMPTY", "none": "S0NONE"}})
	all := findings(c.Check(t.Context(), slack.Checks{Channels: []string{"C0GENERAL", "C0OLD", "C0PUBLIC", "C0NONE"}, Socket: true}))
	for what, ok := range map[string]bool{
		"token": true, "scopes": false, "channel C0GENERAL": true, "channel C0OLD": false, "channel C0PUBLIC": false, "channel C0NONE": false,
		"group oncall": true, "group empty": false, "group none": false, "socket": true,
	} {
		f, found := all[what]
		require.True(t, found, what)
		require.Equal(t, ok, f.OK, "%+v", f)
		require.NotEmpty(t, f.Says)
		require.Equal(t, ok, f.Mend == "", "%+v", f)
	}
	require.Contains(t, all["scopes"].Says, "files:write")
	require.Contains(t, all["channel C0OLD"].Says, "archived")
}

func TestCheckIsContentWithTheManifestsOwnApp(t *testing.T) {
	t.Parallel()
	var scopes []string
	for _, s := range slack.Scopes {
		scopes = append(scopes, s.Name)
		require.NotEmpty(t, s.Why)
	}
	fake := open(t, slacktest.Options{Unlimited: true, Scopes: scopes})
	fake.AddChannel(slacktest.Channel{ID: "C0PUBLIC", Name: "public"})
	c := client(t, fake, slack.Options{})
	for _, f := range c.Check(t.Context(), slack.Checks{Channels: []string{"C0GENERAL", "C0PUBLIC"}, Socket: true}) {
		require.True(t, f.OK, "%+v", f)
	}
}

func TestCheckCuresWhatIsWrongAndNotSomethingElse(t *testing.T) {
	t.Parallel()
	const network, token, later, scopes, group = "curl -sS", "Bot User OAuth Token", "in a minute", "under App Manifest", "user group S0ONCALL"
	for _, tt := range []struct {
		name, what string
		fault      slacktest.Fault
		says, mend string
	}{
		{"a token that is not known", "token", slacktest.Fault{Method: "auth.test", Error: "invalid_auth"}, "invalid_auth", token},
		{"a token that was taken back", "token", slacktest.Fault{Method: "auth.test", Error: "token_revoked"}, "taken back", token},
		{"no way to Slack", "token", slacktest.Fault{CutBefore: true}, "", network},
		{"something else in between", "token", slacktest.Fault{Status: 200, Body: "<html>sign in</html>"}, "not whole", network},
		{"Slack is down", "token", slacktest.Fault{Status: 503}, "503", network},
		{"a pause", "token", slacktest.Fault{Status: 429, RetryAfter: "1"}, "pause", later},
		{"a channel that may not be looked at", "channel C0GENERAL", slacktest.Fault{Method: "conversations.info", Error: "missing_scope"}, "lacks a scope", scopes},
		{"a channel behind a broken line", "channel C0GENERAL", slacktest.Fault{Method: "conversations.info", CutBefore: true}, "", network},
		{"a group that is gone", "group oncall", slacktest.Fault{Method: "usergroups.users.list", Error: "no_such_subteam"}, "there is no such user group", group},
		{"a group while Slack fails", "group oncall", slacktest.Fault{Method: "usergroups.users.list", Error: "internal_error"}, "nobody is in it", later},
		{"an app token of another kind", "socket", slacktest.Fault{Method: "apps.connections.open", Error: "not_allowed_token_type"}, "app_token with xapp-", "connections:write"},
		{"an app token that is not known", "socket", slacktest.Fault{Method: "apps.connections.open", Error: "invalid_auth"}, "does not know the app token", "connections:write"},
		{"no line for the socket", "socket", slacktest.Fault{Method: "apps.connections.open", CutBefore: true}, "", network},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fake := open(t, slacktest.Options{Unlimited: true})
			fake.AddGroup(slacktest.Group{ID: "S0ONCALL", Users: []string{"U1"}})
			tt.fault.Times = -1
			fake.Fail(tt.fault)
			c := client(t, fake, slack.Options{Groups: map[string]string{"oncall": "S0ONCALL"}})
			f := findings(c.Check(t.Context(), slack.Checks{Channels: []string{"C0GENERAL"}, Socket: true}))[tt.what]
			require.False(t, f.OK)
			require.NotEmpty(t, f.Says)
			require.Contains(t, f.Says, tt.says)
			require.Contains(t, f.Mend, tt.mend)
			require.NotEmpty(t, f.Fault)
		})
	}
}

func TestNoSocketIsOpenedBesideOneThatListens(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	f := findings(client(t, fake, slack.Options{}).Check(t.Context(), slack.Checks{Socket: true, Heard: true}))["socket"]
	require.True(t, f.OK, "%+v", f)
	require.Equal(t, 1, fake.Count("apps.connections.open", ""), "that the token may is looked at")
	require.Equal(t, "may be opened; the Salve that runs has its own", f.Says)
}

func TestCheckEndsAtATokenThatIsNotTaken(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{})
	c, err := slack.New(secret.New("xoxb-wrong"), secret.Secret{}, slack.Options{API: fake.APIURL(), Allow: loopback})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	all := c.Check(t.Context(), slack.Checks{Channels: []string{"C0GENERAL"}})
	require.Len(t, all, 1)
	require.False(t, all[0].OK)
	require.NotContains(t, all[0].Says, "xoxb-wrong")
	require.NotEmpty(t, all[0].Mend)
}

func TestTheManifestIsWhatSlackTakes(t *testing.T) {
	t.Parallel()
	compiler := jsonschema.NewCompiler()
	compiler.UseRegexpEngine(func(s string) (jsonschema.Regexp, error) { // Go knows no look-ahead; it is in patterns of domains, of which there are none
		return regexp.Compile(strings.ReplaceAll(s, `(?![\.\-])`, ""))
	})
	schema, err := compiler.Compile(filepath.Join("testdata", "manifest", "manifest.schema.2.0.0.json"))
	require.NoError(t, err)
	for name, opts := range map[string]slack.ManifestOptions{"socket": {}, "http": {Name: "Salve staging", PublicURL: "https://salve.example.com/"}} {
		raw, err := slack.Manifest(opts)
		require.NoError(t, err)
		var tree map[string]any
		require.NoError(t, json.Unmarshal(raw, &tree))
		require.NoError(t, schema.Validate(tree), "by Slack's own schema")
		golden(t, "manifest-"+name, tree)
		link, err := url.Parse(slack.CreateLink(raw))
		require.NoError(t, err)
		require.Equal(t, "api.slack.com", link.Host)
		require.JSONEq(t, string(raw), link.Query().Get("manifest_json"))
		require.Less(t, len(link.String()), 8000)
	}
	require.Error(t, schema.Validate(map[string]any{"display_information": map[string]any{}}), "the schema does judge")
	for _, bad := range []slack.ManifestOptions{{PublicURL: "http://salve.example.com"}, {PublicURL: "salve"}, {Name: strings.Repeat("x", 36)}} {
		_, err := slack.Manifest(bad)
		require.Error(t, err)
	}
}
