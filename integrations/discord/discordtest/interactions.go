package discordtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"salve/integrations/discord/legal"
)

// The kinds of interaction.
const (
	kindPing         = 1
	kindCommand      = 2
	kindComponent    = 3
	kindAutocomplete = 4
	kindModal        = 5
)

// The types of answer.
const (
	AnswerNone        = 0 // none came: "This interaction failed"
	AnswerPong        = 1
	AnswerReply       = 4
	AnswerDefer       = 5 // "… is thinking"
	AnswerDeferUpdate = 6 // nothing is seen
	AnswerUpdate      = 7
	AnswerSuggestions = 8
	AnswerModal       = 9
)

const (
	firstWithin = 3 * time.Second
	tokenLives  = 15 * time.Minute
	ephemeral   = 1 << 6
)

// answers are the types that each kind may be answered with. What a modal that a
// component opened may be answered with is what the component may.
var answers = map[int][]int{
	kindPing:         {AnswerPong},
	kindCommand:      {AnswerReply, AnswerDefer, AnswerModal},
	kindComponent:    {AnswerReply, AnswerDefer, AnswerDeferUpdate, AnswerUpdate, AnswerModal},
	kindAutocomplete: {AnswerSuggestions},
	kindModal:        {AnswerReply, AnswerDefer, AnswerDeferUpdate, AnswerUpdate},
}

// interaction is something that a person did and that is to be answered.
type interaction struct {
	id, token     string
	kind          int
	user, channel string
	born          time.Time
	first         int       // the type of its first answer; 0: none yet
	answered      time.Time // when it came, in real time
	source        *Message  // that has the component; nil: none
	original      *Message  // what @original is
	followUps     []*Message
	modal         *Modal
	choices       []Choice
	refused       *refusal // why an answer over HTTP was not taken
}

// Choice is a suggestion for an option.
type Choice struct {
	Name  string
	Value string
}

// Modal is a form that a person has before them.
type Modal struct {
	CustomID string
	Title    string
	Body     json.RawMessage // the data of the answer that opened it
	from     *interaction
}

func (d *Discord) callback(req *request) (any, *refusal) {
	i := d.interactions[req.PathValue("token")]
	if i == nil || i.id != req.PathValue("interaction") {
		return nil, errUnknownAnswer
	}
	if no := d.answer(i, req.body, req.files); no != nil {
		return nil, no
	}
	if req.URL.Query().Get("with_response") != "true" {
		return nil, nil
	}
	out := object{"interaction": object{"id": i.id, "type": i.kind, "channel_id": i.channel}, "resource": object{"type": i.first}}
	if i.original != nil {
		out["resource"] = object{"type": i.first, "message": d.messageJSON(i.original)}
	}
	return out, nil
}

// answer takes the first answer, over REST or HTTP. The lock is held.
func (d *Discord) answer(i *interaction, payload json.RawMessage, files []Attachment) *refusal {
	switch {
	case i.first != 0:
		return errTwice
	case d.now().Sub(i.born) > firstWithin:
		return errUnknownAnswer
	}
	if no := d.judge(legal.Callback, payload); no != nil {
		return no
	}
	var said struct {
		Type int             `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	if json.Unmarshal(payload, &said) != nil {
		return errNotJSON
	}
	allowed := slices.Contains(answers[i.kind], said.Type)
	if (said.Type == AnswerDeferUpdate || said.Type == AnswerUpdate) && i.source == nil {
		allowed = false
	}
	if !allowed {
		return formError("type", "ENUM_TYPE_COERCE", fmt.Sprintf("Value %d is not an answer to this kind of interaction.", said.Type))
	}
	if no := d.carry(i, said.Type, said.Data, files); no != nil {
		return no
	}
	i.first, i.answered = said.Type, time.Now()
	d.touch()
	return nil
}

// carry does what an answer says.
func (d *Discord) carry(i *interaction, kind int, data json.RawMessage, files []Attachment) *refusal {
	switch kind {
	case AnswerReply:
		m := d.said(i, flagsOf(data))
		if no := d.fill(m, data, files); no != nil {
			return no
		}
		d.show(i, m)
	case AnswerDefer:
		m := d.said(i, flagsOf(data))
		m.Flags, m.Waiting = flagsOf(data), true
		d.show(i, m)
	case AnswerDeferUpdate:
		i.original = i.source
	case AnswerUpdate:
		i.original = i.source
		if no := d.fill(i.source, data, files); no != nil {
			return no
		}
		i.source.Edits, i.source.EditedAt = i.source.Edits+1, d.now()
	case AnswerSuggestions:
		i.choices = choicesOf(data)
	case AnswerModal:
		return d.open(i, data)
	}
	return nil
}

func (d *Discord) open(i *interaction, data json.RawMessage) *refusal {
	m := &Modal{Body: data, from: i}
	var head struct {
		CustomID string `json:"custom_id"`
		Title    string `json:"title"`
	}
	if json.Unmarshal(data, &head) != nil {
		return errNotJSON
	}
	m.CustomID, m.Title = head.CustomID, head.Title
	i.modal = m
	return nil
}

// said begins a message that answers the interaction.
func (d *Discord) said(i *interaction, flags int64) *Message {
	m := &Message{Channel: i.channel, Author: BotUser, Interaction: i.id}
	if flags&ephemeral != 0 {
		m.To = i.user
	}
	return m
}

// show puts the message where it is seen: the first is the original.
func (d *Discord) show(i *interaction, m *Message) {
	m.ID, m.At = d.id(), d.now()
	if i.original == nil && i.first == 0 {
		i.original = m
	} else {
		i.followUps = append(i.followUps, m)
	}
	if m.To != "" {
		d.seen = append(d.seen, m)
	} else {
		d.messages[m.Channel] = append(d.messages[m.Channel], m)
	}
}

func flagsOf(data json.RawMessage) int64 {
	var head struct{ Flags int64 }
	_ = json.Unmarshal(data, &head) // it was judged; no data has no flags
	return head.Flags
}

func choicesOf(data json.RawMessage) []Choice {
	var said struct {
		Choices []struct {
			Name  string `json:"name"`
			Value any    `json:"value"`
		} `json:"choices"`
	}
	_ = json.Unmarshal(data, &said) // it was judged
	out := []Choice{}
	for _, c := range said.Choices {
		out = append(out, Choice{Name: c.Name, Value: fmt.Sprint(c.Value)})
	}
	return out
}

// answering finds the interaction whose token the path has, if it still lives.
func (d *Discord) answering(req *request) (*interaction, *refusal) {
	i := d.interactions[req.PathValue("token")]
	switch {
	case req.PathValue("app") != AppID || i == nil || i.first == 0:
		return nil, errUnknownWebhook
	case d.now().Sub(i.born) > tokenLives:
		return nil, errWebhookToken
	}
	return i, nil
}

// followUp says more. The first one after a deferred reply is that reply.
func (d *Discord) followUp(req *request) (any, *refusal) {
	i, no := d.answering(req)
	if no != nil {
		return nil, no
	}
	if no := d.judge(legal.Followup, req.body); no != nil && (no != errEmpty || len(req.files) == 0) {
		return nil, no
	}
	if i.original != nil && i.original.Waiting {
		return d.settle(i.original, req)
	}
	m := d.said(i, flagsOf(req.body))
	if no := d.fill(m, req.body, req.files); no != nil {
		return nil, no
	}
	d.show(i, m)
	return d.messageJSON(m), nil
}

// settle says what a deferred reply was waiting for: who sees it was decided
// when it was deferred.
func (d *Discord) settle(m *Message, req *request) (any, *refusal) {
	flags := m.Flags
	if no := d.fill(m, req.body, req.files); no != nil {
		return nil, no
	}
	m.Waiting, m.Flags = false, m.Flags&^ephemeral|flags&ephemeral
	return d.messageJSON(m), nil
}

// answerOf finds the message of the path: the original, or one that followed.
func (d *Discord) answerOf(req *request) (*interaction, *Message, *refusal) {
	i, no := d.answering(req)
	if no != nil {
		return nil, nil, no
	}
	id := req.PathValue("message")
	all := append([]*Message{}, i.followUps...)
	if i.original != nil {
		if id == "@original" {
			id = i.original.ID
		}
		all = append(all, i.original)
	}
	for _, m := range all {
		if m.ID == id && d.isThere(m) {
			return i, m, nil
		}
	}
	return nil, nil, errUnknownMessage
}

func (d *Discord) isThere(m *Message) bool {
	return slices.Contains(d.messages[m.Channel], m) || slices.Contains(d.seen, m) && !m.gone
}

func (d *Discord) getAnswer(req *request) (any, *refusal) {
	_, m, no := d.answerOf(req)
	if no != nil {
		return nil, no
	}
	return d.messageJSON(m), nil
}

func (d *Discord) editAnswer(req *request) (any, *refusal) {
	_, m, no := d.answerOf(req)
	if no != nil {
		return nil, no
	}
	if m.Waiting {
		if no := d.judge(legal.Edit, req.body); no != nil {
			return nil, no
		}
		return d.settle(m, req)
	}
	return d.change(m, req)
}

func (d *Discord) deleteAnswer(req *request) (any, *refusal) {
	_, m, no := d.answerOf(req)
	if no != nil {
		return nil, no
	}
	d.remove(m.Channel, m.ID)
	return nil, nil
}
