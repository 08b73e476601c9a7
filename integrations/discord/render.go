package discord

import (
	"cmp"
	"fmt"
	"strings"

	"salve/bot"
)

// The limits of Discord that are minded here; package legal knows them all.
const (
	maxContent = 2000
	maxAlone   = 1200 // of the content, escaped; the rest is for mentions
	maxEmbed   = 4096 // of one description
	maxEmbeds  = 5900 // of all of them; Discord takes 6000
	maxLine    = 2000 // of one line, escaped
	maxSpan    = 1600
	maxWakes   = 20
)

// symbols say the tone without a colour, each by another shape, so that they are
// told apart on a lock screen and by those who see no red.
var symbols = map[bot.Tone]string{
	bot.ToneUrgent: "🔴",
	bot.ToneAsking: "🔶",
	bot.ToneBusy:   "⏳",
	bot.ToneGood:   "✅",
	bot.ToneQuiet:  "▫️",
}

// colours are those of the bar beside the embed.
var colours = map[bot.Tone]int{
	bot.ToneUrgent: 0xd93025,
	bot.ToneAsking: 0xf29900,
	bot.ToneBusy:   0x1a73e8,
	bot.ToneGood:   0x188038,
	bot.ToneQuiet:  0x80868b,
}

// render makes a message of a Message. What there is no room for is left out from
// the end of its lines and rows, and the last line says so. Buttons are always
// there.
func (c *Client) render(m bot.Message) message {
	out := message{Mentions: nobody(), Embeds: []embed{}, Components: components(m)}
	c.remember(m)
	private := m.Kind == bot.MessageReply || m.Kind == bot.MessageHome
	if !private {
		out.Content = strings.TrimSpace(symbols[m.Tone] + " " + alone(m))
	}
	c.wake(&out, m.Wakes)
	p := newPage()
	p.write(heading(m))
	for _, l := range m.Lines {
		p.line(l)
	}
	n := 0
	for _, r := range m.Rows {
		p.row(r, &n)
	}
	out.Embeds = p.embeds(cmp.Or(colours[m.Tone], colours[bot.ToneQuiet]))
	if len(out.Embeds) == 0 && out.Content == "" {
		out.Content = cmp.Or(alone(m), "Nothing to show.")
	}
	return out
}

// alone is the text beside the embed: what a lock screen shows.
func alone(m bot.Message) string {
	for _, s := range []string{escape(m.Alone, maxAlone), escape(flat(m.Title, maxAlone), maxAlone)} {
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return "Salve has something to show"
}

// heading is the title: large where the message stands by itself, bold where it
// stands in a thread or is read once.
func heading(m bot.Message) string {
	const most = 600
	symbol := symbols[m.Tone]
	switch m.Kind {
	case bot.MessageCard, bot.MessageStorm, bot.MessageWeekly, bot.MessageHome:
		if s := strings.TrimSpace(line(unstyled(m.Title), most)); s != "" {
			return strings.TrimSpace("### " + symbol + " " + s)
		}
	default:
		if s := strings.TrimSpace(line(bold(m.Title), most)); s != "" {
			return strings.TrimSpace(symbol + " " + s)
		}
	}
	return ""
}

func unstyled(spans []bot.Span) []bot.Span {
	out := make([]bot.Span, len(spans))
	for i, s := range spans {
		if s.Style == bot.SpanStrong {
			s.Style = bot.SpanPlain
		}
		out[i] = s
	}
	return out
}

// wake is the only place where a mention is made, of ids alone. The role of the
// server's own id is everybody, whom nothing wakes.
func (c *Client) wake(out *message, who []bot.Mention) {
	seen := map[string]bool{}
	for _, w := range who {
		id := bare(w.ID)
		if !snowflake.MatchString(id) || seen[id] || len(seen) == maxWakes || id == c.guild {
			continue
		}
		switch w.Kind {
		case bot.MentionUser:
			out.Content += " <@" + id + ">"
			out.Mentions.Users = append(out.Mentions.Users, id)
		case bot.MentionGroup:
			out.Content += " <@&" + id + ">"
			out.Mentions.Roles = append(out.Mentions.Roles, id)
		default: // a kind that is not known wakes nobody
			continue
		}
		seen[id] = true
	}
	out.Content = strings.TrimSpace(out.Content)
}

// page is what fills up while a Message is rendered: the descriptions of one
// embed, and of a second where one is not enough.
type page struct {
	parts   []*strings.Builder
	used    int // of the last part
	left    int // of all of them
	dropped int
}

const maxRest = 60 // for the line that says what was left out

func newPage() *page { return &page{left: maxEmbeds - maxRest} }

// write adds a whole line, if there is room.
func (p *page) write(s string) bool {
	if s == "" {
		return true
	}
	n := size(s) + 1
	if p.dropped > 0 || n > p.left {
		p.dropped++
		return false
	}
	if len(p.parts) == 0 || p.used+n > maxEmbed-maxRest {
		if len(p.parts) == 2 {
			p.dropped++
			return false
		}
		p.parts, p.used = append(p.parts, &strings.Builder{}), 0
	}
	part := p.parts[len(p.parts)-1]
	if part.Len() > 0 {
		part.WriteByte('\n')
	}
	part.WriteString(s)
	p.used += n
	p.left -= n
	return true
}

func (p *page) line(l bot.Line) {
	switch l.Kind {
	case bot.LineQuiet:
		p.write(prefixed("-# ", line(l.Spans, maxLine)))
	case bot.LineItem:
		p.write(prefixed("- ", line(l.Spans, maxLine)))
	case bot.LineHead:
		p.write(line(bold(l.Spans), maxLine))
	case bot.LineCode:
		p.write(fence(raw(l.Spans), min(p.left-1, maxEmbed-maxRest-1)))
	case bot.LineText:
		p.write(line(l.Spans, maxLine))
	default: // a kind that is not known is text
		p.write(line(l.Spans, maxLine))
	}
}

func prefixed(mark, s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	return mark + s
}

// raw is what is shown in fixed width, line breaks and all.
func raw(spans []bot.Span) string {
	var b strings.Builder
	for _, s := range spans {
		if s.At.IsZero() {
			b.WriteString(near(s.Text, maxEmbed))
		} else {
			b.WriteString(s.At.UTC().Format("2006-01-02 15:04 UTC"))
		}
	}
	return b.String()
}

// row shows an entry of a list. Its button stands below all of them, under the
// same number.
func (p *page) row(r bot.Row, n *int) {
	s := strings.TrimSpace(line(r.Line.Spans, maxLine))
	if r.Button == nil {
		p.write(prefixed("- ", s))
		return
	}
	*n++
	p.write(fmt.Sprintf("**%d** %s", *n, cmp.Or(s, escape(r.Button.Label, 200))))
}

func (p *page) embeds(colour int) []embed {
	out := []embed{}
	for i, part := range p.parts {
		s := part.String()
		if i == len(p.parts)-1 && p.dropped > 0 {
			s += fmt.Sprintf("\n-# %d more lines do not fit into Discord.", p.dropped)
		}
		out = append(out, embed{Description: s, Color: colour})
	}
	return out
}
