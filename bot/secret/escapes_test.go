package secret_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"salve/bot/secret"
)

// awkward are values that look different in every spelling, some of them
// escaped as they stand.
var awkward = []string{
	canary, `a\b%20c&amp;d\u0041%2541`, "two words & <three>/+=?", "käse\\\"ß😀-geheim", "line one of it\nline/two=of it", `C:\new\table`, "p@ss w0rd+plus%",
}

// each writes every byte, or every UTF-16 unit, by a format.
func each(format, value string) string {
	var b strings.Builder
	for i := range len(value) {
		fmt.Fprintf(&b, format, value[i])
	}
	return b.String()
}

func units(format, value string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(value)) {
		fmt.Fprintf(&b, format, u)
	}
	return b.String()
}

func runes(format, value string) string {
	var b strings.Builder
	for _, r := range value {
		fmt.Fprintf(&b, format, r)
	}
	return b.String()
}

// spellings are the escaped ways in which a value travels.
func spellings(value string) map[string]string {
	plain := func(v any) string {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(v)
		return strings.TrimSpace(b.String())
	}
	query, path := url.QueryEscape(value), url.PathEscape(value)
	curl := strings.ReplaceAll(query, "+", "%20")
	std := base64.StdEncoding.EncodeToString([]byte("user:" + value))
	out := map[string]string{
		"query": query, "path": path, "curl": curl, "query, lower": strings.ToLower(each("%%%02x", value)), "every byte": each("%%%02X", value),
		"python, slash kept":    strings.ReplaceAll(curl, "%2F", "/"),
		"encodeURIComponent":    strings.NewReplacer("%27", "'", "%21", "!", "%28", "(", "%29", ")", "%2A", "*").Replace(curl),
		"mixed case of escapes": strings.Replace(strings.ToLower(each("%%%02X", value)), "%", "%", 1) + "&" + each("%%%02X", value),
		"twice":                 url.QueryEscape(curl), "query twice": url.QueryEscape(query), "path twice": url.PathEscape(path), "thrice": url.QueryEscape(url.QueryEscape(curl)),
		"JSON, HTML escaped": func() string { b, _ := json.Marshal(value); return string(b) }(),
		"JSON":               plain(value), "JSON in JSON": plain(plain(value)), "JSON in JSON in JSON": plain(plain(plain(value))),
		"JSON with \\/": strings.ReplaceAll(plain(value), "/", `\/`), "JSON, ASCII": units(`\u%04x`, value), "JSON, ASCII, upper": units(`\u%04X`, value),
		"Go": strconv.Quote(value), "Go, ASCII": strconv.QuoteToASCII(value), "Go in Go": strconv.Quote(strconv.Quote(value)),
		"python bytes": each(`\x%02x`, value), "octal": each(`\%03o`, value), "python wide": runes(`\U%08x`, value),
		"HTML": html.EscapeString(value), "HTML of JSON": html.EscapeString(plain(value)),
		"HTML named": strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(value),
		"HTML hex":   runes("&#x%X;", value), "HTML decimal": runes("&#%d;", value), "HTML padded": runes("&#%07d;", value), "JSON of HTML": plain(html.EscapeString(value)),
		"query in HTML": html.EscapeString("?a=1&t=" + query), "base64 in a query": url.QueryEscape(std), "base64 in JSON": strings.ReplaceAll(plain(std), "/", `\/`),
	}
	return out
}

func TestARegisteredValueIsMaskedHoweverItIsEscaped(t *testing.T) {
	t.Parallel()
	for _, value := range awkward {
		r := redactor(t, value)
		for name, text := range spellings(value) {
			got := r.String("before (" + text + ") after")
			require.Contains(t, got, secret.Mask, "%s of %q: %s", name, value, text)
			require.True(t, strings.HasPrefix(got, "before (") && strings.HasSuffix(got, ") after"), "%s: %s", name, got)
			for _, piece := range leaks(text) {
				require.NotContains(t, got, piece, "%s of %q in %q", name, value, got)
			}
			require.Equal(t, got, r.String(got), "masking twice changes nothing")
		}
	}
}

func TestAnEscapedValueIsMaskedWhereverAStreamIsSplit(t *testing.T) {
	t.Parallel()
	for _, value := range awkward {
		r := redactor(t, value)
		for name, text := range spellings(value) {
			text = "x\n" + text + "\ny\n"
			want := r.String(text)
			for i := range len(text) + 1 {
				require.Equal(t, want, stream(t, r, text[:i], text[i:]), "%s of %q split at %d", name, value, i)
			}
			require.Equal(t, want, stream(t, r, strings.Split(text, "")...), "%s of %q byte by byte", name, value)
		}
	}
}

func TestTextThatOnlyLooksEscapedIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := redactor(t, canary)
	for _, text := range []string{
		`100% of C:\new\temp & more; \`, `%`, `%2`, `%zz`, `\u12`, `\ud83d\u0041`, `\x4`, `&;`, `&nosuch;`, `&#;`, `&` + strings.Repeat("a", 50) + ";", "\\\n", `\U00ffffff`, `\9`, `\u00e4pfel`,
	} {
		require.Equal(t, text, r.String(text))
	}
}

// TestAShortValueIsMaskedInEveryFormToo: from four bytes on; the price is that
// words that look like it are blotted out.
func TestAShortValueIsMaskedInEveryFormToo(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"a/b+", "p&ss\"", "k=v;x y"} {
		r := redactor(t, value)
		for name, text := range spellings(value) {
			got := r.String("(" + text + ")")
			require.Contains(t, got, secret.Mask, "%s of %q", name, value)
			require.NotContains(t, got, text)
		}
	}
	require.Equal(t, "re[secret]ed", redactor(t, "port").String("reported"))
}

// many are secrets that begin alike, as tokens of one issuer do.
func many(n int) []secret.Secret {
	out := make([]secret.Secret, n)
	for i := range out {
		out[i] = secret.New(fmt.Sprintf("issuer_%08x/%032d", uint32(i)*2654435761, i))
	}
	return out
}

// TestAThousandSecretsCostHardlyMoreThanOne measures both at the same time, since
// how fast the machine is says nothing.
func TestAThousandSecretsCostHardlyMoreThanOne(t *testing.T) {
	t.Parallel()
	one, all, secrets := secret.NewRedactor(), secret.NewRedactor(), many(1000)
	require.NoError(t, one.Add(secrets[0]))
	require.NoError(t, all.Add(secrets...))
	for _, s := range secrets {
		require.Equal(t, "a[secret]b", all.String("a"+s.Reveal()+"b"))
		require.Equal(t, "t=[secret]&", all.String("t="+url.QueryEscape(s.Reveal())+"&"))
	}
	text := strings.Repeat("issuer_0000 GET /healthz 200 in 3ms, 100% fine\n", 1000)
	fastest := func(r *secret.Redactor) time.Duration {
		least := time.Hour
		for range 5 {
			began := time.Now()
			require.Equal(t, text, r.String(text))
			least = min(least, time.Since(began))
		}
		return least
	}
	require.Less(t, fastest(all), 30*fastest(one))
}

func BenchmarkRedactor(b *testing.B) {
	log := strings.Repeat(`time=2026-01-02T03:04:05Z level=INFO msg="run finished" run=R-17 state=fixed took=3.2s target=shop-7`+"\n", 650)
	escaped := strings.Repeat(`{"msg":"said \"no\" at 100% of C:\\new \u00e4 &amp; more","n":12345}`+"\n", 960)
	for _, n := range []int{0, 1, 10, 100, 1000} {
		r := secret.NewRedactor()
		require.NoError(b, r.Add(many(n)...))
		for name, text := range map[string]string{"plain": log, "escaped": escaped} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					_ = r.String(text)
				}
			})
		}
	}
}

func BenchmarkAddTheThousandth(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		r := secret.NewRedactor()
		require.NoError(b, r.Add(many(999)...))
		b.StartTimer()
		require.NoError(b, r.Add(secret.New("the-last-one-of-all")))
	}
}
