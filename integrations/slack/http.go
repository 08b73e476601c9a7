package slack

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	slackgo "github.com/slack-go/slack"

	"salve/bot"
	"salve/bot/secret"
)

const (
	maxBody     = 1 << 20
	maxReading  = 256 // bodies that are read at once: anybody can send one
	maxInFlight = 64  // what is signed and being heard
	readTimeout = 2 * time.Second
)

// Handler hears over HTTP: commands, interactions and events of one app, at one
// address. It answers after Ear has written the Gesture down. What was not
// written is said where somebody sees it: a command in its answer, a form in the
// form, a click by Slack's own warning and a note; an event is sent again.
type Handler struct {
	client  *Client
	signing secret.Secret
	ear     Ear
	reading chan struct{}
	slots   chan struct{}
	logged  atomic.Int64
}

// NewHandler makes a Handler. Without a signing secret there is none: anybody
// could press buttons.
func NewHandler(client *Client, signing secret.Secret, ear Ear) (*Handler, error) {
	if signing.IsZero() {
		return nil, errors.New("slack: the signing secret is missing: set slack.signing_secret")
	}
	return &Handler{client: client, signing: signing, ear: ear, reading: make(chan struct{}, maxReading), slots: make(chan struct{}, maxInFlight)}, nil
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, status, why := h.admit(w, r)
	if status != 0 {
		h.refuse(w, r, status, why)
		return
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		h.refuse(w, r, http.StatusServiceUnavailable, "too much at once")
		return
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch media {
	case "application/json":
		h.event(w, r, body)
	case "application/x-www-form-urlencoded":
		h.form(w, r, body)
	default:
		h.refuse(w, r, http.StatusUnsupportedMediaType, "it is neither a form nor JSON")
	}
}

// admit gives the body of what is Slack's.
func (h *Handler) admit(w http.ResponseWriter, r *http.Request) (body []byte, status int, why string) {
	select {
	case h.reading <- struct{}{}:
		defer func() { <-h.reading }()
	default:
		return nil, http.StatusServiceUnavailable, "too much at once"
	}
	body, status, why = h.read(w, r)
	if status != 0 {
		return nil, status, why
	}
	if why := h.verify(r, body); why != "" {
		return nil, http.StatusUnauthorized, why
	}
	return body, 0, ""
}

// read reads the body, which is all that the signature covers: a query is not
// taken, so that nothing can be said beside it.
func (h *Handler) read(w http.ResponseWriter, r *http.Request) (body []byte, status int, why string) {
	switch {
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return nil, http.StatusMethodNotAllowed, "it is no POST"
	case r.URL.RawQuery != "" || r.URL.ForceQuery:
		return nil, http.StatusBadRequest, "it has a query, which is not signed"
	case len(r.Header.Values("Content-Encoding")) > 0:
		return nil, http.StatusUnsupportedMediaType, "it is encoded"
	}
	// A writer without deadlines (in tests) reads from memory.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(readTimeout))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case len(body) > maxBody:
		return nil, http.StatusRequestEntityTooLarge, "it is too large"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, http.StatusRequestTimeout, "it did not arrive in time"
	case err != nil:
		return nil, http.StatusBadRequest, "it was cut off"
	}
	return body, 0, ""
}

// verify checks the signature over the bytes as they came.
func (h *Handler) verify(r *http.Request, body []byte) (why string) {
	if len(r.Header.Values("X-Slack-Signature")) != 1 || len(r.Header.Values("X-Slack-Request-Timestamp")) != 1 {
		return "it is not signed, or more than once"
	}
	verifier, err := slackgo.NewSecretsVerifier(r.Header, h.signing.Reveal())
	switch {
	case errors.Is(err, slackgo.ErrExpiredTimestamp):
		return "it was signed more than five minutes ago or ahead: is a clock wrong?"
	case err != nil:
		return "its signature cannot be read"
	}
	if _, err := verifier.Write(body); err != nil || verifier.Ensure() != nil {
		return "its signature is wrong: is slack.signing_secret that of this app?"
	}
	return ""
}

// form takes a command or an interaction.
func (h *Handler) form(w http.ResponseWriter, r *http.Request, body []byte) {
	values, err := url.ParseQuery(string(body))
	for _, v := range values {
		if len(v) != 1 {
			err = errors.New("a value is there more than once")
		}
	}
	if err != nil {
		h.refuse(w, r, http.StatusBadRequest, "its form cannot be read")
		return
	}
	d, err := h.client.decoder(r.Context(), "http")
	if err != nil {
		h.lost(w, r, values, bot.Gesture{}, err)
		return
	}
	seen := key(r.Header.Get("X-Slack-Request-Timestamp"), string(body))
	var g bot.Gesture
	wanted := true
	if values.Has("payload") {
		g, wanted, err = d.interaction([]byte(values.Get("payload")), seen)
	} else {
		g, err = d.command(command(values), seen)
	}
	switch {
	case errors.Is(err, errForeign) && !values.Has("payload"):
		h.log(r, http.StatusOK, err.Error())
		reply(w, http.StatusOK, ephemeral(foreign))
		return
	case err != nil:
		h.refuse(w, r, http.StatusBadRequest, err.Error())
		return
	case !wanted:
		w.WriteHeader(http.StatusOK)
		return
	}
	if err := hear(r.Context(), h.ear, g); err != nil {
		h.lost(w, r, values, g, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

func command(v url.Values) spoken {
	return spoken{
		Team: v.Get("team_id"), Enterprise: v.Get("enterprise_id"), Channel: v.Get("channel_id"), User: v.Get("user_id"),
		Name: v.Get("user_name"), Command: v.Get("command"), Text: v.Get("text"), Response: v.Get("response_url"), Trigger: v.Get("trigger_id"),
	}
}

// lost says that something was not written down, where the person sees it.
func (h *Handler) lost(w http.ResponseWriter, r *http.Request, values url.Values, g bot.Gesture, err error) {
	h.client.log.ErrorContext(r.Context(), "a gesture was not recorded", "surface", Surface, "kind", g.Kind, "error", err)
	switch {
	case !values.Has("payload"):
		reply(w, http.StatusOK, ephemeral(lost))
	case g.Kind == bot.GestureFilled && len(g.Fields) > 0: // the form stays open, with what was typed
		reply(w, http.StatusOK, map[string]any{"response_action": "errors", "errors": map[string]string{fieldBlock + first(g.Fields): lost}})
	default: // Slack shows a warning beside the button
		ctx, cancel := context.WithTimeoutCause(r.Context(), 700*time.Millisecond, errHearing)
		defer cancel()
		h.client.note(ctx, g, lost)
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// foreign is said to whoever types the command in a workspace that is not ours.
const foreign = "This Salve serves another workspace."

func first(fields map[string]string) string {
	out := ""
	for name := range fields {
		if out == "" || name < out {
			out = name
		}
	}
	return out
}

func ephemeral(s string) map[string]any {
	return map[string]any{"response_type": "ephemeral", "text": s}
}

func (h *Handler) event(w http.ResponseWriter, r *http.Request, body []byte) {
	var o outer
	if json.Unmarshal(body, &o) != nil {
		h.refuse(w, r, http.StatusBadRequest, "its JSON cannot be read")
		return
	}
	if o.Type == "url_verification" {
		reply(w, http.StatusOK, map[string]any{"challenge": short(o.Challenge, 1000)})
		return
	}
	h.client.limited(r.Context(), o)
	d, err := h.client.decoder(r.Context(), "http")
	if err != nil {
		h.again(w, r, err)
		return
	}
	g, wanted, err := d.event(o)
	switch {
	case err != nil:
		h.refuse(w, r, http.StatusBadRequest, err.Error())
		return
	case !wanted:
		w.WriteHeader(http.StatusOK)
		return
	}
	if err := hear(r.Context(), h.ear, g); err != nil {
		h.again(w, r, err)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// again lets Slack send the event again.
func (h *Handler) again(w http.ResponseWriter, r *http.Request, err error) {
	h.client.log.ErrorContext(r.Context(), "an event was not recorded", "surface", Surface, "error", err)
	w.WriteHeader(http.StatusServiceUnavailable)
}

// limited logs that Slack holds events back.
func (c *Client) limited(ctx context.Context, o outer) {
	if o.Type == "app_rate_limited" {
		c.log.WarnContext(ctx, "Slack holds events back: there are more than 30,000 an hour", "surface", Surface)
	}
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	h.log(r, status, why)
	if status/100 == 4 {
		w.Header().Set("X-Slack-No-Retry", "1")
	}
	reply(w, status, map[string]any{"error": why})
}

// log logs one refusal a second: what a stranger can cause at will may not fill
// the log.
func (h *Handler) log(r *http.Request, status int, why string) {
	if now := time.Now().Unix(); h.logged.Swap(now) != now {
		h.client.log.WarnContext(r.Context(), "a request was refused", "surface", Surface, "status", status, "reason", strings.ToValidUTF8(why, ""))
	}
}

func reply(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // Slack may be gone; what was written stays
}
