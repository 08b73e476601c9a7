package mail

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"salve/bot"
	"salve/integrations/internal/paging"
)

// The limits of a mail.
const (
	maxSubject = 200
	maxText    = 20000
)

var idPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}@[A-Za-z0-9.-]{1,250}$`)

// id is a Message-ID without its brackets, the same for the same words.
func (p *Pager) id(words ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(words, "\x00")))
	return "salve." + hex.EncodeToString(sum[:16]) + "@" + p.domain
}

// letter writes a Parcel as a mail with the given Message-ID, as an answer to
// another if there is one. All mails about one key refer to the same root, which
// is nobody's, so that they are one thread whichever of them arrives.
func (p *Pager) letter(parcel bot.Parcel, id, answers string) *gomail.Msg {
	m, msg := parcel.Message, gomail.NewMsg()
	msg.FromMailAddress(p.from)
	msg.ToMailAddress(p.to...)
	msg.Subject(cmp.Or(paging.Line(m.Alone, maxSubject), "An incident in Salve needs a person"))
	msg.SetDate()
	msg.SetMessageIDWithValue(id)
	refs := "<" + p.id("thread", parcel.Key) + ">"
	if idPattern.MatchString(answers) {
		msg.SetGenHeader(gomail.HeaderInReplyTo, "<"+answers+">")
		refs += " <" + answers + ">"
	}
	msg.SetGenHeader(gomail.HeaderReferences, refs)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // so that no absence is told to us
	msg.SetUserAgent("Salve")
	if m.Tone == bot.ToneUrgent || m.Tone == bot.ToneAsking {
		msg.SetImportance(gomail.ImportanceHigh)
	}
	msg.SetBodyString(gomail.TypeTextPlain, body(m))
	return msg
}

// body is the line that says it all, then the rest.
func body(m bot.Message) string {
	alone, text := paging.Line(m.Alone, maxText), paging.Text(m, maxText)
	if text == alone {
		return alone + "\n"
	}
	return strings.TrimSpace(alone+"\n\n"+text) + "\n"
}
