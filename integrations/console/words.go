package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// funcs are what templates may call.
var funcs = template.FuncMap{
	"clock": clock, "day": day, "iso": iso, "ago": ago, "span": span, "took": took,
	"args": args, "pairs": pairs, "web": web, "host": host, "tone": tone, "level": level,
	"runTone": runTone, "stepTone": stepTone, "rulingTone": rulingTone, "escaped": url.QueryEscape,
	"list": func(s []string) string { return strings.Join(s, ", ") }, "percent": percent, "who": who,
	"words": func(s any) string { return strings.ReplaceAll(fmt.Sprint(s), "_", " ") },
	"dur":   dur, "nav": nav, "approvalTone": approvalTone, "fixTone": fixTone, "cited": cited,
	"size": size, "inc": func(i int) int { return i + 1 },
}

func clock(t time.Time) string {
	if t.UTC().Format(time.DateOnly) == time.Now().UTC().Format(time.DateOnly) {
		return t.UTC().Format("15:04:05 UTC")
	}
	return t.UTC().Format("2 Jan 15:04 UTC")
}

func day(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05 UTC") }
func iso(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// ago says how far away an instant is, in either direction.
func ago(t time.Time) string {
	d := time.Since(t)
	switch {
	case d.Abs() < time.Second:
		return "now"
	case d < 0:
		return "in " + span(d)
	default:
		return span(d) + " ago"
	}
}

// took is how long something lasted; empty if it did not begin or end.
func took(from, to time.Time) string {
	if from.IsZero() || to.IsZero() {
		return ""
	}
	return span(to.Sub(from))
}

// pair is a name with a value, in the order of names.
type pair struct{ Name, Value string }

func pairs(m map[string]string) []pair {
	var out []pair
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, pair{k, m[k]})
	}
	return out
}

// args writes the arguments of a step: text as it is, the rest as JSON.
func args(m map[string]any) []pair {
	var out []pair
	for _, k := range slices.Sorted(maps.Keys(m)) {
		if s, ok := m[k].(string); ok {
			out = append(out, pair{k, s})
			continue
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(m[k]); err != nil {
			out = append(out, pair{k, fmt.Sprint(m[k])})
			continue
		}
		out = append(out, pair{k, strings.TrimSpace(b.String())})
	}
	return out
}

// web passes a link only if it leads to a web page; templates show it with its
// host, so that nobody is surprised where it goes.
func web(link string) string {
	u, err := url.Parse(link)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return link
}

func host(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Host
}

// tone is the colour class of a phase; the text says the same.
func tone(p bot.Phase) string {
	switch p {
	case bot.PhaseNeedsPerson:
		return "bad"
	case bot.PhaseAsking:
		return "ask"
	case bot.PhaseRunning, bot.PhaseVerifying:
		return "busy"
	case bot.PhaseFixed, bot.PhaseResolved:
		return "good"
	default:
		return "calm"
	}
}

func runTone(s bot.RunState) string {
	switch s {
	case bot.RunWaiting, bot.RunFailed, bot.RunNotFixed:
		return "bad"
	case bot.RunUnverified:
		return "ask"
	case bot.RunPlanned, bot.RunRunning, bot.RunVerifying, bot.RunUndoing:
		return "busy"
	case bot.RunFixed:
		return "good"
	default:
		return "calm"
	}
}

func stepTone(s bot.StepState) string {
	switch s {
	case bot.StepSucceeded:
		return "good"
	case bot.StepFailed:
		return "bad"
	case bot.StepUnknown:
		return "ask"
	case bot.StepStarted:
		return "busy"
	default:
		return "calm"
	}
}

func rulingTone(r bot.Ruling) string {
	switch r {
	case bot.Allow:
		return "good"
	case bot.AskPerson:
		return "ask"
	default:
		return "bad"
	}
}

// level is how many of five marks a severity fills.
func level(s bot.Severity) []bool {
	out := make([]bool, 5)
	for i := range s.Rank() {
		out[i] = true
	}
	return out
}

func percent(f float64) string { return fmt.Sprintf("%.0f %%", 100*max(0, min(1, f))) }

func who(a bot.Actor) string {
	if a.Name == "" {
		return string(a.Person)
	}
	return a.Name
}

func size(n int) string {
	if n < 1024 {
		return fmt.Sprintf("%d bytes", n)
	}
	return fmt.Sprintf("%.1f KiB", float64(n)/1024)
}

// entry is one link of the navigation.
type entry struct {
	Href, Label string
	Here        bool
}

func nav(p page, section, href, label string) entry {
	return entry{Href: href, Label: label, Here: p.Section == section}
}

func approvalTone(s bot.ApprovalState) string {
	switch s {
	case bot.ApprovalPending:
		return "ask"
	case bot.ApprovalApproved:
		return "good"
	case bot.ApprovalDenied, bot.ApprovalExpired:
		return "bad"
	default:
		return "calm"
	}
}

func fixTone(f bot.Fix) string {
	switch f {
	case bot.FixYes:
		return "good"
	case bot.FixNo:
		return "bad"
	case bot.FixUnknown:
		return "ask"
	default:
		return "busy"
	}
}

// cited is the page of what a piece of evidence cites; empty when it is not
// one of this console's.
func cited(text string) string {
	if len(text) < 3 || text[1] != '-' {
		return ""
	}
	if id, err := bot.ParseIncidentID(text); err == nil {
		return "/incidents/" + id.String()
	}
	if id, err := bot.ParseRunID(text); err == nil {
		return "/runs/" + id.String()
	}
	return ""
}

// dur writes a duration without the parts that are zero at its end.
func dur(d bot.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
