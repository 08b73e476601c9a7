package intake

import (
	"fmt"
	"strings"
	"unicode"

	"salve/bot"
)

// maxTitle is in characters; a longer title ends in an ellipsis. The whole text
// stays in the annotation.
const maxTitle = 160

// title is the decoder's, else the alert's name with its summary.
func title(a bot.Alert) string {
	text := a.Title
	if text == "" {
		name, summary := a.Labels["alertname"], a.Annotations["summary"]
		switch {
		case name == "" && summary == "":
			text = "alert " + a.Fingerprint
		case name == "" || summary == "":
			text = name + summary
		default:
			text = name + ": " + summary
		}
	}
	if clean := Clean(text, maxTitle); clean != "" {
		return clean
	}
	return "alert " + a.Fingerprint
}

// Clean makes one line of at most limit characters of untrusted text: runs of
// white space become a space, and characters that are not seen or turn the
// direction of writing are shown by number, so that two titles that differ
// also look different.
func Clean(s string, limit int) string {
	if plain(s) && len(s) <= limit {
		return s
	}
	var b strings.Builder
	n, space := 0, false
	for _, c := range s {
		if unicode.IsSpace(c) {
			space = n > 0
			continue
		}
		shown := string(c)
		if hidden(c) {
			shown = fmt.Sprintf("<U+%04X>", c)
		}
		size := len([]rune(shown))
		if space {
			size++
		}
		if n+size > limit-1 {
			b.WriteString("…")
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteString(shown)
		n += size
	}
	return b.String()
}

// plain reports whether s is already clean: printable ASCII with single spaces
// inside.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

// hidden reports whether c has no shape of its own: controls, format characters
// (direction, zero width, tags), variation selectors, fillers, private use.
func hidden(c rune) bool {
	switch {
	case unicode.In(c, unicode.C, unicode.Zl, unicode.Zp, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
		return true
	default:
		return !unicode.IsGraphic(c)
	}
}
