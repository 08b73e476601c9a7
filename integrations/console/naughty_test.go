package console_test

import (
	"time"

	"salve/bot"
)

// naughty are labels as an enemy, or an unlucky team, would write them.
var naughty = []string{
	`<script>hit=1</script>`, `"><img src=x onerror="hit=1">`, `'><svg onload=hit=1>`, `javascript:hit=1`, `</textarea><script>hit=1</script>`,
	`</title><script>hit=1</script>`, `{{.Viewer}} ${{ 1 }} {{template "frame"}}`, `<style>body{display:none}</style>`, `<iframe src=//evil.example>`,
	"\u202Egnp.exe", "zero\u200Bwidth\uFEFF", "bell\x07 and \x1b[31mred\x1b[0m", `&lt;b&gt; &amp;`, `<a href="//evil.example">click</a>`, "line\nbreak\r\nand tab\t.",
	`x' OR 1=1; --`, `$(reboot) ` + "`reboot`", "\xff\xfe not UTF-8", `<!--`, `]]>`, `@everyone <!channel>`,
}

// poison puts naughty text into every place that holds text from outside.
func poison(w *world) {
	all := ""
	for _, n := range naughty {
		all += n + " "
	}
	labels, notes := map[string]string{}, map[string]string{}
	for i, n := range naughty {
		labels[n] = n
		notes[n] = naughty[len(naughty)-1-i]
	}
	for id, s := range w.incidents {
		s.Incident.Title, s.Incident.Source, s.Incident.OwnerName = all, all, all
		s.Incident.CloseReason = all
		s.Incident.Notes = []bot.Note{{At: time.Now(), By: bot.Actor{Name: all}, Text: all}}
		s.Incident.Decision.Headline = all
		s.Incident.Diagnosis = bot.Diagnosis{
			At: time.Now(), Summary: all, Gaps: naughty, Hypotheses: []bot.Hypothesis{{Cause: all, Subject: all, Evidence: naughty}},
			Evidence: []bot.Evidence{{ID: all, Kind: bot.EvidenceKind(all), Text: all, Cites: all, Link: "javascript:hit=1"}, {ID: "E2", Text: all, Link: `https://ok.example/"><script>hit=1</script>`}},
		}
		s.Nearest = &bot.CardNearest{Playbook: all, WhyNot: all}
		s.Alerts = []bot.Alert{{AlertKey: bot.AlertKey{Source: all, Fingerprint: all}, Title: all, Labels: labels, Annotations: notes, Link: "javascript:hit=1"}}
		for i := range s.Plans {
			p := &s.Plans[i]
			p.Title, p.Target, p.Params = all, all, labels
			p.Steps[0].Title, p.Steps[0].Args = all, map[string]any{all: all, "list": []any{all, map[string]any{all: all}}}
			p.Verify.Checks[0].Expect = all
		}
		for i := range s.Approvals {
			a := &s.Approvals[i]
			a.Target, a.Reason = all, all
			a.Verdict = bot.Verdict{Ruling: bot.AskPerson, Rule: all, Reason: all, Children: []bot.Verdict{{Ruling: bot.Ruling(all), Rule: all, Reason: all}}}
			a.Votes = []bot.Vote{{Person: "x", Name: all, Surface: all, Reason: all}}
		}
		for i := range s.Runs {
			r := &s.Runs[i]
			r.Target, r.Reason = all, all
			r.Checks = []bot.CheckResult{{ID: all, Reason: all}}
			for j := range r.Steps {
				r.Steps[j].Output, r.Steps[j].Error, r.Steps[j].Fields = all, all, labels
			}
		}
		s.Events = append(s.Events, event(int64(id), id, time.Now(), bot.EventNoted, all, all))
		w.incidents[id] = s
	}
	w.halts = []bot.Halt{{Scope: bot.HaltTarget, Name: all, By: bot.Actor{Name: all}, Reason: all, At: time.Now()}}
	w.held = []bot.Quarantined{{ID: 3, State: bot.QuarantineHeld, Source: all, Reason: all, Body: []byte(all)}}
}
