package discord_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/discord"
	"salve/integrations/discord/discordtest"
	"salve/integrations/discord/legal"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const createRoute = "POST /channels/{channel}/messages"

// posted is a Message as it came to Discord, without its nonce.
func posted(t testing.TB, m bot.Message) map[string]any {
	t.Helper()
	fake := open(t, discordtest.Options{Unlimited: true})
	_, err := client(t, fake, discord.Options{}).Post(t.Context(), bot.Parcel{Place: discordtest.General, Nonce: "the-nonce", Message: m})
	require.NoError(t, err)
	return body(t, fake, createRoute)
}

// body is that of the only call to a route.
func body(t testing.TB, fake *discordtest.Discord, route string) map[string]any {
	t.Helper()
	calls := fake.Calls(route)
	require.Len(t, calls, 1)
	out := map[string]any{}
	require.NoError(t, json.Unmarshal(calls[0].Body, &out))
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
				{Kind: bot.LineCode, Spans: words("resize2fs 1.47.0\nThe filesystem is 4 blocks long.\n```\n@everyone <@1>\n")},
			},
			Buttons: []bot.Button{{Label: "Cancel and undo", Style: "danger", Token: "tok-cancel", Confirm: "Stop R-88 on host/db-3 and undo what was done?"}},
		},
		"notice": {
			Kind: bot.MessageNotice, Tone: bot.ToneUrgent, Alone: "CRITICAL undo of R-88 failed on db-3", Title: words("Undo failed: R-88 on host/db-3"),
			Lines: lines("The disk may be half resized. Nobody knows."), Broadcast: true,
			Wakes: []bot.Mention{{Kind: bot.MentionUser, ID: adaID, Name: "ada"}, {Kind: bot.MentionGroup, ID: oncall}, {Kind: bot.MentionUser, ID: "1> @everyone"}, {Kind: bot.MentionGroup, ID: discordtest.GuildID}},
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
		"list": {
			Kind: bot.MessageReply, Alone: "7 incidents", Title: words("7 incidents"),
			Rows: func() (out []bot.Row) {
				for i := range 7 {
					out = append(out, bot.Row{Line: bot.Line{Spans: words(fmt.Sprint("I-", i+1, " something"))}, Button: &bot.Button{Label: "Show", Token: fmt.Sprint("tok-", i), Twin: fmt.Sprint("show I-", i+1)}})
				}
				return out
			}(),
		},
		"hostile": {
			Kind: bot.MessageCard, Tone: bot.ToneUrgent, Alone: "@everyone <@1> https://evil.example discord.gg/x", Title: words("# @here *bold* :fire: `x`"),
			Lines: []bot.Line{
				{Spans: words("@everyone <@1200000000000000001> <@&1> <#1> [click](https://evil.example) *b* __u__ ~~s~~ ||spoiler|| `c` https://evil.example <t:1:f> </x:1> <:e:1>")},
				{Spans: words("# head")}, {Spans: words("> quote")}, {Spans: words("-# small")}, {Spans: words("1. list")}, {Spans: words("- item")}, {Spans: words("```code")},
				{Spans: []bot.Span{{Text: "https://bank.example", URL: "https://evil.example/x?y=(1)_*"}, {Text: "js", URL: "javascript:alert(1)"}, {Text: "user", URL: "https://a:b@evil.example/"}}},
				{Spans: []bot.Span{{Text: "a`b``c`", Style: bot.SpanCode}, {Text: " strong ** ", Style: bot.SpanStrong}, {Text: `back\`, Style: bot.SpanStrong}}},
				{Spans: words("txt\u202eexe.gpj zero\u200bwidth nul\x00 bad\xff family 👨‍👩‍👧 ❤️")},
				{Kind: bot.LineQuiet, Spans: words("@everyone *quiet*")},
			},
		},
	}
}

func TestAMessageLooksInDiscordAsItShould(t *testing.T) {
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
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{})
	var seen strings.Builder
	all := messages()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		mark, err := c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Nonce: name, Message: all[name]})
		require.NoError(t, err)
		shown, ok := fake.Message(mark.Place, mark.Ref)
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
}

func TestOnlyWhomWakesNamesIsMentioned(t *testing.T) {
	t.Parallel()
	sent := posted(t, messages()["notice"])
	require.Equal(t, map[string]any{"parse": []any{}, "users": []any{ada}, "roles": []any{oncall}}, sent["allowed_mentions"])
	require.True(t, strings.HasSuffix(sent["content"].(string), " <@"+ada+"> <@&"+oncall+">"), sent["content"])
	sent = posted(t, messages()["hostile"])
	require.Equal(t, map[string]any{"parse": []any{}, "users": []any{}, "roles": []any{}}, sent["allowed_mentions"])
}

// meanings are Discord's rules, as far as what others wrote could use one.
var meanings = regexp.MustCompile(strings.Join([]string{
	`(?m)^ *#{1,3} `, `(?m)^ *-# `, `(?m)^ *>`, `(?m)^ *[-*+] `, `(?m)^ *[0-9]+[.)] `, "[*_~|`]", `<[@#:/a-z]`, `@(everyone|here)`, `[a-z]+://`,
	`\]\(`, `:[^\s:]+:`, `(discord|discordapp)\.[a-z]+/`, `[a-z0-9.]+@[a-z]`,
}, "|"))

var escaped = regexp.MustCompile(`(?s)\\(.)`)

func TestNothingThatOthersWroteIsMarkup(t *testing.T) {
	t.Parallel()
	all := hostile()
	all["hostile"] = "# @here *bold* :fire: `x` ||x|| discord.gg/x discord.com/invite/x a@b.example"
	for name, s := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := hello()
			half := len(s) / 2
			m.Alone, m.Title = s, words(s)
			m.Lines = append(lines(s, " "+s), bot.Line{Spans: []bot.Span{{Text: s[:half]}, {Text: s[half:]}}})
			sent := posted(t, m)
			text := strings.ReplaceAll(sent["content"].(string)+"\n"+description(sent), "### ", "")
			text = regexp.MustCompile(`-# \d+ more lines.*`).ReplaceAllString(text, "")
			left := escaped.ReplaceAllString(text, "\x00")
			require.Empty(t, meanings.FindString(left), "%q", left[:min(400, len(left))])
		})
	}
}

func description(sent map[string]any) string {
	var all []string
	for _, e := range sent["embeds"].([]any) {
		all = append(all, e.(map[string]any)["description"].(string))
	}
	return strings.Join(all, "\n")
}

func TestAFenceIsClosedWhateverIsInIt(t *testing.T) {
	t.Parallel()
	for name, s := range hostile() {
		m := hello()
		m.Lines = []bot.Line{{Kind: bot.LineCode, Spans: words(s)}, {Spans: []bot.Span{{Text: s, Style: bot.SpanCode}}}}
		d := description(posted(t, m))
		require.Zero(t, strings.Count(d, "```")%2, "%s: %q", name, d[:min(200, len(d))])
	}
}

// hostile are texts that broke somebody's chat once.
func hostile() map[string]string {
	return map[string]string{
		"mention": "@everyone @here <@1> <@!1> <@&1> <#1> </a:1> <id:home>", "fence": "```\n``` ` ````", "escapes": strings.Repeat(`\`, 4000), "stars": strings.Repeat("*_", 4000),
		"long": strings.Repeat("x", 100_000), "long words": strings.Repeat("日本語 ", 30_000), "rtl": "مرحبا \u202e\u2066 שלום", "emoji": strings.Repeat("👨‍👩‍👧‍👦", 2000),
		"zero width": strings.Repeat("\u200b\u2060\ufeff", 500), "controls": "\x00\x01\x1b[31m\r\n\t", "no utf-8": "\xff\xfe\xc0", "empty": "", "blank": " \n\t ",
		"tags": "\U000e0041\U000e0042", "combining": strings.Repeat("e\u0301", 3000), "lines": strings.Repeat("a\n", 5000), "quote": `"\'<>&`, "date": "<t:1:R>",
		"heads": "# a\n## b\n> c\n>>> d\n-# e\n- f\n1. g", "links": "[a](https://evil.example) <https://evil.example> discord.gg/abc https://evil.example", "spoiler": "||x||",
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
					all = append(all, bot.Line{Kind: kind, Spans: []bot.Span{{Text: s}, {At: at}, {Text: s, Style: bot.SpanCode}, {Text: s, URL: "https://example.com/" + s}}})
				}
			}
			b := bot.Button{Label: "Go " + s, Token: "tok", Confirm: s + "?", Style: "danger", Twin: s}
			m := bot.Message{Kind: bot.MessageCard, Alone: s, Title: words(s), Lines: all, Buttons: []bot.Button{b, b, b}, More: []bot.Button{b, {Label: "m" + s, Token: "t"}},
				Rows: []bot.Row{{Line: bot.Line{Spans: words(s)}, Button: &b}}, Files: []bot.File{{Name: s, Alt: s, Body: []byte("x")}}}
			sent := posted(t, m)
			require.LessOrEqual(t, utf8.RuneCountInString(sent["content"].(string)), 2000)
			require.Len(t, sent["components"], 3, "whatever is left out, the buttons are there")
			m.Lines = all[:5]
			posted(t, m)
		})
	}
}

func TestWhatDoesNotFitIsSaid(t *testing.T) {
	t.Parallel()
	m := bot.Message{Kind: bot.MessageReply, Alone: "list", Title: words("list")}
	for i := range 900 {
		m.Rows = append(m.Rows, bot.Row{Line: bot.Line{Spans: words(fmt.Sprint("I-", i))}, Button: &bot.Button{Label: "Show", Token: fmt.Sprint("t", i)}})
	}
	sent := posted(t, m)
	require.Regexp(t, `\d+ more lines do not fit into Discord`, description(sent))
	require.LessOrEqual(t, len(sent["components"].([]any)), 5)
}

func TestTheGoldenFilesAreLegal(t *testing.T) {
	t.Parallel()
	for name := range messages() {
		raw, err := os.ReadFile(filepath.Join("testdata", name+".golden"))
		require.NoError(t, err)
		require.Empty(t, legal.Check(legal.Message, raw), name)
	}
}

func FuzzRender(f *testing.F) {
	for _, s := range hostile() {
		f.Add(s, 3)
	}
	fake := open(f, discordtest.Options{Unlimited: true})
	c := client(f, fake, discord.Options{})
	f.Fuzz(func(t *testing.T, s string, n int) {
		m := bot.Message{Kind: bot.MessageCard, Alone: s, Title: words(s)}
		for range max(0, n%70) {
			m.Lines = append(m.Lines, bot.Line{Spans: words(s)}, bot.Line{Kind: bot.LineQuiet, Spans: words(s)})
		}
		_, err := c.Post(t.Context(), bot.Parcel{Place: discordtest.General, Message: m})
		if err != nil {
			require.Equal(t, bot.SendLater, fault(t, err).Fault, "%v", err)
		}
	})
}
