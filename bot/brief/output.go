package brief

import (
	"fmt"
	"strings"

	"salve/bot"
)

// Output is the whole output of the steps of a Run that are to be shared, as a
// file. False: the Run goes on, or there is nothing to share.
func Output(c bot.Card, id bot.RunID) (bot.Message, bool) {
	r, ok := runOf(c, id)
	if !ok || r.Run.Active() {
		return bot.Message{}, false
	}
	var b strings.Builder
	for _, s := range r.Run.Steps {
		if strings.TrimSpace(s.Output) == "" || !shared(r.Plan, s) {
			continue
		}
		name := s.ID
		if s.Undo {
			name = "undo: " + name
		}
		fmt.Fprintf(&b, "== %s ==\n%s\n\n", name, strings.TrimRight(readable(s.Output), "\n"))
	}
	if b.Len() == 0 {
		return bot.Message{}, false
	}
	m := bot.Message{Kind: bot.MessageOutput, Tone: bot.ToneQuiet, Lines: []bot.Line{quiet(plain("Output of " + id.String() + " as a file"))}}
	m.Alone = clip(fmt.Sprintf("Output of %s, %s on %s", id, r.Run.Playbook, r.Run.Target), bot.MaxAlone)
	m.Files = []bot.File{{Name: id.String() + "-output.txt", Media: "text/plain", Alt: m.Alone, Body: []byte(b.String())}}
	return m, true
}

// shared reports whether the playbook shares the output of a step.
func shared(p bot.Plan, s bot.Step) bool {
	for _, of := range p.Steps {
		if of.ID != s.ID {
			continue
		}
		if s.Undo {
			return of.Undo != nil && of.Undo.ShareOutput
		}
		return of.ShareOutput
	}
	return false
}

// readable is an output without what steers a terminal.
func readable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, colours.ReplaceAllString(strings.ToValidUTF8(s, string(replacement)), ""))
}
