package paper

import (
	_ "embed"
	"html/template"
	"io"
	"strings"

	"salve/bot/report"
)

//go:embed paper.html.tmpl
var source string

var page = template.Must(template.New("paper").Funcs(template.FuncMap{
	"stamp": stamp, "span": span, "name": name, "rule": ruleText, "ending": ending, "plainly": plainly,
	"join": func(s []string) string { return strings.Join(s, ", ") }, "head": headText,
	"tone": tone, "short": short, "quorum": func(n int) int { return max(n, 1) },
}).Parse(source))

// tone picks the colour of a word; the word says the same without it.
func tone(s string) string {
	switch s {
	case "approved", "by itself", "fixed":
		return "good"
	case "denied", "failed", "not_fixed":
		return "bad"
	default:
		return "mild"
	}
}

func short(hash string) string { return hash[:min(len(hash), 12)] }

// chapter is what the templates for the beginning and the end see.
type chapter struct {
	report.Report
	Proof   Proof
	Tally   Tally
	Covered string
}

func (b Book) html(w io.Writer) error {
	t, err := b.tally()
	if err != nil {
		return err
	}
	c := chapter{Report: b.Report, Proof: b.Proof, Tally: t, Covered: covered(b)}
	if err := page.ExecuteTemplate(w, "begin", c); err != nil {
		return err
	}
	for inc, err := range b.Incidents() {
		if err != nil {
			return err
		}
		if err := page.ExecuteTemplate(w, "incident", inc); err != nil {
			return err
		}
	}
	return page.ExecuteTemplate(w, "end", c)
}
