package playbooks

import (
	"fmt"
	"regexp"
	"strings"

	"salve/bot/secret"
)

const (
	maxExcerpt = 100  // characters of a line that are shown
	maxLine    = 1000 // bytes; a longer one is not for people and not shown
)

// tells finds keys whose value is nobody's to see, also misspelt ones.
var tells = regexp.MustCompile(`(?i)(?:be?[a-z]{0,3}re?r|secret|token|passw|passphrase|credential|auth|key)[a-z0-9_-]*["']?\s*:`)

// excerpt shows a line of a file with a mark below a column. A value that may be
// a secret is left out.
func excerpt(line string, number, column int) string {
	if len(line) > maxLine {
		return ""
	}
	line = strings.TrimRight(strings.ReplaceAll(line, "\t", " "), "\r ")
	if at := tells.FindStringIndex(line); at != nil && at[1] < len(line) {
		line = line[:at[1]] + " ..."
	}
	if masked := secret.NewRedactor().String(line); masked != line {
		return ""
	}
	runes := []rune(line)
	from := 0
	if column > maxExcerpt*3/4 {
		from = column - maxExcerpt/2
	}
	if column < 1 || from >= len(runes) {
		return ""
	}
	shown := string(runes[from:min(len(runes), from+maxExcerpt)])
	gutter := fmt.Sprintf("%5d | ", number)
	mark := strings.Repeat(" ", len(gutter)-2) + "| " + strings.Repeat(" ", min(column-1, len(runes))-from) + "^"
	return gutter + shown + "\n" + mark
}
