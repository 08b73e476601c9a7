package paging

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"salve/bot"
	"salve/integrations/internal/outbound"
)

// Far is who takes pages.
type Far struct {
	Name string // "PagerDuty"
	Key  string // what the operator calls its credentials: "routing_key"
}

// soon is how long to wait after a 429 that does not say.
const soon = 30 * time.Second

// Fault is what became of a call as a *bot.SendError; nil for a status of 200 to
// 299. More about an answer is for the caller to judge first.
func (f Far) Fault(a outbound.Answer, err error) error {
	if err != nil {
		return f.unanswered(err)
	}
	fault := func(kind bot.SendFault, why string) error {
		return &bot.SendError{Fault: kind, Why: fmt.Sprintf("%s answers %d: %s", f.Name, a.Status, why)}
	}
	switch {
	case a.Status/100 == 2:
		return nil
	case a.Status == http.StatusTooManyRequests, a.Status == http.StatusServiceUnavailable && a.RetryAfter > 0:
		return &bot.SendError{Fault: bot.SendLater, After: cmp.Or(a.RetryAfter, soon), Why: fmt.Sprintf("%s answers %d: too much at once", f.Name, a.Status)}
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		return fault(bot.SendDenied, "it does not take "+f.Key+"; give it one that is valid there")
	case a.Status == http.StatusNotFound, a.Status == http.StatusGone, a.Status == http.StatusMethodNotAllowed:
		return fault(bot.SendNoPlace, "nothing takes pages at this address; check url")
	case a.Status/100 == 3:
		return fault(bot.SendNoPlace, "it sends elsewhere, and redirects are not followed; check url")
	case a.Status == http.StatusServiceUnavailable, a.Status == http.StatusRequestTimeout:
		return fault(bot.SendDown, "it takes nothing at the moment")
	case a.Status/100 == 5:
		return fault(bot.SendUnsure, "it may have taken the page or not")
	default:
		return fault(bot.SendRefused, "it does not take this page")
	}
}

func (f Far) unanswered(err error) error {
	out := &bot.SendError{Fault: bot.SendDown, Why: "page by " + f.Name, Cause: err}
	failed, ok := errors.AsType[*outbound.Error](err)
	switch {
	case !ok:
	case failed.To == "":
		out.Fault = bot.SendNoPlace // the address itself cannot be used
	case failed.Sent:
		out.Fault = bot.SendUnsure
	}
	if _, denied := errors.AsType[*outbound.Denied](err); denied {
		out.Fault = bot.SendDenied
	}
	return out
}

// Strange is the fault of an answer that says yes and is not what the far end
// gives: something else sits at its address.
func (f Far) Strange(a outbound.Answer) error {
	return &bot.SendError{Fault: bot.SendDown, Why: fmt.Sprintf("%s answers %d with something that is not its own: is there a proxy or a login page between? check url", f.Name, a.Status)}
}

// Key is a Parcel's Key in at most so many bytes of plain characters: what is
// longer or holds others is named by its sum.
func Key(key string, most int) string {
	plain := strings.IndexFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
	if key != "" && plain && len(key) <= most {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "salve-" + hex.EncodeToString(sum[:])[:min(40, most-6)]
}
