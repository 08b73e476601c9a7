package control

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"salve/bot"
)

const maxBody = 1 << 20

// problem is a refusal as JSON.
type problem struct {
	Code bot.RefusalCode `json:"code"`
	Why  string          `json:"why"`
	Next string          `json:"next,omitempty"`
}

var statuses = map[bot.RefusalCode]int{
	bot.RefusedUnknown: http.StatusNotFound, bot.RefusedForbidden: http.StatusForbidden, bot.RefusedIdentity: http.StatusUnauthorized,
	bot.RefusedMoved: http.StatusConflict, bot.RefusedState: http.StatusConflict, bot.RefusedInput: http.StatusBadRequest, bot.RefusedLater: http.StatusServiceUnavailable,
}

// refuse writes an error; what is no refusal is logged and told without its text.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	refusal, ok := errors.AsType[*bot.Refusal](err)
	switch {
	case ok:
	case r.Context().Err() != nil: // most likely nobody is there to read it
		refusal = bot.Refuse(bot.RefusedLater, "The request ended before the answer was there.", "Try again.")
	case errors.Is(err, bot.ErrNotFound):
		refusal = bot.Refuse(bot.RefusedUnknown, "There is no such thing.", "`salve incidents` and `salve runs` list what there is.")
	default:
		s.log.ErrorContext(r.Context(), "control request", "method", r.Method, "path", r.URL.Path, "err", err)
		refusal = bot.Refuse(bot.RefusedLater, "The store did not answer.", "Try again; the log of Salve says more.")
	}
	status, known := statuses[refusal.Code]
	if !known {
		status = http.StatusInternalServerError
	}
	switch status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="salve"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
	s.write(w, r, status, problem{Code: refusal.Code, Why: refusal.Why, Next: refusal.Next})
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, out any) {
	if t, ok := out.(text); ok {
		w.Header().Set("Content-Type", "text/markdown; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if _, err := io.WriteString(w, string(t)); err != nil {
			s.log.DebugContext(r.Context(), "answer not taken", "err", err)
		}
		return
	}
	s.write(w, r, http.StatusOK, out)
}

func (s *Server) write(w http.ResponseWriter, r *http.Request, status int, v any) {
	b, err := json.Marshal(v, json.Deterministic(true), json.FormatNilSliceAsNull(false), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		s.log.ErrorContext(r.Context(), "encode answer", "path", r.URL.Path, "err", err)
		status, b = http.StatusInternalServerError, []byte(`{"code":"not_recorded","why":"The answer could not be written as JSON."}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if _, err := w.Write(append(b, '\n')); err != nil {
		s.log.DebugContext(r.Context(), "answer not taken", "err", err)
	}
}

// read decodes a JSON body strictly: one value, known members, no duplicates.
func read(c call, out any) error {
	media, params, err := mime.ParseMediaType(c.Header.Get("Content-Type"))
	charset, named := params["charset"]
	if err != nil || media != "application/json" || named && !strings.EqualFold(charset, "utf-8") || c.Header.Get("Content-Encoding") != "" {
		return bot.Refuse(bot.RefusedInput, "The body must be application/json.", "Set Content-Type: application/json, without an encoding.")
	}
	b, err := io.ReadAll(http.MaxBytesReader(nil, c.Body, maxBody))
	if err != nil {
		return bot.Refuse(bot.RefusedInput, fmt.Sprintf("The body could not be read or is larger than %d bytes.", maxBody), "")
	}
	if err := json.Unmarshal(b, out, json.RejectUnknownMembers(true)); err != nil {
		return bot.Refuse(bot.RefusedInput, "The body cannot be understood"+place(err)+".", "Send one JSON object with known fields, each once.")
	}
	return nil
}

// place tells where a body is wrong, in words for whoever wrote it.
func place(err error) string {
	if e, ok := errors.AsType[*json.SemanticError](err); ok && e.JSONPointer != "" {
		if errors.Is(e.Err, json.ErrUnknownName) {
			return fmt.Sprintf(": there is no field %.80q", e.JSONPointer)
		}
		return fmt.Sprintf(" at %.80q", e.JSONPointer)
	}
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok && e.JSONPointer != "" {
		return fmt.Sprintf(" at %.80q", e.JSONPointer)
	}
	return ""
}

// states reads ?state=, once for each, from those that there are.
func states[T ~string](c call, known ...T) ([]T, error) {
	var out []T
	for _, v := range c.URL.Query()["state"] {
		if !slices.Contains(known, T(v)) {
			return nil, bot.Refuse(bot.RefusedInput, fmt.Sprintf("There is no state %.40q.", v), fmt.Sprintf("These there are: %v.", known))
		}
		out = append(out, T(v))
	}
	return out, nil
}

// limit reads ?limit=; 0 when it is not there.
func limit(c call) (int, error) {
	v := c.URL.Query().Get("limit")
	if v == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 1000 {
		return 0, bot.Refuse(bot.RefusedInput, "limit is a number from 1 to 1000.", "")
	}
	return n, nil
}

func badInput(err error) error {
	return bot.Refuse(bot.RefusedInput, err.Error()+".", "`salve incidents`, `salve runs` and `salve quarantine` list the ids.")
}
