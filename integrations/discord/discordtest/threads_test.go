package discordtest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/discord/discordtest"
)

func TestThreadsAreListedAndTakenOutOfTheArchive(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Unlimited: true})
	m := post(t, d, discordtest.General, message("n", ""))
	call(t, d, http.MethodPost, messages(discordtest.General)+"/"+m.ID+"/threads", `{"name":"I-142"}`)
	d.AddChannel(discordtest.Channel{ID: "50", Name: "hidden", Parent: "10"})
	open := func() []any {
		return call(t, d, http.MethodGet, "/guilds/"+discordtest.GuildID+"/threads/active", "").field(t, "threads").([]any)
	}
	require.Len(t, open(), 1, "a thread of a channel that it does not see is not told")
	inside := post(t, d, m.ID, message("i", ""))
	require.Equal(t, inside.ID, open()[0].(map[string]any)["last_message_id"])
	require.Equal(t, 200, call(t, d, http.MethodPatch, "/channels/"+m.ID, `{"archived":true}`).status)
	require.Empty(t, open())
	require.Equal(t, 200, call(t, d, http.MethodPatch, "/channels/"+m.ID, `{"archived":false}`).status)
	require.Len(t, open(), 1)
	require.Equal(t, 50013, call(t, d, http.MethodPatch, "/channels/"+discordtest.General, `{"name":"x"}`).code(t))
	d.AddChannel(discordtest.Channel{ID: m.ID, Name: "I-142", Parent: discordtest.General, Locked: true})
	require.Equal(t, 160005, call(t, d, http.MethodPatch, "/channels/"+m.ID, `{"archived":false}`).code(t))
}

func TestAReplyNotifiesTheAuthorUnlessItSaysOtherwise(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Unlimited: true, Lenient: true})
	said := d.Say("1", discordtest.General, "what happened?")
	reference := `"message_reference":{"message_id":"` + said.ID + `"}`
	m := post(t, d, discordtest.General, `{"content":"x",`+reference+`}`)
	require.Equal(t, said.ID, m.ReplyTo)
	require.Equal(t, []string{"1"}, m.Pinged)
	require.Equal(t, "(reply)\nx\n", d.Render(m))
	require.Empty(t, post(t, d, discordtest.General, message("n", ","+reference)).Pinged)
	got := call(t, d, http.MethodPost, messages(discordtest.General), message("m", `,"message_reference":{"message_id":"99"}`))
	require.Equal(t, 50035, got.code(t))
	m = post(t, d, discordtest.General, message("k", `,"message_reference":{"message_id":"99","fail_if_not_exists":false}`))
	require.Empty(t, m.ReplyTo)
}

func TestAFormMayTellSomethingAndAskForPeople(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	a := listening(t, d, always(`{"type":9,"data":{"custom_id":"m","title":"Ask","components":[{"type":10,"content":"read\nthis"},
		{"type":18,"label":"Whom","component":{"type":5,"custom_id":"whom","default_values":[{"id":"2","type":"user"}]}}]}}`))
	h := d.Slash("1", discordtest.General, "list", nil)
	require.Equal(t, discordtest.AnswerModal, h.Answer, h.Refused)
	require.Contains(t, d.RenderModal(h.Modal), "== Ask ==\nread\nthis\nWhom*: ")
	for given, want := range map[string]string{"": "2", "1": "1"} {
		values := map[string]string{}
		if given != "" {
			values["Whom"] = given
		}
		require.Empty(t, d.Submit(h.Modal, values).Blocked)
		rows := a.last()["data"].(map[string]any)["components"].([]any)
		require.Equal(t, map[string]any{"type": 10., "id": 1.}, rows[0])
		require.Equal(t, []any{want}, rows[1].(map[string]any)["component"].(map[string]any)["values"])
	}
}
