package httpcall

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/integrations/internal/outbound"
)

// What is kept of an answer.
const (
	maxBody    = 256 << 10
	maxOutput  = 8 << 10
	maxExcerpt = 200
	maxFields  = 32
	maxField   = 1 << 10
)

// describe is the answer for people: status, time, and the body.
func (a *Action) describe(answer outbound.Answer) string {
	head := fmt.Sprintf("HTTP %d %s after %s", answer.Status, http.StatusText(answer.Status), answer.Took.Round(time.Millisecond))
	body := a.redact.String(strings.ToValidUTF8(string(answer.Body), "\uFFFD"))
	switch {
	case body == "":
		return head
	case len(body) > maxOutput:
		body = strings.ToValidUTF8(body[:maxOutput], "") + " [cut]"
	case answer.Truncated:
		body += " [cut]"
	}
	return head + "\n" + body
}

// excerpt is the beginning of a body on one line, masked before it is cut.
func (a *Action) excerpt(body []byte, most int) string {
	s := strings.Join(strings.Fields(a.redact.String(strings.ToValidUTF8(string(body), "\uFFFD"))), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// fields gives the status and the scalars at the top of a JSON answer.
func (a *Action) fields(answer outbound.Answer) map[string]string {
	out := map[string]string{"status": strconv.Itoa(answer.Status)}
	var top map[string]any
	if !isJSON(answer.Header) || answer.Truncated || json.Unmarshal(answer.Body, &top) != nil {
		return out
	}
	for _, k := range slices.Sorted(maps.Keys(top)) {
		if _, taken := out[k]; taken || k == "holds" || len(out) >= maxFields || len(k) > 100 {
			continue
		}
		if v, ok := scalar(top[k]); ok {
			out[a.redact.String(k)] = a.excerptField(v)
		}
	}
	return out
}

func (a *Action) excerptField(v string) string {
	v = a.redact.String(v)
	if len(v) > maxField {
		v = strings.ToValidUTF8(v[:maxField], "")
	}
	return v
}

func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	default:
		return "", false
	}
}

func isJSON(h http.Header) bool {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}
