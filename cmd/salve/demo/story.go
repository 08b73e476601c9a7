package demo

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"salve/bot"
)

// Door is the way to the running Salve, the same that the command line uses.
type Door interface {
	Do(ctx context.Context, c bot.Command) (bot.Answer, error)
	Get(ctx context.Context, path string, q url.Values, out any) error
}

// Story plays the two breakdowns and tells what happens, from what Salve itself
// says over its door.
type Story struct {
	Out        io.Writer
	Door       Door
	Break      func(ctx context.Context, how string) error
	URL        string                          // a login link for the console
	Command    string                          // what a second terminal types for salve
	Channel    string                          // of a chat in which it plays too, like #ops; "": none
	Ending     string                          // what to say at the end
	Shown      func(ctx context.Context) error // waits until the chat shows everything; nil: there is none
	Unattended bool
	Color      bool
}

// patience is how long one chapter may take without a person.
const patience = 90 * time.Second

// Play plays both stories. Unattended it approves by itself, like a person who
// has read the plan, and wants both fixed and the audit log to prove.
func (s Story) Play(ctx context.Context) error {
	s.say("")
	s.say("Salve watches a small shop on this machine. It is about to break, twice.")
	s.say("")
	if s.Channel != "" {
		s.say("  Slack:                        look at %s", s.bold(s.Channel))
	}
	s.say("  Console (signs you in once):  %s", s.bold(s.URL))
	s.say("  Second terminal:              %s incidents   (or show I-1, why I-1, halt)", s.Command)
	s.say("")
	if err := s.leak(ctx); err != nil {
		return err
	}
	if err := s.hang(ctx); err != nil {
		return err
	}
	if s.Shown != nil {
		s.say("   In %s the card says so too, as soon as Slack takes it.", s.Channel)
		if err := s.Shown(ctx); err != nil {
			return err
		}
	}
	s.say("")
	return s.prove(ctx)
}

func (s Story) leak(ctx context.Context) error {
	s.say("%s The shop begins to leak memory. Soon its health check fails: a low alert.", s.bold("1."))
	if err := s.Break(ctx, "leak"); err != nil {
		return err
	}
	card, err := s.follow(ctx, AlertLeak, func(bot.Card) error { return nil })
	if err != nil {
		return err
	}
	s.say("   %s healed it by itself, because low is below its threshold; verified: %s.", card.Runs[0].Run.Playbook, card.Runs[0].Run.Fix)
	if s.Channel != "" {
		s.say("   In %s that is one quiet card; it called for nobody.", s.Channel)
	}
	s.say("")
	return nil
}

func (s Story) hang(ctx context.Context) error {
	s.say("%s The shop hangs: no request is answered. A high alert; this one waits for a person.", s.bold("2."))
	if err := s.Break(ctx, "hang"); err != nil {
		return err
	}
	told := false
	card, err := s.follow(ctx, AlertHang, func(c bot.Card) error {
		p, waits := pending(c)
		if !waits || told {
			return nil
		}
		told = true
		s.say("   %s proposes %s on %s, digest %s.", c.Incident, p.Plan.Playbook, p.Plan.Target, s.bold(p.Plan.Digest.Short()))
		if !s.Unattended {
			s.invite(c, p)
			return nil
		}
		answer, err := s.Door.Do(ctx, bot.Command{Verb: bot.VerbApprove, Incident: c.Incident, Digest: string(p.Plan.Digest)})
		if err != nil {
			return fmt.Errorf("approve %s: %w", c.Incident, err)
		}
		s.say("   %s", answer.Text)
		return nil
	})
	if err != nil {
		return err
	}
	s.say("   %s restarted it; verified: %s.", card.Runs[0].Run.Playbook, card.Runs[0].Run.Fix)
	return nil
}

// invite says where a person decides.
func (s Story) invite(c bot.Card, p bot.CardProposal) {
	if s.Channel != "" {
		s.say("   Press %s on the card in %s, or type there:", s.bold("Approve"), s.Channel)
		s.say("     /salve approve %s %s", c.Incident, p.Plan.Digest.Short())
		s.say("   The console and a second terminal decide as well: %s approve %s %s", s.Command, c.Incident, p.Plan.Digest.Short())
		return
	}
	s.say("   Read it in the console and press Approve or Deny, or type:")
	s.say("     %s show %s", s.Command, c.Incident)
	s.say("     %s approve %s %s", s.Command, c.Incident, p.Plan.Digest.Short())
}

func pending(c bot.Card) (bot.CardProposal, bool) {
	for _, p := range c.Proposals {
		if p.Approval.State == bot.ApprovalPending {
			return p, true
		}
	}
	return bot.CardProposal{}, false
}

// follow watches the incident of an alert until a run has fixed it. Without a
// person it gives up after a while; with one it waits.
func (s Story) follow(ctx context.Context, alert string, on func(bot.Card) error) (bot.Card, error) {
	begun := time.Now()
	shown := map[string]bool{}
	for {
		card, found, err := s.find(ctx, alert)
		if err != nil {
			return card, err
		}
		if found {
			s.progress(card, shown)
			if len(card.Runs) > 0 && card.Runs[0].Run.State == bot.RunFixed {
				return card, nil
			}
			if err := on(card); err != nil {
				return card, err
			}
			if over := s.failed(card); over != nil {
				return card, over
			}
		}
		if s.Unattended && time.Since(begun) > patience {
			return card, fmt.Errorf("%s was not fixed within %s", alert, patience)
		}
		select {
		case <-ctx.Done():
			return card, context.Cause(ctx)
		case <-time.After(150 * time.Millisecond):
		}
	}
}

// failed ends an unattended story whose run ended without fixing anything.
func (s Story) failed(c bot.Card) error {
	if !s.Unattended || len(c.Runs) == 0 || c.Runs[0].Run.Active() {
		return nil
	}
	r := c.Runs[0].Run
	return fmt.Errorf("%s ended %s: %s", r.ID, r.State, r.Reason)
}

func (s Story) find(ctx context.Context, alert string) (bot.Card, bool, error) {
	var list []bot.Incident
	if err := s.Door.Get(ctx, "/v1/incidents", url.Values{"limit": {"20"}}, &list); err != nil {
		return bot.Card{}, false, err
	}
	for _, i := range list {
		if i.Labels["alertname"] == alert {
			var card bot.Card
			err := s.Door.Get(ctx, "/v1/incidents/"+i.ID.String(), nil, &card)
			return card, true, err
		}
	}
	return bot.Card{}, false, nil
}

// progress tells each thing once.
func (s Story) progress(c bot.Card, shown map[string]bool) {
	once := func(key, format string, args ...any) {
		if !shown[key] {
			shown[key] = true
			s.say("   "+format, args...)
		}
	}
	once("card", "%s: %s (%s). %s", c.Incident, c.Title, c.Severity, c.Diagnosis.Summary)
	for _, p := range c.Proposals {
		if p.Approval.State == bot.ApprovalDenied || p.Approval.State == bot.ApprovalExpired {
			once(fmt.Sprint(p.Approval.ID, p.Approval.State), "%s is %s: nothing was changed, and the shop hangs on. Ctrl-C ends the demo; it can be played again.", p.Plan.Playbook, p.Approval.State)
		}
	}
	for i := len(c.Runs) - 1; i >= 0; i-- {
		r := c.Runs[i].Run
		for _, st := range r.Steps {
			if st.State != bot.StepPlanned {
				once(fmt.Sprint(r.ID, st.ID, st.Undo, st.State, st.Attempt), "%s step %s: %s", r.ID, st.ID, st.State)
			}
		}
		if r.State != bot.RunPlanned && r.State != bot.RunRunning {
			once(fmt.Sprint(r.ID, r.State), "%s %s", r.ID, r.State)
		}
	}
}

// prove wants the audit log to prove, and says what there is to look at.
func (s Story) prove(ctx context.Context) error {
	var report struct {
		Events int64 `json:"events"`
		Faults []any `json:"faults"`
	}
	if err := s.Door.Get(ctx, "/v1/audit/verify", nil, &report); err != nil {
		return err
	}
	if len(report.Faults) > 0 || report.Events == 0 {
		return errors.New("the audit log does not prove; salve audit verify names what is wrong")
	}
	s.say("Both are fixed, and all %d events of the audit log prove.", report.Events)
	if s.Ending != "" {
		s.say("\n%s\n", s.Ending)
	}
	if !s.Unattended {
		s.say("Look around as long as you like: %s timeline I-2 (or why I-2, audit verify). Ctrl-C ends the demo.", s.Command)
	}
	return nil
}

func (s Story) say(format string, args ...any) { fmt.Fprintf(s.Out, format+"\n", args...) }

func (s Story) bold(text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

// RandomToken is a secret for the watcher.
func RandomToken() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // crypto/rand never fails: it ends the process instead
	return base64.RawURLEncoding.EncodeToString(b)
}
