package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"syscall"
	"time"

	"salve/bot"
	"salve/integrations/internal/outbound"
)

// meaning is what an error that Discord numbers means.
type meaning struct {
	fault bot.SendFault
	why   string
}

// meanings are Discord's numbers. What is not among them is judged by its status.
var meanings = map[int]meaning{
	10003:  {bot.SendNoPlace, "the channel is not there"},
	10004:  {bot.SendDenied, "the server is not there, or the app is not in it: look at discord.guild"},
	10007:  {bot.SendNoPlace, "the person is not in the server"},
	10013:  {bot.SendNoPlace, "the person is not there"},
	10008:  {bot.SendGone, "the message is not there any more"},
	10015:  {bot.SendGone, "an interaction can be answered for 15 minutes only, and they were over"},
	10062:  {bot.SendGone, "an interaction must be answered within three seconds, and they were over"},
	40060:  {bot.SendGone, "the interaction was answered already"},
	50027:  {bot.SendGone, "the interaction cannot be answered any more"},
	50005:  {bot.SendGone, "the message is somebody else's"},
	50021:  {bot.SendGone, "the message cannot be edited"},
	20016:  {bot.SendLater, "the channel is in slow mode"},
	20022:  {bot.SendLater, "Discord asks for a pause"},
	20028:  {bot.SendLater, "the channel takes no more messages just now"},
	20029:  {bot.SendLater, "the server takes no more messages just now"},
	30046:  {bot.SendLater, "messages older than an hour take no more edits just now"},
	40062:  {bot.SendLater, "Discord asks for a pause"},
	130000: {bot.SendLater, "Discord is overloaded"},
	40007:  {bot.SendNoPlace, "the person is banned from the server"},
	50001:  {bot.SendNoPlace, "Salve may not see the channel: give its role View Channel there"},
	50007:  {bot.SendNoPlace, "the person takes no direct messages from the app"},
	50008:  {bot.SendNoPlace, "this is no text channel"},
	50009:  {bot.SendNoPlace, "the channel asks for a verification that apps do not have"},
	50013:  {bot.SendNoPlace, "Salve lacks a permission in the channel: salve doctor says which"},
	50024:  {bot.SendNoPlace, "this cannot be done in such a channel"},
	50083:  {bot.SendNoPlace, "the thread is in the archive"},
	160002: {bot.SendNoPlace, "Salve may not read the history of the channel"},
	160005: {bot.SendNoPlace, "the thread is locked"},
	160006: {bot.SendNoPlace, "the server has as many threads as it can"},
	20009:  {bot.SendRefused, "the server does not take explicit content"},
	40005:  {bot.SendRefused, "it is too large for Discord"},
	50006:  {bot.SendRefused, "there is nothing to show"},
	50035:  {bot.SendRefused, "Discord does not take this message"},
	50046:  {bot.SendRefused, "Discord does not take a file"},
	50109:  {bot.SendRefused, "Discord cannot read the message"},
	200000: {bot.SendRefused, "the server's AutoMod blocks the message: exempt the app's role"},
	240000: {bot.SendRefused, "Discord takes a link in it for harmful"},
	20001:  {bot.SendDenied, "bots may not do this"},
	40001:  {bot.SendDenied, "the app may not do this"},
	40002:  {bot.SendDenied, "the app's account must be verified at Discord"},
	50014:  {bot.SendDenied, "Discord does not know the token: look at discord.bot_token"},
	50020:  {bot.SendDenied, "the app may not do this"},
	50025:  {bot.SendDenied, "Discord does not know the token: look at discord.bot_token"},
	60003:  {bot.SendDenied, "the server asks for two-factor authentication of the app's owner"},
}

// refusal is the body of an answer that is no success.
type refusal struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Errors  json.RawMessage `json:"errors"`
	After   float64         `json:"retry_after"`
	Global  bool            `json:"global"`
}

// pauseUnsaid is how long to be silent when Discord does not say.
const pauseUnsaid = 10 * time.Second

// judged makes a fault of an answer that is no success. A server that failed on
// the way may have done what it was asked to.
func judged(status int, h http.Header, no refusal) *bot.SendError {
	if status == http.StatusTooManyRequests {
		return tooMany(h, no)
	}
	if m, ok := meanings[no.Code]; ok && status/100 != 5 {
		out := &bot.SendError{Fault: m.fault, Why: fmt.Sprintf("%s (%d)", m.why, no.Code)}
		switch {
		case m.fault == bot.SendLater:
			out.After = pause(h, no)
		case no.Code == 50035:
			out.Why += ": " + cut(where(no.Errors), 160)
		}
		return out
	}
	switch {
	case status == http.StatusUnauthorized:
		return &bot.SendError{Fault: bot.SendDenied, Why: "Discord does not know the token: look at discord.bot_token (HTTP 401)"}
	case status == http.StatusServiceUnavailable:
		return &bot.SendError{Fault: bot.SendDown, Why: "Discord is not available (HTTP 503)"}
	case status >= 500:
		return &bot.SendError{Fault: bot.SendUnsure, Why: fmt.Sprintf("Discord failed (HTTP %d)", status)}
	case status == http.StatusRequestEntityTooLarge:
		return &bot.SendError{Fault: bot.SendRefused, Why: "it is too large for Discord (HTTP 413)"}
	case no.Code != 0 || no.Message != "":
		return &bot.SendError{Fault: bot.SendDown, Why: fmt.Sprintf("Discord refused (HTTP %d, %d)", status, no.Code)}
	default:
		return &bot.SendError{Fault: bot.SendDown, Why: fmt.Sprintf("Discord, or something on the way, answered HTTP %d", status)}
	}
}

// tooMany is a 429: of one route, of the whole app, or a page of Discord's front
// that bars the address.
func tooMany(h http.Header, no refusal) *bot.SendError {
	out := &bot.SendError{Fault: bot.SendLater, After: pause(h, no), Why: "Discord asks for a pause"}
	switch {
	case no.Global || h.Get("X-RateLimit-Global") != "" || h.Get("X-RateLimit-Scope") == "global":
		out.Wide = true
	case no.Message == "" && no.After == 0:
		out.Wide, out.Why = true, "Discord's front bars this address for a while"
	}
	return out
}

func pause(h http.Header, no refusal) time.Duration {
	seconds := no.After
	if seconds <= 0 {
		seconds, _ = strconv.ParseFloat(h.Get("Retry-After"), 64)
	}
	if !(seconds > 0) {
		return pauseUnsaid
	}
	if seconds >= time.Hour.Seconds() {
		return time.Hour
	}
	return time.Duration(seconds * float64(time.Second))
}

// where names what of a payload Discord does not take: the path and its own code,
// and nothing of what stood there.
func where(raw json.RawMessage) string {
	var tree any
	if json.Unmarshal(raw, &tree) != nil {
		return "it does not say why"
	}
	path := ""
	for range 12 {
		node, ok := tree.(map[string]any)
		if !ok {
			break
		}
		if leaves, ok := node["_errors"].([]any); ok && len(leaves) > 0 {
			leaf, _ := leaves[0].(map[string]any)
			code, _ := leaf["code"].(string)
			return path + " " + code
		}
		keys := slices.Sorted(maps.Keys(node))
		if len(keys) == 0 {
			break
		}
		path, tree = path+"/"+keys[0], node[keys[0]]
	}
	return "it does not say why"
}

// fault makes a *bot.SendError of an error of this package.
func fault(err error) *bot.SendError {
	if f, ok := errors.AsType[*bot.SendError](err); ok {
		return f
	}
	return transportFault(err, false)
}

func is(err error, f bot.SendFault) bool {
	known, ok := errors.AsType[*bot.SendError](err)
	return ok && known.Fault == f
}

// transportFault judges a call that got no answer. left tells whether a
// connection was there to write to.
func transportFault(err error, left bool) *bot.SendError {
	if left {
		return &bot.SendError{Fault: bot.SendUnsure, Why: "Discord's answer was lost: " + reason(err), Cause: ended(err)}
	}
	return &bot.SendError{Fault: bot.SendDown, Why: "Discord was not reached: " + reason(err), Cause: ended(err)}
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
