package report

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// Halt is one halt from when it was set until it was lifted. Until is zero when
// it stood at the end of the Span.
type Halt struct {
	What   string    `json:"what"`
	From   time.Time `json:"from"`
	Until  time.Time `json:"until,omitzero"`
	By     string    `json:"by"`
	Text   string    `json:"text"`
	Lifted string    `json:"lifted_by,omitempty"`
	Seq    int64     `json:"seq"`
	UpTo   int64     `json:"lifted_seq,omitempty"`
}

// For is how long it stood; 0 while it stands.
func (h Halt) For() time.Duration {
	if h.Until.IsZero() {
		return 0
	}
	return h.Until.Sub(h.From)
}

type halts struct {
	open []Halt
	done []Halt
}

func (h *halts) take(e bot.Event) {
	switch e.Kind {
	case bot.EventHalted:
		h.open = append(h.open, Halt{What: halted(e), From: e.At, By: who(e.Actor), Text: e.Text, Seq: e.Seq})
	case bot.EventResumed:
		what := halted(e)
		h.open = slices.DeleteFunc(h.open, func(o Halt) bool {
			if o.What != what {
				return false
			}
			o.Until, o.Lifted, o.UpTo = e.At, who(e.Actor), e.Seq
			h.done = append(h.done, o)
			return true
		})
	}
}

// halted is what an Event says to be halted: its data, and in older logs its text.
func halted(e bot.Event) string {
	if scope := e.Data["scope"]; scope != "" {
		return strings.TrimSpace(scope + " " + e.Data["name"])
	}
	text := strings.TrimPrefix(e.Text, e.Actor.Name+" ")
	text = strings.TrimPrefix(strings.TrimPrefix(text, "halted "), "lifted the halt of ")
	text, _, _ = strings.Cut(text, ": ")
	return text
}

func (h *halts) during(span Span) []Halt {
	var out []Halt
	for _, x := range slices.Concat(h.done, h.open) {
		if x.Until.IsZero() || x.Until.After(span.From) {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b Halt) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// Life is one run of the process. Until is zero when it did not say that it
// ended: it goes on, or it was killed.
type Life struct {
	From    time.Time `json:"from"`
	Until   time.Time `json:"until,omitzero"`
	Version string    `json:"version"`
	Killed  bool      `json:"killed,omitempty"` // another start came first
	Seq     int64     `json:"seq"`
}

type process struct{ all []Life }

func (p *process) take(e bot.Event) {
	last := len(p.all) - 1
	switch e.Kind {
	case bot.EventStarted:
		if last >= 0 && p.all[last].Until.IsZero() {
			p.all[last].Killed = true
		}
		p.all = append(p.all, Life{From: e.At, Version: e.Data["version"], Seq: e.Seq})
	case bot.EventStopped:
		if last >= 0 {
			p.all[last].Until = e.At
		}
	}
}

func (p *process) during(span Span) []Life {
	var out []Life
	for i, l := range p.all {
		ended := !l.Until.IsZero() && !l.Until.After(span.From) ||
			l.Killed && i+1 < len(p.all) && !p.all[i+1].From.After(span.From)
		if !ended {
			out = append(out, l)
		}
	}
	return out
}
