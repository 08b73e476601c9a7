package slack_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack"
	"salve/integrations/slack/legal"
	"salve/integrations/slack/slacktest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// posted is a Message as it came to Slack.
func posted(t testing.TB, m bot.Message) map[string]any {
	t.Helper()
	fake := open(t, slacktest.Options{Unlimited: true})
	_, err := client(t, fake, slack.Options{}).Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: m})
	require.NoError(t, err)
	return arguments(t, fake, "chat.postMessage")
}

// arguments are those of the only call to a method that matter to what is seen.
func arguments(t testing.TB, fake *slacktest.Slack, method string) map[string]any {
	t.Helper()
	calls := fake.Calls(method)
	require.Len(t, calls, 1)
	out := map[string]any{}
	for _, name := range []string{"text", "blocks", "view"} {
		raw, ok := calls[0].Args[name]
		var v any = raw
		if ok && name != "text" {
			require.NoError(t, json.Unmarshal([]byte(raw), &v))
		}
		if ok {
			out[name] = v
		}
	}
	return out
}

func golden(t *testing.T, name string, v any) {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	require.NoError(t, enc.Encode(v))
	file := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(file, buf.Bytes(), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), buf.String())
}

func messages() map[string]bot.Message {
	return map[string]bot.Message{
		"card": approval(),
		"progress": {
			Kind: bot.MessageProgress, Tone: bot.ToneBusy, Alone: "grow-disk on db-3: step 2 of 3", Title: words("Run R-88 · grow-disk on host/db-3"),
			Lines: []bot.Line{
				{Kind: bot.LineItem, Spans: words("✅ snapshot, 4 s")}, {Kind: bot.LineItem, Spans: words("⏳ resize, 41 s")}, {Kind: bot.LineItem, Spans: words("▫️ verify")},
				{Kind: bot.LineCode, Spans: words("resize2fs 1.47.0\nThe filesystem is 4 blocks long.\n```\n<!channel>\n")},
			},
			Buttons: []bot.Button{{Label: "Cancel and undo", Style: "danger", Token: "tok-cancel", Confirm: "Stop R-88 on host/db-3 and undo what was done?"}},
		},
		"notice": {
			Kind: bot.MessageNotice, Tone: bot.ToneUrgent, Alone: "CRITICAL undo of R-88 failed on db-3", Title: words("Undo failed: R-88 on host/db-3"),
			Lines: lines("The disk may be half resized. Nobody knows."), Broadcast: true,
			Wakes: []bot.Mention{{Kind: bot.MentionUser, ID: "T0SALVE01/U1", Name: "ada"}, {Kind: bot.MentionGroup, ID: "S0ONCALL"}, {Kind: bot.MentionUser, ID: "here> <!channel"}},
		},
		"storm":  {Kind: bot.MessageStorm, Tone: bot.ToneUrgent, Alone: "212 incidents in 4 minutes", Title: words("212 incidents in 4 minutes"), Lines: lines("198 of them: host unreachable in rack 7")},
		"weekly": {Kind: bot.MessageWeekly, Tone: bot.ToneGood, Alone: "Week 47: 31 fixed", Title: words("Week 47"), Lines: lines("31 fixed by itself · 4 approved · 1 denied · 1 undone")},
		"reply": {
			Kind: bot.MessageReply, Alone: "You may approve 2", Title: words("You may approve 2"),
			Rows: []bot.Row{
				{Line: bot.Line{Spans: words("I-142 grow-disk on host/db-3")}, Button: &bot.Button{Label: "Approve", Token: "tok-1", Style: "primary"}},
				{Line: bot.Line{Spans: []bot.Span{{Text: "I-150 restart until "}, {At: at}}}, Button: &bot.Button{Label: "Approve", Token: "tok-2"}},
				{Line: bot.Line{Spans: words("I-151 needs the group db-oncall")}},
			},
		},
		"menu": {
			Kind: bot.MessageCard, Alone: "many", Title: words("many"), Lines: lines("Six choices need a select, and one that asks first is a button."),
			Buttons: []bot.Button{{Label: "Take", Token: "t0"}},
			More: []bot.Button{{Label: "1", Token: "t1"}, {Label: "2", Token: "t2"}, {Label: "3", Token: "t3"}, {Label: "4", Token: "t4"}, {Label: "5", Token: "t5"}, {Label: "6", Token: "t6"},
				{Label: "Halt all", Token: "t7", Style: "danger", Confirm: "Stop everything?"}},
		},
		"hostile": {
			Kind: bot.MessageCard, Tone: bot.ToneUrgent, Alone: "<!channel> & <@U1> https://evil.example", Title: words("<!here> *bold* :fire: `x`"),
			Lines: []bot.Line{
				{Spans: words("<!channel> <@U1> <https://evil.example|click> &lt;!here&gt; *b* _i_ ~s~ `c` https://evil.example")},
				{Spans: []bot.Span{{Text: "https://bank.example", URL: "https://evil.example/x?y=1"}, {Text: "js", URL: "javascript:alert(1)"}, {Text: "user", URL: "https://a:b@evil.example/"}}},
				{Spans: words("txt\u202eexe.gpj zero\u200bwidth nul\x00 bad\xff family 👨‍👩‍👧 ❤️")},
				{Kind: bot.LineQuiet, Spans: words("<!channel> *quiet*")},
			},
		},
	}
}

func TestAMessageLooksInSlackAsItShould(t *testing.T) {
	t.Parallel()
	for name, m := range messages() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, posted(t, m))
		})
	}
}

// TestAMessageReadsWell keeps what people see, as people see it.
func TestAMessageReadsWell(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	fake.AddGroup(slacktest.Group{ID: "S0ONCALL", Handle: "oncall"})
	c := client(t, fake, slack.Options{})
	var seen strings.Builder
	all := messages()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		mark, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: all[name]})
		require.NoError(t, err)
		shown, ok := fake.Message("C0GENERAL", mark.Ref)
		require.True(t, ok)
		fmt.Fprintf(&seen, "== %s ==\n%s\n", name, fake.Render(shown))
	}
	file := filepath.Join("testdata", "seen.golden")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(seen.String()), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), seen.String())
	require.Equal(t, 2, strings.Count(seen.String(), "[["), "only whom Wakes names is woken")
}

func TestNothingThatOthersWroteIsMarkup(t *testing.T) {
	t.Parallel()
	sent := posted(t, messages()["hostile"])
	require.Equal(t, "&lt;!channel&gt; &amp; &lt;@U1&gt; https://evil.example", sent["text"])
	walk(sent["blocks"], func(node map[string]any) {
		require.NotContains(t, []any{"user", "usergroup", "broadcast", "channel", "emoji"}, node["type"])
		if node["type"] == "mrkdwn" {
			require.NotContains(t, node["text"], "channel", "only ids and instants are ever marked up")
		}
		if node["type"] == "link" {
			require.Equal(t, "https://bank.example (evil.example)", node["text"])
		}
		if node["type"] == "plain_text" {
			require.Equal(t, false, node["emoji"])
		}
	})
}

func walk(v any, each func(map[string]any)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			walk(e, each)
		}
	case map[string]any:
		each(v)
		for _, e := range v {
			walk(e, each)
		}
	}
}

// hostile are texts that broke somebody's chat once.
func hostile() map[string]string {
	return map[string]string{
		"mention": "<!channel> <!here> <!everyone> <@U1> <!subteam^S0ONCALL> @channel", "fence": "```\n``` ` ````", "entity": strings.Repeat("&", 4000),
		"long": strings.Repeat("x", 100_000), "long words": strings.Repeat("日本語 ", 30_000), "rtl": "مرحبا \u202e\u2066 שלום", "emoji": strings.Repeat("👨‍👩‍👧‍👦", 2000),
		"zero width": strings.Repeat("\u200b\u2060\ufeff", 500), "controls": "\x00\x01\x1b[31m\r\n\t", "no utf-8": "\xff\xfe\xc0", "empty": "", "blank": " \n\t ",
		"tags": "\U000e0041\U000e0042", "combining": strings.Repeat("e\u0301", 3000), "lines": strings.Repeat("a\n", 5000), "quote": `"\'<>&`, "date": "<!date^1^{date}|x>",
	}
}

func TestEveryMessageOfHostileTextIsLegal(t *testing.T) {
	t.Parallel()
	for name, s := range hostile() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []bot.Line
			for range 60 {
				for _, kind := range []bot.LineKind{bot.LineText, bot.LineQuiet, bot.LineItem, bot.LineHead, bot.LineCode} {
					all = append(all, bot.Line{Kind: kind, Spans: []bot.Span{{Text: s}, {At: at}, {Text: s, URL: "https://example.com/" + s}}})
				}
			}
			b := bot.Button{Label: "Go " + s, Token: "tok", Confirm: s + "?", Style: "danger"}
			m := bot.Message{Kind: bot.MessageCard, Alone: s, Title: words(s), Lines: all, Buttons: []bot.Button{b, b, b}, More: []bot.Button{b, {Label: "m" + s, Token: "t"}},
				Rows: []bot.Row{{Line: bot.Line{Spans: words(s)}, Button: &b}}}
			sent := posted(t, m)
			require.LessOrEqual(t, utf8.RuneCountInString(sent["text"].(string)), 4000)
			blocks := sent["blocks"].([]any)
			require.Equal(t, "actions", blocks[len(blocks)-1].(map[string]any)["type"], "whatever is left out, the buttons are there")
			m.Lines = all[:5]
			posted(t, m)
		})
	}
}

func TestWhatDoesNotFitIsSaid(t *testing.T) {
	t.Parallel()
	m := bot.Message{Kind: bot.MessageReply, Alone: "list", Title: words("list")}
	for i := range 300 {
		m.Rows = append(m.Rows, bot.Row{Line: bot.Line{Spans: words(fmt.Sprint("I-", i))}, Button: &bot.Button{Label: "Show", Token: fmt.Sprint("t", i)}})
	}
	sent := posted(t, m)
	blocks := sent["blocks"].([]any)
	require.LessOrEqual(t, len(blocks), 50)
	raw, err := json.Marshal(blocks[len(blocks)-1])
	require.NoError(t, err)
	require.Regexp(t, `\d+ more lines do not fit into Slack`, string(raw))
}

func TestAFormLooksAsItShouldAndIsLegal(t *testing.T) {
	t.Parallel()
	form := bot.Form{
		Title: "Deny grow-disk on a host with a long name", Token: "form-token", Submit: "Deny", Lines: approval().Lines,
		Rows: []bot.Row{{Line: bot.Line{Kind: bot.LineHead, Spans: words("Or else")}}, {Line: bot.Line{Spans: words("Change its parameters")}, Button: &bot.Button{Label: "Edit", Token: "edit"}}},
		Fields: []bot.Field{
			{Name: "reason", Label: "Why?", Hint: "The person who asked reads this.", Kind: bot.FieldLong, Max: 500},
			{Name: "param.size", Label: "Size in GB", Kind: bot.FieldWhole, Value: "40"},
			{Name: "to", Label: "Who takes it", Kind: bot.FieldPerson, Value: "T0SALVE01/U1", Optional: true},
			{Name: "severity", Label: "Severity", Kind: bot.FieldChoice, Value: "high", Choices: []bot.Choice{{Value: "high", Label: "High"}, {Value: "low", Label: "Low"}}},
			{Name: "title", Label: "Title", Kind: bot.FieldText},
		},
	}
	fake := open(t, slacktest.Options{Unlimited: true})
	c := client(t, fake, slack.Options{})
	_, err := c.Open(t.Context(), bot.Gesture{Kind: bot.GesturePressed, Handles: map[string]string{"trigger_id": "gone"}}, form)
	require.Equal(t, bot.SendGone, fault(t, err).Fault, "it was judged legal, and sent")
	golden(t, "form", arguments(t, fake, "views.open")["view"])
	for name, s := range hostile() {
		f := bot.Form{Title: s, Token: "t", Submit: s, Lines: []bot.Line{{Spans: words(s)}, {Kind: bot.LineCode, Spans: words(s)}}}
		for i, kind := range []bot.FieldKind{bot.FieldText, bot.FieldLong, bot.FieldChoice, bot.FieldPerson} {
			f.Fields = append(f.Fields, bot.Field{Name: fmt.Sprint("param.", i), Label: s, Hint: s, Kind: kind, Value: s, Choices: []bot.Choice{{Value: s, Label: s}}})
		}
		_, err := c.Open(t.Context(), bot.Gesture{Handles: map[string]string{"trigger_id": "gone"}}, f)
		require.Equal(t, bot.SendGone, fault(t, err).Fault, "%s: %v", name, err)
	}
}

func TestAHomeIsLegal(t *testing.T) {
	t.Parallel()
	fake := open(t, slacktest.Options{Unlimited: true})
	m := messages()["reply"]
	m.Kind = bot.MessageHome
	require.NoError(t, client(t, fake, slack.Options{}).Home(t.Context(), bot.ChatUser{ID: "T0SALVE01/U1"}, m))
	view, ok := fake.Home("U1")
	require.True(t, ok)
	require.Contains(t, string(view.Body), "You may approve 2")
	golden(t, "home", arguments(t, fake, "views.publish")["view"])
}

func TestTheGoldenFilesAreLegal(t *testing.T) {
	t.Parallel()
	for name := range messages() {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".golden"))
		require.NoError(t, err)
		require.Empty(t, legal.Check(legal.Message, raw), name)
	}
	for name, kind := range map[string]legal.Kind{"form": legal.Modal, "home": legal.Home} {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".golden"))
		require.NoError(t, err)
		require.Empty(t, legal.Check(kind, raw), name)
	}
}

func FuzzRender(f *testing.F) {
	for _, s := range hostile() {
		f.Add(s, 3)
	}
	fake := open(f, slacktest.Options{Unlimited: true})
	c := client(f, fake, slack.Options{})
	f.Fuzz(func(t *testing.T, s string, n int) {
		m := bot.Message{Kind: bot.MessageCard, Alone: s, Title: words(s)}
		for range max(0, n%70) {
			m.Lines = append(m.Lines, bot.Line{Spans: words(s)}, bot.Line{Kind: bot.LineQuiet, Spans: words(s)})
		}
		_, err := c.Post(t.Context(), bot.Parcel{Place: "C0GENERAL", Message: m})
		require.NoError(t, err)
	})
}
