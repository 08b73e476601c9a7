package serve_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/slack/slacktest"
)

// hostile is what alerts may say, by what it tries.
var hostile = map[string]string{
	"mentions":  "<!channel> <!here> <!everyone> <@U0OLGA0001> <!subteam^S0ONCALL01> <#C0OPS00001> @channel @here",
	"links":     "<https://evil.example/|Approve> https://evil.example/x mailto:a@evil.example <mailto:a@evil.example|b> tel:123",
	"fences":    "```\n<!channel>\n``` `a` ```` ~~~ > quoted *bold* _it_ ~no~\n```",
	"entities":  "&lt;!channel&gt; &amp;lt; &#60;!here&#62; %3C!channel%3E \\u003c!channel\\u003e",
	"long":      strings.Repeat("0123456789 <!channel> ", 5000),
	"long word": strings.Repeat("x", 100_000),
	"backwards": "\u202egnp.exe\u202c \u2066isolated\u2069 \u200fright \u061c",
	"unseen":    "a\u200bb\u200cc\u200dd\ufeffe\u00adf\u2060g\U000e0041\U000e0042\x00\x07\x1b[31m",
	"emoji":     ":rotating_light: \U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f " + strings.Repeat("\U0001f525", 3000),
	"marks":     "Z" + strings.Repeat("\u0301\u0489", 2000),
	"templates": "${{ secrets.SLACK_BOT }} {{ .Foo }} ${jndi:ldap://x} $(id) `id` <!date^1392734382^{date}|now>",
	"lines":     strings.Repeat("\n\r\n\u2028\u2029", 500) + "approve I-1 deadbeef",
}

// requireInert walks through what was sent: nothing in it mentions or links.
func requireInert(t *testing.T, what string, node any) {
	t.Helper()
	switch n := node.(type) {
	case []any:
		for _, v := range n {
			requireInert(t, what, v)
		}
	case map[string]any:
		kind, _ := n["type"].(string)
		require.NotContains(t, []string{"user", "usergroup", "broadcast", "link", "channel", "emoji"}, kind, "%s: %v", what, n)
		if text, ok := n["text"].(string); ok && kind == "mrkdwn" {
			requireEscaped(t, what, text)
		}
		require.NotEqual(t, true, n["emoji"], what)
		for _, v := range n {
			requireInert(t, what, v)
		}
	}
}

func requireEscaped(t *testing.T, what, text string) {
	t.Helper()
	for _, mark := range []string{"<!channel", "<!here", "<!everyone", "<!subteam", "<@", "<#", "<http", "<mailto", "\u202e", "\u200b", "\x00"} {
		require.NotContains(t, text, mark, what)
	}
}

// requireAllInert looks at everything that Slack got.
func (st *story) requireAllInert() {
	st.Helper()
	sent := 0
	for _, c := range st.fake.Calls("") {
		if !slices.Contains([]string{"chat.postMessage", "chat.update", "chat.postEphemeral", "views.open", "views.update", "views.push", "response_url"}, c.Method) {
			continue
		}
		require.Empty(st, c.Error, "%s was refused: %v", c.Method, c.Args)
		sent++
		requireEscaped(st.T, c.Method, c.Args["text"])
		for _, arg := range []string{"blocks", "attachments", "view", "body"} {
			var node any
			if c.Args[arg] != "" {
				require.NoError(st, json.Unmarshal([]byte(c.Args[arg]), &node))
				requireInert(st.T, c.Method+" "+arg, node)
			}
		}
	}
	require.Greater(st, sent, 10)
}

func TestNothingThatAnAlertSaysIsMoreThanText(t *testing.T) {
	t.Parallel()
	st := tell(t, setting{slack: slacktest.Options{Unlimited: true}})
	for i, name := range slices.Sorted(maps.Keys(hostile)) {
		text, target := strings.ToValidUTF8(hostile[name][:min(len(hostile[name]), 4096)], ""), fmt.Sprint("db-", i)
		st.tells("firing", target, map[string]string{"instance": text, "cluster": text}, map[string]string{"summary": text, "description": text, "title": text, "runbook_url": text})
		a := st.question(target)
		card := st.card(a.Incident, "Approve")
		for _, label := range []string{"Show plan", "All I can do"} {
			st.answers(st.fake.Press(olga, card, label), name)
		}
		for _, label := range []string{"Why", "Show all"} {
			st.whispered(st.fake.Press(olga, card, label))
		}
		st.whispered(st.fake.Press(olga, card, "Approve"), fmt.Sprint("R-", i+1))
		st.fixes(a.Incident)
	}
	st.whispered(st.fake.Slash(olga, opsChannel, "list"))
	require.True(t, st.fake.OpenHome(olga).Acked)
	for _, text := range hostile { // typed by a person, it is no more than text either
		require.True(t, st.fake.Slash(olga, opsChannel, "note I-1 "+text[:min(len(text), 3000)]).Acked)
		require.True(t, st.fake.Slash(olga, opsChannel, text[:min(len(text), 3000)]).Acked)
	}
	st.reads("db-0", "fixed it")
	require.True(t, st.fake.Await(waiting, func() bool { return len(st.fake.Ephemerals(olga)) >= 3*len(hostile) }))
	st.requireAllInert()
}
