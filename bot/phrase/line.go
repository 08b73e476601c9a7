package phrase

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"salve/bot"
)

// line is a text that is read word by word.
type line struct {
	text  string
	words []word
	next  int
	here  Here
	usage usage
}

func newLine(text string, here Here) *line {
	return &line{text: text, words: words(text), here: here}
}

func (l *line) peek() (word, bool) {
	if l.next >= len(l.words) {
		return word{}, false
	}
	return l.words[l.next], true
}

func (l *line) take() word {
	w := l.words[l.next]
	l.next++
	return w
}

// is takes the next word if it is one of these.
func (l *line) is(texts ...string) bool {
	w, ok := l.peek()
	if !ok || !w.bare || !slices.Contains(texts, strings.ToLower(w.text)) {
		return false
	}
	l.take()
	return true
}

// rest takes all that is left, as it was written. Text that is quoted as a whole
// loses its quotes.
func (l *line) rest() string {
	w, ok := l.peek()
	if !ok {
		return ""
	}
	tail := l.text[w.start:]
	l.next = len(l.words)
	if !w.bare && strings.TrimFunc(l.text[w.end:], blank) == "" {
		return w.text
	}
	return strings.TrimFunc(tail, blank)
}

func blank(r rune) bool { return unicode.IsSpace(r) || hidden(r) }

// numbered reads an id of that kind with its letter: I-142, i142, "#I-142:"; of
// bare digits it gives the number only. ok: the letter is there.
func numbered(s, kind string) (n int64, digits, ok bool) {
	s = strings.Trim(s, "#.,:;()[]!?")
	rest := s
	if len(s) > 1 && strings.EqualFold(s[:1], kind) {
		rest = strings.TrimLeft(s[1:], "-‐‑–")
	}
	for _, r := range rest {
		if r < '0' || r > '9' {
			return 0, false, false
		}
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	if err != nil || n <= 0 {
		return 0, false, false
	}
	return n, rest == s, rest != s
}

// incident takes the incident that the line is about: the one it names, else that
// of the thread. There, bare digits are not an id but text.
func (l *line) incident() (bot.IncidentID, bool) {
	if w, ok := l.peek(); ok && w.bare {
		n, digits, named := numbered(w.text, "I")
		if named || digits && l.here.Incident == 0 {
			l.take()
			return bot.IncidentID(n), true
		}
	}
	return l.here.Incident, l.here.Incident != 0
}

// needIncident is incident, or what to say instead.
func (l *line) needIncident() (bot.IncidentID, error) {
	id, ok := l.incident()
	if !ok {
		why := "needs an incident, like I-142"
		if w, ok := l.peek(); ok {
			why += ", and " + quoted(w.text) + " is not one"
		}
		return 0, l.wrong(capital(l.usage.Word) + " " + why + ".")
	}
	return id, nil
}

// run takes the run that the line is about.
func (l *line) run() (bot.RunID, error) {
	if w, ok := l.peek(); ok && w.bare {
		if n, digits, named := numbered(w.text, "R"); named || digits {
			l.take()
			return bot.RunID(n), nil
		}
	}
	if l.here.Run != 0 {
		return l.here.Run, nil
	}
	return 0, l.wrong(capital(l.usage.Word) + " needs a run, like R-88; the card of its incident names it.")
}

var digestPattern = regexp.MustCompile(`^[0-9a-fA-F]{8,64}$`)

// digest takes the beginning of a digest, if it comes next. Where text may stand
// instead, quotes make it text.
func (l *line) digest(orText bool) string {
	w, ok := l.peek()
	if !ok || orText && !w.bare || !digestPattern.MatchString(w.text) {
		return ""
	}
	out := l.take().text
	for !orText { // it is shown in pieces of eight, and copied so
		w, ok := l.peek()
		if !ok || len(w.text) != 8 || len(out)%8 != 0 || !digestPattern.MatchString(w.text) || len(out) >= 64 {
			break
		}
		out += l.take().text
	}
	return strings.ToLower(out)
}

// flag takes an option of one of these names, with its value: --name VALUE,
// --name=VALUE, name=VALUE. Phones make one dash of two.
func (l *line) flag(names ...string) (string, bool) {
	w, ok := l.peek()
	if !ok {
		return "", false
	}
	name, value, valued := strings.Cut(w.text, "=")
	bare := strings.TrimLeft(name, dashes)
	dashed := bare != name
	if !slices.Contains(names, strings.ToLower(bare)) || !dashed && (!valued || len(name) < 3) || !strings.HasPrefix(l.text[w.start:], name) {
		return "", false
	}
	l.take()
	if valued {
		return value, true
	}
	if _, ok := l.peek(); !ok {
		return "", true
	}
	return l.take().text, true
}

// because takes --reason and its value, which needs no quotes: it is all that is
// left, but for the flags named.
func (l *line) because(flags ...string) (string, bool) {
	at := l.next
	value, ok := l.flag("reason", "r", "message", "m")
	if !ok {
		return "", false
	}
	w := l.words[at]
	if at+1 < l.next && l.words[at+1].bare || at+1 == l.next && w.bare && strings.Contains(w.text, "=") {
		l.next = at + 1
		return joined(value, w, l.prose(flags...)), true
	}
	return value, true
}

// joined is what stood in the word of the flag itself, and what came after it.
func joined(value string, flag word, after string) string {
	if strings.Contains(flag.text, "=") {
		return strings.TrimSpace(value + " " + after)
	}
	return after
}

// prose takes the text up to the next of these flags.
func (l *line) prose(flags ...string) string {
	first := l.next
	for l.next < len(l.words) && !l.words[l.next].flags(flags) {
		l.next++
	}
	if l.next == first {
		return ""
	}
	if l.next == first+1 && !l.words[first].bare {
		return l.words[first].text
	}
	return l.text[l.words[first].start:l.words[l.next-1].end]
}

// flags reports whether the word is one of these flags.
func (w word) flags(names []string) bool {
	name, _, _ := strings.Cut(w.text, "=")
	bare := strings.TrimLeft(name, dashes)
	return w.dash && slices.Contains(names, strings.ToLower(bare))
}

// duration takes a time such as 30m, 2h, 1d or 1h30m, if it comes next.
func (l *line) duration() (bot.Duration, bool) {
	w, ok := l.peek()
	if !ok || !w.bare {
		return 0, false
	}
	d, ok := lasting(strings.ToLower(w.text))
	if ok {
		l.take()
	}
	return d, ok
}

var (
	durationPattern = regexp.MustCompile(`^(?:[0-9]{1,6}(?:w|d|h|m|min|s))+$`)
	durationPart    = regexp.MustCompile(`([0-9]+)(w|d|h|min|m|s)`)
	durationUnits   = map[string]time.Duration{
		"w": 7 * 24 * time.Hour, "d": 24 * time.Hour, "h": time.Hour, "m": time.Minute, "min": time.Minute, "s": time.Second,
	}
)

// maxLasting is far longer than anything lasts that people ask for.
const maxLasting = 10 * 366 * 24 * time.Hour

// Duration reads a time as people write it: 30m, 2h, 1d, 1h30m.
func Duration(s string) (bot.Duration, bool) { return lasting(strings.ToLower(strings.TrimSpace(s))) }

func lasting(s string) (bot.Duration, bool) {
	if len(s) > 40 {
		return 0, false
	}
	if !durationPattern.MatchString(s) {
		d, err := time.ParseDuration(s)
		return bot.Duration(d), err == nil && d > 0 && d <= maxLasting
	}
	var sum time.Duration
	for _, m := range durationPart.FindAllStringSubmatch(s, -1) {
		n, err := strconv.ParseInt(m[1], 10, 64)
		if unit := durationUnits[m[2]]; err != nil || time.Duration(n) > maxLasting/unit {
			return 0, false
		}
		sum += time.Duration(n) * durationUnits[m[2]]
	}
	return bot.Duration(sum), sum > 0 && sum <= maxLasting
}

// wrong refuses the line, with how it is written.
func (l *line) wrong(why string) *bot.Refusal {
	return bot.Refuse(bot.RefusedInput, why, "For example: salve "+l.usage.Example)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
