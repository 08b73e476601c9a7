package inboundtest

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/internal/inbound"
)

var update = flag.Bool("update", false, "write the golden files")

// At is when the payloads of the decoding suite are received.
var At = time.Date(2026, 11, 24, 9, 0, 0, 123_456_789, time.UTC)

// Golden decodes every testdata/*.json and holds what comes out, alerts and
// refusal, to the golden file beside it.
func Golden(t *testing.T, decode inbound.Decode) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(t, err)
		var got bytes.Buffer
		alerts, fault := decode("src", body, At)
		if fault != nil {
			got.WriteString("refused: " + fault.Error() + "\n")
		}
		if fault == nil && len(alerts) == 0 {
			got.WriteString("taken, no alert\n")
		}
		enc := json.NewEncoder(&got)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		for _, a := range alerts {
			require.NoError(t, enc.Encode(a))
		}
		golden := strings.TrimSuffix(file, ".json") + ".golden"
		if *update {
			require.NoError(t, os.WriteFile(golden, got.Bytes(), 0o600))
		}
		want, err := os.ReadFile(golden)
		require.NoError(t, err, "run: go test -update")
		require.Equal(t, string(want), got.String(), file)
	}
}

// Holds decodes a body and holds the result to what the rest of the house takes
// for granted.
func Holds(t *testing.T, decode inbound.Decode, body []byte) ([]bot.Alert, error) {
	t.Helper()
	before := bytes.Clone(body)
	alerts, err := decode("src", body, At)
	require.True(t, bytes.Equal(before, body), "the body stays as it came")
	again, errAgain := decode("src", body, At)
	require.Equal(t, alerts, again)
	require.Equal(t, err == nil, errAgain == nil)
	if err != nil {
		require.Less(t, len(err.Error()), 1000)
		require.NotContains(t, err.Error(), canary)
	}
	for _, a := range alerts {
		require.Equal(t, "src", a.Source)
		require.True(t, a.State == bot.AlertFiring || a.State == bot.AlertResolved)
		require.Equal(t, a.State == bot.AlertFiring, a.EndsAt.IsZero())
		require.False(t, a.StartsAt.IsZero() || a.EndsAt.Before(a.StartsAt) && !a.EndsAt.IsZero())
		require.Equal(t, a.StartsAt.UTC().Truncate(time.Millisecond), a.StartsAt)
		require.NotEmpty(t, a.Fingerprint)
		require.LessOrEqual(t, len(a.Fingerprint), 128)
		require.False(t, strings.ContainsFunc(a.Fingerprint, func(c rune) bool { return c <= ' ' || c > '~' }))
		require.LessOrEqual(t, len(a.Labels), 220)
		require.NotNil(t, a.Labels)
		require.True(t, a.Link == "" || strings.HasPrefix(strings.ToLower(a.Link), "http"))
	}
	return alerts, err
}

// hostile are JSON values that somebody puts where another is meant.
var hostile = []string{
	`"` + canary + ` <!channel> <https://x.test|y> {{.}} ${x} $(id) ;rm"`, `"` + canary + `\u202e\u200b\u0000\n\r\u2028\u001b[31m"`,
	`"javascript:alert('` + canary + `')"`, `""`, `" "`, `null`, `true`, `-0`, `1e308`, `99999999999999999999999999`, `[]`, `{}`, `{"` + canary + `":["` + canary + `"]}`,
	`"` + strings.Repeat("x", 5000) + `"`, `"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:60Z"`, `"\ud83d\ude91"`,
	strings.Repeat("[", 70) + strings.Repeat("]", 70),
}

// Hostile puts what is hostile in the place of every value of a good body, one
// after the other, and spoils its form in every place.
func Hostile(t *testing.T, decode inbound.Decode, body []byte) {
	t.Helper()
	_, err := Holds(t, decode, body)
	require.NoError(t, err)
	for _, span := range spans(t, body) {
		for _, v := range hostile {
			Holds(t, decode, bytes.Join([][]byte{body[:span[0]], body[span[1]:]}, []byte(v)))
		}
	}
	for i := range len(body) {
		_, err := Holds(t, decode, body[:i])
		require.Error(t, err, "cut after %d bytes", i)
	}
	_, err = Holds(t, decode, append(bytes.Clone(body), body...))
	require.Error(t, err, "doubled")
}

// spans are where the values of a JSON body are.
func spans(t *testing.T, body []byte) (out [][2]int) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(body))
	for {
		at := int(dec.InputOffset())
		token, err := dec.Token()
		if err != nil {
			break
		}
		if _, isDelim := token.(json.Delim); isDelim {
			continue
		}
		end := int(dec.InputOffset())
		start := end - len(bytes.TrimLeft(body[at:end], " \t\r\n,:"))
		if rest := bytes.TrimLeft(body[end:], " \t\r\n"); len(rest) > 0 && rest[0] == ':' {
			continue // a name
		}
		out = append(out, [2]int{start, end})
	}
	require.NotEmpty(t, out)
	return out
}

// Post gives the status of the answer to a JSON body with these headers.
func Post(h http.Handler, body []byte, header http.Header) int {
	r := httptest.NewRequest(http.MethodPost, "/v1/hooks/x", bytes.NewReader(body))
	maps.Copy(r.Header, header)
	r.Header.Set("Content-Type", "application/json")
	return do(h, r).Code
}
