package cli

import (
	"fmt"
	"time"

	"salve/bot/flow/notary"
)

// auditLag says how far the log is signed, and which place is behind.
func (s screen) auditLag(st notary.Status) {
	s.line("audit    %d of %s signed", st.Signed, counted(st.Newest, "event"))
	if st.Wrong != "" {
		s.line("         %s", s.paint(styleRed, plain(st.Wrong)))
	}
	for _, p := range st.Places {
		s.line("         %s: %s", plain(p.Place), s.lag(p))
	}
}

func (s screen) lag(p notary.Lag) string {
	if p.Events == 0 && p.Err == "" {
		return "has all"
	}
	text := fmt.Sprintf("%s behind, for %s", counted(p.Events, "event"), span(time.Duration(p.Seconds*float64(time.Second))))
	if p.Err == "" {
		return text
	}
	return s.paint(styleRed, text+": "+plain(p.Err))
}
