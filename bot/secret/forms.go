package secret

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// form is one way in which a registered value is written.
type form struct {
	text string
	// base64 is set when the last character of the encoding also holds bits of
	// what follows the value: the mask then takes it and the padding along.
	base64 bool
}

func (f form) multiline() bool { return strings.ContainsAny(f.text, "\r\n") }

// minLine is the shortest line of a value of several lines that is masked by
// itself.
const minLine = 16

// formsOf lists what is looked for in a text and in each of its plainer views,
// which undo what escapes character by character. A value that itself looks
// escaped is therefore looked for in its plainer views too.
func formsOf(value string) []form {
	lower := hex.EncodeToString([]byte(value))
	texts := []string{value, lower, strings.ToUpper(lower), strings.ReplaceAll(value, " ", "+")}
	for v := range plainer(value) {
		texts = append(texts, v.text, strings.ReplaceAll(v.text, " ", "+"))
	}
	if strings.ContainsAny(value, "\r\n") {
		for line := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == '\r' || r == '\n' }) {
			line = strings.TrimSpace(line)
			if len(line) >= minLine && !strings.HasPrefix(line, "-----") {
				texts = append(texts, line)
			}
		}
	}
	out := base64Forms(value)
	for _, t := range texts {
		if len(t) >= MinLen {
			out = append(out, form{text: t})
		}
	}
	return out
}

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

// end tells where the form that was found at start ends in the text.
func (f form) end(text string, start int) int {
	if f.base64 {
		return encodedEnd(text, start+len(f.text))
	}
	return start + len(f.text)
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
