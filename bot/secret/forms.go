package secret

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// form is one way in which a registered value is written.
type form struct {
	text      string
	multiline bool
	// base64 is set when the last character of the encoding also holds bits of
	// what follows the value: the mask then takes it and the padding along.
	base64 bool
}

// minLine is the shortest line of a value of several lines that is masked by
// itself.
const minLine = 16

func formsOf(value string) []form {
	upper := strings.ToUpper(hex.EncodeToString([]byte(value)))
	texts := []string{
		value,
		strings.ToLower(upper), upper,
		url.QueryEscape(value), lowerEscapes(url.QueryEscape(value)),
		url.PathEscape(value), lowerEscapes(url.PathEscape(value)),
		inner(strconv.Quote(value)), inner(strconv.QuoteToASCII(value)), jsonInner(value),
	}
	if strings.ContainsAny(value, "\r\n") {
		for line := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == '\r' || r == '\n' }) {
			line = strings.TrimSpace(line)
			if len(line) >= minLine && !strings.HasPrefix(line, "-----") {
				texts = append(texts, line)
			}
		}
	}
	var out []form
	for _, t := range texts {
		out = append(out, form{text: t, multiline: strings.ContainsAny(t, "\r\n")})
	}
	return append(out, base64Forms(value)...)
}

func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

func jsonInner(value string) string {
	b, err := json.Marshal(value)
	if err != nil {
		return value
	}
	return inner(string(b))
}

var escapes = regexp.MustCompile(`%[0-9A-F]{2}`)

func lowerEscapes(s string) string { return escapes.ReplaceAllStringFunc(s, strings.ToLower) }

// base64Forms gives the characters that the value alone decides, for each of
// the three places that it may have in groups of three bytes: "user:value" is
// encoded unlike "value".
func base64Forms(value string) []form {
	var out []form
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			bits := 8 * (shift + len(value))
			text := enc.EncodeToString(append(make([]byte, shift), value...))
			out = append(out, form{text: text[(8*shift+5)/6 : bits/6], base64: bits%6 != 0})
		}
	}
	return out
}

// find appends every place of the form in the text, overlapping ones too.
func (f form) find(text string, spans []span) []span {
	for from := 0; ; {
		i := strings.Index(text[from:], f.text)
		if i < 0 {
			return spans
		}
		s := span{from: from + i, start: from + i, end: from + i + len(f.text)}
		if f.base64 {
			s.end = encodedEnd(text, s.end)
		}
		spans = append(spans, s)
		from = s.start + 1
	}
}

func encodedEnd(text string, at int) int {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_"
	if at < len(text) && strings.IndexByte(alphabet, text[at]) >= 0 {
		at++
	}
	for n := 0; n < 2 && at < len(text) && text[at] == '='; n++ {
		at++
	}
	return at
}
