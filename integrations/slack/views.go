package slack

import (
	"context"
	"strings"

	slackgo "github.com/slack-go/slack"

	"salve/bot"
	"salve/integrations/slack/legal"
)

// Open shows a Form to whoever made the Gesture; in a modal, above it. It must
// come within three seconds of the Gesture and works once. What it gives stands
// for the Form, for Refill.
func (c *Client) Open(ctx context.Context, g bot.Gesture, f bot.Form) (string, error) {
	v := modal(f)
	if err := judge(legal.Modal, v); err != nil {
		return "", err
	}
	trigger := g.Handles[handleTrigger]
	if trigger == "" {
		return "", &bot.SendError{Fault: bot.SendGone, Why: "no form can be opened by this"}
	}
	open := c.api.OpenViewContext
	if g.Kind == bot.GesturePressed && g.Handles[handleView] != "" {
		open = c.api.PushViewContext
	}
	shown, err := open(ctx, trigger, library(v))
	if err != nil {
		return "", fault(err)
	}
	return form(shown.View.ID, shown.View.Hash), nil
}

// Refill shows another Form in place of one that was opened, if that is as it was.
func (c *Client) Refill(ctx context.Context, opened string, f bot.Form) (string, error) {
	v := modal(f)
	if err := judge(legal.Modal, v); err != nil {
		return "", err
	}
	id, hash, _ := strings.Cut(opened, "/")
	shown, err := c.api.UpdateViewContext(ctx, library(v), "", hash, id)
	if err != nil {
		return "", fault(err)
	}
	return form(shown.View.ID, shown.View.Hash), nil
}

// Home shows a Message as a person's own page.
func (c *Client) Home(ctx context.Context, user bot.ChatUser, m bot.Message) error {
	v := home(m)
	if err := judge(legal.Home, v); err != nil {
		return err
	}
	id := user.ID[strings.LastIndexByte(user.ID, '/')+1:]
	_, err := c.api.PublishViewContext(ctx, slackgo.PublishViewContextRequest{UserID: id, View: slackgo.HomeTabViewRequest{
		Type: slackgo.VTHomeTab, CallbackID: v.CallbackID, Blocks: slackgo.Blocks{BlockSet: carry(v.Blocks)},
	}})
	if err != nil {
		return fault(err)
	}
	return nil
}

func form(id, hash string) string { return id + "/" + hash }

func library(v view) slackgo.ModalViewRequest {
	return slackgo.ModalViewRequest{
		Type: slackgo.VTModal, Title: carryText(v.Title), Close: carryText(v.Close), Submit: carryText(v.Submit),
		PrivateMetadata: v.PrivateMetadata, CallbackID: v.CallbackID, Blocks: slackgo.Blocks{BlockSet: carry(v.Blocks)},
	}
}

func carryText(t *text) *slackgo.TextBlockObject {
	if t == nil {
		return nil
	}
	return &slackgo.TextBlockObject{Type: t.Type, Text: t.Text, Emoji: t.Emoji}
}
