package discord

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"salve/bot"
)

// The types of an interaction.
const (
	typePing     = 1
	typeCommand  = 2
	typePressed  = 3
	typeComplete = 4
	typeForm     = 5
)

// interaction is what came, as far as it is read. The library reads all of the
// message beside it, and stumbles over components that it does not know.
type interaction struct {
	ID          string  `json:"id"`
	Application string  `json:"application_id"`
	Type        int     `json:"type"`
	Data        data    `json:"data"`
	Guild       string  `json:"guild_id"`
	Channel     channel `json:"channel"`
	ChannelID   string  `json:"channel_id"`
	Member      *member `json:"member"`
	Token       string  `json:"token"`
	Message     *struct {
		ID     string  `json:"id"`
		Embeds []shown `json:"embeds"`
	} `json:"message"`
}

type channel struct {
	ID     string `json:"id"`
	Type   int    `json:"type"`
	Parent string `json:"parent_id"`
}

// thread reports whether a channel is one.
func (c channel) thread() bool {
	return c.Type >= 10 && c.Type <= 12 && snowflake.MatchString(c.Parent)
}

type member struct {
	User    user      `json:"user"`
	Nick    string    `json:"nick"`
	Roles   []string  `json:"roles"`
	Pending bool      `json:"pending"`
	Flags   int       `json:"flags"`
	Silent  time.Time `json:"communication_disabled_until"`
}

type user struct {
	ID     string `json:"id"`
	Name   string `json:"username"`
	Global string `json:"global_name"`
	Bot    bool   `json:"bot"`
	System bool   `json:"system"`
}

type shown struct {
	Description string `json:"description"`
	Color       int    `json:"color"`
}

type data struct {
	Name       string     `json:"name"`
	Type       int        `json:"type"`
	Options    []given    `json:"options"`
	Target     string     `json:"target_id"`
	CustomID   string     `json:"custom_id"`
	Values     []string   `json:"values"`
	Components []filledIn `json:"components"`
	Resolved   struct {
		Messages map[string]struct {
			Content string `json:"content"`
			Embeds  []struct {
				Title       string `json:"title"`
				Description string `json:"description"`
			} `json:"embeds"`
		} `json:"messages"`
	} `json:"resolved"`
}

// given is an option, or a subcommand with its own.
type given struct {
	Name    string          `json:"name"`
	Type    int             `json:"type"`
	Value   json.RawMessage `json:"value"`
	Focused bool            `json:"focused"`
	Options []given         `json:"options"`
}

// filledIn is a part of a form that was handed in: a label around it, a row with
// it, or itself.
type filledIn struct {
	Type       int        `json:"type"`
	CustomID   string     `json:"custom_id"`
	Value      string     `json:"value"`
	Values     []string   `json:"values"`
	Component  *filledIn  `json:"component"`
	Components []filledIn `json:"components"`
}

// The bounds of what is read out of an interaction.
const (
	maxSaid   = 4000 // runes of what somebody typed
	maxFields = 60
	maxInput  = 4000 // runes of one field
	maxHandle = 1024
)

// refused is what is not taken; its text says nothing of what was in it, and says
// is for the person.
type refused struct{ why, says string }

func (r *refused) Error() string { return r.why }

func refuse(format string, args ...any) error { return &refused{why: fmt.Sprintf(format, args...)} }

var (
	errForeign error = &refused{"it comes from a server that is not ours", "This Salve serves another server."}
	errDirect  error = &refused{"it comes from a direct message", "Salve does nothing in direct messages: who may do what is known in the server alone. Say it there."}
	errBot     error = &refused{"it comes from a bot", "Salve does nothing for bots."}
)

// heard is what an interaction means: an answer that is known at once, values to
// offer, or a Gesture.
type heard struct {
	answer   *answer
	complete *completion
	g        bot.Gesture
	waits    int // how Discord is told to wait
}

var tokenPattern = regexp.MustCompile(`^[A-Za-z0-9_.\-]{1,600}$`)

// decode judges where an interaction comes from, and reads it. The same always
// gives the same Key.
func (c *Client) decode(in interaction, transport string, now time.Time) (heard, error) {
	switch {
	case in.Application != c.app:
		return heard{}, &refused{"it is of another app", ""}
	case in.Guild == "" || in.Member == nil:
		return heard{}, errDirect
	case in.Guild != c.guild:
		return heard{}, errForeign
	case in.Member.User.Bot || in.Member.User.System:
		return heard{}, errBot
	case !snowflake.MatchString(in.ID) || !snowflake.MatchString(in.Member.User.ID) || !tokenPattern.MatchString(in.Token):
		return heard{}, refuse("it does not say what it is, or of whom")
	}
	g := bot.Gesture{
		Key: Surface + "/" + in.ID, Surface: Surface, Transport: transport, ReceivedAt: now.UTC().Truncate(time.Millisecond),
		User:    bot.ChatUser{ID: c.person(in.Member.User.ID), Name: in.Member.name()},
		Place:   ref(in.ChannelID),
		Handles: map[string]string{handleID: in.ID, handleToken: in.Token},
	}
	switch in.Type {
	case typeCommand:
		return c.command(in, g)
	case typePressed:
		return c.pressed(in, g)
	case typeComplete:
		return c.completing(in)
	case typeForm:
		return filled(in, g)
	default:
		return heard{}, refuse("it is an interaction of a kind that Salve does not offer")
	}
}

func (m *member) name() string {
	for _, s := range []string{m.Nick, m.User.Global, m.User.Name} {
		if s = plain(s, 80); s != "" {
			return s
		}
	}
	return ""
}

func ref(s string) string {
	if snowflake.MatchString(s) {
		return s
	}
	return ""
}

// typed bounds what somebody typed.
func typed(s string) string {
	return strings.TrimSpace(short(strings.ToValidUTF8(s, "�"), maxSaid))
}

func (c *Client) command(in interaction, g bot.Gesture) (heard, error) {
	if in.Channel.thread() { // it hangs on the message of the same id
		g.Place, g.Thread = in.Channel.Parent, in.Channel.ID
	}
	switch {
	case in.Data.Type == commandMessage && in.Data.Name == raiseName:
		return chosen(in, g)
	case in.Data.Type == commandSlash && in.Data.Name == strings.TrimPrefix(Command, "/"):
		word, options := subcommand(in.Data.Options)
		u, ok := c.usage(word)
		if !ok {
			return heard{}, &refused{"its command is none of ours", "Salve does not know this command. An administrator can renew the commands: salve discord register"}
		}
		g.Kind, g.Text = bot.GestureSaid, typed(u.text(options))
		return heard{g: g, waits: answerWait}, nil
	default:
		return heard{}, refuse("its command is none of ours")
	}
}

// chosen is the command on a message: make this an incident.
func chosen(in interaction, g bot.Gesture) (heard, error) {
	m, ok := in.Data.Resolved.Messages[in.Data.Target]
	if !ok || !snowflake.MatchString(in.Data.Target) {
		return heard{}, refuse("it does not say of which message")
	}
	text := m.Content
	for _, e := range m.Embeds {
		if text == "" {
			text = strings.TrimSpace(e.Title + " " + e.Description)
		}
	}
	g.Kind, g.Message, g.Text = bot.GestureChose, in.Data.Target, typed(text)
	return heard{g: g, waits: answerWait}, nil
}

// pressed is a button or a menu. What a button asks first, and a form that is
// held, are answered here and now: nothing is decided by them.
func (c *Client) pressed(in interaction, g bot.Gesture) (heard, error) {
	if in.Message == nil || !snowflake.MatchString(in.Message.ID) {
		return heard{}, refuse("it does not say on which message")
	}
	press := in.Data.CustomID
	if m := customID.FindStringSubmatch(press); m != nil && m[1][0] == idMenu {
		switch {
		case len(in.Data.Values) == 0: // the choice was taken back
			return heard{answer: &answer{Type: answerWaitEdit}}, nil
		case len(in.Data.Values) > 1:
			return heard{}, refuse("more than one thing was chosen")
		}
		press = in.Data.Values[0]
		if m := customID.FindStringSubmatch(press); m == nil || m[1][0] != idPress && m[1][0] != idAsk {
			return heard{}, refuse("what was chosen is none of ours")
		}
	}
	m := customID.FindStringSubmatch(press)
	if m == nil {
		return heard{}, refuse("its button is none of ours")
	}
	token := m[3]
	g.Kind, g.Token, g.Message = bot.GesturePressed, token, in.Message.ID
	h := heard{g: g, waits: answerWait}
	switch rune(m[1][0]) {
	case idAsk:
		q := question(c.questions.of(token), token, in.Message.ID, about(in.Message.Embeds))
		return heard{answer: &answer{Type: answerMessage, Data: q}}, nil
	case idBack:
		return heard{answer: &answer{Type: answerEdit, Data: notice("Nothing was done.", 0)}}, nil
	case idFill:
		return heard{answer: c.unfold(token)}, nil
	case idSure:
		h.waits, h.g.Message = answerWaitEdit, ref(m[2])
	case idPress:
	default:
		return heard{}, refuse("its button is none of ours")
	}
	if token == "" {
		return heard{}, refuse("its button has no token")
	}
	return h, nil
}

func filled(in interaction, g bot.Gesture) (heard, error) {
	m := customID.FindStringSubmatch(in.Data.CustomID)
	if m == nil || m[1][0] != idForm || m[3] == "" {
		return heard{}, refuse("its form is none of ours")
	}
	g.Kind, g.Token = bot.GestureFilled, m[3]
	if in.Message != nil {
		g.Message = ref(in.Message.ID)
	}
	fields := map[string]string{}
	if !collect(in.Data.Components, g.User.ID, fields, 0) {
		return heard{}, &refused{"its form has a field that is none of ours", "Salve could not read the form. Where it asks for several values in one field, write NAME = VALUE, one on each line."}
	}
	if len(fields) > 0 {
		g.Fields = fields
	}
	return heard{g: g, waits: answerWait}, nil
}

// collect reads the fields of a form, at whatever depth Discord has them.
func collect(list []filledIn, who string, into map[string]string, depth int) bool {
	if depth > 3 || len(list) > maxFields {
		return false
	}
	for _, f := range list {
		if f.Component != nil && !collect([]filledIn{*f.Component}, who, into, depth+1) ||
			!collect(f.Components, who, into, depth+1) {
			return false
		}
		if f.CustomID == "" {
			continue
		}
		name, ours := strings.CutPrefix(f.CustomID, fieldPrefix)
		_, twice := into[name]
		if !ours || name == "" || twice || len(into) >= maxFields {
			return false
		}
		if name == restName {
			if !rest(f.Value, into) {
				return false
			}
			continue
		}
		into[name] = value(f, who)
	}
	return true
}

func value(f filledIn, who string) string {
	switch {
	case f.Type == kindUser && len(f.Values) == 1 && snowflake.MatchString(f.Values[0]):
		guild, _, _ := strings.Cut(who, "/")
		return guild + "/" + f.Values[0]
	case len(f.Values) > 0:
		return bounded(f.Values[0])
	default:
		return bounded(f.Value)
	}
}

// bounded bounds what was filled in.
func bounded(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "�")
	}
	return short(s, maxInput)
}

// rest reads the fields for which a form of Discord has no room: NAME = VALUE, one
// a line.
func rest(s string, into map[string]string) bool {
	for l := range strings.Lines(bounded(s)) {
		if strings.TrimSpace(l) == "" {
			continue
		}
		name, v, ok := strings.Cut(l, "=")
		name = strings.TrimSpace(name)
		if _, twice := into[name]; !ok || name == "" || twice || len(into) >= maxFields {
			return false
		}
		into[name] = strings.TrimSpace(v)
	}
	return true
}

// subcommand gives the word of a slash command and what came with it; of a group,
// those of the subcommand in it.
func subcommand(options []given) (string, []given) {
	for range 2 {
		i := slices.IndexFunc(options, func(g given) bool { return g.Type == optionSub || g.Type == optionGroup })
		if i < 0 {
			return "", nil
		}
		if options[i].Type == optionSub {
			return options[i].Name, options[i].Options
		}
		options = options[i].Options
	}
	return "", nil
}
