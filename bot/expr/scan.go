package expr

import "strings"

// endOfPart finds the }} that closes a part, past braces and past strings as CEL
// writes them. What it takes for a part is then compiled, so a text that the two
// read differently is refused, never misread.
func endOfPart(s string) (int, bool) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"', '\'':
			n, ok := endOfString(s[i:], isRaw(s[:i]))
			if !ok {
				return 0, false
			}
			i += n
		case '{':
			depth++
		case '}':
			if depth == 0 && strings.HasPrefix(s[i:], closeMark) {
				return i, true
			}
			depth--
		}
	}
	return 0, false
}

// isRaw reports whether a quote after this text opens a raw string: r"..." or
// rb"...", in any case and order.
func isRaw(before string) bool {
	for i := len(before) - 1; i >= max(0, len(before)-2); i-- {
		switch before[i] {
		case 'r', 'R':
			return true
		case 'b', 'B':
		default:
			return false
		}
	}
	return false
}

// endOfString is the index of the last byte of the string that s begins with,
// which may be of three quotes and then span lines.
func endOfString(s string, raw bool) (int, bool) {
	quote := s[:1]
	if triple := strings.Repeat(quote, 3); strings.HasPrefix(s, triple) {
		quote = triple
	}
	for i := len(quote); i < len(s); i++ {
		switch {
		case s[i] == '\\' && !raw:
			i++
		case strings.HasPrefix(s[i:], quote):
			return i + len(quote) - 1, true
		case s[i] == '\n' && len(quote) == 1:
			return 0, false
		}
	}
	return 0, false
}
