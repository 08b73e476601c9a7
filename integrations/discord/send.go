package discord

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"salve/bot"
	"salve/integrations/discord/legal"
)

// judge refuses what Discord would refuse, before it is sent.
func judge(kind legal.Kind, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return &bot.SendError{Fault: bot.SendRefused, Why: "the message cannot be written as JSON"}
	}
	problems := legal.Check(kind, data)
	if len(problems) == 0 {
		return nil
	}
	return &bot.SendError{Fault: bot.SendRefused, Why: "Discord would not take this: " + problems[0].String()}
}

// Post posts a Message. It is made once, and never repeated here: what comes of
// it is in the *bot.SendError. What goes into the thread of another Message goes
// into a thread of Discord, which is begun when the first does; where none can be,
// and for a Broadcast, it is an answer in the channel. A file that cannot be
// attached is said below the text; the Message stands.
func (c *Client) Post(ctx context.Context, p bot.Parcel) (bot.Mark, error) {
	channel, err := c.channel(ctx, cmp.Or(p.Thread.Place, p.Place))
	if err != nil {
		return bot.Mark{}, err
	}
	files, lost := attachable(p.Message.Files)
	m := there(p.Place, p.Message)
	m.Lines = append(m.Lines[:len(m.Lines):len(m.Lines)], lost...)
	out := c.render(m)
	mark(&out, cmp.Or(p.Nonce, rand.Text()))
	for i, f := range files {
		out.Attachments = append(out.Attachments, attachment{ID: strconv.Itoa(i), Filename: f.Name, Description: plain(f.Alt, 1000)})
	}
	if p.Thread.Ref == "" {
		return c.send(ctx, channel, out, files)
	}
	if p.Message.Broadcast {
		return c.answerTo(ctx, channel, p.Thread.Ref, out, files)
	}
	return c.inThread(ctx, bot.Mark{Place: channel, Ref: p.Thread.Ref}, out, files)
}

// send posts a message into a channel or a thread.
func (c *Client) send(ctx context.Context, channel string, out message, files []bot.File) (bot.Mark, error) {
	if !snowflake.MatchString(channel) {
		return bot.Mark{}, &bot.SendError{Fault: bot.SendNoPlace, Why: cut(channel, 80) + " is not the id of a channel"}
	}
	if err := judge(legal.Message, out); err != nil {
		return bot.Mark{}, err
	}
	var at said
	err := c.caller.do(ctx, request{method: http.MethodPost, path: "channels/" + channel + "/messages", body: out, files: files}, &at)
	if err != nil {
		return bot.Mark{}, err
	}
	if !snowflake.MatchString(at.ID) {
		return bot.Mark{}, &bot.SendError{Fault: bot.SendUnsure, Why: "Discord did not say where the message is"}
	}
	return bot.Mark{Place: cmp.Or(at.Channel, channel), Ref: at.ID}, nil
}

// answerTo posts a message beside the one that it belongs to.
func (c *Client) answerTo(ctx context.Context, channel, ref string, out message, files []bot.File) (bot.Mark, error) {
	out.Reference = &reference{Message: ref}
	return c.send(ctx, channel, out, files)
}

// Edit shows another Message in place of one that was posted. Files stay.
func (c *Client) Edit(ctx context.Context, m bot.Mark, p bot.Parcel) error {
	if !snowflake.MatchString(m.Place) || !snowflake.MatchString(m.Ref) {
		return &bot.SendError{Fault: bot.SendGone, Why: "this is no message of Discord"}
	}
	out := c.render(there(p.Place, p.Message))
	mark(&out, p.Nonce)
	out.Nonce, out.Enforce = "", false
	if err := judge(legal.Edit, out); err != nil {
		return err
	}
	edit := request{method: http.MethodPatch, path: "channels/" + m.Place + "/messages/" + m.Ref, body: out}
	err := c.caller.do(ctx, edit, nil)
	if numberedBy(err, archived) && c.unarchive(ctx, m.Place) {
		err = c.caller.do(ctx, edit, nil)
	}
	return err
}

// there is a Message as it can stand at a place: in a direct message nothing can be
// pressed, because nobody's roles come with it.
func there(place string, m bot.Message) bot.Message {
	if bare(place) == place {
		return m
	}
	pressable := len(m.Buttons)+len(m.More) > 0
	m.Buttons, m.More = nil, nil
	rows := m.Rows
	m.Rows = nil
	for _, r := range rows {
		pressable = pressable || r.Button != nil
		m.Rows = append(m.Rows, bot.Row{Line: r.Line})
	}
	if pressable {
		note := bot.Line{Kind: bot.LineQuiet, Spans: []bot.Span{{Text: "To decide, use the card or "}, {Text: Command, Style: bot.SpanCode}, {Text: " in the server."}}}
		m.Lines = append(m.Lines[:len(m.Lines):len(m.Lines)], note)
	}
	return m
}

// channel gives the channel of a place: itself, or the direct channel of a person,
// who is written like SERVER/USER.
func (c *Client) channel(ctx context.Context, place string) (string, error) {
	user := bare(place)
	if user == place {
		return place, nil
	}
	if !snowflake.MatchString(user) {
		return "", &bot.SendError{Fault: bot.SendNoPlace, Why: "this is no user of Discord"}
	}
	return c.direct.get(ctx, user, func(ctx context.Context) (string, error) {
		var opened said
		body := map[string]string{"recipient_id": user}
		if err := c.caller.do(ctx, request{method: http.MethodPost, path: "users/@me/channels", body: body}, &opened); err != nil {
			return "", err
		}
		if !snowflake.MatchString(opened.ID) {
			return "", &bot.SendError{Fault: bot.SendUnsure, Why: "Discord did not say where the person is written to"}
		}
		return opened.ID, nil
	})
}

// markAt is the beginning of the address that a message is found by. It leads
// nowhere, and nothing shows it.
const markAt = "https://salve.invalid/"

// mark puts on a message what it is known and found by.
func mark(out *message, nonce string) {
	if nonce == "" {
		return
	}
	out.Nonce, out.Enforce = shortNonce(nonce), true
	if len(out.Embeds) == 0 {
		out.Embeds = []embed{{Description: "\u2800"}}
	}
	out.Embeds[0].URL = markAt + out.Nonce
}

// shortNonce is a nonce as Discord takes it: 25 characters at most.
func shortNonce(nonce string) string {
	if nonce == "" || len(nonce) <= 25 && customID.MatchString(id(idPress, 0, nonce)) {
		return nonce
	}
	sum := sha256.Sum256([]byte(nonce))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

const (
	maxFiles    = 5
	maxFileSize = 8 << 20
	maxAllFiles = 20 << 20
)

// attachable are the files that Discord takes, and what is said of the others.
func attachable(files []bot.File) (out []bot.File, lost []bot.Line) {
	total := 0
	for _, f := range files {
		name := cmp.Or(filename(f.Name), "file")
		why := ""
		switch {
		case len(out) == maxFiles:
			why = fmt.Sprintf("a message takes %d files", maxFiles)
		case len(f.Body) == 0 || len(f.Body) > maxFileSize:
			why = fmt.Sprintf("it has %d bytes; 1 to %d are taken", len(f.Body), maxFileSize)
		case total+len(f.Body) > maxAllFiles:
			why = "the files are too large together"
		}
		if why != "" {
			lost = append(lost, bot.Line{Kind: bot.LineQuiet, Spans: []bot.Span{{Text: name + " could not be attached: " + why + "."}}})
			continue
		}
		total += len(f.Body)
		f.Name = name
		out = append(out, f)
	}
	return out, lost
}

// filename keeps of a name what every system takes.
func filename(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		default:
			return '_'
		}
	}, near(s, 80))
	return strings.TrimLeft(s[:min(len(s), 80)], ".")
}
