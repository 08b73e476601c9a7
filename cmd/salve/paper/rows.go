package paper

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"salve/bot/report"
)

func counts(m map[string]int64) []report.Count {
	out := []report.Count{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, report.Count{What: k, Count: m[k]})
	}
	return out
}

// head of the CSV. Every row says by its section what it is about.
var head = []string{
	"section", "seq", "from_utc", "until_utc", "who", "surface", "incident", "change", "approval", "playbook", "target",
	"digest", "digest_holds", "decision", "outcome", "verification", "groups", "text",
}

// row is one line of the CSV.
type row struct {
	section, seq, from, until, who, surface, incident, change, approval, playbook, target string
	digest, holds, decision, outcome, verification, groups, text                          string
}

func (r row) cells() []string {
	out := []string{
		r.section, r.seq, r.from, r.until, r.who, r.surface, r.incident, r.change, r.approval, r.playbook, r.target,
		r.digest, r.holds, r.decision, r.outcome, r.verification, r.groups, r.text,
	}
	for i := range out {
		out[i] = harmless(out[i])
	}
	return out
}

// harmless keeps a spreadsheet from taking text from outside for a formula.
func harmless(s string) string {
	rest := strings.TrimLeft(s, " \u00a0")
	if rest != "" && strings.ContainsAny(rest[:1], "=+-@\t\r\n|%") || strings.HasPrefix(rest, "\uff1d") ||
		strings.HasPrefix(rest, "\uff0b") || strings.HasPrefix(rest, "\uff0d") || strings.HasPrefix(rest, "\uff20") {
		return "'" + s
	}
	return s
}

func (b Book) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	put := func(rows ...row) error {
		for _, r := range rows {
			if err := out.Write(r.cells()); err != nil {
				return err
			}
		}
		return nil
	}
	if err := out.Write(head); err != nil {
		return err
	}
	if err := put(b.about()...); err != nil {
		return err
	}
	for inc, err := range b.Incidents() {
		if err != nil {
			return err
		}
		for _, c := range inc.Changes {
			if err := put(changeRows(inc, c)...); err != nil {
				return err
			}
		}
	}
	if err := put(b.rest()...); err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

func (b Book) about() []row {
	r := b.Report
	rows := []row{
		{section: "span", from: stamp(r.Span.From), until: stamp(r.Span.To), text: fmt.Sprintf("%d events", r.Events)},
		{section: "first event", seq: number(r.First.Seq), from: stamp(r.First.At), digest: r.First.Hash},
		{section: "last event", seq: number(r.Last.Seq), from: stamp(r.Last.At), digest: r.Last.Hash},
		{section: "proof", outcome: verdict(b.Proof), text: covered(b)},
	}
	for _, f := range b.Proof.Faults {
		rows = append(rows, row{section: "fault", text: f})
	}
	for _, c := range r.Cut {
		rows = append(rows, row{section: "cut", text: "the list of " + c + " is longer than this report holds"})
	}
	return rows
}

func changeRows(inc report.Incident, c report.Change) []row {
	base := row{
		incident: inc.ID.String(), change: name(c), approval: c.Approval.String(), playbook: c.Playbook, target: c.Target, digest: c.Digest,
	}
	main := base
	main.section, main.from, main.until, main.who = "change", stamp(c.Opened), stamp(c.Ended), c.DecidedBy
	main.holds, main.decision, main.outcome = strconv.FormatBool(c.Holds), c.Decision, c.Outcome
	main.verification, main.text = c.Fix, strings.TrimSpace(inc.Title+": "+c.Why)
	rows := []row{main}
	for _, v := range c.Votes {
		r := base
		r.section, r.seq, r.from, r.who, r.surface = "vote", number(v.Seq), stamp(v.At), v.Name+" ("+v.Person+")", v.Surface
		r.decision, r.groups, r.text, r.digest = yesNo(v.Yes), strings.Join(v.Groups, " "), v.Reason, v.Digest
		rows = append(rows, r)
	}
	for _, f := range c.Findings {
		r := base
		r.section, r.text = "finding", f
		rows = append(rows, r)
	}
	return rows
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

func (b Book) rest() []row {
	var rows []row
	for _, p := range b.Report.People {
		text := "roles: " + strings.Join(p.Roles, " ") + "; identities: " + strings.Join(p.Identities, " ") + "; set by " + p.By
		if p.Disabled {
			text += "; disabled"
		}
		rows = append(rows, row{section: "person", seq: number(p.Seq), from: stamp(p.From), until: stamp(p.Until), who: p.Name + " (" + p.Person + ")", groups: strings.Join(p.Groups, " "), text: text})
	}
	for _, r := range b.Report.Rights {
		rows = append(rows, row{section: "right", playbook: r.Playbook, groups: approvers(r.Rule), who: strings.Join(r.People, " "), text: ruleText(r.Rule)})
	}
	for _, l := range b.Report.Playbooks {
		for _, v := range slices.Concat(l.Added, l.Changed) {
			rows = append(rows, row{section: "playbook", seq: number(l.Seq), from: stamp(l.At), playbook: v.Playbook, digest: v.Hash, text: ruleText(v.Rule)})
		}
		for _, gone := range l.Removed {
			rows = append(rows, row{section: "playbook", seq: number(l.Seq), from: stamp(l.At), playbook: gone, text: "not in force any more"})
		}
	}
	for _, h := range b.Report.Halts {
		rows = append(rows, row{section: "halt", seq: number(h.Seq), from: stamp(h.From), until: stamp(h.Until), who: h.By, target: h.What, text: strings.TrimSuffix(h.Text+"; lifted by "+h.Lifted, "; lifted by ")})
	}
	for _, l := range b.Report.Process {
		rows = append(rows, row{section: "process", seq: number(l.Seq), from: stamp(l.From), until: stamp(l.Until), outcome: ending(l), text: l.Version})
	}
	for _, l := range b.Report.Integrity {
		rows = append(rows, row{section: "log", seq: number(l.Seq), from: stamp(l.At), who: l.Who, text: l.Text})
	}
	for _, k := range b.Report.Kinds {
		rows = append(rows, row{section: "kind", text: k.What, outcome: number(k.Count)})
	}
	return rows
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// json writes one document, incidents last, each on a line of its own.
func (b Book) json(w io.Writer) error {
	t, err := b.tally()
	if err != nil {
		return err
	}
	begin, err := json.Marshal(map[string]any{"report": b.Report, "proof": b.Proof, "tally": t})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s,\"incidents\":[", begin[:len(begin)-1]); err != nil {
		return err
	}
	comma := "\n"
	for inc, err := range b.Incidents() {
		if err != nil {
			return err
		}
		text, err := json.Marshal(inc)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "%s%s", comma, text); err != nil {
			return err
		}
		comma = ",\n"
	}
	_, err = io.WriteString(w, "]}\n")
	return err
}
