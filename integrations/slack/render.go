package slack

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"time"

	"salve/bot"
)

// The limits of Slack that are minded here; package legal knows them all.
const (
	maxMessageBlocks = 50
	maxViewBlocks    = 100
	maxRunes         = 11_500 // of all blocks together; Slack refuses from somewhere above 12,000
	maxHeader        = 150
	maxSpan          = 3000
	maxAlone         = 700 // before it is escaped, which makes five characters of one at worst: below 4,000
	maxWakes         = 10
	maxLabel         = 75
)

// symbols say the tone without a colour, each by another shape, so that they are
// told apart on a lock screen and by those who see no red. The colour bar that
// Slack offers is not used: it needs a legacy attachment, which is indented and
// folded on a phone.
var symbols = map[bot.Tone]string{
	bot.ToneUrgent: "🔴",
	bot.ToneAsking: "🔶",
	bot.ToneBusy:   "⏳",
	bot.ToneGood:   "✅",
	bot.ToneQuiet:  "▫️",
}

// headed are the kinds whose title is a header; the others stand in a thread or
// are read once, and begin with a bold line.
var headed = map[bot.MessageKind]bool{
	bot.MessageCard: true, bot.MessageStorm: true, bot.MessageWeekly: true, bot.MessageHome: true,
}

// alone is the text beside the blocks.
func alone(m bot.Message) string {
	for _, s := range []string{m.Alone, flat(m.Title)} {
		if s = strings.TrimSpace(escape(s, maxAlone)); s != "" {
			return s
		}
	}
	return "Salve has something to show"
}

// render makes the blocks of a Message; at most the given number of them. What
// there is no room for is left out from the end of its lines and rows, and the
// last line says so. Buttons are always there.
func render(m bot.Message, most int) []block {
	buttons := actions(m.Buttons, m.More)
	p := &page{left: maxRunes - runes(buttons), most: most - len(buttons) - 1}
	p.title(m)
	p.wakes(m.Wakes)
	for _, l := range m.Lines {
		p.line(l)
	}
	for i, r := range m.Rows {
		p.row(r, fmt.Sprintf("r%d", i))
	}
	p.flush()
	if p.dropped > 0 {
		p.blocks = append(p.blocks, small(fmt.Sprintf("%d more lines do not fit into Slack.", p.dropped)))
	}
	if len(p.blocks)+len(buttons) == 0 {
		p.blocks = append(p.blocks, block{Type: "section", Text: plain(cmp.Or(m.Alone, "Nothing to show."), maxSpan)})
	}
	return append(p.blocks, buttons...)
}

// page is what fills up while a Message is rendered.
type page struct {
	blocks  []block
	rich    []element // of the rich text block that is being written
	left    int       // characters
	most    int       // blocks
	dropped int       // lines
}

func (p *page) title(m bot.Message) {
	title := strings.TrimSpace(symbols[m.Tone] + " " + flat(m.Title))
	switch {
	case len(m.Title) == 0 || flat(m.Title) == "":
	case headed[m.Kind]:
		p.add(block{Type: "header", Text: plain(title, maxHeader)})
	default:
		spans := append([]bot.Span{{Text: symbols[m.Tone] + " "}}, m.Title...)
		if symbols[m.Tone] == "" {
			spans = m.Title
		}
		p.write(line(bold(spans)))
	}
}

func bold(spans []bot.Span) []bot.Span {
	out := make([]bot.Span, len(spans))
	for i, s := range spans {
		if s.Style == bot.SpanPlain {
			s.Style = bot.SpanStrong
		}
		out[i] = s
	}
	return out
}

var (
	userID  = regexp.MustCompile(`^[UW][A-Z0-9]{1,30}$`)
	groupID = regexp.MustCompile(`^S[A-Z0-9]{1,30}$`)
)

// wakes is the only place where a mention is made, of ids alone.
func (p *page) wakes(who []bot.Mention) {
	var names []string
	for _, w := range who {
		id := w.ID[strings.LastIndexByte(w.ID, '/')+1:]
		switch {
		case len(names) == maxWakes:
		case w.Kind == bot.MentionUser && userID.MatchString(id):
			names = append(names, "<@"+id+">")
		case w.Kind == bot.MentionGroup && groupID.MatchString(id):
			names = append(names, "<!subteam^"+id+">")
		}
	}
	if len(names) > 0 {
		p.add(block{Type: "section", Text: &text{Type: "mrkdwn", Text: strings.Join(names, " "), Verbatim: true}})
	}
}

// add puts a block on the page, if there is room.
func (p *page) add(b block) bool {
	p.flush()
	if n := runes([]block{b}); n <= p.left && len(p.blocks) < p.most && p.dropped == 0 {
		p.left -= n
		p.blocks = append(p.blocks, b)
		return true
	}
	p.dropped++
	return false
}

func (p *page) line(l bot.Line) {
	if p.dropped > 0 {
		p.dropped++
		return
	}
	switch l.Kind {
	case bot.LineQuiet:
		if b, ok := quiet(l.Spans); ok {
			p.add(b)
			return
		}
		p.write(line(l.Spans))
	case bot.LineItem:
		p.item(line(l.Spans))
	case bot.LineHead:
		p.write(line(bold(l.Spans)))
	case bot.LineCode:
		p.code(l.Spans)
	case bot.LineText:
		p.write(line(l.Spans))
	default: // a kind that is not known is text
		p.write(line(l.Spans))
	}
}

// room takes what the elements need; it reports false when that is not there.
func (p *page) room(of []element) bool {
	blocks := len(p.blocks)
	if len(p.rich) == 0 {
		blocks++
	}
	n := runes(of)
	if n > p.left || blocks > p.most || p.dropped > 0 {
		p.dropped++
		return false
	}
	p.left -= n
	return true
}

// write adds a line to the rich text. Lines that follow each other are one
// section with line breaks in it, which is how Slack itself writes them.
func (p *page) write(of []element) {
	if len(of) == 0 || !p.room(of) {
		return
	}
	if last := len(p.rich) - 1; last >= 0 && p.rich[last].Type == "rich_text_section" {
		p.rich[last].Elements = append(append(p.rich[last].Elements, element{Type: "text", Label: "\n"}), of...)
		return
	}
	p.rich = append(p.rich, element{Type: "rich_text_section", Elements: of})
}

func (p *page) item(of []element) {
	if len(of) == 0 || !p.room(of) {
		return
	}
	section := element{Type: "rich_text_section", Elements: of}
	if last := len(p.rich) - 1; last >= 0 && p.rich[last].Type == "rich_text_list" {
		p.rich[last].Elements = append(p.rich[last].Elements, section)
		return
	}
	p.rich = append(p.rich, element{Type: "rich_text_list", Style: "bullet", Elements: []element{section}})
}

// code is an element of its own and no fence, so that nothing in it can end it.
func (p *page) code(spans []bot.Span) {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(clean(near(shown(s), maxSpan), true))
	}
	content := strings.Trim(short(b.String(), maxSpan), "\n")
	if strings.TrimSpace(content) == "" {
		return
	}
	if of := []element{{Type: "text", Label: content}}; p.room(of) {
		p.rich = append(p.rich, element{Type: "rich_text_preformatted", Elements: of})
	}
}

func (p *page) flush() {
	if len(p.rich) > 0 {
		p.blocks = append(p.blocks, block{Type: "rich_text", Elements: p.rich})
		p.rich = nil
	}
}

// row shows its button beside its line where the line is text alone, and below
// it where it is not: a section knows no other text in which nothing is markup.
func (p *page) row(r bot.Row, action string) {
	if p.dropped > 0 {
		p.dropped++
		return
	}
	if r.Button == nil {
		if r.Line.Kind == bot.LineText {
			r.Line.Kind = bot.LineItem
		}
		p.line(r.Line)
		return
	}
	press := button(*r.Button, action)
	if isText(r.Line.Spans) {
		if s := flat(r.Line.Spans); s != "" {
			p.add(block{Type: "section", Text: plain(s, maxSpan), Accessory: &press})
		}
		return
	}
	before := p.dropped
	p.write(line(r.Line.Spans))
	if p.dropped == before {
		p.add(block{Type: "actions", Elements: []element{press}})
	}
}

func isText(spans []bot.Span) bool {
	for _, s := range spans {
		if !s.At.IsZero() || s.URL != "" {
			return false
		}
	}
	return true
}

// flat is what spans say where nothing but text can be shown.
func flat(spans []bot.Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(shown(s))
	}
	return strings.TrimSpace(cut(b.String(), maxSpan))
}

func shown(s bot.Span) string {
	if s.At.IsZero() {
		return s.Text
	}
	return s.At.UTC().Format("2006-01-02 15:04 UTC")
}

// pretty is an instant as Slack shows it in the reader's own zone.
const pretty = "{date_short_pretty} {time}"

func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }
