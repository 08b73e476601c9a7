// Package paper writes a report for an auditor as HTML, CSV or JSON.
//
// It promises one self-contained document without a script, in which all text is
// escaped for where it stands: in HTML as text, in CSV so that no spreadsheet
// takes it for a formula; times in UTC; the same bytes for the same report. It
// writes as it reads, so that memory does not grow with the number of changes. It
// assumes that Incidents gives the same each time it is asked. On failure what
// was written is not whole, and the error says why.
package paper

import (
	"fmt"
	"io"
	"iter"
	"time"

	"salve/bot/audit"
	"salve/bot/report"
)

// Format is how the report is written.
type Format string

// The formats.
const (
	HTML Format = "html"
	CSV  Format = "csv"
	JSON Format = "json"
)

// Proof is what is known of the log's integrity.
type Proof struct {
	OK      bool              `json:"ok"`
	Faults  []string          `json:"faults,omitempty"`
	Pruned  int64             `json:"pruned,omitempty"` // events before the log begins
	Given   bool              `json:"given"`            // signed heads were given
	Before  *audit.Checkpoint `json:"before,omitempty"` // the last signed head at or before the span's first event
	After   *audit.Checkpoint `json:"after,omitempty"`  // the first one that covers the span's last event
	To      int64             `json:"to"`               // up to here the span is covered by a signed head
	Foreign []string          `json:"foreign,omitempty"`
}

// Prove draws a Proof from what verifying found and the heads that were given.
func Prove(r report.Report, found audit.Report, heads *audit.Heads) Proof {
	p := Proof{OK: found.OK(), Pruned: found.Pruned, Given: heads != nil}
	for _, f := range found.Faults {
		p.Faults = append(p.Faults, f.String())
	}
	if heads == nil || !found.OK() {
		return p
	}
	p.Foreign = heads.Foreign
	for _, c := range heads.List {
		if c.Size <= r.First.Seq {
			p.Before = &c
		}
		if p.To < r.Last.Seq {
			p.To = min(c.Size, r.Last.Seq)
		}
		if c.Size >= r.Last.Seq && p.After == nil {
			p.After = &c
		}
	}
	return p
}

// Book is all that is written.
type Book struct {
	Report    report.Report
	Proof     Proof
	Incidents func() iter.Seq2[report.Incident, error] // may be asked more than once
}

// Write writes the book.
func (b Book) Write(w io.Writer, f Format) error {
	switch f {
	case HTML:
		return b.html(w)
	case CSV:
		return b.csv(w)
	case JSON:
		return b.json(w)
	default:
		return fmt.Errorf("%q is not a format; write html, csv or json", f)
	}
}

// Tally counts the changes of the span.
type Tally struct {
	Incidents int            `json:"incidents"`
	Changes   int            `json:"changes"`
	Decisions []report.Count `json:"decisions"`
	Outcomes  []report.Count `json:"outcomes"`
	Findings  []Finding      `json:"findings"`
	More      int            `json:"more_findings,omitempty"`
}

// Finding is something that an auditor should ask about.
type Finding struct {
	Incident string `json:"incident"`
	Change   string `json:"change"`
	Text     string `json:"text"`
}

const maxFindings = 500

func (b Book) tally() (Tally, error) {
	t := Tally{Findings: []Finding{}}
	decisions, outcomes := map[string]int64{}, map[string]int64{}
	for inc, err := range b.Incidents() {
		if err != nil {
			return t, err
		}
		t.Incidents++
		for _, c := range inc.Changes {
			t.Changes++
			decisions[c.Decision]++
			outcomes[c.Outcome]++
			for _, text := range c.Findings {
				if len(t.Findings) == maxFindings {
					t.More++
					continue
				}
				t.Findings = append(t.Findings, Finding{Incident: inc.ID.String(), Change: name(c), Text: text})
			}
		}
	}
	t.Decisions, t.Outcomes = counts(decisions), counts(outcomes)
	return t, nil
}

// name is what people call a change: its run, else its approval, else its plan.
func name(c report.Change) string {
	switch {
	case c.Run != 0:
		return c.Run.String()
	case c.Approval != 0:
		return c.Approval.String()
	default:
		return fmt.Sprintf("P-%d", c.Plan)
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

func span(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d <= 0:
		return ""
	case d < time.Hour:
		return d.String()
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%dd%02dh", int(d.Hours())/24, int(d.Hours())%24)
	}
}
