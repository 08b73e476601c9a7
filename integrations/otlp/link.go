package otlp

import (
	"context"
	"encoding/hex"

	"salve/bot"
)

// Link points to a span of somebody else's trace, such as the one that made the
// sender send. The zero Link points nowhere.
type Link struct {
	Trace bot.TraceID
	Span  bot.SpanID
}

// ParseLink reads the value of a W3C traceparent header, strictly: what is not
// well formed points nowhere. Its flags are not heeded: a sender does not decide
// what is sampled here.
func ParseLink(traceparent string) Link {
	const form = len("00-") + 32 + len("-") + 16 + len("-01")
	s := traceparent
	if len(s) < form || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return Link{}
	}
	if !lowerHex(s[:2]) || s[:2] == "ff" || !lowerHex(s[53:55]) {
		return Link{}
	}
	if len(s) > form && (s[:2] == "00" || s[form] != '-') { // later versions may say more
		return Link{}
	}
	var l Link
	if !lowerHex(s[3:35]) || !lowerHex(s[36:52]) {
		return Link{}
	}
	_, errTrace := hex.Decode(l.Trace[:], []byte(s[3:35]))
	_, errSpan := hex.Decode(l.Span[:], []byte(s[36:52]))
	if errTrace != nil || errSpan != nil || l.Trace.IsZero() || l.Span == (bot.SpanID{}) {
		return Link{}
	}
	return l
}

func lowerHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

type linkKey struct{}

// WithLink keeps a Link with the context of a request.
func WithLink(ctx context.Context, l Link) context.Context {
	return context.WithValue(ctx, linkKey{}, l)
}

// LinkOf is the Link that the context was given; zero when it was given none.
func LinkOf(ctx context.Context) Link {
	l, _ := ctx.Value(linkKey{}).(Link)
	return l
}
