package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"salve/bot"
)

// MS is a time as it is stored, in Unix milliseconds; 0 is none.
func MS(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// FromMS is the time that MS gave, in UTC.
func FromMS(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}

func cut(t time.Time) time.Time { return FromMS(MS(t)) }

// observed is an alert as it is sent to the writer, with what can be computed
// beforehand: whoever commits does it, the writer has enough to do.
type observed struct {
	bot.Alert
	body  string // as it is stored, if the row is new
	sum   int64  // of body
	group string // key in the groups table
}

// prepare makes times exact and encodes.
func prepare(alerts []bot.Alert) []observed {
	if len(alerts) == 0 {
		return nil
	}
	all := make([]observed, len(alerts))
	buf := make([]byte, 0, 1024)
	for i, a := range alerts {
		a.StartsAt, a.EndsAt, a.ReceivedAt = cut(a.StartsAt), cut(a.EndsAt), cut(a.ReceivedAt)
		buf = appendAlert(buf[:0], a)
		all[i] = observed{Alert: a, body: string(buf), sum: sumOf(buf)}
		if i > 0 && a.GroupKey == all[i-1].GroupKey && a.Source == all[i-1].Source {
			all[i].group = all[i-1].group
			continue
		}
		all[i].group = groupKey(a.Source, a.GroupKey)
	}
	return all
}

// sumOf is the hash by which a body is compared: equal alerts have equal bodies,
// byte for byte.
func sumOf(body []byte) int64 {
	sum := sha256.Sum256(body)
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// alertBody is what a body holds.
type alertBody struct {
	Group       string            `json:"group"`
	State       bot.AlertState    `json:"state"`
	Severity    int               `json:"severity"`
	Title       string            `json:"title"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	EndsAt      int64             `json:"ends_at"`
	Link        string            `json:"link"`
	Truncated   int               `json:"truncated"`
}

func appendAlert(b []byte, a bot.Alert) []byte {
	b = appendText(append(b, `{"group":`...), a.GroupKey)
	b = appendText(append(b, `,"state":`...), string(a.State))
	b = strconv.AppendInt(append(b, `,"severity":`...), int64(a.Severity), 10)
	b = appendText(append(b, `,"title":`...), a.Title)
	b = appendMap(append(b, `,"labels":`...), a.Labels)
	b = appendMap(append(b, `,"annotations":`...), a.Annotations)
	b = strconv.AppendInt(append(b, `,"ends_at":`...), MS(a.EndsAt), 10)
	b = appendText(append(b, `,"link":`...), a.Link)
	b = strconv.AppendInt(append(b, `,"truncated":`...), int64(a.Truncated), 10)
	return append(b, '}')
}

// appendText quotes s; what is not UTF-8 becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	out, err := jsontext.AppendQuote(b, s)
	if err != nil {
		out, _ = jsontext.AppendQuote(b, strings.ToValidUTF8(s, "\uFFFD")) // valid by now
	}
	return out
}

func appendMap(b []byte, m map[string]string) []byte {
	var few [32]string // most have no more labels
	keys := few[:0]
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(appendText(b, k), ':'), m[k])
	}
	return append(b, '}')
}

// lenient reads back what was written from text that was not UTF-8.
var lenient = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

func decodeAlert(key bot.AlertKey, receivedAt int64, body []byte) (bot.Alert, error) {
	var v alertBody
	if err := jsonv2.Unmarshal(body, &v, lenient); err != nil {
		return bot.Alert{}, fmt.Errorf("%w: alert: %w", ErrDamaged, err)
	}
	return bot.Alert{
		AlertKey: key, GroupKey: v.Group, State: v.State, Severity: bot.Severity(v.Severity), Title: v.Title,
		Labels: v.Labels, Annotations: v.Annotations, EndsAt: FromMS(v.EndsAt), Link: v.Link,
		Truncated: v.Truncated, ReceivedAt: FromMS(receivedAt),
	}, nil
}

// rank orders alerts for people: firing first, then the worst.
func rank(a *bot.Alert) int64 {
	r := int64(bot.SeverityCritical.Rank() - a.Severity.Rank())
	if a.State != bot.AlertFiring {
		r += 10
	}
	return r
}

// groupKey is the key of the groups table: 16 bytes of a hash.
func groupKey(source, group string) string {
	b := make([]byte, 0, 256)
	b = strconv.AppendInt(b, int64(len(source)), 10)
	b = append(append(append(b, ':'), source...), group...)
	sum := sha256.Sum256(b)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// appendFold writes what decodeFold reads: the JSON of the Fold and its counts.
func appendFold(b []byte, f *tallied) []byte {
	b = appendText(append(b, `{"source":`...), f.Source)
	b = appendText(append(b, `,"group_key":`...), f.GroupKey)
	b = appendText(append(b, `,"title":`...), f.Title)
	b = appendText(append(b, `,"severity":`...), f.Severity.String())
	b = strconv.AppendInt(append(b, `,"firing":`...), int64(f.Firing), 10)
	b = strconv.AppendInt(append(b, `,"total":`...), int64(f.Total), 10)
	b = strconv.AppendInt(append(b, `,"truncated":`...), int64(f.Truncated), 10)
	b = appendTime(append(b, `,"first_at":`...), f.FirstAt)
	b = appendTime(append(b, `,"last_at":`...), f.LastAt)
	b = appendTime(append(b, `,"resolved_at":`...), f.ResolvedAt)
	b = appendMap(append(b, `,"labels":`...), f.Labels)
	b = appendInts(append(b, `,"counts":{"firing":`...), f.Counts.Firing[:])
	b = appendInts(append(b, `,"all":`...), f.Counts.All[:])
	b = strconv.AppendInt(append(b, `,"last_end":`...), f.Counts.LastEnd, 10)
	return append(b, "}}"...)
}

func appendInts(b []byte, all []int) []byte {
	for i, n := range all {
		b = strconv.AppendInt(append(b, "[,"[min(i, 1)]), int64(n), 10)
	}
	return append(b, ']')
}

func appendTime(b []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

func decodeFold(b []byte, f *tallied) error {
	if err := jsonv2.Unmarshal(b, f, lenient); err != nil {
		return fmt.Errorf("%w: fold: %w", ErrDamaged, err)
	}
	return nil
}

// encode writes a noun as the rest of the program would write it.
func encode(noun any) (string, error) {
	b, err := json.Marshal(noun)
	return string(b), err
}

// decode reads as encoding/json does, in less time.
func decode(body []byte, noun any) error {
	if err := jsonv1.Unmarshal(body, noun); err != nil {
		return fmt.Errorf("%w: %T: %w", ErrDamaged, noun, err)
	}
	return nil
}

// decodePlan keeps whole numbers in arguments whole, as they were before.
func decodePlan(body []byte) (bot.Plan, error) {
	var p bot.Plan
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&p); err != nil {
		return bot.Plan{}, fmt.Errorf("%w: plan: %w", ErrDamaged, err)
	}
	for i := range p.Steps {
		settleStep(&p.Steps[i])
	}
	if p.Verify != nil {
		for i := range p.Verify.Checks {
			settleMap(p.Verify.Checks[i].Args)
		}
	}
	return p, nil
}

func settleStep(s *bot.PlanStep) {
	settleMap(s.Args)
	if s.Undo != nil {
		settleStep(s.Undo)
	}
}

func settleMap(m map[string]any) {
	for k, v := range m {
		m[k] = settle(v)
	}
}

// settle turns numbers into int64 where they are whole, else into float64.
func settle(v any) any {
	switch v := v.(type) {
	case map[string]any:
		settleMap(v)
	case []any:
		for i := range v {
			v[i] = settle(v[i])
		}
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64() // it was a number when it was written
		return f
	}
	return v
}
