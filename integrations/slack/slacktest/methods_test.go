package slacktest_test

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/slack/slacktest"
)

var update = flag.Bool("update", false, "rewrite methods.json")

// shared is a folder in the folder "shared" beside the repository, or in or
// beside the one that SALVE_SHARED names; the test is skipped where there is none.
func shared(t *testing.T, parts ...string) string {
	t.Helper()
	var roots []string
	if named := os.Getenv("SALVE_SHARED"); named != "" {
		roots = append(roots, named, filepath.Dir(named))
	}
	here, err := os.Getwd()
	require.NoError(t, err)
	for dir := here; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		roots = append(roots, filepath.Join(dir, "shared"))
	}
	for _, root := range roots {
		folder := filepath.Join(append([]string{root}, parts...)...)
		if info, err := os.Stat(folder); err == nil && info.IsDir() {
			return folder
		}
	}
	t.Skipf("no folder %s at hand: SALVE_SHARED names what holds it", filepath.Join(parts...))
	return ""
}

type entry struct {
	Args     []string `json:"args"`
	Required []string `json:"required"`
	Errors   []string `json:"errors"`
	Scopes   []string `json:"scopes"`
	Tier     string   `json:"tier"`
}

func TestTheMethodsAreThoseOfTheReference(t *testing.T) {
	t.Parallel()
	folder := shared(t, "oracles", "slack", "methods")
	var committed map[string]entry
	raw, err := os.ReadFile("methods.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &committed))
	var lines []string
	for _, method := range slices.Sorted(maps.Keys(committed)) {
		line, err := json.Marshal(extract(t, filepath.Join(folder, method+".json")))
		require.NoError(t, err)
		lines = append(lines, `"`+method+`":`+string(line))
	}
	want := "{\n" + strings.Join(lines, ",\n") + "\n}\n"
	if *update {
		require.NoError(t, os.WriteFile("methods.json", []byte(want), 0o644))
		return
	}
	require.Equal(t, want, string(raw))
}

func extract(t *testing.T, file string) entry {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var doc struct {
		Args struct {
			Properties map[string]any
			Required   []string
		}
		Errors map[string]any
		Scope  struct{ Bot []string }
		Tier   string `json:"rate_limits"`
	}
	require.NoError(t, json.Unmarshal(raw, &doc))
	sorted := func(list []string) []string { return append([]string{}, slices.Sorted(slices.Values(list))...) }
	return entry{
		Args: slices.Sorted(maps.Keys(doc.Args.Properties)), Required: sorted(doc.Args.Required),
		Errors: slices.Sorted(maps.Keys(doc.Errors)), Scopes: sorted(doc.Scope.Bot), Tier: doc.Tier,
	}
}

// TestPayloadsHaveTheFieldsOfSlacksOwn compares with payloads that Slack's Java
// SDK keeps (github.com/slackapi/java-slack-sdk, json-logs, MIT), which have every
// field that was ever seen: ours must have no other, and of those that an app
// reads, all.
func TestPayloadsHaveTheFieldsOfSlacksOwn(t *testing.T) {
	t.Parallel()
	folder := shared(t, "samples", "slack-json")
	s := town(t, slacktest.Options{Enterprise: "E1"})
	heard := listener(t, s, nil)
	s.Shortcut("U1", s.Say("U3", "C0GENERAL", "x"), "make_incident")
	requireWithin(t, filepath.Join(folder, "app-backend", "interactive-components", "MessageShortcutPayload.json"), heard()[0],
		"type", "callback_id", "trigger_id", "message_ts", "response_url", "message", "enterprise", "team", "user", "channel", "token")
	_, _, _ = call(t, s, "views.publish", map[string]string{"user_id": "U1", "view": `{"type":"home","blocks":[]}`})
	s.OpenHome("U1")
	requireWithin(t, filepath.Join(folder, "events", "AppHomeOpenedPayload.json"), heard()[1], "team_id", "event_id", "event_time", "event", "authorizations")
	for method, args := range map[string]map[string]string{
		"users.info": {"user": "U1"}, "usergroups.list": {"include_users": "true"}, "conversations.info": {"channel": "C0GENERAL"},
		"team.info": nil, "users.lookupByEmail": {"email": "ada@example.com"}, "chat.postEphemeral": {"channel": "C0GENERAL", "user": "U1", "text": "x"},
	} {
		_, body, _ := call(t, s, method, args)
		require.Equal(t, true, body["ok"], "%s: %v", method, body)
		requireWithin(t, filepath.Join(folder, "api", method+".json"), body)
	}
}

// newer are fields that Slack sends, and that some sample does not have.
var newer = []string{"context_team_id", "api_app_id", "blocks", "enterprise_user"}

func requireWithin(t *testing.T, file string, got map[string]any, needs ...string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	var sample map[string]any
	require.NoError(t, json.Unmarshal(raw, &sample))
	requireFields(t, filepath.Base(file), sample, got)
	for _, name := range needs {
		require.Contains(t, got, name)
	}
}

func requireFields(t *testing.T, where string, sample, got any) {
	t.Helper()
	switch got := got.(type) {
	case map[string]any:
		known, ok := sample.(map[string]any)
		if !ok || len(known) == 0 {
			return // the samples keep some objects empty
		}
		for name, value := range got {
			if !slices.Contains(newer, name) {
				require.Contains(t, known, name, "%s has a field that Slack's has not", where)
			}
			requireFields(t, where+"."+name, known[name], value)
		}
	case []any:
		known, _ := sample.([]any)
		if len(known) == 0 {
			return
		}
		for _, value := range got {
			requireFields(t, where+"[]", known[0], value)
		}
	}
}
