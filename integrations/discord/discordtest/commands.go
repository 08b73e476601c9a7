package discordtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"salve/integrations/discord/legal"
)

// command is an application command as it was registered.
type command struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Type        int      `json:"type"`
	Permissions *string  `json:"default_member_permissions"`
	Contexts    []int    `json:"contexts"`
	DirectToo   *bool    `json:"dm_permission"`
	Options     []option `json:"options"`
	guild       string
	raw         object
}

type option struct {
	Name         string   `json:"name"`
	Type         int      `json:"type"`
	Required     bool     `json:"required"`
	Autocomplete bool     `json:"autocomplete"`
	Options      []option `json:"options"`
	Choices      []struct {
		Name  string `json:"name"`
		Value any    `json:"value"`
	} `json:"choices"`
}

// The types of command.
const (
	commandTyped   = 1
	commandMessage = 3
)

func (d *Discord) ownApp(req *request) *refusal {
	if req.PathValue("app") != AppID {
		return &refusal{status: 403, code: 20012, message: "You are not authorized to perform this action on this application"}
	}
	if guild := req.PathValue("guild"); guild != "" && guild != GuildID {
		return errNoAccess
	}
	return nil
}

func (d *Discord) listCommands(req *request) (any, *refusal) {
	if no := d.ownApp(req); no != nil {
		return nil, no
	}
	out := []object{}
	for _, c := range d.commands[req.PathValue("guild")] {
		out = append(out, c.raw)
	}
	return out, nil
}

// putCommands replaces all; one that keeps its name keeps its id.
func (d *Discord) putCommands(req *request) (any, *refusal) {
	if no := d.ownApp(req); no != nil {
		return nil, no
	}
	if no := d.register(req.PathValue("guild"), req.body); no != nil {
		return nil, no
	}
	return d.listCommands(req)
}

func (d *Discord) register(guild string, body json.RawMessage) *refusal {
	if no := d.judge(legal.Commands, body); no != nil {
		return no
	}
	var commands []command
	var raws []object
	if json.Unmarshal(body, &commands) != nil || json.Unmarshal(body, &raws) != nil {
		return errNotJSON
	}
	for i := range commands {
		c := &commands[i]
		c.Type, c.guild, c.ID = max(c.Type, commandTyped), guild, d.id()
		if old := slices.IndexFunc(d.commands[guild], func(o command) bool { return o.Name == c.Name && o.Type == c.Type }); old >= 0 {
			c.ID = d.commands[guild][old].ID
		}
		c.raw = maps.Clone(raws[i])
		c.raw["id"], c.raw["type"], c.raw["application_id"], c.raw["version"] = c.ID, c.Type, AppID, d.id()
		if guild != "" {
			c.raw["guild_id"] = guild
		}
		if _, ok := c.raw["description"]; !ok {
			c.raw["description"] = ""
		}
	}
	d.commands[guild] = commands
	return nil
}

// Commands are those that are registered, for the guild and everywhere, by name.
func (d *Discord) Commands() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for _, list := range d.commands {
		for _, c := range list {
			out = append(out, c.Name)
		}
	}
	slices.Sort(out)
	return out
}

// Register does without a request what PUT does for the guild; the test fails
// when Discord would refuse it.
func (d *Discord) Register(commands string) {
	d.tb.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if no := d.register(GuildID, json.RawMessage(commands)); no != nil {
		d.tb.Fatalf("discordtest: register commands: %v %v", no, no.errors)
	}
}

// find is the command that a person sees by the name, if there is one. The lock
// is held.
func (d *Discord) find(kind int, name string) *command {
	for _, guild := range []string{GuildID, ""} {
		for i, c := range d.commands[guild] {
			if c.Type == kind && (c.Name == name || name == "") {
				return &d.commands[guild][i]
			}
		}
	}
	return nil
}

// hidden tells why the person does not see the command where they are; "": they do.
func (d *Discord) hidden(c *command, u *User, where *Channel) string {
	if where.With != "" {
		if c.guild != "" || c.DirectToo != nil && !*c.DirectToo || c.Contexts != nil && !slices.Contains(c.Contexts, 1) {
			return "the command is not shown in a direct conversation"
		}
		return ""
	}
	if c.Permissions != nil {
		needs, _ := strconv.ParseInt(*c.Permissions, 10, 64) // it was judged when it came
		may := d.allowed(u)
		if needs == 0 && may != everyPermission || may&needs != needs {
			return "the person may not see the command"
		}
	}
	return ""
}
