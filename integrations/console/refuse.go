package console

import (
	"errors"
	"net/http"

	"salve/bot"
)

// statusError is a Refusal with a status of its own.
type statusError struct {
	status  int
	refusal *bot.Refusal
}

func (e *statusError) Error() string { return e.refusal.Error() }

// statuses are how HTTP says the kinds of Refusal.
var statuses = map[bot.RefusalCode]int{
	bot.RefusedUnknown:   http.StatusNotFound,
	bot.RefusedForbidden: http.StatusForbidden,
	bot.RefusedIdentity:  http.StatusUnauthorized,
	bot.RefusedMoved:     http.StatusConflict,
	bot.RefusedState:     http.StatusConflict,
	bot.RefusedInput:     http.StatusBadRequest,
	bot.RefusedLater:     http.StatusServiceUnavailable,
}

// fail shows an error as what it means for the person who meets it.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, err error) {
	if s, ok := errors.AsType[*statusError](err); ok {
		c.refuse(w, r, s.status, s.refusal)
		return
	}
	if refusal, ok := errors.AsType[*bot.Refusal](err); ok {
		status, known := statuses[refusal.Code]
		if !known {
			status = http.StatusForbidden
		}
		c.refuse(w, r, status, refusal)
		return
	}
	switch {
	case errors.Is(err, bot.ErrNotFound):
		c.refuse(w, r, http.StatusNotFound, bot.Refuse(bot.RefusedUnknown, "There is no such thing here.", "It may be mistyped; the lists show what there is."))
	case errors.Is(err, bot.ErrConflict):
		c.refuse(w, r, http.StatusConflict, bot.Refuse(bot.RefusedState, "It changed while you were deciding, so nothing was done.", "Look at it as it is now, then decide again."))
	case errors.Is(err, bot.ErrOverloaded), errors.Is(err, bot.ErrUnavailable), r.Context().Err() != nil:
		c.log.WarnContext(r.Context(), "the store did not answer the console", "path", r.URL.Path, "error", err)
		c.refuse(w, r, http.StatusServiceUnavailable, bot.Refuse(bot.RefusedLater, "Storage does not answer now, so nothing was recorded.", "Try again in a moment. If it must stop now: salve halt."))
	default:
		c.log.ErrorContext(r.Context(), "console page failed", "path", r.URL.Path, "error", err)
		c.refuse(w, r, http.StatusInternalServerError, bot.Refuse(bot.RefusedLater, "Something here is broken, and it is not known whether that was recorded.", "Look at the audit page before you repeat it. The log of Salve has the cause."))
	}
}

type refusalPage struct {
	Refusal *bot.Refusal
	Status  int
	Back    string
}

// refuse shows what was refused, why, and what is next.
func (c *Console) refuse(w http.ResponseWriter, r *http.Request, status int, refusal *bot.Refusal) {
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "2")
	}
	viewer, _ := c.viewer(r) // who it is only decides what the frame of the page shows
	title := "Not done"
	if r.Method == http.MethodGet {
		title = "Not shown"
	}
	c.render(w, r, status, "refusal", page{
		Title: title, Viewer: viewer,
		Main: refusalPage{Refusal: refusal, Status: status, Back: back(r.PostForm)},
	})
}
