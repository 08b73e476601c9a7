package brief

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"salve/bot"
)

func plain(s string) bot.Span  { return bot.Span{Text: clip(s, maxSpan)} }
func strong(s string) bot.Span { return bot.Span{Text: clip(s, maxSpan), Style: bot.SpanStrong} }
func code(s string) bot.Span   { return bot.Span{Text: clip(s, maxSpan), Style: bot.SpanCode} }
func at(t time.Time) bot.Span  { return bot.Span{At: t.UTC().Truncate(time.Second)} }

// raw is text of our own, kept as it is: with the spaces at its ends.
func raw(s string) bot.Span { return bot.Span{Text: s} }

func line(spans ...bot.Span) bot.Line { return bot.Line{Spans: spans} }

func textLine(s string) bot.Line { return line(plain(s)) }

func quiet(spans ...bot.Span) bot.Line { return bot.Line{Kind: bot.LineQuiet, Spans: spans} }

func item(spans ...bot.Span) bot.Line { return bot.Line{Kind: bot.LineItem, Spans: spans} }

func section(s string) bot.Line { return bot.Line{Kind: bot.LineHead, Spans: []bot.Span{plain(s)}} }

func block(s string) bot.Line { return bot.Line{Kind: bot.LineCode, Spans: []bot.Span{{Text: s}}} }

// dots joins pieces of a line.
func dots(parts ...[]bot.Span) []bot.Span {
	var out []bot.Span
	for _, p := range parts {
		if len(p) == 0 {
			continue
		}
		if len(out) > 0 {
			out = append(out, raw(" · "))
		}
		out = append(out, p...)
	}
	return out
}

func words(format string, args ...any) []bot.Span {
	return []bot.Span{plain(fmt.Sprintf(format, args...))}
}

// when is an instant behind a word: "since ...". Nothing, if it is not known.
func when(word string, t time.Time) []bot.Span {
	if t.IsZero() {
		return nil
	}
	return []bot.Span{raw(word + " "), at(t)}
}

// count is a number with its word: 1 step, 2 steps.
func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// lasted is a length of time as people read it: 00:41, 1:02:03.
func lasted(d time.Duration) string {
	s := max(int(d.Round(time.Second)/time.Second), 0)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// stamp is an instant where only plain text can stand: it names its zone, and
// its day unless that is the day of now.
func stamp(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.Truncate(24 * time.Hour).Equal(now.Truncate(24 * time.Hour)) {
		return t.Format("15:04 UTC")
	}
	return t.Format("2 Jan 15:04 UTC")
}

// shout is a severity as the first word of a line.
func shout(s bot.Severity) string {
	if s == bot.SeverityUnknown {
		return "UNKNOWN SEVERITY"
	}
	return strings.ToUpper(s.String())
}

func dot(s string) string { return strings.TrimRight(s, ". ") + "." }

func capital(s string) string {
	if s == "" {
		return s
	}
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

func first[T any](list []T, n int) []T { return list[:min(n, len(list))] }
