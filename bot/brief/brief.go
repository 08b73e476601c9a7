// Package brief is what chat shows: a Card or another noun becomes a
// bot.Message or a bot.Form, without any vendor's words.
//
// It promises to be pure: the same state gives the same Message, so that nothing
// is edited that did not change; that a card takes at most bot.MaxLines lines at
// phone width, buttons counted, by the estimate of Height; that what wakes people
// says it all in one line (Message.Alone); that every Button has a Twin that can
// be typed; and that all text from outside is plain, bounded and has nothing
// invisible in it (see Clean). It judges nobody: a card in a channel is one for
// everybody, and whoever presses is judged then.
//
// It assumes that the Card was made whole by bot/chat at about the same time. It
// cannot fail: what is missing is left out, and what is moot is said to be so.
package brief

import (
	"net/url"
	"strings"

	"salve/bot"
)

// Options is what a surface has of its own.
type Options struct {
	PublicURL string // of the console; "": no links are shown
	Command   string // how a person calls Salve here: /salve
}

// link is a piece of text that leads to a page of the console; plain text when
// there is none that can be reached.
func (o Options) link(text, path string) bot.Span {
	s := plain(text)
	if u, err := url.Parse(o.PublicURL); err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http") {
		s.URL = strings.TrimSuffix(o.PublicURL, "/") + path
	}
	return s
}

// linked reports whether there is a console to lead to.
func (o Options) linked() bool { return o.link("x", "/").URL != "" }

// typed is a twin as a person types it here.
func (o Options) typed(twin string) bot.Span {
	return bot.Span{Text: Cut(Clean(strings.TrimSpace(o.Command+" "+twin)), maxSpan), Style: bot.SpanCode}
}
