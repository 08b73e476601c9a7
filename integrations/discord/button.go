package discord

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"salve/bot"
)

const (
	maxRows     = 5 // of components
	maxInRow    = 5
	maxOptions  = 25 // of a menu
	maxLabel    = 80
	maxOption   = 100
	maxCustomID = 100
	maxToken    = 64 // of what is carried beside it
)

// What a custom_id is made of: what pressing means, a number that makes it one of
// its message, and the token. The token stands for an Offer; nothing else that
// comes back is believed.
const (
	idPress   = 'p' // p0:TOKEN, a button
	idAsk     = 'c' // c0:TOKEN, a button that asks first
	idSure    = 'y' // y1234:TOKEN, the yes to that question; the number is the message that the button stands on
	idBack    = 'n' // n0:, the no
	idMenu    = 'm' // m0:, a menu; its values are p0:TOKEN and c0:TOKEN
	idFill    = 'o' // o0:KEY, opens a form that is held
	idForm    = 'f' // f0:TOKEN, a form that is handed in
	idPattern = `^([pcynmof])([0-9]{1,20}):([A-Za-z0-9_\-]{0,64})$`
)

var customID = regexp.MustCompile(idPattern)

func id(what rune, n any, token string) string { return fmt.Sprintf("%c%v:%s", what, n, token) }

// carries reports whether a token can stand in a custom_id.
func carries(token string) bool {
	return token != "" && customID.MatchString(id(idPress, 0, token))
}

// components are the buttons of a Message in one row, the menu behind More in a
// row of its own, and what leads on from its Rows.
func components(m bot.Message) []component {
	out := []component{}
	if row := buttons(m.Buttons); len(row) > 0 {
		out = append(out, component{Type: kindRow, Components: row})
	}
	var more, rows []bot.Button
	if len(m.Buttons) > maxInRow {
		more = append(more, m.Buttons[maxInRow:]...)
	}
	more = append(more, m.More...)
	n := 0
	for _, r := range m.Rows {
		if r.Button != nil {
			n++
			b := *r.Button
			b.Label = fmt.Sprintf("%d · %s", n, b.Label)
			rows = append(rows, b)
		}
	}
	if len(more) > 0 {
		out = append(out, menu(0, "More", more)...)
	}
	return append(out, listed(rows, maxRows-len(out), len(out))...)
}

// listed are the buttons of a list: themselves where they fit into one row, else
// menus.
func listed(rows []bot.Button, room, first int) []component {
	if len(rows) == 0 || room <= 0 {
		return nil
	}
	if len(rows) <= maxInRow {
		if row := numbered(rows, 100); len(row) > 0 {
			return []component{{Type: kindRow, Components: row}}
		}
		return nil
	}
	var out []component
	for len(rows) > 0 && len(out) < room {
		n := min(maxOptions, len(rows))
		out = append(out, menu(first+len(out)+1, "Choose", rows[:n])...)
		rows = rows[n:]
	}
	return out
}

func buttons(list []bot.Button) []component { return numbered(list[:min(len(list), maxInRow)], 0) }

func numbered(list []bot.Button, from int) []component {
	var out []component
	for i, b := range list {
		if !carries(b.Token) {
			continue
		}
		out = append(out, component{Type: kindButton, CustomID: pressed(b, from+i), Style: style(b.Style), Label: label(b.Label, maxLabel)})
	}
	return out
}

func pressed(b bot.Button, n int) string {
	if b.Confirm != "" {
		return id(idAsk, n, b.Token)
	}
	return id(idPress, n, b.Token)
}

func style(s string) int {
	switch s {
	case "primary":
		return stylePrimary
	case "danger":
		return styleDanger
	default:
		return styleSecondary
	}
}

// label is never empty: Discord takes none that is.
func label(s string, most int) string { return cmp.Or(plain(s, most), "–") }

// menu is what hangs behind "More". Nothing needs to be chosen in it, so that the
// same can be chosen twice.
func menu(n int, placeholder string, list []bot.Button) []component {
	var options []option
	for i, b := range list[:min(len(list), maxOptions)] {
		if carries(b.Token) {
			options = append(options, option{Label: label(b.Label, maxOption), Value: pressed(b, i), Description: plain(b.Twin, maxOption)})
		}
	}
	if len(options) == 0 {
		return nil
	}
	none := 0
	return []component{{Type: kindRow, Components: []component{
		{Type: kindSelect, CustomID: id(idMenu, n, ""), Placeholder: placeholder, Options: options, Min: &none, Max: 1},
	}}}
}

// question is what a button that asks first is answered with: Discord has no
// dialog of its own. It carries the same token, and the message on which the
// button stands.
func question(asks, token, on string, about []embed) message {
	yes := component{Type: kindButton, CustomID: id(idSure, cmp.Or(on, "0"), token), Style: styleSuccess, Label: "Yes, do it"}
	no := component{Type: kindButton, CustomID: id(idBack, 0, ""), Style: styleSecondary, Label: "Go back"}
	out := message{
		Mentions: nobody(), Flags: ephemeral, Embeds: []embed{},
		Components: []component{{Type: kindRow, Components: []component{yes, no}}},
	}
	if asks != "" {
		out.Content = "**Are you sure?** " + escape(asks, 1500)
		return out
	}
	out.Content = "**Are you sure?** This is what it is about:"
	out.Embeds = about
	return out
}

// remember keeps what the buttons of a Message ask first.
func (c *Client) remember(m bot.Message) {
	note := func(b bot.Button) {
		if b.Confirm != "" && carries(b.Token) {
			c.questions.note(b.Token, clean(near(b.Confirm, 400), false))
		}
	}
	for _, b := range append(m.Buttons[:len(m.Buttons):len(m.Buttons)], m.More...) {
		note(b)
	}
	for _, r := range m.Rows {
		if r.Button != nil {
			note(*r.Button)
		}
	}
}

// texts keeps the last of many texts.
type texts struct {
	mu    sync.Mutex
	most  int
	known map[string]string
	order []string
}

func newTexts(most int) *texts { return &texts{most: most, known: map[string]string{}} }

func (t *texts) note(key, text string) {
	if key == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.known[key]; !ok {
		if len(t.order) == t.most {
			delete(t.known, t.order[0])
			t.order = t.order[1:]
		}
		t.order = append(t.order, key)
	}
	t.known[key] = text
}

func (t *texts) of(key string) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.known[key]
}

// about is what stood on the message whose button asks: the question when its own
// words are not at hand any more, after a restart or in another process.
func about(in []shown) []embed {
	out := []embed{}
	left := maxEmbeds
	for _, e := range in {
		if n := size(e.Description); n > 0 && n <= left && n <= maxEmbed && len(out) < 2 {
			left -= n
			out = append(out, embed{Description: e.Description, Color: e.Color & 0xffffff})
		}
	}
	if len(out) == 0 {
		out = append(out, embed{Description: strings.TrimSpace("See the message above.")})
	}
	return out
}
