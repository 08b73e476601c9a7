package rootcause

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// clean makes one line of at most textRunes of whatever came in.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(cutBytes(s, textRunes*8), "\uFFFD"))
	return cut(strings.Join(strings.Fields(s), " "), textRunes)
}

// cutBytes bounds the work that clean does on a text of any size.
func cutBytes(s string, n int) string { return s[:min(len(s), n)] }

func cut(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return strings.TrimSpace(s[:i]) + "…"
		}
	}
	return s
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// short is a duration in its two greatest units: 3d4h, 1h5m, 15m, 40s.
func short(d time.Duration) string {
	d = max(d, 0)
	const day = 24 * time.Hour
	switch {
	case d >= day:
		return two(int(d/day), "d", int(d%day/time.Hour), "h")
	case d >= time.Hour:
		return two(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "m")
	case d >= time.Minute:
		return two(int(d/time.Minute), "m", int(d%time.Minute/time.Second), "s")
	default:
		return fmt.Sprintf("%ds", d/time.Second)
	}
}

func two(a int, unitA string, b int, unitB string) string {
	if b == 0 {
		return fmt.Sprintf("%d%s", a, unitA)
	}
	return fmt.Sprintf("%d%s%d%s", a, unitA, b, unitB)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
