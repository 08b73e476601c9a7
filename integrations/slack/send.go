package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	slackgo "github.com/slack-go/slack"

	"salve/bot"
	"salve/integrations/slack/legal"
)

// payload is a message as Slack takes it, for package legal to look at.
type payload struct {
	Channel   string    `json:"channel,omitempty"`
	User      string    `json:"user,omitempty"`
	TS        string    `json:"ts,omitempty"`
	ThreadTS  string    `json:"thread_ts,omitempty"`
	Broadcast bool      `json:"reply_broadcast,omitempty"`
	Text      string    `json:"text"`
	Blocks    []block   `json:"blocks"`
	Metadata  *metadata `json:"metadata,omitempty"`
}

// metadata is read by everybody in the workspace: there is nothing in it but the
// number that a message is found by.
type metadata struct {
	Type    string         `json:"event_type"`
	Payload map[string]any `json:"event_payload"`
}

const eventType = "salve_post"

// judge refuses what Slack would refuse, before it is sent.
func judge(kind legal.Kind, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return &bot.SendError{Fault: bot.SendRefused, Why: "the message cannot be written as JSON"}
	}
	problems := legal.Check(kind, data)
	if len(problems) == 0 {
		return nil
	}
	return &bot.SendError{Fault: bot.SendRefused, Why: "Slack would not take this: " + problems[0].String()}
}

// Post posts a Message. It is made once, and never repeated here: what comes of
// it is in the *bot.SendError. A file that cannot be attached is said in the
// thread; the Message stands.
func (c *Client) Post(ctx context.Context, p bot.Parcel) (bot.Mark, error) {
	channel, err := c.channel(ctx, cmp.Or(p.Thread.Place, p.Place))
	if err != nil {
		return bot.Mark{}, err
	}
	out := payload{
		Channel: channel, ThreadTS: p.Thread.Ref, Broadcast: p.Message.Broadcast && p.Thread.Ref != "",
		Text: alone(p.Message), Blocks: render(p.Message, maxMessageBlocks),
	}
	if p.Nonce != "" {
		out.Metadata = &metadata{Type: eventType, Payload: map[string]any{"nonce": p.Nonce}}
	}
	if err := judge(legal.Message, out); err != nil {
		return bot.Mark{}, err
	}
	place, ts, err := c.api.PostMessageContext(ctx, channel, postOptions(out)...)
	if err != nil {
		return bot.Mark{}, fault(err)
	}
	mark := bot.Mark{Place: cmp.Or(place, channel), Ref: ts}
	if ts == "" {
		return bot.Mark{}, &bot.SendError{Fault: bot.SendUnsure, Why: "Slack did not say where the message is"}
	}
	c.attach(ctx, mark, cmp.Or(p.Thread.Ref, ts), p.Message.Files)
	return mark, nil
}

func postOptions(p payload) []slackgo.MsgOption {
	opts := []slackgo.MsgOption{
		slackgo.MsgOptionText(p.Text, false), slackgo.MsgOptionBlocks(carry(p.Blocks)...),
		slackgo.MsgOptionParse(false), slackgo.MsgOptionLinkNames(false),
		slackgo.MsgOptionDisableLinkUnfurl(), slackgo.MsgOptionDisableMediaUnfurl(),
	}
	if p.ThreadTS != "" {
		opts = append(opts, slackgo.MsgOptionTS(p.ThreadTS))
	}
	if p.Broadcast {
		opts = append(opts, slackgo.MsgOptionBroadcast())
	}
	if p.Metadata != nil {
		opts = append(opts, slackgo.MsgOptionMetadata(slackgo.SlackMetadata{EventType: p.Metadata.Type, EventPayload: p.Metadata.Payload}))
	}
	return opts
}

// Edit shows another Message in place of one that was posted. Its metadata stay.
func (c *Client) Edit(ctx context.Context, m bot.Mark, p bot.Parcel) error {
	out := payload{Channel: m.Place, TS: m.Ref, Text: alone(p.Message), Blocks: render(p.Message, maxMessageBlocks)}
	if err := judge(legal.Update, out); err != nil {
		return err
	}
	_, _, _, err := c.api.UpdateMessageContext(ctx, m.Place, m.Ref,
		slackgo.MsgOptionText(out.Text, false), slackgo.MsgOptionBlocks(carry(out.Blocks)...),
		slackgo.MsgOptionParse(false), slackgo.MsgOptionLinkNames(false))
	if err != nil {
		return fault(err)
	}
	return nil
}

// channel gives the channel of a place: itself, or the direct channel of a
// person.
func (c *Client) channel(ctx context.Context, place string) (string, error) {
	id := place[strings.LastIndexByte(place, '/')+1:]
	if !userID.MatchString(id) {
		return place, nil
	}
	return c.direct.get(ctx, id, func(ctx context.Context) (string, error) {
		opened, _, _, err := c.api.OpenConversationContext(ctx, &slackgo.OpenConversationParameters{Users: []string{id}, ReturnIM: true})
		if err != nil {
			return "", fault(err)
		}
		return opened.ID, nil
	})
}

const (
	maxFiles    = 5
	maxFileSize = 4 << 20
)

// attach puts files into the thread of a message.
func (c *Client) attach(ctx context.Context, at bot.Mark, thread string, files []bot.File) {
	for i, f := range files {
		err := errTooMany
		if i < maxFiles {
			err = c.upload(ctx, at.Place, thread, f)
		}
		if err == nil {
			continue
		}
		c.log.WarnContext(ctx, "a file was not attached", "surface", Surface, "place", at.Place, "file", f.Name, "error", err)
		c.apologise(ctx, at.Place, thread, fmt.Sprintf("%s could not be attached: %v", cut(f.Name, 80), err))
		if ctx.Err() != nil {
			return
		}
	}
}

var errTooMany = fmt.Errorf("a message takes %d files", maxFiles)

func (c *Client) upload(ctx context.Context, channel, thread string, f bot.File) error {
	if len(f.Body) == 0 || len(f.Body) > maxFileSize {
		return fmt.Errorf("it has %d bytes; 1 to %d are taken", len(f.Body), maxFileSize)
	}
	name := cmp.Or(cut(f.Name, 100), "file")
	at, err := c.api.GetUploadURLExternalContext(ctx, slackgo.GetUploadURLExternalParameters{
		FileName: name, FileSize: len(f.Body), AltTxt: cut(f.Alt, 1000),
	})
	if err != nil {
		return fault(err)
	}
	if err := c.api.UploadToURL(ctx, slackgo.UploadToURLParameters{UploadURL: at.UploadURL, Reader: bytes.NewReader(f.Body), Filename: name}); err != nil {
		return fault(err)
	}
	_, err = c.api.CompleteUploadExternalContext(ctx, slackgo.CompleteUploadExternalParameters{
		Files: []slackgo.FileSummary{{ID: at.FileID, Title: name}}, Channel: channel, ThreadTimestamp: thread,
	})
	if err != nil {
		return fault(err)
	}
	return nil
}

// apologise says in the thread what could not be attached.
func (c *Client) apologise(ctx context.Context, channel, thread, why string) {
	out := payload{Channel: channel, ThreadTS: thread, Text: escape(why, maxAlone), Blocks: []block{small(why)}}
	if judge(legal.Message, out) != nil {
		return
	}
	if _, _, err := c.api.PostMessageContext(ctx, channel, postOptions(out)...); err != nil {
		c.log.WarnContext(ctx, "a note about a file was not posted", "surface", Surface, "place", channel, "error", fault(err))
	}
}
