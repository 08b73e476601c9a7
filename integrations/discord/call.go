package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"sync/atomic"

	"salve/bot"
	"salve/bot/secret"
)

// caller makes the calls of the REST API: it keeps Discord's limits, reads
// answers whole, and makes a *bot.SendError of whatever is no success, where it
// is known whether the request had left. It never sends twice.
type caller struct {
	http  *http.Client
	api   string
	token secret.Secret
	pace  *pacer
}

// request is one call. Path is below the API, without a slash at its beginning.
type request struct {
	method string
	path   string
	body   any
	files  []bot.File
	open   bool // it needs no token of ours: one is in its path, which is a secret
}

const userAgent = "DiscordBot (https://salve.invalid, 1)"

// do makes a call and reads its answer into into, where that is not nil.
func (c *caller) do(ctx context.Context, r request, into any) error {
	req, err := c.build(ctx, r)
	if err != nil {
		return &bot.SendError{Fault: bot.SendRefused, Why: "the call cannot be written down"}
	}
	route := routeOf(r.method, r.path)
	if err := c.pace.wait(ctx, route, r.open); err != nil {
		return err
	}
	var left atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { left.Store(true) }}
	resp, err := c.http.Do(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err != nil {
		return transportFault(err, left.Load())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ok := resp.StatusCode/100 == 2
	if ok && err != nil {
		return transportFault(err, true)
	}
	c.pace.note(route, resp.StatusCode, resp.Header)
	if !ok {
		var no refusal
		if json.Unmarshal(body, &no) != nil {
			no = refusal{}
		}
		failed := judged(resp.StatusCode, resp.Header, no)
		if failed.Fault == bot.SendLater {
			c.pace.hold(route, failed)
		}
		return &coded{failed, no.Code}
	}
	if resp.StatusCode == http.StatusNoContent {
		return nil
	}
	if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); media != "application/json" {
		return &bot.SendError{Fault: bot.SendDown, Why: "a page came instead of Discord's answer (" + cut(media, 40) + "): something between Salve and Discord is in the way"}
	}
	if into == nil {
		return nil
	}
	if json.Unmarshal(body, into) != nil {
		return &bot.SendError{Fault: bot.SendUnsure, Why: "Discord's answer was not understood"}
	}
	return nil
}

func (c *caller) build(ctx context.Context, r request) (*http.Request, error) {
	var body io.Reader
	media := ""
	switch {
	case len(r.files) > 0:
		data, kind, err := multi(r.body, r.files)
		if err != nil {
			return nil, err
		}
		body, media = bytes.NewReader(data), kind
	case r.body != nil:
		data, err := json.Marshal(r.body)
		if err != nil {
			return nil, err
		}
		body, media = bytes.NewReader(data), "application/json"
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.api+r.path, body)
	if err != nil {
		return nil, err
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	if !r.open {
		req.Header.Set("Authorization", "Bot "+c.token.Reveal())
	}
	req.Header.Set("User-Agent", userAgent)
	return req, nil
}

// multi writes a payload with files beside it.
func multi(payload any, files []bot.File) (data []byte, media string, err error) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	head := textproto.MIMEHeader{"Content-Disposition": {`form-data; name="payload_json"`}, "Content-Type": {"application/json"}}
	part, err := w.CreatePart(head)
	if err != nil {
		return nil, "", err
	}
	if err := json.NewEncoder(part).Encode(payload); err != nil {
		return nil, "", err
	}
	for i, f := range files {
		part, err := w.CreateFormFile(fmt.Sprintf("files[%d]", i), f.Name)
		if err != nil {
			return nil, "", err
		}
		if _, err := part.Write(f.Body); err != nil {
			return nil, "", err
		}
	}
	if err := w.Close(); err != nil {
		return nil, "", err
	}
	return buf.Bytes(), w.FormDataContentType(), nil
}

// routeOf is what Discord limits: a method and a path, of which the ids of
// channels and servers alone count. A token in a path is never a part of it.
func routeOf(method, path string) string {
	path, _, _ = strings.Cut(path, "?")
	parts := strings.Split(path, "/")
	for i, p := range parts {
		major := i == 1 && (parts[0] == "channels" || parts[0] == "guilds")
		if !major && (snowflake.MatchString(p) || i == 2 && (parts[0] == "webhooks" || parts[0] == "interactions")) {
			parts[i] = "-"
		}
	}
	return method + " " + strings.Join(parts, "/")
}
