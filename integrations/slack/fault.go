package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	slackgo "github.com/slack-go/slack"

	"salve/bot"
	"salve/integrations/internal/outbound"
)

// answer is what an error that Slack names means.
type answer struct {
	fault bot.SendFault
	why   string
	wide  bool
}

// answers are Slack's words. What is not among them was refused by Slack for
// reasons of its own, and is tried again.
var answers = map[string]answer{
	"ratelimited":            {bot.SendLater, "Slack asks for a pause", false},
	"rate_limited":           {bot.SendLater, "Slack asks for a pause", false},
	"message_limit_exceeded": {bot.SendLater, "too many messages are posted in the workspace", true},

	"message_not_found":   {bot.SendGone, "the message is not there any more", false},
	"edit_window_closed":  {bot.SendGone, "the workspace does not let messages be edited for so long", false},
	"cant_update_message": {bot.SendGone, "the message cannot be edited", false},
	"is_inactive":         {bot.SendGone, "the message cannot be edited any more", false},
	"block_mismatch":      {bot.SendGone, "the message cannot be edited", false},

	"channel_not_found":                        {bot.SendNoPlace, "the channel is not there, or is private and Salve is not in it: /invite the app", false},
	"not_in_channel":                           {bot.SendNoPlace, "Salve is not in the channel: /invite the app", false},
	"is_archived":                              {bot.SendNoPlace, "the channel is archived", false},
	"restricted_action":                        {bot.SendNoPlace, "the workspace does not let Salve post in the channel", false},
	"user_not_in_channel":                      {bot.SendNoPlace, "the person is not in the channel", false},
	"user_not_found":                           {bot.SendNoPlace, "the person is not there", false},
	"user_not_visible":                         {bot.SendNoPlace, "Salve may not see the person", false},
	"user_disabled":                            {bot.SendNoPlace, "the person's account is closed", false},
	"messages_tab_disabled":                    {bot.SendNoPlace, "the app takes no direct messages: switch its messages tab on", false},
	"cannot_dm_bot":                            {bot.SendNoPlace, "the person is a bot", false},
	"team_not_found":                           {bot.SendNoPlace, "the workspace is not there", false},
	"no_such_subteam":                          {bot.SendNoPlace, "there is no such user group", false},
	"thread_not_found":                         {bot.SendNoPlace, "the thread is not there any more", false},
	"posting_to_channel_denied":                {bot.SendNoPlace, "the workspace does not let Salve post in the channel", false},
	"channel_is_limited_access":                {bot.SendNoPlace, "the workspace does not let Salve into the channel", false},
	"method_not_supported_for_channel_type":    {bot.SendNoPlace, "this cannot be done in such a channel", false},
	"restricted_action_read_only_channel":      {bot.SendNoPlace, "only some may post in the channel", false},
	"restricted_action_thread_only_channel":    {bot.SendNoPlace, "the channel takes replies alone", false},
	"restricted_action_non_threadable_channel": {bot.SendNoPlace, "the channel takes no replies", false},
	"restricted_action_thread_locked":          {bot.SendNoPlace, "the thread is locked", false},
	"cannot_reply_to_message":                  {bot.SendNoPlace, "nobody can reply to the message", false},

	"invalid_blocks":          {bot.SendRefused, "Slack does not take these blocks", false},
	"invalid_blocks_format":   {bot.SendRefused, "Slack does not take these blocks", false},
	"invalid_arguments":       {bot.SendRefused, "Slack does not take these arguments", false},
	"msg_too_long":            {bot.SendRefused, "the text is too long for Slack", false},
	"msg_blocks_too_long":     {bot.SendRefused, "the blocks are too long for Slack", false},
	"view_too_large":          {bot.SendRefused, "the form is too large for Slack", false},
	"no_text":                 {bot.SendRefused, "there is nothing to show", false},
	"too_many_attachments":    {bot.SendRefused, "there is too much attached for Slack", false},
	"invalid_attachments":     {bot.SendRefused, "Slack does not take what is attached", false},
	"metadata_too_large":      {bot.SendRefused, "the metadata is too large for Slack", false},
	"invalid_metadata_format": {bot.SendRefused, "Slack does not take the metadata", false},
	"push_limit_reached":      {bot.SendRefused, "too many forms are open above each other", false},
	"hash_conflict":           {bot.SendRefused, "the form has changed meanwhile", false},
	"not_found":               {bot.SendGone, "the form was closed", false},
	"expired_trigger_id":      {bot.SendGone, "a form can be opened for three seconds only, and they were over", false},
	"exchanged_trigger_id":    {bot.SendGone, "the form was opened already", false},
	"invalid_trigger_id":      {bot.SendGone, "no form can be opened by this", false},

	"invalid_auth":           {bot.SendDenied, "Slack does not know the token: look at slack.bot_token", false},
	"not_authed":             {bot.SendDenied, "Slack got no token: look at slack.bot_token", false},
	"token_revoked":          {bot.SendDenied, "the token was taken back: install the app again and renew slack.bot_token", false},
	"token_expired":          {bot.SendDenied, "the token is over: switch token rotation off, or renew slack.bot_token", false},
	"account_inactive":       {bot.SendDenied, "the app was removed from the workspace: install it again and renew slack.bot_token", false},
	"missing_scope":          {bot.SendDenied, "the app lacks a scope", false},
	"not_allowed_token_type": {bot.SendDenied, "this is another kind of token than Slack wants: bot_token begins with xoxb-, app_token with xapp-", false},
	"no_permission":          {bot.SendDenied, "the app may not do this", false},
	"access_denied":          {bot.SendDenied, "the app may not do this", false},
	"ekm_access_denied":      {bot.SendDenied, "the organisation's keys do not let Salve post", false},
	"org_login_required":     {bot.SendDenied, "the workspace is being moved", false},
	"app_access_restricted":  {bot.SendDenied, "the workspace does not let the app be used", false},
	"plan_upgrade_required":  {bot.SendDenied, "the workspace's plan has no user groups: name people by `salve user add`, or use a paid plan", false},

	"internal_error": {bot.SendUnsure, "Slack failed, and says that it may have done a part of it", false},
	"fatal_error":    {bot.SendUnsure, "Slack failed, and says that it may have done a part of it", false},
}

// fault makes a *bot.SendError of whatever went wrong. Nothing that was sent is
// in it, nor any address.
func fault(err error) *bot.SendError {
	if known, ok := errors.AsType[*bot.SendError](err); ok {
		return known
	}
	if limited, ok := errors.AsType[*slackgo.RateLimitedError](err); ok {
		return later(limited.RetryAfter)
	}
	if status, ok := errors.AsType[slackgo.StatusCodeError](err); ok {
		return statusFault(status.Code, "", 0)
	}
	if said, ok := errors.AsType[slackgo.SlackErrorResponse](err); ok {
		return named(said)
	}
	return &bot.SendError{Fault: bot.SendUnsure, Why: "Slack's answer was not understood"}
}

func named(said slackgo.SlackErrorResponse) *bot.SendError {
	code := cut(said.Err, 60)
	a, known := answers[said.Err]
	if !known {
		a = answer{fault: bot.SendDown, why: "Slack refused"}
	}
	out := &bot.SendError{Fault: a.fault, Wide: a.wide, Why: fmt.Sprintf("%s (%s)", a.why, code)}
	switch {
	case a.fault == bot.SendLater:
		out.After = pauseUnsaid
	case said.Needed != "":
		out.Why = fmt.Sprintf("%s: add %s and install the app again (%s)", a.why, cut(said.Needed, 120), code)
	case a.fault == bot.SendRefused && len(said.ResponseMetadata.Messages) > 0:
		out.Why += ": " + cut(said.ResponseMetadata.Messages[0], 160)
	}
	return out
}

// pauseUnsaid is how long to be silent when Slack does not say.
const pauseUnsaid = 10 * time.Second

func later(after time.Duration) *bot.SendError {
	if after <= 0 {
		after = pauseUnsaid
	}
	return &bot.SendError{Fault: bot.SendLater, After: min(after, time.Hour), Why: "Slack asks for a pause"}
}

// statusFault judges an answer that is no answer of Slack's API. A server that
// failed on the way may have done what it was asked to.
func statusFault(status int, media string, after time.Duration) *bot.SendError {
	switch {
	case status == http.StatusTooManyRequests:
		return later(after)
	case status == http.StatusServiceUnavailable:
		return &bot.SendError{Fault: bot.SendDown, Why: "Slack is not available (HTTP 503)"}
	case status >= 500:
		return &bot.SendError{Fault: bot.SendUnsure, Why: fmt.Sprintf("Slack failed (HTTP %d)", status)}
	case status == http.StatusOK:
		return &bot.SendError{Fault: bot.SendDown, Why: "a page came instead of Slack's answer (" + cut(media, 40) + "): something between Salve and Slack is in the way"}
	default:
		return &bot.SendError{Fault: bot.SendDown, Why: fmt.Sprintf("Slack, or something on the way, answered HTTP %d", status)}
	}
}

// transportFault judges a call that got no answer. left tells whether a
// connection was there to write to.
func transportFault(err error, left bool) *bot.SendError {
	if left {
		return &bot.SendError{Fault: bot.SendUnsure, Why: "Slack's answer was lost: " + reason(err), Cause: ended(err)}
	}
	return &bot.SendError{Fault: bot.SendDown, Why: "Slack was not reached: " + reason(err), Cause: ended(err)}
}

// ended keeps of the cause what callers ask for, and nothing that holds an address.
func ended(err error) error {
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			return end
		}
	}
	return nil
}

func reason(err error) string {
	var slow interface{ Timeout() bool }
	if d, ok := errors.AsType[*outbound.Denied](err); ok {
		return d.Error()
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return "its name could not be resolved: " + cut(dns.Name, 80)
	}
	switch {
	case errors.Is(err, context.Canceled):
		return "the call was ended"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was reset"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was whole"
	case errors.As(err, &slow) && slow.Timeout():
		return "timed out"
	default:
		return "the connection failed"
	}
}
