package discordtest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/integrations/discord/discordtest"
)

const (
	posts    = "POST /channels/{channel}/messages"
	edits    = "PATCH /channels/{channel}/messages/{message}"
	mentions = `"allowed_mentions":{"parse":[]}`
)

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   any // JSON, or the text of what is none
	cut    bool
}

func (a answer) field(t *testing.T, name string) any {
	t.Helper()
	fields, ok := a.body.(map[string]any)
	require.True(t, ok, "%v", a.body)
	return fields[name]
}

func (a answer) code(t *testing.T) int {
	t.Helper()
	n, _ := a.field(t, "code").(float64)
	return int(n)
}

// call asks the REST API without a library.
func call(t *testing.T, d *discordtest.Discord, method, path, body string) answer {
	t.Helper()
	kind := ""
	if body != "" {
		kind = "application/json"
	}
	return send(t, d, method, path, kind, []byte(body), "Bot "+discordtest.BotToken)
}

func send(t *testing.T, d *discordtest.Discord, method, path, kind string, body []byte, token string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://discord.com/api/v10"+path, bytes.NewReader(body))
	require.NoError(t, err)
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	r.Header.Set("User-Agent", "DiscordBot (https://salve.example, 1)")
	if token != "" {
		r.Header.Set("Authorization", token)
	}
	return roundTrip(t, d, r)
}

func roundTrip(t *testing.T, d *discordtest.Discord, r *http.Request) answer {
	t.Helper()
	got, err := (&http.Client{Transport: d.Transport()}).Do(r)
	if err != nil {
		return answer{cut: true}
	}
	defer func() { _ = got.Body.Close() }()
	raw, err := io.ReadAll(got.Body)
	require.NoError(t, err)
	out := answer{status: got.StatusCode, header: got.Header}
	if json.Unmarshal(raw, &out.body) != nil {
		out.body = string(raw)
	}
	return out
}

func message(nonce, more string) string {
	return `{"content":"x",` + mentions + `,"nonce":"` + nonce + `","enforce_nonce":true` + more + `}`
}

func messages(channel string) string { return "/channels/" + channel + "/messages" }

// post sends a message and returns it as it stands in the channel.
func post(t *testing.T, d *discordtest.Discord, channel, body string) discordtest.Message {
	t.Helper()
	sent := call(t, d, http.MethodPost, messages(channel), body)
	require.Equal(t, http.StatusOK, sent.status, "%v", sent.body)
	m, ok := d.Message(channel, sent.field(t, "id").(string))
	require.True(t, ok)
	return m
}

// town is a guild with one of everything.
func town(t *testing.T, opts discordtest.Options) *discordtest.Discord {
	t.Helper()
	d := discordtest.New(t, opts)
	d.AddChannel(discordtest.Channel{ID: "10", Name: "unseen", Denied: discordtest.PermissionView})
	d.AddChannel(discordtest.Channel{ID: "11", Name: "silent", Denied: discordtest.PermissionSend})
	d.AddChannel(discordtest.Channel{ID: "12", Name: "plain", Denied: discordtest.PermissionEmbed | discordtest.PermissionAttach | discordtest.PermissionCreateThreads})
	d.AddChannel(discordtest.Channel{ID: "13", Name: "past", Denied: discordtest.PermissionHistory})
	d.AddRole(discordtest.Role{ID: "20", Name: "oncall"})
	d.AddRole(discordtest.Role{ID: "21", Name: "admins", Permissions: discordtest.PermissionAdministrator})
	d.AddUser(discordtest.User{ID: "1", Name: "ada", Roles: []string{"20"}})
	d.AddUser(discordtest.User{ID: "2", Name: "root", Roles: []string{"21"}})
	d.AddUser(discordtest.User{ID: "3", Name: "gone", Absent: true})
	d.Register(commands)
	return d
}

const commands = `[{"name":"salve","description":"x","options":[
	{"type":1,"name":"list","description":"x"},
	{"type":1,"name":"show","description":"x","options":[
		{"type":3,"name":"incident","description":"x","required":true,"autocomplete":true},
		{"type":4,"name":"lines","description":"x"},{"type":5,"name":"all","description":"x"}]},
	{"type":2,"name":"playbook","description":"x","options":[{"type":1,"name":"run","description":"x","options":[
		{"type":3,"name":"target","description":"x","choices":[{"name":"db 3","value":"db-3"}]}]}]}]},
	{"name":"halt","description":"x","default_member_permissions":"0"},
	{"name":"What is this","type":3}]`

func TestARequestIsRefusedAsDiscordWouldRefuseIt(t *testing.T) {
	t.Parallel()
	const general = "/channels/" + discordtest.General
	tests := []struct {
		name, method, path, body string
		status, code             int
	}{
		{"a path that there is not", "GET", "/pins", "", 404, 0},
		{"a method that there is not", "PUT", general + "/messages", `{}`, 405, 0},
		{"a channel that is not", "POST", messages("99"), message("n", ""), 404, 10003},
		{"a channel that is no id", "POST", messages("general"), message("n", ""), 400, 50035},
		{"a channel that it does not see", "POST", messages("10"), message("n", ""), 403, 50001},
		{"a look at what it does not see", "GET", "/channels/10", "", 403, 50001},
		{"a channel where it may not write", "POST", messages("11"), message("n", ""), 403, 50013},
		{"an embed where it may not embed", "POST", messages("12"), message("n", `,"embeds":[{"title":"x"}]`), 403, 50013},
		{"a message of nothing", "POST", messages(discordtest.General), `{"content":" ",` + mentions + `,"nonce":"n","enforce_nonce":true}`, 400, 50006},
		{"a message that is too long", "POST", messages(discordtest.General), message("n", `,"content":"`+strings.Repeat("x", 2001)+`"`), 400, 50035},
		{"a message that may mention all", "POST", messages(discordtest.General), `{"content":"x","nonce":"n","enforce_nonce":true}`, 400, 50035},
		{"no JSON", "POST", messages(discordtest.General), `{`, 400, 50109},
		{"an edit of nothing", "PATCH", messages(discordtest.General) + "/99", `{"content":"x",` + mentions + `}`, 404, 10008},
		{"a look at no message", "GET", messages(discordtest.General) + "/99", "", 404, 10008},
		{"a look without the history", "GET", messages("13") + "/99", "", 403, 50013},
		{"a deletion of nothing", "DELETE", messages(discordtest.General) + "/99", "", 404, 10008},
		{"a list of too many", "GET", messages(discordtest.General) + "?limit=101", "", 400, 50035},
		{"a thread on nothing", "POST", messages(discordtest.General) + "/99/threads", `{"name":"x"}`, 404, 10008},
		{"a thread where it may not", "POST", messages("12") + "/99/threads", `{"name":"x"}`, 403, 50013},
		{"another guild", "GET", "/guilds/99", "", 404, 10004},
		{"a member that there is not", "GET", "/guilds/" + discordtest.GuildID + "/members/99", "", 404, 10013},
		{"a member who is gone", "GET", "/guilds/" + discordtest.GuildID + "/members/3", "", 404, 10007},
		{"a user that there is not", "GET", "/users/99", "", 404, 10013},
		{"a conversation with nobody", "POST", "/users/@me/channels", `{"recipient_id":"99"}`, 400, 50033},
		{"commands of another app", "PUT", "/applications/99/commands", `[]`, 403, 20012},
		{"commands of another guild", "PUT", "/applications/" + discordtest.AppID + "/guilds/99/commands", `[]`, 403, 50001},
		{"commands that are none", "PUT", "/applications/" + discordtest.AppID + "/commands", `[{"name":"A B","description":"x"}]`, 400, 50035},
		{"an answer to nothing", "POST", "/interactions/1/t/callback", `{"type":6}`, 404, 10062},
		{"more about nothing", "POST", "/webhooks/" + discordtest.AppID + "/t", `{"content":"x",` + mentions + `}`, 404, 10015},
		{"an edit of an answer to nothing", "PATCH", "/webhooks/" + discordtest.AppID + "/t/messages/@original", `{"content":"x",` + mentions + `}`, 404, 10015},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := town(t, discordtest.Options{})
			got := call(t, d, tt.method, tt.path, tt.body)
			require.Equal(t, tt.status, got.status, "%v", got.body)
			require.Equal(t, tt.code, got.code(t))
			calls := d.Calls("")
			require.Equal(t, tt.status, calls[len(calls)-1].Status)
			require.False(t, calls[len(calls)-1].Done)
			require.Empty(t, d.Messages(discordtest.General))
		})
	}
}

func TestWhoAsksIsChecked(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	for _, token := range []string{"", "Bot wrong", discordtest.BotToken, "Bearer " + discordtest.BotToken} {
		got := send(t, d, http.MethodGet, "/users/@me", "", nil, token)
		require.Equal(t, http.StatusUnauthorized, got.status, token)
	}
	require.Equal(t, 4, d.Invalid())
	require.Equal(t, http.StatusOK, send(t, d, http.MethodGet, "/gateway", "", nil, "").status, "anybody may ask where the gateway is")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://discord.com/api/v10/users/@me", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bot "+discordtest.BotToken)
	got := roundTrip(t, d, r)
	require.Equal(t, http.StatusForbidden, got.status, "a client that does not say that it is a bot")
	require.Contains(t, got.body, "<html>")
	old := strings.Replace(r.URL.String(), "v10", "v6", 1)
	r, err = http.NewRequestWithContext(t.Context(), http.MethodGet, old, nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusNotFound, roundTrip(t, d, r).status)
}

func TestAContentTypeWithoutContentIsRefused(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	got := send(t, d, http.MethodPost, messages(discordtest.General), "application/json", nil, "Bot "+discordtest.BotToken)
	require.Equal(t, http.StatusBadRequest, got.status)
	got = send(t, d, http.MethodPost, messages(discordtest.General), "text/plain", []byte("x"), "Bot "+discordtest.BotToken)
	require.Equal(t, http.StatusUnsupportedMediaType, got.status)
}

func TestARefusalNamesThePlace(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	got := call(t, d, http.MethodPost, messages(discordtest.General), message("n", `,"embeds":[{"title":"`+strings.Repeat("x", 257)+`"}]`))
	errors := got.field(t, "errors").(map[string]any)
	title := errors["embeds"].(map[string]any)["0"].(map[string]any)["title"].(map[string]any)["_errors"].([]any)[0].(map[string]any)
	require.Equal(t, "MAXLENGTH", title["code"])
}

func TestTheSameNonceIsTheSameMessage(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	first := post(t, d, discordtest.General, message("n", ""))
	require.Equal(t, first.ID, post(t, d, discordtest.General, message("n", "")).ID)
	require.Len(t, d.Messages(discordtest.General), 1)
	require.NotEqual(t, first.ID, post(t, d, discordtest.General, message("m", "")).ID)
	require.NotEqual(t, first.ID, post(t, d, "13", message("n", "")).ID, "another channel")
	d.Advance(6 * time.Minute)
	require.NotEqual(t, first.ID, post(t, d, discordtest.General, message("n", "")).ID, "Discord forgets it after some minutes")
}

func TestWhatOnlyWeRefuseIsTakenByALenientDiscord(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Lenient: true})
	m := post(t, d, discordtest.General, `{"content":"@everyone <@1> <@&20> <@&99>"}`)
	require.Equal(t, []string{"everyone", "1", "20"}, m.Pinged, "without allowed_mentions all that is named is notified")
	m = post(t, d, discordtest.General, `{"content":"@here <@1> <@&20>","allowed_mentions":{"parse":["users"]}}`)
	require.Equal(t, []string{"1"}, m.Pinged)
}

func TestOnlyTheRolesThatAreNamedAreNotified(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	m := post(t, d, discordtest.General, `{"content":"@everyone <@1> <@&20> <@&21>","allowed_mentions":{"parse":[],"roles":["20"]},"nonce":"n","enforce_nonce":true}`)
	require.Equal(t, []string{"20"}, m.Pinged)
	require.Equal(t, "@everyone @ada @!oncall @admins\n", d.Render(m))
}

func TestAnEditChangesWhatItNames(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	m := post(t, d, discordtest.General, message("n", `,"embeds":[{"title":"t"}],"components":[{"type":1,"components":[{"type":2,"style":1,"label":"b","custom_id":"c"}]}]`))
	path := messages(discordtest.General) + "/" + m.ID
	require.Equal(t, 200, call(t, d, http.MethodPatch, path, `{"components":[],`+mentions+`}`).status)
	m = d.Messages(discordtest.General)[0]
	require.Equal(t, "x\n| # t\n", d.Render(m))
	require.Equal(t, 1, m.Edits)
	got := call(t, d, http.MethodPatch, path, `{"content":"","embeds":[],`+mentions+`}`)
	require.Equal(t, 50006, got.code(t), "an edit cannot take everything away")
	require.Equal(t, 200, call(t, d, http.MethodPatch, path, `{"content":null,`+mentions+`}`).status)
	require.Equal(t, "| # t\n", d.Render(d.Messages(discordtest.General)[0]))
	theirs := d.Say("1", discordtest.General, "hello")
	got = call(t, d, http.MethodPatch, messages(discordtest.General)+"/"+theirs.ID, `{"content":"x",`+mentions+`}`)
	require.Equal(t, 50005, got.code(t))
	require.Equal(t, 50013, call(t, d, http.MethodDelete, messages(discordtest.General)+"/"+theirs.ID, "").code(t))
	require.Equal(t, 204, call(t, d, http.MethodDelete, path, "").status)
	require.Equal(t, 10008, call(t, d, http.MethodPatch, path, `{"content":"x",`+mentions+`}`).code(t))
}

func TestMessagesAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Unlimited: true})
	var ids []string
	for i := range 5 {
		ids = append(ids, post(t, d, discordtest.General, message(fmt.Sprint(i), "")).ID)
	}
	list := func(query string) []string {
		got := call(t, d, http.MethodGet, messages(discordtest.General)+query, "")
		var out []string
		for _, m := range got.body.([]any) {
			out = append(out, m.(map[string]any)["id"].(string))
		}
		return out
	}
	require.Equal(t, []string{ids[4], ids[3]}, list("?limit=2"))
	require.Equal(t, []string{ids[1], ids[0]}, list("?before="+ids[2]))
	require.Equal(t, []string{ids[3], ids[2]}, list("?limit=2&after="+ids[1]))
	require.Contains(t, list("?around="+ids[2]), ids[2])
	post(t, d, "13", message("n", ""))
	require.Empty(t, call(t, d, http.MethodGet, messages("13"), "").body, "without the history there is nothing")
	d.Say("1", discordtest.General, "a secret")
	got := call(t, d, http.MethodGet, messages(discordtest.General)+"?limit=1", "")
	require.Empty(t, got.body.([]any)[0].(map[string]any)["content"], "what others wrote needs a privileged intent")
}

func TestAThreadHasTheIDOfItsMessage(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	m := post(t, d, discordtest.General, message("n", ""))
	_, _, begun := d.Thread(m)
	require.False(t, begun)
	path := messages(discordtest.General) + "/" + m.ID + "/threads"
	require.Equal(t, 50035, call(t, d, http.MethodPost, path, `{"name":""}`).code(t))
	require.Equal(t, m.ID, call(t, d, http.MethodPost, path, `{"name":"I-142"}`).field(t, "id"))
	require.Equal(t, 160004, call(t, d, http.MethodPost, path, `{"name":"I-142"}`).code(t))
	inside := post(t, d, m.ID, message("n", ""))
	thread, all, begun := d.Thread(m)
	require.True(t, begun)
	require.Equal(t, "I-142", thread.Name)
	require.Equal(t, []discordtest.Message{inside}, all)
	require.Equal(t, 50024, call(t, d, http.MethodPost, messages(m.ID)+"/"+inside.ID+"/threads", `{"name":"x"}`).code(t))
	thread.Archived = true
	d.AddChannel(thread)
	require.Equal(t, 50083, call(t, d, http.MethodPatch, messages(m.ID)+"/"+inside.ID, `{"content":"y",`+mentions+`}`).code(t))
	post(t, d, m.ID, message("m", ""))
	require.Equal(t, 200, call(t, d, http.MethodPatch, messages(m.ID)+"/"+inside.ID, `{"content":"y",`+mentions+`}`).status, "a post opens it again")
	thread.Locked, thread.Archived = true, true
	d.AddChannel(thread)
	require.Equal(t, 160005, call(t, d, http.MethodPost, messages(m.ID), message("l", "")).code(t))
	d.RemoveChannel(discordtest.General)
	require.Equal(t, 10003, call(t, d, http.MethodPost, messages(m.ID), message("k", "")).code(t), "the thread went with its channel")
}

// form is a request with files.
func form(t *testing.T, payload string, files map[string]string) (kind string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	require.NoError(t, w.WriteField("payload_json", payload))
	for field, content := range files {
		part, err := w.CreateFormFile(field, "plot.png")
		require.NoError(t, err)
		_, err = part.Write([]byte(content))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return w.FormDataContentType(), b.Bytes()
}

func TestFilesComeBesideTheirMessage(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	upload := func(channel, payload string, files map[string]string) answer {
		kind, body := form(t, payload, files)
		return send(t, d, http.MethodPost, messages(channel), kind, body, "Bot "+discordtest.BotToken)
	}
	named := message("n", `,"attachments":[{"id":"0","filename":"disk.png","description":"disk"}]`)
	require.Equal(t, 200, upload(discordtest.General, named, map[string]string{"files[0]": "PNG"}).status)
	m := d.Messages(discordtest.General)[0]
	require.Equal(t, "x\n[file disk.png: disk, 3 bytes]\n", d.Render(m))
	require.Equal(t, []byte("PNG"), m.Attachments[0].Body)
	require.Equal(t, 200, upload(discordtest.General, message("m", ""), map[string]string{"files[0]": "PNG"}).status, "a file that is not named")
	require.Equal(t, 400, upload(discordtest.General, message("l", `,"attachments":[{"id":"0"}]`), map[string]string{"files[1]": "PNG"}).status, "a name without its file")
	require.Equal(t, 400, upload(discordtest.General, message("k", ""), map[string]string{"picture": "PNG"}).status)
	require.Equal(t, 50013, upload("12", message("k", ""), map[string]string{"files[0]": "PNG"}).code(t))
	require.Equal(t, 413, upload("13", message("k", ""), map[string]string{"files[0]": strings.Repeat("x", 10<<20+1)}).status)
	path := messages(discordtest.General) + "/" + m.ID
	require.Equal(t, 200, call(t, d, http.MethodPatch, path, `{"attachments":[],`+mentions+`}`).status)
	require.Equal(t, "x\n", d.Render(d.Messages(discordtest.General)[0]))
}

func TestTheGuildIsToldAsItIs(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Privileged: discordtest.IntentContent, Unlimited: true})
	guild := "/guilds/" + discordtest.GuildID
	require.Equal(t, discordtest.BotUser, call(t, d, "GET", "/users/@me", "").field(t, "id"))
	require.Equal(t, discordtest.PublicKey(), call(t, d, "GET", "/applications/@me", "").field(t, "verify_key"))
	require.EqualValues(t, 1<<19, call(t, d, "GET", "/applications/@me", "").field(t, "flags"))
	require.Equal(t, discordtest.Owner, call(t, d, "GET", guild, "").field(t, "owner_id"))
	require.Len(t, call(t, d, "GET", guild+"/roles", "").body, 4)
	require.Len(t, call(t, d, "GET", guild+"/channels", "").body, 5)
	require.Equal(t, []any{"20"}, call(t, d, "GET", guild+"/members/1", "").field(t, "roles"))
	direct := call(t, d, "POST", "/users/@me/channels", `{"recipient_id":"1"}`).field(t, "id").(string)
	post(t, d, direct, message("n", ""))
	d.AddUser(discordtest.User{ID: "1", Name: "ada", Closed: true})
	require.Equal(t, 50007, call(t, d, "POST", messages(direct), message("m", "")).code(t))
	d.AddUser(discordtest.User{ID: discordtest.BotUser, Bot: true, Absent: true})
	require.Equal(t, 50001, call(t, d, "GET", guild, "").code(t), "the bot was thrown out")
	require.Equal(t, 50001, call(t, d, "POST", messages(discordtest.General), message("n", "")).code(t))
}

func TestCommandsKeepTheirIDs(t *testing.T) {
	t.Parallel()
	d := discordtest.New(t, discordtest.Options{})
	path := "/applications/" + discordtest.AppID + "/commands"
	first := call(t, d, "PUT", path, `[{"name":"salve","description":"x"}]`).body.([]any)[0].(map[string]any)
	second := call(t, d, "PUT", path, `[{"name":"salve","description":"y"},{"name":"more","description":"x"}]`).body.([]any)
	require.Equal(t, first["id"], second[0].(map[string]any)["id"])
	require.Equal(t, []string{"more", "salve"}, d.Commands())
	require.Len(t, call(t, d, "GET", path, "").body, 2)
	require.Empty(t, call(t, d, "GET", "/applications/"+discordtest.AppID+"/guilds/"+discordtest.GuildID+"/commands", "").body)
}
