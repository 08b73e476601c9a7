package discord

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/bot"
)

// Finding is one thing that was looked at.
type Finding struct {
	What string // what was looked at
	OK   bool
	Says string // what was found
	Mend string // what to do; "" where it is in order
}

func fine(what, format string, args ...any) Finding {
	return Finding{What: what, OK: true, Says: fmt.Sprintf(format, args...)}
}

func wrong(what, says, mend string) Finding { return Finding{What: what, Says: says, Mend: mend} }

// Checks say what Check looks at beside the token.
type Checks struct {
	Channels []string // ids
	Gateway  bool     // whether its address is asked for
	HTTP     string   // transport http: the address at which Discord is to call; "": gateway
}

// Permission is one right that Salve needs in a channel, and what for.
type Permission struct {
	Bit  uint64
	Name string // as Discord's settings call it
	Why  string
}

// Permissions are all that Salve asks for.
var Permissions = []Permission{
	{1 << 10, "View Channels", "seeing the channel at all"},
	{1 << 11, "Send Messages", "posting cards"},
	{1 << 14, "Embed Links", "what stands on a card is an embed"},
	{1 << 15, "Attach Files", "plots, and output where a playbook shares it"},
	{1 << 16, "Read Message History", "finding a message of its own whose answer was lost"},
	{1 << 35, "Create Public Threads", "the thread of an incident"},
	{1 << 38, "Send Messages in Threads", "what belongs into it"},
}

const administrator = 1 << 3

// InviteLink is the address at which an administrator adds the app to a server,
// with the permissions that it needs.
func InviteLink(application string) string {
	var all uint64
	for _, p := range Permissions {
		all |= p.Bit
	}
	return fmt.Sprintf("https://discord.com/oauth2/authorize?client_id=%s&scope=bot+applications.commands&permissions=%d", application, all)
}

type appInfo struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Key      string `json:"verify_key"`
	Endpoint string `json:"interactions_endpoint_url"`
}

type role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Permissions string `json:"permissions"`
	Mentionable bool   `json:"mentionable"`
}

// Check looks at everything that Salve needs of Discord. It changes nothing.
func (c *Client) Check(ctx context.Context, checks Checks) []Finding {
	var app appInfo
	if err := c.get(ctx, "applications/@me", &app); err != nil {
		return []Finding{wrong("token", fault(err).Why, "take the token from the app's page, under Bot, and put it where discord.bot_token points")}
	}
	out := []Finding{fine("token", "works as %s (%s)", cut(app.Name, 80), cut(app.ID, 30))}
	if app.ID != c.app {
		out = append(out, wrong("application", "the token is of "+cut(app.ID, 30)+", and discord.application_id is "+c.app, "take both from the page of the same app: Application ID is under General Information"))
	}
	out = append(out, c.checkDoor(app, checks))
	roles, err := c.rolesOf(ctx)
	if err != nil {
		return append(out, wrong("server", fault(err).Why, "look whether discord.guild is the server's id, and add the app to it: "+InviteLink(c.app)))
	}
	out = append(out, c.checkCommands(ctx))
	for _, group := range slices.Sorted(maps.Keys(c.groups)) {
		out = append(out, c.checkGroup(roles, group))
	}
	me, err := c.myself(ctx)
	if err != nil {
		return append(out, wrong("server", fault(err).Why, "add the app to the server: "+InviteLink(c.app)))
	}
	for _, id := range checks.Channels {
		out = append(out, c.checkChannel(ctx, me, roles, id))
	}
	if checks.Gateway {
		out = append(out, c.checkGateway(ctx))
	}
	return out
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	return c.caller.do(ctx, request{method: http.MethodGet, path: path}, into)
}

// checkDoor sees that interactions come by the way that is configured: with an
// address in the app, Discord sends none over the gateway.
func (c *Client) checkDoor(app appInfo, checks Checks) Finding {
	const what = "interactions"
	switch {
	case checks.HTTP == "" && app.Endpoint != "":
		return wrong(what, "the app has an address for interactions, so that none come over the gateway", "empty Interactions Endpoint URL on the app's page, under General Information, or write transport: http")
	case checks.HTTP != "" && app.Endpoint != checks.HTTP:
		return wrong(what, "the app calls "+cut(app.Endpoint, 120)+" and not "+checks.HTTP, "start Salve, then write "+checks.HTTP+" into Interactions Endpoint URL on the app's page, under General Information")
	case checks.HTTP != "":
		return fine(what, "come to %s", checks.HTTP)
	default:
		return fine(what, "come over the gateway, which needs no intent")
	}
}

func (c *Client) rolesOf(ctx context.Context) (map[string]role, error) {
	var all []role
	if err := c.get(ctx, "guilds/"+c.guild+"/roles", &all); err != nil {
		return nil, err
	}
	out := make(map[string]role, len(all))
	for _, r := range all {
		out[r.ID] = r
	}
	return out, nil
}

// myself is the app as a member of the server.
func (c *Client) myself(ctx context.Context) (member, error) {
	var me user
	var m member
	if err := c.get(ctx, "users/@me", &me); err != nil {
		return m, err
	}
	if !snowflake.MatchString(me.ID) {
		return m, &bot.SendError{Fault: bot.SendUnsure, Why: "Discord's answer was not understood"}
	}
	return m, c.get(ctx, "guilds/"+c.guild+"/members/"+me.ID, &m)
}

func (c *Client) checkCommands(ctx context.Context) Finding {
	const what, mend = "commands", "type: salve discord register"
	var all []struct {
		Name string `json:"name"`
	}
	if err := c.get(ctx, "applications/"+c.app+"/guilds/"+c.guild+"/commands", &all); err != nil {
		return wrong(what, fault(err).Why, "add the app to the server with its commands: "+InviteLink(c.app))
	}
	for _, want := range []string{Command[1:], raiseName} {
		if !slices.ContainsFunc(all, func(have struct {
			Name string `json:"name"`
		}) bool {
			return have.Name == want
		}) {
			return wrong(what, want+" is not registered", mend)
		}
	}
	return fine(what, "%s and %q are registered; who sees them is set in the server, under Integrations", Command, raiseName)
}

func (c *Client) checkGroup(roles map[string]role, group string) Finding {
	what, id := "group "+group, c.groups[group]
	r, ok := roles[id]
	switch {
	case id == c.guild:
		return wrong(what, "its role is @everyone: whoever is in the server would be in it", "name another role in discord.groups."+group)
	case !ok:
		return wrong(what, "nobody is in it: there is no role "+cut(id, 30), "take the role's id from the server's settings (Developer Mode, Copy Role ID)")
	default:
		return fine(what, "is the role @%s", cut(r.Name, 80))
	}
}

type place struct {
	ID     string `json:"id"`
	Type   int    `json:"type"`
	Name   string `json:"name"`
	Guild  string `json:"guild_id"`
	Grants []struct {
		ID    string `json:"id"`
		Type  int    `json:"type"` // 0: a role, 1: a member
		Allow string `json:"allow"`
		Deny  string `json:"deny"`
	} `json:"permission_overwrites"`
}

func (c *Client) checkChannel(ctx context.Context, me member, roles map[string]role, id string) Finding {
	what := "channel " + cut(id, 30)
	var at place
	if err := c.get(ctx, "channels/"+id, &at); err != nil {
		return wrong(what, fault(err).Why, "write the channel's id (Developer Mode, Copy Channel ID), and give Salve's role View Channel there")
	}
	name := "#" + cut(at.Name, 80)
	switch {
	case at.Guild != c.guild:
		return wrong(what, name+" is in another server", "choose a channel of the server in discord.guild")
	case at.Type != 0 && at.Type != 5:
		return wrong(what, name+" is no text channel", "choose a text channel")
	}
	have := at.permissions(c.guild, me, roles)
	var lack []string
	for _, p := range Permissions {
		if have&p.Bit == 0 {
			lack = append(lack, p.Name)
		}
	}
	if len(lack) > 0 {
		return wrong(what, "Salve lacks in "+name+": "+strings.Join(lack, ", "), "allow it for Salve's role in the channel's settings, under Permissions")
	}
	return fine(what, "%s, and Salve may do all that it needs", name)
}

// permissions are what a member may do in the channel, by Discord's own rule: the
// server's roles, then what the channel says of everybody, of roles, of the member.
func (p place) permissions(guild string, m member, roles map[string]role) uint64 {
	have := bits(roles[guild].Permissions)
	for _, r := range m.Roles {
		have |= bits(roles[r].Permissions)
	}
	if have&administrator != 0 {
		return ^uint64(0)
	}
	var allow, deny uint64
	for _, g := range p.Grants {
		switch {
		case g.Type == 0 && g.ID == guild:
			have = have&^bits(g.Deny) | bits(g.Allow)
		case g.Type == 0 && slices.Contains(m.Roles, g.ID):
			allow, deny = allow|bits(g.Allow), deny|bits(g.Deny)
		}
	}
	have = have&^deny | allow
	for _, g := range p.Grants {
		if g.Type == 1 && g.ID == m.User.ID {
			have = have&^bits(g.Deny) | bits(g.Allow)
		}
	}
	return have
}

func bits(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (c *Client) checkGateway(ctx context.Context) Finding {
	const what = "gateway"
	if now := c.Gateway(); now.Connected {
		return fine(what, "open since %s", now.Since.Format(time.RFC3339))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 15*time.Second, errors.New("the gateway was not reached in time"))
	defer cancel()
	var at struct {
		URL   string `json:"url"`
		Start struct {
			Total     int `json:"total"`
			Remaining int `json:"remaining"`
		} `json:"session_start_limit"`
	}
	if err := c.get(ctx, "gateway/bot", &at); err != nil {
		return wrong(what, fault(err).Why, "let this machine reach discord.com over https")
	}
	if at.Start.Total > 0 && at.Start.Remaining < 50 {
		return wrong(what, fmt.Sprintf("only %d sessions are left for today", at.Start.Remaining), "look in the log why the connection is lost so often; when none are left, Discord takes the token away")
	}
	if err := c.knockAt(ctx, at.URL); err != nil {
		return wrong(what, gatewayFault(err).Why, "let this machine open wss connections to gateway.discord.gg")
	}
	return fine(what, "answers")
}
