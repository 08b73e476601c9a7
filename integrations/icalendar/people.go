package icalendar

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	ical "github.com/emersion/go-ical"

	"salve/bot"
)

var emailPattern = regexp.MustCompile(`[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}`)

// people are who an event names: those who attend, else the summary.
func people(v ical.Event) []bot.Contact {
	var out []bot.Contact
	for _, p := range v.Props.Values(ical.PropAttendee) {
		if len(out) == maxPeople {
			break
		}
		if strings.EqualFold(p.Params.Get("PARTSTAT"), "DECLINED") || !person(p.Params.Get("CUTYPE")) {
			continue
		}
		c := bot.Contact{Name: cut(p.Params.Get("CN"), 100), Email: emailPattern.FindString(p.Value)}
		if c.Name == "" {
			c.Name = c.Email
		}
		if c.Email == "" {
			c.Email = emailPattern.FindString(c.Name)
		}
		if c.Name != "" {
			out = append(out, c)
		}
	}
	if len(out) > 0 {
		return out
	}
	summary := text(v.Props.Get(ical.PropSummary), 200)
	if summary == "" {
		return nil
	}
	if email := emailPattern.FindString(summary); email != "" {
		name := strings.Trim(strings.Replace(summary, email, "", 1), " <>()[]:,;-–")
		if name == "" {
			name = email
		}
		return []bot.Contact{{Name: name, Email: email}}
	}
	return []bot.Contact{{Name: summary}}
}

// person reports whether a kind of attendee can be woken.
func person(kind string) bool {
	return kind == "" || strings.EqualFold(kind, "INDIVIDUAL") || strings.EqualFold(kind, "GROUP") || strings.EqualFold(kind, "UNKNOWN")
}

// text is the value of a property in one line, without its escapes.
func text(p *ical.Prop, most int) string {
	if p == nil {
		return ""
	}
	s := strings.NewReplacer(`\n`, " ", `\N`, " ", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(p.Value)
	return cut(s, most)
}

// cut is text in one line with what cannot be seen written out.
func cut(s string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.TrimSpace(s) {
		if n++; n > most {
			b.WriteString("…")
			break
		}
		switch {
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
