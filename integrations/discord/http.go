package discord

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"salve/bot"
)

const (
	maxBody     = 1 << 20
	maxReading  = 256 // bodies that are read at once: anybody can send one
	maxInFlight = 64  // what is signed and being heard
	readTimeout = 2 * time.Second
	signedFor   = 5 * time.Minute // in both directions
)

// Handler hears over HTTP, at one address. It answers in the response itself,
// after Ear has written the Gesture down. What is not signed by Discord gets a
// 401, which Discord tries out from time to time.
type Handler struct {
	client  *Client
	key     ed25519.PublicKey
	ear     Ear
	reading chan struct{}
	slots   chan struct{}
	logged  atomic.Int64
}

// NewHandler makes a Handler. publicKey is that of the app, in hexadecimal:
// without it anybody could press buttons.
func NewHandler(client *Client, publicKey string, ear Ear) (*Handler, error) {
	key, err := hex.DecodeString(strings.TrimSpace(publicKey))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, errors.New("discord: the public key is missing or is none: set discord.public_key to the 64 characters that the app's page shows")
	}
	return &Handler{client: client, key: key, ear: ear, reading: make(chan struct{}, maxReading), slots: make(chan struct{}, maxInFlight)}, nil
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	came := time.Now()
	body, status, why := h.admit(w, r)
	if status != 0 {
		h.refuse(w, r, status, why)
		return
	}
	var in interaction
	if json.Unmarshal(body, &in) != nil {
		h.refuse(w, r, http.StatusBadRequest, "it is no interaction")
		return
	}
	if in.Type == typePing {
		reply(w, http.StatusOK, answer{Type: answerPong})
		return
	}
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	default:
		reply(w, http.StatusOK, tell(lost))
		h.log(r, http.StatusOK, "too much at once")
		return
	}
	h.serve(w, r, in, came)
}

// handed is a first answer on its way into the response.
type handed struct {
	answer answer
	done   chan error
}

// serve lets an interaction be worked on, and writes its first answer.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, in interaction, came time.Time) {
	out := make(chan handed)
	gone := make(chan struct{})
	defer close(gone)
	rec := newReception("http", func(_ context.Context, a answer) error {
		give := handed{a, make(chan error, 1)}
		select {
		case out <- give:
			return <-give.done
		case <-gone:
			return &bot.SendError{Fault: bot.SendGone, Why: "the interaction was answered already"}
		}
	})
	rec.came = came
	worked := make(chan struct{})
	go func() { // it ends with the answer, which is written below
		defer close(worked)
		if err := h.client.take(context.WithoutCancel(r.Context()), h.ear, in, rec); err != nil {
			h.log(r, http.StatusOK, err.Error())
			return
		}
		rec.wait(context.WithoutCancel(r.Context()))
	}()
	select {
	case give := <-out:
		give.done <- reply(w, http.StatusOK, give.answer)
		<-worked
	case <-worked:
		h.refuse(w, r, http.StatusInternalServerError, "there was no answer")
	}
}

// admit gives the body of what is Discord's.
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
	if why := h.verify(r, body, time.Now()); why != "" {
		return nil, http.StatusUnauthorized, why
	}
	return body, 0, ""
}

// read reads the body, which with the time is all that the signature covers: a
// query is not taken, so that nothing can be said beside it.
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

// verify checks the signature over the time and the bytes as they came.
func (h *Handler) verify(r *http.Request, body []byte, now time.Time) (why string) {
	signature, stamp := r.Header.Values("X-Signature-Ed25519"), r.Header.Values("X-Signature-Timestamp")
	if len(signature) != 1 || len(stamp) != 1 {
		return "it is not signed, or more than once"
	}
	sig, err := hex.DecodeString(signature[0])
	if err != nil || len(sig) != ed25519.SignatureSize || len(stamp[0]) > 20 {
		return "its signature cannot be read"
	}
	if !ed25519.Verify(h.key, append([]byte(stamp[0]), body...), sig) {
		return "its signature is wrong: is discord.public_key that of this app?"
	}
	seconds, err := strconv.ParseInt(stamp[0], 10, 64)
	if err != nil {
		return "its time cannot be read"
	}
	if age := now.Sub(time.Unix(seconds, 0)); age > signedFor || age < -signedFor {
		return "it was signed more than five minutes ago or ahead: is a clock wrong?"
	}
	return ""
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int, why string) {
	h.log(r, status, why)
	_ = reply(w, status, map[string]any{"error": why}) // whoever asked may be gone
}

// log logs one refusal a second: what a stranger can cause at will may not fill
// the log.
func (h *Handler) log(r *http.Request, status int, why string) {
	if now := time.Now().Unix(); h.logged.Swap(now) != now {
		h.client.log.WarnContext(r.Context(), "a request was refused", "surface", Surface, "status", status, "reason", strings.ToValidUTF8(why, ""))
	}
}

func reply(w http.ResponseWriter, status int, body any) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		return &bot.SendError{Fault: bot.SendGone, Why: "the answer did not arrive"}
	}
	if err := http.NewResponseController(w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return &bot.SendError{Fault: bot.SendGone, Why: "the answer did not arrive"}
	}
	return nil
}
