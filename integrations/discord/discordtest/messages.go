package discordtest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/integrations/discord/legal"
)

// nonceFor is how long a nonce makes the same message of a post.
const nonceFor = 5 * time.Minute

// nonce remembers which message was posted with it.
type nonce struct {
	message *Message
	until   time.Time
}

// place finds the channel, if the bot may do there what it needs.
func (d *Discord) place(req *request, needs int64) (*Channel, *refusal) {
	id := req.PathValue("channel")
	if !isSnowflake(id) {
		return nil, formError("channel_id", "NUMBER_TYPE_COERCE", "is not a snowflake")
	}
	c := d.channel(id)
	if c == nil {
		return nil, errUnknownChannel
	}
	may := d.mine(c)
	switch {
	case may&PermissionView == 0 || d.who(BotUser).Absent && c.With == "":
		return nil, errNoAccess
	case may&needs != needs:
		return nil, errNoPermission
	}
	return c, nil
}

func isSnowflake(id string) bool {
	_, err := strconv.ParseUint(id, 10, 64)
	return err == nil
}

// sending is what the bot must be allowed to do for the message to be sent.
func (c *Channel) sending(req *request) int64 {
	needs := PermissionSend
	if c != nil && c.Parent != "" {
		needs = PermissionSendInThreads
	}
	var said content
	_ = json.Unmarshal(req.body, &said) // what cannot be read is refused later
	if !none(said.Embeds) {
		needs |= PermissionEmbed
	}
	if len(req.files) > 0 {
		needs |= PermissionAttach
	}
	return needs
}

func (d *Discord) createMessage(req *request) (any, *refusal) {
	c, no := d.place(req, d.channel(req.PathValue("channel")).sending(req))
	if no != nil {
		return nil, no
	}
	if no := d.judgeMessage(req); no != nil {
		return nil, no
	}
	if c.With != "" && d.who(c.With).Closed {
		return nil, errClosed
	}
	if c.Locked {
		return nil, errThreadLocked
	}
	c.Archived = false // who writes in it opens it again
	var said content
	if json.Unmarshal(req.body, &said) != nil {
		return nil, errNotJSON
	}
	token := strings.Trim(string(said.Nonce), `"`)
	key := c.ID + " " + token
	if old, ok := d.nonces[key]; ok && said.Enforce && token != "" && d.now().Before(old.until) {
		return d.messageJSON(old.message), nil
	}
	m := &Message{Channel: c.ID, Author: BotUser, Nonce: token}
	if no := d.fill(m, req.body, req.files); no != nil {
		return nil, no
	}
	m.ID, m.At = d.id(), d.now()
	d.messages[c.ID] = append(d.messages[c.ID], m)
	if said.Enforce && token != "" {
		d.nonces[key] = nonce{message: m, until: d.now().Add(nonceFor)}
	}
	return d.messageJSON(m), nil
}

// judgeMessage lets a message of files alone pass, which says nothing else.
func (d *Discord) judgeMessage(req *request) *refusal {
	no := d.judge(legal.Message, req.body)
	if no == errEmpty && len(req.files) > 0 {
		return nil
	}
	return no
}

func (d *Discord) editMessage(req *request) (any, *refusal) {
	c, no := d.place(req, 0)
	if no != nil {
		return nil, no
	}
	m := d.message(c.ID, req.PathValue("message"))
	switch {
	case m == nil:
		return nil, errUnknownMessage
	case m.Author != BotUser:
		return nil, errNotAuthor
	case c.Archived:
		return nil, errArchived
	}
	if needs := c.sending(req) & (PermissionEmbed | PermissionAttach); d.mine(c)&needs != needs {
		return nil, errNoPermission
	}
	return d.change(m, req)
}

// change edits a message, which one of the tokens was allowed to.
func (d *Discord) change(m *Message, req *request) (any, *refusal) {
	if no := d.judge(legal.Edit, req.body); no != nil {
		return nil, no
	}
	waited := m.Waiting
	if no := d.fill(m, req.body, req.files); no != nil {
		return nil, no
	}
	m.Waiting = false
	if !waited {
		m.Edits, m.EditedAt = m.Edits+1, d.now()
	}
	return d.messageJSON(m), nil
}

func (d *Discord) getMessage(req *request) (any, *refusal) {
	c, no := d.place(req, PermissionHistory)
	if no != nil {
		return nil, no
	}
	if m := d.message(c.ID, req.PathValue("message")); m != nil {
		return d.messageJSON(m), nil
	}
	return nil, errUnknownMessage
}

func (d *Discord) deleteMessage(req *request) (any, *refusal) {
	c, no := d.place(req, 0)
	if no != nil {
		return nil, no
	}
	m := d.message(c.ID, req.PathValue("message"))
	switch {
	case m == nil:
		return nil, errUnknownMessage
	case m.Author != BotUser:
		return nil, errNoPermission
	}
	d.remove(c.ID, m.ID)
	return nil, nil
}

// listMessages gives the newest first, and nothing at all without the history.
func (d *Discord) listMessages(req *request) (any, *refusal) {
	c, no := d.place(req, 0)
	if no != nil {
		return nil, no
	}
	query := req.URL.Query()
	limit := 50
	if asked := query.Get("limit"); asked != "" {
		n, err := strconv.Atoi(asked)
		if err != nil || n < 1 || n > 100 {
			return nil, formError("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100")
		}
		limit = n
	}
	out := []object{}
	if d.mine(c)&PermissionHistory == 0 {
		return out, nil
	}
	all := slices.Clone(d.messages[c.ID])
	after := query.Get("after") != ""
	if !after {
		slices.Reverse(all)
	}
	for _, m := range all {
		if len(out) < limit && within(m.ID, query.Get("before"), query.Get("after"), query.Get("around")) {
			out = append(out, d.messageJSON(m))
		}
	}
	if after {
		slices.Reverse(out) // newest first, of the oldest ones after it
	}
	return out, nil
}

// within compares ids, which are times. Around is told apart only to the second.
func within(id, before, after, around string) bool {
	n, _ := strconv.ParseUint(id, 10, 64) // it was made here
	bound := func(s string) uint64 { v, _ := strconv.ParseUint(s, 10, 64); return v }
	switch {
	case before != "":
		return n < bound(before)
	case after != "":
		return n > bound(after)
	case around != "":
		return id == around || n>>22/1000 == bound(around)>>22/1000
	default:
		return true
	}
}

var mentioned = regexp.MustCompile(`<@([!&]?)([0-9]+)>|@everyone|@here`)

// pings is whom the text notifies. Without allowed_mentions that is everybody it
// names, as Discord does it.
func (d *Discord) pings(text string, allowed *mentions) []string {
	all := allowed == nil || allowed.Parse == nil && allowed.Roles == nil && allowed.Users == nil
	may := func(kind, id string, named []string) bool {
		return all || allowed.Parse != nil && slices.Contains(*allowed.Parse, kind) || slices.Contains(named, id)
	}
	var out []string
	add := func(id string) {
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	if allowed == nil {
		allowed = &mentions{}
	}
	for _, found := range mentioned.FindAllStringSubmatch(text, -1) {
		switch {
		case found[2] == "":
			if may("everyone", "", nil) {
				add("everyone")
			}
		case found[1] == "&" && d.role(found[2]) != nil && may("roles", found[2], allowed.Roles):
			add(found[2])
		case found[1] != "&" && d.user(found[2]) != nil && may("users", found[2], allowed.Users):
			add(found[2])
		}
	}
	return out
}

func (d *Discord) role(id string) *Role {
	for _, r := range d.roles {
		if r.ID == id {
			return r
		}
	}
	return nil
}
