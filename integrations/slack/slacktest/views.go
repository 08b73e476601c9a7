package slacktest

import (
	"encoding/json"
	"regexp"
	"time"

	"salve/integrations/slack/legal"
)

const triggerLives = 3 * time.Second

// trigger lets the app open a view for whoever did something.
type trigger struct {
	user string
	at   time.Time
	used bool
}

func (s *Slack) newTrigger(user string) string {
	s.serial++
	id := formatTrigger(s.serial)
	s.triggers[id] = &trigger{user: user, at: s.now()}
	return id
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
	s.serial++
	v.Hash = formatTS(s.now()) + formatTrigger(s.serial)[:6]
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
