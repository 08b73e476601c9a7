package discord

import (
	"context"
	"net/http"
	"slices"

	"salve/bot"
	"salve/integrations/discord/legal"
)

// Command is how a person calls Salve here.
const Command = "/salve"

// The types of command and of option.
const (
	commandSlash   = 1
	commandMessage = 3

	optionSub    = 1
	optionGroup  = 2
	optionString = 3
	optionUser   = 6
)

// raiseName is the command on a message.
const raiseName = "Make this an incident"

// hiddenCommand lets administrators alone see a command until they give it to roles, in
// the server's settings. Whoever uses it is judged all the same.
const hiddenCommand = "0"

type commandOf struct {
	Name        string      `json:"name"`
	Type        int         `json:"type"`
	Description string      `json:"description,omitempty"`
	Options     []commandIn `json:"options,omitempty"`
	Permissions string      `json:"default_member_permissions"`
	Contexts    []int       `json:"contexts"` // 0: in a server
	Integration []int       `json:"integration_types"`
}

type commandIn struct {
	Type         int         `json:"type"`
	Name         string      `json:"name"`
	Description  string      `json:"description"`
	Required     bool        `json:"required,omitempty"`
	Autocomplete bool        `json:"autocomplete,omitempty"`
	Choices      []choiceOf  `json:"choices,omitempty"`
	Options      []commandIn `json:"options,omitempty"`
}

// commands are what Register tells Discord.
func (c *Client) commands() []commandOf {
	slash := commandOf{
		Name: Command[1:], Type: commandSlash, Description: "Incidents, and what is done about them",
		Permissions: hiddenCommand, Contexts: []int{0}, Integration: []int{0},
	}
	for _, u := range c.usages {
		sub := commandIn{Type: optionSub, Name: u.Word, Description: label(u.Says, 100), Options: u.options()}
		if u.Group == "" {
			slash.Options = append(slash.Options, sub)
			continue
		}
		i := slices.IndexFunc(slash.Options, func(o commandIn) bool { return o.Type == optionGroup && o.Name == u.Group })
		if i < 0 {
			i = len(slash.Options)
			slash.Options = append(slash.Options, commandIn{Type: optionGroup, Name: u.Group, Description: "More commands"})
		}
		slash.Options[i].Options = append(slash.Options[i].Options, sub)
	}
	raise := commandOf{Name: raiseName, Type: commandMessage, Permissions: hiddenCommand, Contexts: []int{0}, Integration: []int{0}}
	return []commandOf{slash, raise}
}

// options are those of one subcommand; Discord wants what must be there first.
func (u Usage) options() []commandIn {
	var out []commandIn
	for _, required := range []bool{true, false} {
		for _, o := range u.Options {
			if o.Required != required {
				continue
			}
			in := commandIn{Type: optionString, Name: o.Name, Description: label(o.Says, 100), Required: o.Required}
			if o.Person {
				in.Type = optionUser
			}
			for _, v := range o.Values {
				in.Choices = append(in.Choices, choiceOf{Name: label(v, 100), Value: v})
			}
			in.Autocomplete = o.Offered && len(in.Choices) == 0 && !o.Person
			out = append(out, in)
		}
	}
	return out
}

// Register tells Discord the commands of this server, in place of those that
// were there.
func (c *Client) Register(ctx context.Context) error {
	if len(c.usages) == 0 {
		return &bot.SendError{Fault: bot.SendRefused, Why: "there are no commands to register"}
	}
	all := c.commands()
	if err := judge(legal.Commands, all); err != nil {
		return err
	}
	return c.caller.do(ctx, request{method: http.MethodPut, path: "applications/" + c.app + "/guilds/" + c.guild + "/commands", body: all}, nil)
}
