package slacktest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"time"

	"salve/integrations/slack/legal"
)

const (
	triggerLives = 3 * time.Second
	maxViewStack = 3
)

// trigger lets the app open a view for whoever did something.
type trigger struct {
	user string
	view string // in which it was made; "": none
	at   time.Time
	used bool
}

// newTrigger makes a trigger for the user, who did something in the view if it
// is not "".
func (s *Slack) newTrigger(user, view string) string {
	s.serial++
	id := formatTrigger(s.serial)
	s.triggers[id] = &trigger{user: user, view: view, at: s.now()}
	return id
}

func formatTrigger(serial int) string {
	return fmt.Sprintf("%d.%d.%s", 100000+serial, 7000000, secret())
}

var triggerForm = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9a-f]+$`)

// spend uses up a trigger.
func (s *Slack) spend(id string) (*trigger, *refusal) {
	t := s.triggers[id]
	switch {
	case !triggerForm.MatchString(id), t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case s.now().Sub(t.at) > triggerLives:
		return nil, refuse("expired_trigger_id")
	}
	t.used = true
	return t, nil
}

func (s *Slack) openView(req *request) (answer, *refusal) {
	if no := judgeView(req, legal.Modal); no != nil {
		return nil, no
	}
	t, no := s.spend(req.args["trigger_id"])
	if no != nil {
		return nil, no
	}
	v := &View{ID: s.id("V"), Kind: "modal", User: t.user, Trigger: req.args["trigger_id"]}
	v.Root = v.ID
	if no := s.fill(v, req.args["view"]); no != nil {
		return nil, no
	}
	for _, old := range s.views {
		old.Closed = old.Closed || old.User == t.user && old.Kind == "modal"
	}
	s.views[v.ID] = v
	return answer{"view": v.json()}, nil
}

// pushView puts a view on top of the one in which the trigger was made.
func (s *Slack) pushView(req *request) (answer, *refusal) {
	if no := judgeView(req, legal.Modal); no != nil {
		return nil, no
	}
	t, no := s.spend(req.args["trigger_id"])
	if no != nil {
		return nil, no
	}
	below := s.views[t.view]
	switch {
	case below == nil || below.Closed || below.Kind != "modal":
		return nil, refuse("not_found")
	case s.height(below) >= maxViewStack:
		return nil, refuse("push_limit_reached")
	}
	v := &View{ID: s.id("V"), Kind: "modal", User: t.user, Trigger: req.args["trigger_id"], Root: below.Root, Previous: below.ID}
	if no := s.fill(v, req.args["view"]); no != nil {
		return nil, no
	}
	s.views[v.ID] = v
	return answer{"view": v.json()}, nil
}

// height is how many views lie on each other up to v.
func (s *Slack) height(v *View) int {
	n := 1
	for below := s.views[v.Previous]; below != nil; below = s.views[below.Previous] {
		n++
	}
	return n
}

func (s *Slack) updateView(req *request) (answer, *refusal) {
	v := s.views[req.args["view_id"]]
	for _, other := range s.views {
		if external := req.args["external_id"]; v == nil && external != "" && other.External == external {
			v = other
		}
	}
	if v == nil || v.Closed {
		return nil, refuse("not_found")
	}
	if no := judgeView(req, legal.Kind(v.Kind)); no != nil {
		return nil, no
	}
	if hash := req.args["hash"]; hash != "" && hash != v.Hash {
		return nil, refuse("hash_conflict")
	}
	if no := s.fill(v, req.args["view"]); no != nil {
		return nil, no
	}
	v.Updates++
	return answer{"view": v.json()}, nil
}

func (s *Slack) publishView(req *request) (answer, *refusal) {
	if no := judgeView(req, legal.Home); no != nil {
		return nil, no
	}
	u := s.user(req.args["user_id"])
	if u == nil || u.Deleted {
		return nil, refuse("invalid_arguments", "[ERROR] invalid user_id")
	}
	v := s.homes[u.ID]
	if v == nil {
		v = &View{ID: s.id("V"), Kind: "home", User: u.ID}
		v.Root = v.ID
	} else if hash := req.args["hash"]; hash != "" && hash != v.Hash {
		return nil, refuse("hash_conflict")
	} else {
		v.Updates++
	}
	if no := s.fill(v, req.args["view"]); no != nil {
		return nil, no
	}
	s.homes[u.ID], s.views[v.ID] = v, v
	return answer{"view": v.json()}, nil
}

func judgeView(req *request, kind legal.Kind) *refusal {
	if len(req.args["view"]) > 250_000 {
		return refuse("view_too_large")
	}
	var messages []string
	for _, p := range legal.Check(kind, []byte(req.args["view"])) {
		messages = append(messages, "[ERROR] "+p.Text+" [json-pointer:/view"+p.Pointer+"]")
	}
	if len(messages) > 0 {
		return refuse("invalid_arguments", messages...)
	}
	return nil
}

// fill puts a body into the view, which gets a new hash.
func (s *Slack) fill(v *View, body string) *refusal {
	var decoded map[string]any
	if json.Unmarshal([]byte(body), &decoded) != nil {
		return refuse("invalid_arguments", "[ERROR] failed to parse view")
	}
	if external, _ := decoded["external_id"].(string); external != "" {
		for _, other := range s.views {
			if other != v && !other.Closed && other.External == external {
				return refuse("duplicate_external_id")
			}
		}
		v.External = external
	}
	if blocks, ok := decoded["blocks"].([]any); ok {
		s.name(blocks)
	}
	v.Body, _ = json.Marshal(decoded) // it was decoded from JSON
	v.Hash = fmt.Sprintf("%d.%s", s.now().Unix(), secret()[:8])
	return nil
}

// json is the view as Slack answers it.
func (v *View) json() map[string]any {
	out := map[string]any{}
	_ = json.Unmarshal(v.Body, &out) // it was encoded from a map
	for name, empty := range map[string]any{"private_metadata": "", "callback_id": "", "external_id": "", "clear_on_close": false, "notify_on_close": false} {
		if _, ok := out[name]; !ok {
			out[name] = empty
		}
	}
	out["id"], out["hash"], out["team_id"], out["app_id"], out["bot_id"] = v.ID, v.Hash, TeamID, AppID, BotID
	out["root_view_id"], out["app_installed_team_id"] = v.Root, TeamID
	out["previous_view_id"] = nil
	if v.Previous != "" {
		out["previous_view_id"] = v.Previous
	}
	if _, ok := out["state"]; !ok {
		out["state"] = map[string]any{"values": map[string]any{}}
	}
	return out
}
