package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/flow/notary"
)

// Why explains a decision.
type Why struct {
	OnIncident
}

// Help is shown by --help.
func (Why) Help() string {
	return "Prints every rule's verdict for every playbook that was considered, and why the others did not match.\n\nExample:\n  salve why I-142"
}

// whyAnswer is what the decide leg tells: verdicts, and what did not match.
type whyAnswer struct {
	Headline   string          `json:"headline"`
	Candidates []bot.Candidate `json:"candidates"`
	Alert      string          `json:"alert"`
	Others     []struct {
		Playbook string `json:"playbook"`
		Fits     bool   `json:"fits"`
		Reason   string `json:"reason"`
	} `json:"others"`
}

// Run explains.
func (c Why) Run(ctx context.Context, e *Env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	door, err := e.Door()
	if err != nil {
		return err
	}
	path := "/v1/incidents/" + id.String() + "/why"
	if e.JSON {
		var raw any
		if err := door.Get(ctx, path, nil, &raw); err != nil {
			return err
		}
		return e.screen().json(raw)
	}
	var w whyAnswer
	if err := door.Get(ctx, path, nil, &w); err != nil {
		return err
	}
	s := e.screen()
	s.line("%s  %s", id, plain(w.Headline))
	for _, cand := range w.Candidates {
		s.line("\n%s on %s", s.paint(styleBold, plain(cand.Playbook)), plain(cand.Target))
		s.verdict(cand.Verdict, 1)
	}
	if len(w.Others) > 0 {
		s.line("\n%s %s", s.paint(styleBold, "the other playbooks, for alert"), plain(w.Alert))
	}
	for _, o := range w.Others {
		word := "does not match"
		if o.Fits {
			word = "matches, but another comes first"
		}
		s.line("  %s %s: %s", plain(o.Playbook), word, plain(o.Reason))
	}
	return nil
}

func (s screen) verdict(v bot.Verdict, depth int) {
	style := map[bot.Ruling]string{bot.Allow: styleGreen, bot.AskPerson: styleYellow}[v.Ruling]
	if style == "" {
		style = styleRed
	}
	s.line("%s%s %s: %s", strings.Repeat("  ", depth), s.paint(style, string(v.Ruling)), v.Rule, plain(v.Reason))
	for _, c := range v.Children {
		s.verdict(c, depth+1)
	}
}

// Playbook is everything about playbooks.
type Playbook struct {
	List PlaybookList `cmd:"" default:"withargs" help:"List the playbooks that are loaded."`
}

// PlaybookList lists them.
type PlaybookList struct{}

// Run lists.
func (PlaybookList) Run(ctx context.Context, e *Env) error {
	return list(ctx, e, listing{path: "/v1/playbooks", head: []string{"NAME", "MODE", "RISK", "APPROVERS", "OWNER", "MATCH"}, empty: "No playbooks are loaded."}, func(s screen, p bot.Playbook) []string {
		mode := string(p.Mode)
		if p.Mode == bot.ModeAuto {
			mode += " below " + p.AutoBelow.String()
		}
		return []string{p.Name, mode, string(p.Risk), strings.Join(append([]string{strings.Join(p.Approvers, ",")}, p.Also...), " + "), p.Owner, short(p.Match, 60)}
	})
}

// AuditShow lists audited facts.
type AuditShow struct {
	Incident string `help:"Only those of this incident." placeholder:"I-142"`
	OfRun    string `help:"Only those of this run." name:"run" placeholder:"R-88"`
	Limit    int    `help:"The newest so many." default:"50"`
}

// Help is shown by --help.
func (AuditShow) Help() string { return "Example:\n  salve audit show --incident I-142 --json" }

// Run lists.
func (c AuditShow) Run(ctx context.Context, e *Env) error {
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}, "last": {"true"}}
	if c.Incident != "" {
		q.Set("incident", c.Incident)
	}
	if c.OfRun != "" {
		q.Set("run", c.OfRun)
	}
	return list(ctx, e, listing{path: "/v1/events", query: q, head: []string{"SEQ", "AT", "WHAT", "WHO", "INCIDENT", "RUN", "TEXT"}, empty: "No events."}, func(s screen, v bot.Event) []string {
		return []string{strconv.FormatInt(v.Seq, 10), v.At.Local().Format("01-02 15:04:05.000"), string(v.Kind), short(v.Actor.Name, 24), v.Incident.String(), v.Run.String(), short(v.Text, 80)}
	})
}

// Status says how Salve is.
type Status struct{}

// Help is shown by --help.
func (Status) Help() string { return "Exits 1 if Salve is not ready: nothing runs then." }

// howItIs is what the control door tells of Salve itself.
type howItIs struct {
	Version   string    `json:"version"`
	Since     time.Time `json:"since"`
	URL       string    `json:"url"`
	DataDir   string    `json:"data_dir"`
	Epoch     int64     `json:"epoch"`
	Ready     bool      `json:"ready"`
	Problem   string    `json:"problem,omitempty"`
	Playbooks int       `json:"playbooks"`
	Halts     int       `json:"halts"`

	Conditions []bot.Condition `json:"conditions"`
	Queues     []queueAge      `json:"queues"`
	Halted     []bot.Halt      `json:"halted,omitempty"`
	Replicas   []bot.Replica   `json:"replicas,omitempty"`

	Traces *tracesNow     `json:"traces,omitempty"`
	Audit  *notary.Status `json:"audit,omitempty"`
}

// queueAge is for how long the work in front of a leg has been due.
type queueAge struct {
	Leg    string       `json:"leg"`
	Age    bot.Duration `json:"age"`
	Oldest string       `json:"oldest,omitempty"`
}

// tracesNow is how the sending of traces does.
type tracesNow struct {
	Sent    int64  `json:"sent"`
	Dropped int64  `json:"dropped"`
	Waiting int    `json:"waiting"`
	Problem string `json:"problem,omitempty"`
}

// Run prints it.
func (Status) Run(ctx context.Context, e *Env) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	var st howItIs
	if err := door.Get(ctx, "/v1/status", nil, &st); err != nil {
		return err
	}
	if err := showStatus(e.screen(), st); err != nil {
		return err
	}
	if !st.Ready {
		return errors.New("Salve is not ready: " + st.Problem)
	}
	return nil
}

// condition tells what is wrong, since when, why, and what to do.
func (s screen) condition(c bot.Condition) {
	style, word := styleYellow, "degraded"
	if c.Unready {
		style, word = styleRed, "not ready"
	}
	s.line("\n%s  %s (%s, for %s)", s.paint(style, word), plain(c.Says), plain(c.Key()), s.ago(c.Since))
	if c.Detail != "" {
		s.line("  why: %s", plain(c.Detail))
	}
	s.line("  do:  %s", plain(c.Do))
}

func showStatus(s screen, st howItIs) error {
	if s.asJSON {
		return s.json(st)
	}
	ready := s.paint(styleGreen, "ready")
	if !st.Ready {
		ready = s.paint(styleRed, "NOT READY: "+plain(st.Problem))
	}
	halted := "nothing is halted"
	if st.Halts > 0 {
		halted = s.paint(styleRed, fmt.Sprintf("halts: %d; salve halts", st.Halts))
	}
	s.line("%s, started %s ago (start number %d)", ready, s.ago(st.Since), st.Epoch)
	s.line("version  %s", plain(st.Version))
	s.line("console  %s", plain(st.URL))
	s.line("data     %s", plain(st.DataDir))
	s.line("%d playbooks are loaded; %s", st.Playbooks, halted)
	for _, h := range st.Halted {
		s.line("  %s by %s, %s ago: %s", strings.TrimSpace(plain(string(h.Scope)+" "+h.Name)), plain(h.By.Name), s.ago(h.At), plain(h.Reason))
	}
	for _, r := range st.Replicas {
		how := "since " + s.ago(r.Since)
		if r.Late {
			how = s.paint(styleRed, "has not renewed its lease")
		}
		if r.Leads {
			how += ", leads the queue of hints"
		}
		s.line("replica  %s (start number %d, version %s): %s", plain(r.Name), r.Epoch, plain(r.Version), how)
	}
	for _, q := range st.Queues {
		waits := "nothing waits"
		if q.Oldest != "" {
			waits = fmt.Sprintf("%s has waited for %s", plain(q.Oldest), span(q.Age.Std()))
		}
		s.line("queue    %s: %s", plain(q.Leg), waits)
	}
	for _, c := range st.Conditions {
		s.condition(c)
	}
	if t := st.Traces; t != nil {
		s.line("traces   %d spans sent, %d dropped, %d waiting", t.Sent, t.Dropped, t.Waiting)
		if t.Problem != "" {
			s.line("         %s", s.paint(styleRed, plain(t.Problem)))
		}
	}
	if st.Audit != nil {
		s.auditLag(*st.Audit)
	}
	return nil
}
