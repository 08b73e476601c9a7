package legal_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/slack/legal"
)

const card = `{"channel":"C1","text":"HIGH db-3 disk 97 %: approve?","blocks":[
	{"type":"header","text":{"type":"plain_text","text":"db-3 disk 97 %"}},
	{"type":"section","text":{"type":"mrkdwn","text":"*since* 03:10"},"fields":[{"type":"mrkdwn","text":"x"}]},
	{"type":"divider"},
	{"type":"actions","block_id":"act:7","elements":[
		{"type":"button","text":{"type":"plain_text","text":"Approve","emoji":true},"style":"primary","action_id":"1","value":"token",
		 "confirm":{"title":{"type":"plain_text","text":"Sure?"},"text":{"type":"mrkdwn","text":"3fa9c1d2"},"confirm":{"type":"plain_text","text":"Yes"},"deny":{"type":"plain_text","text":"No"}}},
		{"type":"button","text":{"type":"plain_text","text":"Console"},"url":"https://salve.example/i/142","action_id":"2"},
		{"type":"overflow","action_id":"3","options":[{"text":{"type":"plain_text","text":"Why"},"value":"other"}]}]},
	{"type":"context","elements":[{"type":"mrkdwn","text":"I-142"},{"type":"image","image_url":"https://salve.example/x.png","alt_text":"x"}]},
	{"type":"table","rows":[[{"type":"raw_text","text":"a"},{"type":"raw_text","text":"b"}]]}]}`

const modal = `{"type":"modal","title":{"type":"plain_text","text":"Deny"},"submit":{"type":"plain_text","text":"Deny"},
	"close":{"type":"plain_text","text":"Back"},"private_metadata":"token","callback_id":"deny","blocks":[
	{"type":"input","block_id":"why","label":{"type":"plain_text","text":"Reason"},"element":{"type":"plain_text_input","action_id":"t","multiline":true,"max_length":500}},
	{"type":"input","block_id":"to","optional":true,"label":{"type":"plain_text","text":"To"},"element":{"type":"static_select","action_id":"s",
	 "initial_option":{"text":{"type":"plain_text","text":"A"},"value":"a"},"options":[{"text":{"type":"plain_text","text":"A"},"value":"a"}]}}]}`

func TestWhatSlackTakesIsLegal(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		kind    legal.Kind
		payload string
	}{
		{"a card", legal.Message, card},
		{"text alone", legal.Message, `{"channel":"C1","text":"x","thread_ts":"1700000000.000100","reply_broadcast":true,"unfurl_links":false}`},
		{"blocks behind a coloured bar", legal.Message, `{"text":"x","attachments":[{"color":"#D93025","fallback":"x","blocks":[{"type":"divider"}]}]}`},
		{"metadata", legal.Message, `{"text":"x","metadata":{"event_type":"salve_post","event_payload":{"nonce":"n","rev":3}}}`},
		{"an edit", legal.Update, `{"channel":"C1","ts":"1700000000.000100","text":"x","blocks":[]}`},
		{"a whisper", legal.Ephemeral, `{"channel":"C1","user":"U1","text":"x"}`},
		{"an answer", legal.Response, `{"text":"x","response_type":"ephemeral","replace_original":true}`},
		{"an answer that deletes", legal.Response, `{"delete_original":true}`},
		{"a form", legal.Modal, modal},
		{"a home", legal.Home, `{"type":"home","blocks":[{"type":"section","text":{"type":"mrkdwn","text":"x"}}]}`},
		{"an alert in a modal", legal.Modal, `{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[{"type":"alert","text":{"type":"plain_text","text":"x"},"level":"warning"}]}`},
		{"a text of 3000 characters that are not bytes", legal.Message, message(section(strings.Repeat("é", 3000)))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Nil(t, legal.Check(tt.kind, []byte(tt.payload)))
		})
	}
}

func message(blocks ...string) string {
	return `{"channel":"C1","text":"x","blocks":[` + strings.Join(blocks, ",") + `]}`
}

func section(text string) string {
	return fmt.Sprintf(`{"type":"section","text":{"type":"mrkdwn","text":%q}}`, text)
}

func actions(elements ...string) string {
	return `{"type":"actions","elements":[` + strings.Join(elements, ",") + `]}`
}

func button(more string) string {
	return `{"type":"button","text":{"type":"plain_text","text":"x"}` + more + `}`
}

func option(text, value string) string {
	return fmt.Sprintf(`{"text":{"type":"plain_text","text":%q},"value":%q}`, text, value)
}

func times(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }

func TestWhatSlackRefusesIsAProblem(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("x", n) }
	view := func(more string) string {
		return `{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[]` + more + `}`
	}
	tests := []struct {
		name    string
		kind    legal.Kind
		payload string
		pointer string
		rule    string
	}{
		// What the types say.
		{"an unknown block", legal.Message, message(`{"type":"billboard"}`), "/blocks/0/type", "enum"},
		{"a field that a block has not", legal.Message, message(`{"type":"divider","colour":"red"}`), "/blocks/0", "additionalProperties"},
		{"a header in markup", legal.Message, message(`{"type":"header","text":{"type":"mrkdwn","text":"x"}}`), "/blocks/0/text/type", "const"},
		{"a button without a text", legal.Message, message(actions(`{"type":"button"}`)), "/blocks/0/elements/0", "required"},
		{"a button of another colour", legal.Message, message(actions(button(`,"style":"blue"`))), "/blocks/0/elements/0/style", "enum"},
		{"a value that is a number", legal.Message, message(actions(button(`,"value":7`))), "/blocks/0/elements/0/value", "type"},
		{"blocks that are no list", legal.Message, `{"text":"x","blocks":{}}`, "/blocks", "type"},
		{"an image without words", legal.Message, message(`{"type":"image","image_url":"https://x.example/x"}`), "/blocks/0", "required"},
		{"no title", legal.Modal, `{"type":"modal","blocks":[]}`, "", "required"},
		{"another response type", legal.Response, `{"text":"x","response_type":"loud"}`, "/response_type", "enum"},
		// What their comments say.
		{"a long section", legal.Message, message(section(long(3001))), "/blocks/0/text/text", "maxLength"},
		{"a long field", legal.Message, message(`{"type":"section","fields":[{"type":"mrkdwn","text":"` + long(2001) + `"}]}`), "/blocks/0/fields/0/text", "maxLength"},
		{"eleven fields", legal.Message, message(`{"type":"section","fields":[` + times(11, `{"type":"mrkdwn","text":"x"}`) + `]}`), "/blocks/0/fields", "maxItems"},
		{"a long header", legal.Message, message(`{"type":"header","text":{"type":"plain_text","text":"` + long(151) + `"}}`), "/blocks/0/text/text", "maxLength"},
		{"eleven context elements", legal.Message, message(`{"type":"context","elements":[` + times(11, `{"type":"mrkdwn","text":"x"}`) + `]}`), "/blocks/0/elements", "maxItems"},
		{"26 buttons", legal.Message, message(actions(times(26, button("")))), "/blocks/0/elements", "maxItems"},
		{"a long label", legal.Message, message(actions(`{"type":"button","text":{"type":"plain_text","text":"` + long(76) + `"}}`)), "/blocks/0/elements/0/text/text", "maxLength"},
		{"a long value", legal.Message, message(actions(button(`,"value":"` + long(2001) + `"`))), "/blocks/0/elements/0/value", "maxLength"},
		{"a long action_id", legal.Message, message(actions(button(`,"action_id":"` + long(256) + `"`))), "/blocks/0/elements/0/action_id", "maxLength"},
		{"a long block_id", legal.Message, message(`{"type":"divider","block_id":"` + long(256) + `"}`), "/blocks/0/block_id", "maxLength"},
		{"a long question", legal.Message, message(actions(button(`,"confirm":{"text":{"type":"mrkdwn","text":"` + long(301) + `"}}`))), "/blocks/0/elements/0/confirm/text/text", "maxLength"},
		{"a long answer", legal.Message, message(actions(button(`,"confirm":{"text":{"type":"mrkdwn","text":"x"},"deny":{"type":"plain_text","text":"` + long(31) + `"}}`))), "/blocks/0/elements/0/confirm/deny/text", "maxLength"},
		{"six hidden buttons", legal.Message, message(actions(`{"type":"overflow","options":[` + times(6, option("x", "x")) + `]}`)), "/blocks/0/elements/0/options", "maxItems"},
		{"a long option", legal.Message, message(actions(`{"type":"overflow","options":[` + option(long(76), "x") + `]}`)), "/blocks/0/elements/0/options/0/text/text", "maxLength"},
		{"a long value of an option", legal.Message, message(actions(`{"type":"overflow","options":[` + option("x", long(151)) + `]}`)), "/blocks/0/elements/0/options/0/value", "maxLength"},
		{"a table of 101 rows", legal.Message, message(`{"type":"table","rows":[` + times(101, `[{"type":"raw_text","text":"x"}]`) + `]}`), "/blocks/0/rows", "maxItems"},
		{"a table of 21 columns", legal.Message, message(`{"type":"table","rows":[[` + times(21, `{"type":"raw_text","text":"x"}`) + `]]}`), "/blocks/0/rows/0", "maxItems"},
		{"a long title", legal.Modal, strings.Replace(view(""), `"text":"x"`, `"text":"`+long(25)+`"`, 1), "/title/text", "maxLength"},
		{"a long submit", legal.Modal, view(`,"submit":{"type":"plain_text","text":"` + long(25) + `"}`), "/submit/text", "maxLength"},
		{"long private metadata", legal.Modal, view(`,"private_metadata":"` + long(3001) + `"`), "/private_metadata", "maxLength"},
		{"a long callback_id", legal.Modal, view(`,"callback_id":"` + long(256) + `"`), "/callback_id", "maxLength"},
		{"101 blocks in a home", legal.Home, `{"type":"home","blocks":[` + times(101, `{"type":"divider"}`) + `]}`, "/blocks", "maxItems"},
		// What only documents say.
		{"no fallback", legal.Message, `{"blocks":[{"type":"divider"}]}`, "/text", "fallback"},
		{"a blank fallback", legal.Ephemeral, `{"text":" \n","blocks":[{"type":"divider"}]}`, "/text", "fallback"},
		{"a text that cannot be edited", legal.Update, `{"text":"` + long(4001) + `"}`, "/text", "text"},
		{"an empty section", legal.Message, message(`{"type":"section"}`), "/blocks/0", "section"},
		{"an empty text", legal.Message, message(section("")), "/blocks/0/text/text", "empty"},
		{"a blank label", legal.Message, message(actions(`{"type":"button","text":{"type":"plain_text","text":" "}}`)), "/blocks/0/elements/0/text/text", "empty"},
		{"a blank title", legal.Modal, strings.Replace(view(""), `"text":"x"`, `"text":" "`, 1), "/title/text", "empty"},
		{"no buttons", legal.Message, message(actions()), "/blocks/0/elements", "empty"},
		{"no fields", legal.Message, message(`{"type":"section","fields":[]}`), "/blocks/0/fields", "empty"},
		{"no options", legal.Message, message(actions(`{"type":"overflow","options":[]}`)), "/blocks/0/elements/0/options", "empty"},
		{"two elements of one action_id", legal.Message, message(actions(button(`,"action_id":"a"`), button(`,"action_id":"a"`))), "/blocks/0/elements/1/action_id", "duplicate"},
		{"two blocks of one block_id", legal.Message, message(`{"type":"divider","block_id":"b"}`, `{"type":"divider","block_id":"b"}`), "/blocks/1/block_id", "duplicate"},
		{"a block_id again behind the bar", legal.Message, `{"text":"x","blocks":[{"type":"divider","block_id":"b"}],"attachments":[{"blocks":[{"type":"divider","block_id":"b"}]}]}`, "/attachments/0/blocks/0/block_id", "duplicate"},
		{"51 blocks", legal.Message, message(times(51, `{"type":"divider"}`)), "/blocks", "blocks"},
		{"51 blocks behind the bar", legal.Message, `{"text":"x","attachments":[{"blocks":[` + times(51, `{"type":"divider"}`) + `]}]}`, "/attachments/0/blocks", "blocks"},
		{"a broken block behind the bar", legal.Message, `{"text":"x","attachments":[{"blocks":[{"type":"section"}]}]}`, "/attachments/0/blocks/0", "section"},
		{"a colour that is none", legal.Message, `{"text":"x","attachments":[{"color":"reddish","blocks":[]}]}`, "/attachments/0/color", "color"},
		{"a text beside blocks behind the bar", legal.Message, `{"text":"x","attachments":[{"text":"lost","blocks":[{"type":"divider"}]}]}`, "/attachments/0/text", "attachment"},
		{"21 attachments", legal.Message, `{"text":"x","attachments":[` + times(21, `{"text":"x"}`) + `]}`, "/attachments", "attachments"},
		{"too much in all", legal.Message, message(times(5, section(long(2900)))), "/blocks", "size"},
		{"two tables", legal.Message, message(times(2, `{"type":"table","rows":[[{"type":"raw_text","text":"x"}]]}`)), "/blocks", "table"},
		{"an alert in a message", legal.Message, message(`{"type":"alert","text":{"type":"plain_text","text":"x"}}`), "/blocks/0", "surface"},
		{"an alert on a home", legal.Home, `{"type":"home","blocks":[{"type":"alert","text":{"type":"plain_text","text":"x"}}]}`, "/blocks/0", "surface"},
		{"a table in a modal", legal.Modal, strings.Replace(view(""), `[]`, `[{"type":"table","rows":[[{"type":"raw_text","text":"x"}]]}]`, 1), "/blocks/0", "surface"},
		{"input without submit", legal.Modal, strings.Replace(view(""), `[]`, `[{"type":"input","label":{"type":"plain_text","text":"x"},"element":{"type":"plain_text_input"}}]`, 1), "", "submit"},
		{"a link that is no address", legal.Message, message(actions(button(`,"url":"salve"`))), "/blocks/0/elements/0/url", "url"},
		{"a link that runs something", legal.Message, message(actions(button(`,"url":"javascript:alert(1)"`))), "/blocks/0/elements/0/url", "url"},
		{"a link with white space", legal.Message, message(actions(button(`,"url":"https://x.example/a b"`))), "/blocks/0/elements/0/url", "url"},
		{"an image that is a file", legal.Message, message(`{"type":"image","image_url":"file:///etc/passwd","alt_text":"x"}`), "/blocks/0/image_url", "url"},
		{"a menu without options", legal.Message, message(actions(`{"type":"static_select"}`)), "/blocks/0/elements/0", "options"},
		{"a menu that begins with what it has not", legal.Message, message(actions(`{"type":"static_select","initial_option":` + option("b", "b") + `,"options":[` + option("a", "a") + `]}`)), "/blocks/0/elements/0", "options"},
		{"metadata without a type", legal.Message, `{"text":"x","metadata":{"event_type":"","event_payload":{}}}`, "/metadata/event_type", "metadata"},
		{"metadata that is not flat", legal.Message, `{"text":"x","metadata":{"event_type":"e","event_payload":{"a":{}}}}`, "/metadata/event_payload/a", "type"},
		{"large metadata", legal.Message, `{"text":"x","metadata":{"event_type":"e","event_payload":{"a":"` + long(4000) + `"}}}`, "/metadata", "metadata"},
		{"what slack-go sends for nothing", legal.Response, `{"text":"x","replace_original":true,"blocks":null}`, "/blocks", "type"},
		{"a broadcast of what is in no thread", legal.Message, `{"text":"x","reply_broadcast":true}`, "/reply_broadcast", "ts"},
		{"a thread that is a number", legal.Message, `{"text":"x","thread_ts":"1.7e9"}`, "/thread_ts", "ts"},
		{"an argument of another method", legal.Update, `{"text":"x","thread_ts":"1700000000.000100"}`, "/thread_ts", "argument"},
		{"a place that is empty", legal.Message, `{"channel":"","text":"x"}`, "/channel", "place"},
		{"a huge payload", legal.Home, `{"type":"home","blocks":[` + strings.Repeat(" ", 250_001) + `]}`, "", "size"},
		{"no JSON", legal.Message, `{"text":"x"`, "", "json"},
		{"more than one value", legal.Message, `{"text":"x"}{}`, "", "json"},
		{"a list", legal.Message, `[]`, "", "json"},
		{"what is not UTF-8", legal.Message, "{\"text\":\"\xff\"}", "", "json"},
		{"a tower", legal.Message, `{"text":"x","blocks":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "", "json"},
		{"a kind that is none", "letter", `{}`, "", "kind"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			problems := legal.Check(tt.kind, []byte(tt.payload))
			require.LessOrEqual(t, len(problems), 20)
			for _, p := range problems {
				if p.Pointer == tt.pointer && p.Rule == tt.rule {
					require.NotEmpty(t, p.Text)
					return
				}
			}
			require.Failf(t, "not found", "%s %s in %v", tt.pointer, tt.rule, problems)
		})
	}
}

func TestAProblemNeverTellsWhatStoodThere(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	payloads := []string{
		message(`{"type":"` + secret + `"}`), message(actions(button(`,"style":"` + secret + `","` + secret + `":1`))),
		message(actions(button(`,"url":"` + secret + `://x"`))), message(section(strings.Repeat(secret, 1000))),
		`{"text":"` + secret, `{"text":"x","response_type":"` + secret + `"}`,
	}
	for _, payload := range payloads {
		problems := legal.Check(legal.Message, []byte(payload))
		require.NotEmpty(t, problems)
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
				if len(legal.Check(legal.Message, []byte(card))) != 0 || len(legal.Check(legal.Modal, []byte(modal))) != 0 {
					t.Error("a legal payload became illegal")
				}
			}
		})
	}
	all.Wait()
}

func FuzzCheck(f *testing.F) {
	kinds := []legal.Kind{legal.Message, legal.Update, legal.Ephemeral, legal.Response, legal.Modal, legal.Home}
	for i, seed := range []string{card, modal, message(section("x")), `{"text":"x","attachments":[{"blocks":[{}]}]}`, `{"blocks":[null,1,[]]}`, `{"view":{}}`} {
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
	for name, payload := range map[string]string{"card": card, "largest": message(times(4, section(strings.Repeat("x", 2900))), times(46, actions(button(""), button(""))))} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if problems := legal.Check(legal.Message, []byte(payload)); name == "card" && problems != nil {
					b.Fatal(problems)
				}
			}
		})
	}
}
