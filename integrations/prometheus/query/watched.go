package query

import (
	"net/url"
	"strconv"
	"strings"
)

// Watched is the expression that an alert's link into Prometheus shows, without
// the comparison at its end, and the limit that it was compared with. ok is false
// when the link shows none. The link is untrusted: the expression is data.
func Watched(link string) (expr string, limit float64, limited, ok bool) {
	u, err := url.Parse(link)
	if err != nil {
		return "", 0, false, false
	}
	expr = strings.TrimSpace(u.Query().Get("g0.expr"))
	if expr == "" || len(expr) > maxExpr {
		return "", 0, false, false
	}
	at, width := comparison(expr)
	if at <= 0 {
		return expr, 0, false, true
	}
	limit, err = strconv.ParseFloat(strings.TrimSpace(expr[at+width:]), 64)
	if err != nil {
		return expr, 0, false, true
	}
	return strings.TrimSpace(expr[:at]), limit, true, true
}

// comparison finds the only comparison outside of brackets and strings, and how
// many bytes its operator has; -1: there is none, or more than one.
func comparison(s string) (at, width int) {
	at = -1
	depth := 0
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0:
			if c == '\\' && quote != '`' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case strings.IndexByte("([{", c) >= 0:
			depth++
		case strings.IndexByte(")]}", c) >= 0:
			depth--
		case depth == 0 && strings.IndexByte("<>=!", c) >= 0:
			if at >= 0 {
				return -1, 0
			}
			at, width = i, 1
			if i+1 < len(s) && s[i+1] == '=' {
				width, i = 2, i+1
			}
		case depth == 0 && word(s, i):
			return -1, 0 // and, or, unless: neither side alone is what was watched
		}
	}
	return at, width
}

// word reports whether a set operator begins at i.
func word(s string, i int) bool {
	if i > 0 && !strings.ContainsRune(" )\n\t", rune(s[i-1])) {
		return false
	}
	for _, w := range []string{"and", "or", "unless"} {
		if len(s) > i+len(w) && strings.EqualFold(s[i:i+len(w)], w) && strings.ContainsRune(" (\n\t", rune(s[i+len(w)])) {
			return true
		}
	}
	return false
}
