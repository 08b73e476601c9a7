package legal_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/discord/legal"
)

const (
	mentions = `"allowed_mentions":{"parse":[]}`
	nonce    = `"nonce":"n1","enforce_nonce":true`
)

const card = `{"content":"HIGH I-142 db-3 disk 97 %: approve? <@&17>","allowed_mentions":{"parse":[],"roles":["17"]},` + nonce + `,
	"embeds":[{"title":"db-3 disk 97 %","url":"https://salve.example/i/142","color":14233893,"description":"since 03:10","timestamp":"2026-11-24T03:10:00Z",
	 "fields":[{"name":"State","value":"awaiting","inline":true}],"footer":{"text":"plan c0ffee12"},"image":{"url":"attachment://plot.png"}}],
	"components":[{"type":1,"components":[{"type":2,"style":3,"label":"Approve","custom_id":"ap|t"},{"type":2,"style":4,"label":"Deny","custom_id":"dn|t"},
	 {"type":2,"style":5,"label":"Console","url":"https://salve.example/i/142"}]},
	 {"type":1,"components":[{"type":3,"custom_id":"more","placeholder":"More","options":[{"label":"Why","value":"why"}]}]}],
	"attachments":[{"id":"0","filename":"plot.png","description":"disk of db-3"}]}`

const modal = `{"custom_id":"dn|t","title":"Deny","components":[{"type":1,"components":[
	{"type":4,"custom_id":"why","label":"Reason","style":2,"required":true,"max_length":500}]},
	{"type":18,"label":"To","component":{"type":3,"custom_id":"to","options":[{"label":"A","value":"a","default":true}]}}]}`

const commands = `[{"name":"salve","description":"Incidents and playbooks","default_member_permissions":"0","contexts":[0],"options":[
	{"type":1,"name":"show","description":"Show","options":[{"type":3,"name":"incident","description":"Which","required":true,"autocomplete":true}]},
	{"type":2,"name":"run","description":"Runs","options":[{"type":1,"name":"start","description":"Start"}]}]},
	{"name":"Acknowledge this","type":3}]`

func message(more string) string { return `{"content":"x",` + mentions + `,` + nonce + more + `}` }

func embed(fields string) string { return message(`,"embeds":[{` + fields + `}]`) }

func row(elements ...string) string {
	return `{"type":1,"components":[` + strings.Join(elements, ",") + `]}`
}

func rows(all ...string) string { return message(`,"components":[` + strings.Join(all, ",") + `]`) }

func button(id, more string) string {
	return `{"type":2,"style":2,"label":"x","custom_id":"` + id + `"` + more + `}`
}

func menu(more string) string { return `{"type":3,"custom_id":"m"` + more + `}` }

func input(id string) string {
	return `{"type":4,"custom_id":"` + id + `","label":"x","style":1}`
}

func form(components ...string) string {
	return `{"custom_id":"f","title":"x","components":[` + strings.Join(components, ",") + `]}`
}

func command(more string) string { return `[{"name":"a","description":"b"` + more + `}]` }

func long(n int) string { return strings.Repeat("é", n) }

// many makes n of them, with %d as the number.
func many(n int, format string) string {
	var out []string
	for i := range n {
		out = append(out, strings.ReplaceAll(format, "%d", fmt.Sprint(i)))
	}
	return strings.Join(out, ",")
}

func TestWhatDiscordTakesIsLegal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		kind    legal.Kind
		payload string
	}{
		{"a card", legal.Message, card},
		{"a message as discordgo writes it", legal.Message, message(`,"embeds":null,"tts":false,"components":null,"sticker_ids":null`)},
		{"text alone", legal.Message, message("")},
		{"2000 characters of two bytes", legal.Message, `{"content":"` + long(2000) + `",` + mentions + `,` + nonce + `}`},
		{"five rows of five buttons", legal.Message, rows(row(many(5, button("a%d", ""))), row(many(5, button("b%d", ""))), row(many(5, button("c%d", ""))), row(many(5, button("d%d", ""))), row(many(5, button("e%d", ""))))},
		{"embeds of 6000 characters", legal.Message, message(`,"embeds":[{"description":"` + long(3000) + `"},{"description":"` + long(3000) + `"}]`)},
		{"an image alone", legal.Message, embed(`"image":{"url":"attachment://a.png"}`)},
		{"no sound", legal.Message, message(`,"flags":4096`)},
		{"an edit that takes the buttons away", legal.Edit, `{"components":[],` + mentions + `}`},
		{"an edit as discordgo writes it", legal.Edit, `{"content":"x",` + mentions + `,"ID":"1","Channel":"2"}`},
		{"a private reply", legal.Callback, `{"type":4,"data":{"content":"no","flags":64,` + mentions + `}}`},
		{"a reply as discordgo writes it", legal.Callback, `{"type":4,"data":{"tts":false,"content":"no","components":null,"embeds":null,` + mentions + `}}`},
		{"a private deferred reply", legal.Callback, `{"type":5,"data":{"flags":64}}`},
		{"a deferred reply without data", legal.Callback, `{"type":5}`},
		{"a deferred update", legal.Callback, `{"type":6}`},
		{"an update", legal.Callback, `{"type":7,"data":{"content":"x","components":[],` + mentions + `}}`},
		{"an update as discordgo writes it", legal.Callback, `{"type":7,"data":{"tts":false,"content":"x","components":[],"embeds":null,` + mentions + `}}`},
		{"suggestions", legal.Callback, `{"type":8,"data":{"choices":[{"name":"I-142","value":"142"}]}}`},
		{"no suggestions", legal.Callback, `{"type":8,"data":{"choices":[]}}`},
		{"a modal", legal.Callback, `{"type":9,"data":` + modal + `}`},
		{"a modal as discordgo writes it", legal.Callback, `{"type":9,"data":{"tts":false,"content":"","embeds":null,` + modal[1:] + `}`},
		{"a pong", legal.Callback, `{"type":1}`},
		{"a private follow-up", legal.Followup, `{"content":"x","flags":64,` + mentions + `}`},
		{"the data of a modal", legal.Modal, modal},
		{"a reply to another message", legal.Message, message(`,"message_reference":{"message_id":"1","fail_if_not_exists":false}`)},
		{"a form that tells something and asks for people", legal.Modal, form(`{"type":10,"content":"read this"}`, `{"type":18,"label":"Whom","component":{"type":5,"custom_id":"whom"}}`)},
		{"a thread", legal.Thread, `{"name":"I-142","auto_archive_duration":1440}`},
		{"commands", legal.Commands, commands},
		{"no commands", legal.Commands, `[]`},
		{"a command as discordgo writes it", legal.Commands, `[{"type":1,"name":"a","description":"b","options":[{"type":3,"name":"c","description":"d","channel_types":null,"required":false,"options":null,"autocomplete":false,"choices":null}]}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, legal.Check(tt.kind, []byte(tt.payload)))
		})
	}
}

func TestWhatDiscordRefusesIsAProblem(t *testing.T) {
	t.Parallel()
	for _, tt := range illegal() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			problems := legal.Check(tt.kind, []byte(tt.payload))
			require.LessOrEqual(t, len(problems), 20)
			for _, p := range problems {
				if p.Pointer == tt.pointer && p.Rule == tt.rule {
					require.NotEmpty(t, p.Text)
					require.Equal(t, strings.HasPrefix(tt.rule, "our-"), p.Ours())
					return
				}
			}
			require.Failf(t, "not found", "%s %s in %v", tt.pointer, tt.rule, problems)
		})
	}
}

// TestEachSampleHasOneFault shows that no sample is refused for something that
// it is not about, but for the samples of what is no message at all.
func TestEachSampleHasOneFault(t *testing.T) {
	t.Parallel()
	for _, tt := range illegal() {
		if tt.several {
			continue
		}
		require.Len(t, legal.Check(tt.kind, []byte(tt.payload)), 1, tt.name)
	}
}

func TestAProblemNeverTellsWhatStoodThere(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	payloads := []string{
		message(`,"` + secret + `":1`), embed(`"title":"` + strings.Repeat(secret, 100) + `"`), embed(`"url":"` + secret + `://x"`),
		rows(row(button("a", `,"url":"`+secret+`"`))), rows(`{"type":"` + secret + `"}`), `{"content":"` + secret,
		message(`,"flags":"` + secret + `"`), embed(`"timestamp":"` + secret + `"`),
	}
	for _, payload := range payloads {
		problems := legal.Check(legal.Message, []byte(payload))
		require.NotEmpty(t, problems, payload)
		for _, p := range problems {
			require.NotContains(t, p.Text, secret)
		}
	}
}

func TestOneCheckIsAsGoodAsManyAtOnce(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				if len(legal.Check(legal.Message, []byte(card))) != 0 || len(legal.Check(legal.Commands, []byte(commands))) != 0 {
					t.Error("a legal payload became illegal")
				}
			}
		})
	}
	all.Wait()
}

func FuzzCheck(f *testing.F) {
	kinds := []legal.Kind{legal.Message, legal.Edit, legal.Callback, legal.Followup, legal.Modal, legal.Thread, legal.Commands}
	for i, seed := range []string{card, `{"components":[{}]}`, `{"type":9,"data":` + modal + `}`, message(""), modal, `{"name":"x"}`, commands,
		`{"embeds":[null,1,[]]}`, `{"type":6,"data":[]}`, `[null]`, `{"nonce":1e99,"enforce_nonce":1}`} {
		f.Add(uint8(i), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, kind uint8, payload []byte) {
		problems := legal.Check(kinds[int(kind)%len(kinds)], payload)
		if len(problems) > 20 {
			t.Fatalf("%d problems", len(problems))
		}
		if problems == nil && !json.Valid(payload) {
			t.Fatal("what is no JSON is legal")
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	largest := message(`,"embeds":[` + many(10, `{"description":"`+strings.Repeat("x", 500)+`","fields":[`+many(5, `{"name":"a","value":"b"}`)+`]}`) + `],"components":[` +
		row(many(5, button("a%d", ""))) + `,` + row(many(5, button("b%d", ""))) + `,` + row(many(5, button("c%d", ""))) + `]`)
	for name, payload := range map[string]string{"card": card, "largest": largest} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if problems := legal.Check(legal.Message, []byte(payload)); problems != nil {
					b.Fatal(problems)
				}
			}
		})
	}
}
