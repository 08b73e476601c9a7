package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"

	"salve/bot"
)

// screen is where a command writes, and how.
type screen struct {
	out    io.Writer
	color  bool
	asJSON bool
	now    time.Time
}

// The few colours used; the words say the same without them.
const (
	styleBold   = "1"
	styleDim    = "2"
	styleRed    = "31"
	styleGreen  = "32"
	styleYellow = "33"
	styleCyan   = "36"
)

func (s screen) paint(style, text string) string {
	if !s.color || text == "" {
		return text
	}
	return "\x1b[" + style + "m" + text + "\x1b[0m"
}

// json writes a value for programs: indented, one document.
func (s screen) json(v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(s.out, escaped(b.String()))
	return err
}

// escaped writes what cannot be seen in JSON as escapes: the same values, and
// safe for a terminal. Outside of strings JSON has nothing hidden but line ends.
func escaped(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < unicode.MaxASCII || !hidden(r):
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, "\\u%04x\\u%04x", high, low)
		default:
			fmt.Fprintf(&b, "\\u%04x", r)
		}
	}
	return b.String()
}

func (s screen) line(format string, args ...any) {
	fmt.Fprintf(s.out, format+"\n", args...)
}

// table writes rows under a head, columns aligned; empty says what is missing.
func (s screen) table(head []string, rows [][]string, empty string) error {
	if len(rows) == 0 {
		s.line("%s", empty)
		return nil
	}
	w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(head, "\t"))
	for _, r := range rows {
		for i := range r {
			r[i] = plain(r[i])
		}
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	return w.Flush()
}

// plain makes untrusted text safe for a terminal and for one line: control,
// direction and other invisible characters are shown as their code.
func plain(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case hidden(r):
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp)
}

// lines is plain for text of several lines.
func lines(text string) string {
	parts := strings.Split(text, "\n")
	for i := range parts {
		parts[i] = plain(parts[i])
	}
	return strings.Join(parts, "\n")
}

// counted is "1 event" or "2 events".
func counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// short cuts text to n characters.
func short(text string, n int) string {
	r := []rune(plain(text))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}

// ago says how long before now a time was: "3m", "2h10m", "4d".
func (s screen) ago(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return span(s.now.Sub(t))
}

// span is a duration as people say it, two units at most.
func span(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd", int(d.Hours()/24))
	}
}

func (s screen) severity(v bot.Severity) string {
	switch v {
	case bot.SeverityCritical, bot.SeverityHigh, bot.SeverityUnknown:
		return s.paint(styleRed, v.String())
	case bot.SeverityMedium:
		return s.paint(styleYellow, v.String())
	case bot.SeverityLow, bot.SeverityInfo:
		return s.paint(styleCyan, v.String())
	default:
		return v.String()
	}
}

// isTerminal reports whether f is a terminal that wants colours.
func isTerminal(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
