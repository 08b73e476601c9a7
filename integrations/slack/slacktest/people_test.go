package slacktest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"salve/integrations/slack/slacktest"
)

// listener acknowledges everything at once, with a payload if reply gives one.
func listener(t *testing.T, s *slacktest.Slack, reply func(payload map[string]any) any) (heard func() []map[string]any) {
	t.Helper()
	conn := dial(t, s)
	var mu sync.Mutex
	var all []map[string]any
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			var e map[string]any
			if conn.ReadJSON(&e) != nil {
				return
			}
			payload, _ := e["payload"].(map[string]any)
			mu.Lock()
			all = append(all, payload)
			mu.Unlock()
			ack := map[string]any{"envelope_id": e["envelope_id"]}
			if reply != nil {
				if answer := reply(payload); answer != nil {
					ack["payload"] = answer
				}
			}
			_ = conn.WriteMessage(websocket.TextMessage, []byte(encode(t, ack)))
		}
	})
	t.Cleanup(func() { _ = conn.Close(); reading.Wait() })
	return func() []map[string]any {
		mu.Lock()
		defer mu.Unlock()
		return append([]map[string]any(nil), all...)
	}
}

const form = `{"type":"modal","callback_id":"deny","private_metadata":"t1","title":{"type":"plain_text","text":"Deny"},
	"submit":{"type":"plain_text","text":"Deny"},"blocks":[
	{"type":"section","text":{"type":"mrkdwn","text":"*I-1*"}},
	{"type":"input","block_id":"why","label":{"type":"plain_text","text":"Reason"},"element":{"type":"plain_text_input","action_id":"text","max_length":10}},
	{"type":"input","block_id":"n","optional":true,"label":{"type":"plain_text","text":"How many"},"element":{"type":"number_input","action_id":"n","is_decimal_allowed":false,"min_value":"1","max_value":"5","initial_value":"2"}},
	{"type":"input","block_id":"to","optional":true,"label":{"type":"plain_text","text":"To"},"element":{"type":"static_select","action_id":"to","options":[{"text":{"type":"plain_text","text":"Team A"},"value":"a"}]}}]}`

func TestATriggerOpensOneViewWithinThreeSeconds(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	listener(t, s, nil)
	h := s.Slash("U1", "C0GENERAL", "deny I-1")
	open := func(trigger string) any {
		_, body, _ := call(t, s, "views.open", map[string]string{"trigger_id": trigger, "view": form})
		if body["ok"] == true {
			return nil
		}
		return body["error"]
	}
	require.Nil(t, open(h.Trigger))
	require.Equal(t, "exchanged_trigger_id", open(h.Trigger))
	require.Equal(t, "invalid_trigger_id", open("1.2.abc"))
	late := s.Slash("U1", "C0GENERAL", "deny I-1")
	s.Advance(3100 * time.Millisecond)
	require.Equal(t, "expired_trigger_id", open(late.Trigger))

	v, ok := h.Opened()
	require.True(t, ok)
	require.Equal(t, "U1", v.User)
	require.Equal(t, "== Deny ==\n*I-1*\nReason: <>\nHow many (optional): <2>\nTo (optional): <> Team A\n[Deny]\n", s.RenderView(v))
}

func TestAHashKeepsAnOlderViewFromReplacingANewerOne(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	publish := func(hash string) map[string]any {
		_, body, _ := call(t, s, "views.publish", map[string]string{"user_id": "U1", "hash": hash, "view": `{"type":"home","blocks":[{"type":"divider"}]}`})
		return body
	}
	first := publish("")["view"].(map[string]any)["hash"].(string)
	require.Equal(t, true, publish(first)["ok"])
	require.Equal(t, "hash_conflict", publish(first)["error"])
	home, ok := s.Home("U1")
	require.True(t, ok)
	require.Equal(t, 1, home.Updates)
	require.Equal(t, "----\n", s.RenderView(home))
}

func TestViewsStackThreeHigh(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	listener(t, s, nil)
	view := strings.Replace(form, `"blocks":[`, `"blocks":[{"type":"actions","elements":[{"type":"button","action_id":"more","text":{"type":"plain_text","text":"More"}}]},`, 1)
	h := s.Slash("U1", "C0GENERAL", "x")
	_, body, _ := call(t, s, "views.open", map[string]string{"trigger_id": h.Trigger, "view": view})
	for height := 2; height <= 4; height++ {
		top, ok := s.View(body["view"].(map[string]any)["id"].(string))
		require.True(t, ok)
		h = s.PressIn("U1", top, "More")
		var pushed map[string]any
		_, pushed, _ = call(t, s, "views.push", map[string]string{"trigger_id": h.Trigger, "view": view})
		if height == 4 {
			require.Equal(t, "push_limit_reached", pushed["error"])
			return
		}
		require.Equal(t, true, pushed["ok"], "%v", pushed)
		body = pushed
	}
}

func TestAPersonFillsInAFormAsTheirClientLetsThem(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	heard := listener(t, s, func(p map[string]any) any {
		if p["type"] == "view_submission" && strings.Contains(encode(t, p), `"value":"bad"`) {
			return map[string]any{"response_action": "errors", "errors": map[string]string{"why": "say more"}}
		}
		return nil
	})
	h := s.Slash("U1", "C0GENERAL", "x")
	_, _, _ = call(t, s, "views.open", map[string]string{"trigger_id": h.Trigger, "view": form})
	v, ok := h.Opened()
	require.True(t, ok)
	for blocked, values := range map[string]map[string]string{
		"Reason: must be filled in":             {},
		"Reason: must be 10 characters or less": {"Reason": "far too long a reason"},
		"How many: must be 5 or less":           {"why": "ok", "n": "6"},
		"How many: must be a number":            {"why": "ok", "n": "1.5"},
		`To: there is no option "Team B"`:       {"why": "ok", "To": "Team B"},
		`there is no field "colour"`:            {"why": "ok", "colour": "red"},
	} {
		require.Equal(t, blocked, s.Submit(v, values).Blocked)
	}
	require.Len(t, heard(), 1, "nothing of that was sent")

	h = s.Submit(v, map[string]string{"why": "bad"})
	require.Equal(t, map[string]string{"why": "say more"}, h.Errors)
	require.Len(t, s.Views("U1"), 1, "the view stays open")
	h = s.Submit(v, map[string]string{"Reason": "too risky", "to": "a"})
	require.True(t, h.Acked)
	require.Empty(t, s.Views("U1"))
	sent := heard()[2]["view"].(map[string]any)
	require.Equal(t, "t1", sent["private_metadata"])
	require.JSONEq(t, `{"why":{"text":{"type":"plain_text_input","value":"too risky"}},"n":{"n":{"type":"number_input","value":"2"}},
		"to":{"to":{"type":"static_select","selected_option":{"text":{"type":"plain_text","text":"Team A"},"value":"a"}}}}`,
		encode(t, sent["state"].(map[string]any)["values"]))
}

func TestAnAcknowledgementMayReplaceAViewOrCloseThemAll(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	answers := make(chan any, 3)
	listener(t, s, func(p map[string]any) any {
		if p["type"] != "view_submission" {
			return nil
		}
		return <-answers
	})
	h := s.Slash("U1", "C0GENERAL", "x")
	_, _, _ = call(t, s, "views.open", map[string]string{"trigger_id": h.Trigger, "view": form})
	v, _ := h.Opened()
	answers <- map[string]any{"response_action": "update", "view": json.RawMessage(`{"type":"modal","title":{"type":"plain_text","text":"Done"},"blocks":[]}`)}
	s.Submit(v, map[string]string{"why": "ok"})
	now, _ := s.View(v.ID)
	require.Equal(t, "== Done ==\n", s.RenderView(now))
	answers <- map[string]any{"response_action": "clear"}
	s.Submit(now, nil)
	require.Empty(t, s.Views("U1"))
}

func respondTo(t *testing.T, address, body string) (int, string) {
	t.Helper()
	answer, err := http.Post(address, "application/json", strings.NewReader(body))
	require.NoError(t, err)
	defer func() { _ = answer.Body.Close() }()
	var out bytes.Buffer
	_, err = out.ReadFrom(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, strings.TrimSpace(out.String())
}

func TestAResponseURLAnswersFiveTimesInHalfAnHour(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	listener(t, s, nil)
	h := s.Slash("U1", "C0OUTSIDE", "list")
	for range 5 {
		status, body := respondTo(t, h.ResponseURL, `{"text":"here"}`)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "ok", body)
	}
	status, body := respondTo(t, h.ResponseURL, `{"text":"here"}`)
	require.Equal(t, http.StatusNotFound, status)
	require.JSONEq(t, `{"ok":false,"error":"used_url"}`, body)
	require.Len(t, h.Ephemerals(), 5, "in a channel that the bot is not in")

	late := s.Slash("U1", "C0GENERAL", "list")
	s.Advance(31 * time.Minute)
	_, body = respondTo(t, late.ResponseURL, `{"text":"here"}`)
	require.JSONEq(t, `{"ok":false,"error":"expired_url"}`, body)
	require.Equal(t, 5, s.Count("response_url", ""))
}

func TestAResponseURLReplacesWhatChatUpdateCannot(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	listener(t, s, nil)
	_, posted, _ := call(t, s, "chat.postEphemeral", map[string]string{"channel": "C0GENERAL", "user": "U1", "text": "x",
		"blocks": `[{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Confirm"},"value":"v"}]}]`})
	whisper := s.Ephemerals("U1")[0]
	_, body, _ := call(t, s, "chat.update", map[string]string{"channel": "C0GENERAL", "ts": posted["message_ts"].(string), "text": "y"})
	require.Equal(t, "message_not_found", body["error"])
	h := s.Press("U1", whisper.Message, "Confirm")
	// What slack-go sends when nothing else is set with MsgOptionReplaceOriginal.
	status, _ := respondTo(t, h.ResponseURL, `{"text":"done","replace_original":true,"blocks":null,"metadata":{"event_type":"","event_payload":null}}`)
	require.Equal(t, http.StatusBadRequest, status)
	status, _ = respondTo(t, h.ResponseURL, `{"text":"done","replace_original":true}`)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "done\n", s.Render(s.Ephemerals("U1")[0].Message))
	status, _ = respondTo(t, h.ResponseURL, `{"delete_original":true}`)
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, s.Ephemerals("U1"))
	status, _ = respondTo(t, h.ResponseURL, `{"text":"all see it","response_type":"in_channel"}`)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "all see it", s.Messages("C0GENERAL")[0].Text)
}

func TestEveryClickIsANewOneAndCarriesWhatThePersonSaw(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	heard := listener(t, s, nil)
	card := func(token string) string {
		return `[{"color":"#D93025","blocks":[{"type":"actions","block_id":"act","elements":[
		{"type":"button","style":"primary","action_id":"a1","text":{"type":"plain_text","text":"Approve"},"value":"` + token + `",
		 "confirm":{"title":{"type":"plain_text","text":"Sure?"},"text":{"type":"mrkdwn","text":"digest 3fa9c1d2"}}},
		{"type":"overflow","action_id":"more","options":[{"text":{"type":"plain_text","text":"Why"},"value":"w-` + token + `"}]}]}]}]`
	}
	_, posted, _ := call(t, s, "chat.postMessage", map[string]string{"channel": "C0GENERAL", "text": "x", "attachments": card("old")})
	ts := posted["ts"].(string)
	seen, _ := s.Message("C0GENERAL", ts)
	_, _, _ = call(t, s, "chat.update", map[string]string{"channel": "C0GENERAL", "ts": ts, "text": "x", "attachments": card("new")})
	require.Equal(t, "x\n| (#D93025)\n| [+Approve] [...: Why]\n", s.Render(seen))

	one, two := s.Press("U1", seen, "Approve"), s.Press("U1", seen, "a1")
	require.Equal(t, "Sure?\ndigest 3fa9c1d2", one.Confirm)
	require.NotEqual(t, one.ID, two.ID)
	require.NotEqual(t, one.Trigger, two.Trigger)
	s.Press("U1", seen, "Why")
	actions := func(i int) map[string]any { return heard()[i]["actions"].([]any)[0].(map[string]any) }
	require.Equal(t, "old", actions(0)["value"], "as it was when the person looked")
	require.Equal(t, "w-old", actions(2)["selected_option"].(map[string]any)["value"])
}

func TestManyPeoplePressAtOnce(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	heard := listener(t, s, nil)
	listener(t, s, nil)
	_, posted, _ := call(t, s, "chat.postMessage", map[string]string{"channel": "C0GENERAL", "text": "x", "blocks": `[` + actionsOf("Approve") + `]`})
	m, _ := s.Message("C0GENERAL", posted["ts"].(string))
	var all sync.WaitGroup
	var mu sync.Mutex
	ids := map[string]bool{}
	for range 50 {
		all.Go(func() {
			h := s.Press("U1", m, "Approve")
			mu.Lock()
			defer mu.Unlock()
			if h.Acked && s.Acks(h.ID) == 1 {
				ids[h.ID] = true
			}
		})
	}
	all.Wait()
	require.Len(t, ids, 50)
	require.Len(t, heard(), 25, "two sockets take turns")
}

func actionsOf(label string) string {
	return `{"type":"actions","elements":[{"type":"button","action_id":"a","value":"v","text":{"type":"plain_text","text":"` + label + `"}}]}`
}

func TestAMessageIsEditedByWhoPostedItAlone(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	theirs := s.Say("U1", "C0GENERAL", "hello")
	for method, want := range map[string]string{"chat.update": "cant_update_message", "chat.delete": "cant_delete_message"} {
		args := map[string]string{"channel": "C0GENERAL", "ts": theirs.TS}
		if method == "chat.update" {
			args["text"] = "mine"
		}
		_, body, _ := call(t, s, method, args)
		require.Equal(t, want, body["error"])
	}
	_, posted, _ := call(t, s, "chat.postMessage", map[string]string{"channel": "C0GENERAL", "text": strings.Repeat("é", 40_001)})
	m, _ := s.Message("C0GENERAL", posted["ts"].(string))
	require.Equal(t, strings.Repeat("é", 40_000), m.Text, "what is too long is cut and nothing is said")
}

func TestAMessageLooksAsAPersonSeesIt(t *testing.T) {
	t.Parallel()
	s := town(t, slacktest.Options{})
	const blocks = `[{"type":"header","text":{"type":"plain_text","text":"db-3 <disk>"}},
		{"type":"section","text":{"type":"mrkdwn","text":"a &lt;!channel&gt; &amp; b\n<https://x.example/1|graph> <!date^1700000000^{time}|22:13> <@U1> <!subteam^S1>"},
		 "fields":[{"type":"mrkdwn","text":"*State*\nwaiting"},{"type":"mrkdwn","text":"*Owner*\nada"},{"type":"plain_text","text":"last"}],
		 "accessory":{"type":"button","text":{"type":"plain_text","text":"Take"}}},
		{"type":"table","rows":[[{"type":"raw_text","text":"a"},{"type":"raw_text","text":"b"}]]},
		{"type":"context","elements":[{"type":"mrkdwn","text":"I-1"}]},
		{"type":"actions","elements":[{"type":"button","style":"primary","text":{"type":"plain_text","text":"Approve"}},{"type":"button","style":"danger","text":{"type":"plain_text","text":"Deny"}}]}]`
	_, posted, _ := call(t, s, "chat.postMessage", map[string]string{"channel": "C0GENERAL", "text": "alone", "blocks": blocks})
	m, ok := s.Message("C0GENERAL", posted["ts"].(string))
	require.True(t, ok, "%v", posted)
	require.Equal(t, `# db-3 <disk>
a <!channel> & b
graph (https://x.example/1) 22:13 [[@ada]] [[@S1]]  [Take]
*State* waiting                        *Owner* ada
last
a | b
  I-1
[+Approve] [!Deny]
`, s.Render(m))
}
