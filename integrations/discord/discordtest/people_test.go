package discordtest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/discord/discordtest"
)

func TestACommandArrivesAsItWasTyped(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	a := listening(t, d, always(ephemeralReply))
	h := d.Slash("1", discordtest.General, "/salve show", map[string]string{"incident": "I-142", "lines": "5", "all": "true"})
	require.Equal(t, discordtest.AnswerReply, h.Answer)
	require.True(t, h.Ephemeral)
	require.Empty(t, d.Messages(discordtest.General), "nobody else sees it")
	m, ok := h.Whispered()
	require.True(t, ok)
	require.Equal(t, "no", m.Content)
	heard := a.last()
	require.EqualValues(t, 2, heard["type"])
	data := heard["data"].(map[string]any)
	require.Equal(t, "salve", data["name"])
	show := data["options"].([]any)[0].(map[string]any)
	require.Equal(t, "show", show["name"])
	require.Equal(t, []any{
		map[string]any{"name": "incident", "type": 3., "value": "I-142"}, map[string]any{"name": "lines", "type": 4., "value": 5.},
		map[string]any{"name": "all", "type": 5., "value": true}}, show["options"])
	member := heard["member"].(map[string]any)
	require.Equal(t, []any{"20"}, member["roles"])
	require.Equal(t, discordtest.GuildID, heard["guild_id"])

	d.Slash("1", discordtest.General, "playbook run", map[string]string{"target": "db 3"})
	group := a.last()["data"].(map[string]any)["options"].([]any)[0].(map[string]any)
	run := group["options"].([]any)[0].(map[string]any)
	require.Equal(t, []any{map[string]any{"name": "target", "type": 3., "value": "db-3"}}, run["options"])
}

func TestWhatTheClientWouldNotSendIsNotSent(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	a := listening(t, d, always(ephemeralReply))
	slash := func(user, channel, line string, options map[string]string) string {
		return d.Slash(user, channel, line, options).Blocked
	}
	require.Equal(t, "incident: must be filled in", slash("1", discordtest.General, "show", nil))
	require.Equal(t, "lines: is not of its type", slash("1", discordtest.General, "show", map[string]string{"incident": "x", "lines": "many"}))
	require.Contains(t, slash("1", discordtest.General, "playbook run", map[string]string{"target": "db 4"}), "no choice")
	require.Contains(t, slash("1", discordtest.General, "list", map[string]string{"x": "y"}), "no option")
	require.Contains(t, slash("1", discordtest.General, "halt", nil), "may not see")
	require.Empty(t, slash("2", discordtest.General, "halt", nil), "an administrator may")
	require.Contains(t, slash("1", "1", "list", nil), "direct conversation", "commands of a guild are not shown there")
	require.Contains(t, d.Autocomplete("1", discordtest.General, "show", "lines", map[string]string{"lines": "4"}).Blocked, "suggests nothing")
	m := post(t, d, discordtest.General, message("n", buttons))
	require.Equal(t, "it is disabled", d.Press("1", m, "Off").Blocked)
	require.Contains(t, d.Choose("1", m, "More", "Where").Blocked, "no option")
	require.Contains(t, d.Choose("1", m, "More", "Why", "Who").Blocked, "that many")
	d.Delete(m)
	require.Contains(t, d.Press("1", m, "Approve").Blocked, "not there any more")
	require.Len(t, a.heard, 1)
}

func TestACommandForAllIsHeardInADirectConversationWithoutAMember(t *testing.T) {
	t.Parallel()
	d := discordtest.New(t, discordtest.Options{})
	d.AddUser(discordtest.User{ID: "1", Name: "ada", Locale: "de"})
	a := listening(t, d, always(ephemeralReply))
	require.Equal(t, 200, call(t, d, "PUT", "/applications/"+discordtest.AppID+"/commands", `[{"name":"salve","description":"x"},{"name":"here","description":"x","contexts":[0]},{"name":"there","description":"x","dm_permission":false}]`).status)
	h := d.Slash("1", "1", "salve", nil)
	require.Equal(t, discordtest.AnswerReply, h.Answer)
	require.Nil(t, a.last()["member"])
	require.Nil(t, a.last()["guild_id"])
	require.Equal(t, "1", a.last()["user"].(map[string]any)["id"])
	require.Equal(t, "de", a.last()["locale"])
	require.NotEmpty(t, d.Slash("1", "1", "here", nil).Blocked)
	require.NotEmpty(t, d.Slash("1", "1", "there", nil).Blocked)
}

func TestSuggestionsComeWhileOneTypes(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	a := listening(t, d, always(`{"type":8,"data":{"choices":[{"name":"I-142 disk","value":"142"}]}}`))
	h := d.Autocomplete("1", discordtest.General, "show", "incident", map[string]string{"incident": "I-1"})
	require.Equal(t, discordtest.AnswerSuggestions, h.Answer)
	require.Equal(t, []discordtest.Choice{{Name: "I-142 disk", Value: "142"}}, h.Choices)
	require.EqualValues(t, 4, a.last()["type"])
	focused := a.last()["data"].(map[string]any)["options"].([]any)[0].(map[string]any)["options"].([]any)[0].(map[string]any)
	require.Equal(t, map[string]any{"name": "incident", "type": 3., "value": "I-1", "focused": true}, focused)
	listening(t, d, always(ephemeralReply))
	require.Contains(t, d.Autocomplete("1", discordtest.General, "show", "incident", map[string]string{"incident": ""}).Refused, "50035")
}

func TestAPressChangesTheMessage(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	a := listening(t, d, always(`{"type":7,"data":{"content":"approved","components":[],`+mentions+`}}`))
	m := post(t, d, discordtest.General, message("n", buttons))
	h := d.Press("1", m, "Approve")
	require.Equal(t, discordtest.AnswerUpdate, h.Answer)
	require.Equal(t, "approved\n", d.Render(d.Messages(discordtest.General)[0]))
	require.Equal(t, "ap|t", a.last()["data"].(map[string]any)["custom_id"])
	require.Equal(t, m.ID, a.last()["message"].(map[string]any)["id"])
	h = d.Press("1", m, "Approve")
	require.Equal(t, discordtest.AnswerUpdate, h.Answer, "who looked at it before can press what they saw")
	m = post(t, d, discordtest.General, message("m", buttons))
	require.Equal(t, discordtest.AnswerUpdate, d.Choose("1", m, "More", "Who").Answer)
	require.Equal(t, []any{"who"}, a.last()["data"].(map[string]any)["values"])
}

func TestWhatComesAfterADeferredUpdateIsTheMessageItself(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	listening(t, d, always(`{"type":6}`))
	m := post(t, d, discordtest.General, message("n", buttons))
	h := d.Press("1", m, "Approve")
	require.Equal(t, discordtest.AnswerDeferUpdate, h.Answer)
	hook := "/webhooks/" + discordtest.AppID + "/" + h.Token
	require.Equal(t, 200, call(t, d, http.MethodPatch, hook+"/messages/@original", `{"content":"edited",`+mentions+`}`).status)
	require.Equal(t, "edited", d.Messages(discordtest.General)[0].Content)
	require.Equal(t, 200, call(t, d, http.MethodPost, hook, `{"content":"not you","flags":64,`+mentions+`}`).status)
	whispered, ok := h.Whispered()
	require.True(t, ok)
	require.Equal(t, "not you", whispered.Content)
	require.Len(t, d.Ephemerals("1"), 1)
	require.Empty(t, d.Ephemerals("2"))
	later := d.Press("1", m, "Approve")
	require.Equal(t, 204, call(t, d, http.MethodDelete, hook+"/messages/"+whispered.ID, "").status)
	require.Empty(t, h.Ephemerals())
	require.Empty(t, d.Ephemerals("1"))
	call(t, d, http.MethodPost, "/webhooks/"+discordtest.AppID+"/"+later.Token, `{"content":"nor you","flags":64,"components":[{"type":1,"components":[{"type":2,"style":1,"label":"b","custom_id":"c"}]}],`+mentions+`}`)
	require.Len(t, later.Ephemerals(), 1)
	require.Contains(t, d.Press("2", later.Ephemerals()[0], "b").Blocked, "does not see")
	require.Equal(t, discordtest.AnswerDeferUpdate, d.Press("1", later.Ephemerals()[0], "b").Answer)
}

func TestAModalIsFilledInAndSent(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	a := listening(t, d, always(modal))
	m := post(t, d, discordtest.General, message("n", buttons))
	h := d.Press("1", m, "Approve")
	require.Equal(t, discordtest.AnswerModal, h.Answer)
	require.Equal(t, "== Deny ==\nReason*: ____\nTo: [v : Ada | *Root]\n[Cancel] [Submit]\n", d.RenderModal(h.Modal))
	require.Equal(t, "Reason: must be filled in", d.Submit(h.Modal, nil).Blocked)
	require.Equal(t, "Reason: is too short", d.Submit(h.Modal, map[string]string{"why": "no"}).Blocked)
	require.Equal(t, "Reason: is too long", d.Submit(h.Modal, map[string]string{"Reason": "because of it"}).Blocked)
	require.Contains(t, d.Submit(h.Modal, map[string]string{"Reason": "risky", "To": "Bob"}).Blocked, "no option")
	require.Contains(t, d.Submit(h.Modal, map[string]string{"Reason": "risky", "When": "now"}).Blocked, "no field")
	sent := d.Submit(h.Modal, map[string]string{"Reason": "risky"})
	require.Contains(t, sent.Refused, "50035", "a modal cannot be answered with a modal")
	b := listening(t, d, always(`{"type":7,"data":{"content":"denied","components":[],`+mentions+`}}`))
	sent = d.Submit(h.Modal, map[string]string{"Reason": "risky", "To": "Ada"})
	require.Equal(t, discordtest.AnswerUpdate, sent.Answer)
	require.Equal(t, "denied\n", d.Render(d.Messages(discordtest.General)[0]))
	heard := b.last()
	require.EqualValues(t, 5, heard["type"])
	require.Equal(t, m.ID, heard["message"].(map[string]any)["id"])
	rows := heard["data"].(map[string]any)["components"].([]any)
	text := rows[0].(map[string]any)["components"].([]any)[0].(map[string]any)
	require.Equal(t, "risky", text["value"])
	chosen := rows[1].(map[string]any)["component"].(map[string]any)
	require.Equal(t, []any{"a"}, chosen["values"])
	require.Equal(t, "dn|t", heard["data"].(map[string]any)["custom_id"])
	require.NotEmpty(t, a.heard)
}

func TestTheMenuOfAMessageGivesItAway(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	a := listening(t, d, always(ephemeralReply))
	m := d.Say("2", discordtest.General, "disk is full")
	h := d.Context("1", m, "What is this")
	require.Equal(t, discordtest.AnswerReply, h.Answer)
	data := a.last()["data"].(map[string]any)
	require.EqualValues(t, 3, data["type"])
	require.Equal(t, m.ID, data["target_id"])
	target := data["resolved"].(map[string]any)["messages"].(map[string]any)[m.ID].(map[string]any)
	require.Equal(t, "disk is full", target["content"])
}

func TestAMessageIsDrawnAsItIsSeen(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	m := post(t, d, discordtest.General, `{"content":"HIGH <@&20> \\<@1\\> \\*x\\* <#11> <t:1700000000:R>","allowed_mentions":{"parse":[],"roles":["20"]},"nonce":"n","enforce_nonce":true,
		"embeds":[{"title":"db-3","url":"https://x.example","color":14233893,"author":{"name":"Salve"},"description":"one\ntwo","image":{"url":"https://x.example/a.png"},
		"fields":[{"name":"State","value":"new"},{"name":"Steps","value":"a\nb"}],"footer":{"text":"plan"},"timestamp":"2026-11-24T03:10:00Z"}]`+buttons+`}`)
	call(t, d, http.MethodPost, messages(discordtest.General)+"/"+m.ID+"/threads", `{"name":"I-142"}`)
	require.Equal(t, `HIGH @!oncall <@1> *x* #silent <t:1700000000:R>
| (#D93125)
| Salve
| # db-3 -> https://x.example
| one
| two
| State: new
| Steps:
|   a
|   b
| [image: https://x.example/a.png]
| plan · 2026-11-24T03:10:00Z
[+ Approve] [x Off] [Console -> https://x.example]
[v More: Why | Who]
[thread I-142: 0 messages]
`, d.Render(d.Messages(discordtest.General)[0]))
}
