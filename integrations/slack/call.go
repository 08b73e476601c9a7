package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"path"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	slackgo "github.com/slack-go/slack"

	"salve/bot"
)

// caller is what the library calls through: it paces, it reads answers whole,
// and what is no answer of Slack's becomes a *bot.SendError here, where it is
// known whether the request had left. It never sends twice.
type caller struct {
	http *http.Client
	api  string
	pace *pacer
}

func (c *caller) Do(req *http.Request) (*http.Response, error) {
	method := ""
	if strings.HasPrefix(req.URL.String(), c.api) {
		method = path.Base(req.URL.Path)
		if err := c.pace.wait(req.Context(), method); err != nil {
			return nil, err
		}
	}
	var left atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { left.Store(true) }}
	resp, err := c.http.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		return nil, transportFault(err, left.Load())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode == http.StatusOK && err != nil {
		return nil, transportFault(err, true)
	}
	if failed := c.judge(resp, body, method); failed != nil {
		return nil, failed
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// judge looks at an answer that came; method is empty where it is not of the API.
func (c *caller) judge(resp *http.Response, body []byte, method string) *bot.SendError {
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode != http.StatusOK || method != "" && media != "application/json" {
		failed := statusFault(resp.StatusCode, media, retryAfter(resp.Header))
		if failed.Fault == bot.SendLater {
			c.pace.hold(method, failed.After)
		}
		return failed
	}
	if method != "" && !json.Valid(body) {
		return &bot.SendError{Fault: bot.SendUnsure, Why: "Slack's answer was not whole"}
	}
	return nil
}

func retryAfter(h http.Header) time.Duration {
	n, err := strconv.ParseInt(h.Get("Retry-After"), 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(n) * time.Second
}

// call is for the methods whose answers the library reads more of than we want:
// it takes a page of messages as a whole, blocks of other apps included, and one
// that it does not know spoils the page.
func (c *Client) call(ctx context.Context, method string, args url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.caller.api+method, strings.NewReader(args.Encode()))
	if err != nil {
		return &bot.SendError{Fault: bot.SendDown, Why: "Slack's address cannot be understood: look at slack.api_url"}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+c.botToken.Reveal())
	resp, err := c.caller.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return transportFault(err, true)
	}
	var said slackgo.SlackResponse
	if json.Unmarshal(body, &said) != nil || json.Unmarshal(body, into) != nil {
		return &bot.SendError{Fault: bot.SendUnsure, Why: "Slack's answer was not understood"}
	}
	return said.Err()
}
