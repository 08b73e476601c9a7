package slacktest

import (
	"encoding/json"
	"io"
	"net/http"
	"time"

	"salve/integrations/slack/legal"
)

const (
	responseLives = 30 * time.Minute
	responseUses  = 5
)

// response is a response_url: a way to answer a gesture.
type response struct {
	user    string
	channel string
	message string // TS of the message that the gesture was made on; "": none
	private bool   // that message is an ephemeral one
	at      time.Time
	uses    int
}

// newResponse makes a response_url.
func (s *Slack) newResponse(r response) string {
	id := secret()
	r.at = s.now()
	s.responses[id] = &r
	return s.server.URL + "/response/" + id
}

// serveResponse takes JSON alone. Calls are logged as those of "response_url".
func (s *Slack) serveResponse(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		http.Error(w, "unreadable request", http.StatusBadRequest)
		return
	}
	call := Call{Method: "response_url", Args: map[string]string{"body": string(body), "id": r.PathValue("id")}}
	fault := s.takeFault(call)
	if !s.hold(r, fault) {
		return
	}
	if fault.before() {
		s.record(call, fault)
		fault.answer(w)
		return
	}
	code := s.respond(call.Args["id"], body)
	call.Error, call.Done, call.Status = code, code == "", http.StatusOK
	switch code {
	case "":
	case "used_url", "expired_url":
		call.Status = http.StatusNotFound
	default:
		call.Status = http.StatusBadRequest
	}
	s.record(call, fault)
	if fault.CutAfter {
		cut(w)
		return
	}
	if code != "" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(call.Status)
		_ = json.NewEncoder(w).Encode(map[string]any{"ok": false, "error": code}) // the other side is gone
		return
	}
	_, _ = w.Write([]byte("ok")) // likewise
}

// respond returns the error, "" when it was taken.
func (s *Slack) respond(id string, body []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.responses[id]
	switch {
	case r == nil, s.now().Sub(r.at) > responseLives:
		return "expired_url"
	case r.uses >= responseUses:
		return "used_url"
	}
	var root map[string]any
	if json.Unmarshal(body, &root) != nil {
		return "invalid_payload"
	}
	if no := judgeContent(root, legal.Response); no != nil {
		return no.code
	}
	r.uses++
	s.show(r, root)
	s.touch()
	return ""
}

// show carries out what an answer to a gesture says.
func (s *Slack) show(r *response, root map[string]any) {
	isTrue := func(name string) bool { b, _ := root[name].(bool); return b }
	text := func(name string) string { t, _ := root[name].(string); return t }
	m := Message{
		Channel: r.channel, User: BotUser, Text: cutRunes(text("text"), maxPostedText), Thread: text("thread_ts"),
		Blocks: s.keep(root["blocks"]), Attachments: s.keep(root["attachments"]),
	}
	switch {
	case r.message != "" && (isTrue("delete_original") || isTrue("replace_original")):
		s.rewrite(r, m, isTrue("delete_original"))
	case text("response_type") == "in_channel":
		m.TS = s.stamp(r.channel)
		s.messages[r.channel] = append(s.messages[r.channel], &m)
	default:
		m.TS, m.Private = s.stamp(r.channel), true
		s.seen = append(s.seen, Ephemeral{Message: m, To: r.user, From: "response_url"})
	}
}

// rewrite replaces or deletes the message that the gesture was made on.
func (s *Slack) rewrite(r *response, m Message, remove bool) {
	for i, old := range s.seen {
		if old.TS == r.message && old.Channel == r.channel && old.To == r.user {
			if remove {
				s.seen = append(s.seen[:i:i], s.seen[i+1:]...)
				return
			}
			s.seen[i].Text, s.seen[i].Blocks, s.seen[i].Attachments = m.Text, m.Blocks, m.Attachments
			s.seen[i].Edits++
			return
		}
	}
	old := s.message(r.channel, r.message)
	if old == nil {
		return
	}
	if remove {
		kept := s.messages[r.channel][:0:0]
		for _, other := range s.messages[r.channel] {
			if other != old {
				kept = append(kept, other)
			}
		}
		s.messages[r.channel] = kept
		return
	}
	old.Text, old.Blocks, old.Attachments, old.Edits = m.Text, m.Blocks, m.Attachments, old.Edits+1
}
