package slack

import (
	"encoding/json"
	"regexp"
	"strings"

	"salve/bot"
)

// shortcutID is the callback_id of the shortcut on messages.
const shortcutID = "raise"

// interaction is a click, a form or a shortcut, as far as it is read. The
// library reads the whole message and view beside it, and stumbles over what it
// does not know of them.
type interaction struct {
	Type       string     `json:"type"`
	Trigger    string     `json:"trigger_id"`
	Callback   string     `json:"callback_id"`
	Response   string     `json:"response_url"`
	ActionTS   string     `json:"action_ts"`
	Team       *tenant    `json:"team"`
	Enterprise *tenant    `json:"enterprise"`
	User       interactor `json:"user"`
	Channel    *tenant    `json:"channel"`
	Container  container  `json:"container"`
	Actions    []pressed  `json:"actions"`
	View       *filled    `json:"view"`
	Message    *chosen    `json:"message"`
	MessageTS  string     `json:"message_ts"`
}

type tenant struct {
	ID string `json:"id"`
}

type interactor struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Username string `json:"username"`
	Team     string `json:"team_id"`
}

type container struct {
	Type    string `json:"type"`
	Message string `json:"message_ts"`
	Channel string `json:"channel_id"`
	Thread  string `json:"thread_ts"`
}

type pressed struct {
	Type   string  `json:"type"`
	Action string  `json:"action_id"`
	Value  string  `json:"value"`
	Option *option `json:"selected_option"`
	TS     string  `json:"action_ts"`
}

type filled struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Hash     string `json:"hash"`
	Callback string `json:"callback_id"`
	Private  string `json:"private_metadata"`
	State    struct {
		Values map[string]map[string]entered `json:"values"`
	} `json:"state"`
}

type entered struct {
	Type   string  `json:"type"`
	Value  string  `json:"value"`
	Option *option `json:"selected_option"`
	User   string  `json:"selected_user"`
}

type chosen struct {
	Text   string `json:"text"`
	TS     string `json:"ts"`
	Thread string `json:"thread_ts"`
}

func id(t *tenant) string {
	if t == nil {
		return ""
	}
	return t.ID
}

// interaction decodes one; false: there is nothing to do about it. seen names
// the delivery where no trigger does.
func (d decoder) interaction(raw []byte, seen string) (bot.Gesture, bool, error) {
	var in interaction
	if json.Unmarshal(raw, &in) != nil {
		return bot.Gesture{}, false, refuse("it is no interaction")
	}
	names := []string{in.Type, "trigger", in.Trigger}
	if in.Trigger == "" {
		names = []string{in.Type, "delivery", seen}
	}
	from := origin{
		team: id(in.Team), enterprise: id(in.Enterprise), userTeam: in.User.Team, user: in.User.ID, name: in.User.Name,
	}
	if from.name == "" {
		from.name = in.User.Username
	}
	switch in.Type {
	case "block_actions":
		return d.press(in, from, names)
	case "view_submission":
		return d.fill(in, from, names)
	case "message_action":
		return d.choose(in, from, names)
	case "view_closed", "shortcut", "block_suggestion":
		return bot.Gesture{}, false, nil
	default:
		return bot.Gesture{}, false, refuse("it is an interaction of a kind that Salve does not offer")
	}
}

// ourAction are the action_ids that Salve gives out.
var ourAction = regexp.MustCompile(`^([bmr][0-9]{1,3}|` + moreAction + `)$`)

func (d decoder) press(in interaction, from origin, names []string) (bot.Gesture, bool, error) {
	if len(in.Actions) != 1 {
		return bot.Gesture{}, false, refuse("it has %d actions and not one", len(in.Actions))
	}
	a := in.Actions[0]
	if !ourAction.MatchString(a.Action) {
		return bot.Gesture{}, false, refuse("its action is none of ours")
	}
	token := a.Value
	if a.Action == moreAction {
		token = ""
		if a.Option != nil {
			token = a.Option.Value
		}
	}
	if token == "" || len(token) > maxToken {
		return bot.Gesture{}, false, refuse("its button has no token")
	}
	g, err := d.gesture(bot.GesturePressed, from, append(names, a.TS)...)
	if err != nil {
		return bot.Gesture{}, false, err
	}
	g.Token = token
	g.Place, g.Message, g.Thread = place(id(in.Channel)), ref(in.Container.Message), ref(in.Container.Thread)
	if g.Place == "" {
		g.Place = place(in.Container.Channel)
	}
	if g.Thread == "" && in.Message != nil && in.Message.Thread != in.Container.Message {
		g.Thread = ref(in.Message.Thread)
	}
	modal := ""
	if in.View != nil && in.View.Type == "modal" {
		modal = form(in.View.ID, in.View.Hash)
	}
	g.Handles = handles(handleResponse, in.Response, handleTrigger, in.Trigger, handleView, modal)
	return g, true, nil
}

func (d decoder) fill(in interaction, from origin, names []string) (bot.Gesture, bool, error) {
	if in.View == nil || in.View.Callback != formID {
		return bot.Gesture{}, false, refuse("its form is none of ours")
	}
	if in.View.Private == "" || len(in.View.Private) > maxToken {
		return bot.Gesture{}, false, refuse("its form has no token")
	}
	if len(in.View.State.Values) > maxFields {
		return bot.Gesture{}, false, refuse("its form has too many fields")
	}
	g, err := d.gesture(bot.GestureFilled, from, append(names, in.View.ID, in.View.Hash)...)
	if err != nil {
		return bot.Gesture{}, false, err
	}
	g.Token = in.View.Private
	for block, values := range in.View.State.Values {
		name, ours := strings.CutPrefix(block, fieldBlock)
		v, one := values[fieldAction]
		if !ours || !one || len(values) != 1 || name == "" {
			return bot.Gesture{}, false, refuse("its form has a field that is none of ours")
		}
		if g.Fields == nil {
			g.Fields = map[string]string{}
		}
		g.Fields[name] = d.value(v)
	}
	g.Handles = handles(handleTrigger, in.Trigger)
	return g, true, nil
}

func (d decoder) value(v entered) string {
	switch {
	case v.Option != nil:
		return field(v.Option.Value)
	case userID.MatchString(v.User):
		return d.me.home() + "/" + v.User
	default:
		return field(v.Value)
	}
}

func (d decoder) choose(in interaction, from origin, names []string) (bot.Gesture, bool, error) {
	if in.Callback != shortcutID || in.Message == nil {
		return bot.Gesture{}, false, refuse("its shortcut is none of ours")
	}
	g, err := d.gesture(bot.GestureChose, from, append(names, in.ActionTS)...)
	if err != nil {
		return bot.Gesture{}, false, err
	}
	g.Place, g.Message, g.Thread = place(id(in.Channel)), ref(in.MessageTS), ref(in.Message.Thread)
	if g.Message == "" {
		g.Message = ref(in.Message.TS)
	}
	g.Text = said(in.Message.Text)
	g.Handles = handles(handleResponse, in.Response, handleTrigger, in.Trigger)
	return g, true, nil
}
