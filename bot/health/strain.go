package health

import (
	"time"

	"salve/bot"
)

// The names of the Conditions of the work.
const (
	RunStuck     = "run-stuck"
	RunWaiting   = "run-waiting"
	Undecided    = "incident-undecided"
	QueueOld     = "queue-old"
	SourceSilent = "source-silent"
)

// Most is how many Conditions of one name are told one by one; what is beyond is
// told together.
const Most = 20

// Own is the subject of all Conditions about what Salve does about itself. They
// are one, so that an alert about Salve cannot make ever more alerts.
const Own = "salve's own"

// Strain is work that may have waited too long, oldest first.
type Strain struct {
	Now       time.Time
	Started   time.Time // of the process: what was not heard before that may have been
	Runs      []Run
	Incidents []bot.Incident // due, longest first
	Queues    []Queue
	Sources   []Source
}

// Run is an active Run and what is known of it.
type Run struct {
	bot.Run
	Own     bool          // of an Incident of Salve's own
	Step    string        // in flight; empty: none
	Begun   time.Time     // when that was started
	Timeout time.Duration // how long it may take
}

// Queue is what a leg has before it.
type Queue struct {
	Leg    string
	Oldest time.Time // when the one in front became due; zero: nothing waits
}

// Source is a sender that should be heard from time to time.
type Source struct {
	Name  string
	Every time.Duration
	Heard time.Time // last, by whatever process; zero: never
}

// Patience is how long work may wait.
type Patience struct {
	Stuck     time.Duration // beyond the time that a step or a verification has
	Waiting   time.Duration // a Run for a person
	Undecided time.Duration // an Incident for its decision
	Queue     time.Duration // whatever is in front of a leg
}

// Strained makes Conditions of work that waits too long. unsure are the keys of
// which nothing can be said yet: what stands stays, what does not is not begun.
func Strained(s Strain, p Patience) (cs []bot.Condition, unsure []string) {
	for _, r := range s.Runs {
		if c, ok := ofRun(r, s.Now, p); ok {
			cs = add(cs, c, r.Own)
		}
	}
	for _, inc := range s.Incidents {
		if since := inc.DueAt.Add(p.Undecided); inc.Source != bot.SourceSalve && s.Now.After(since) {
			cs = add(cs, ofIncident(inc, since), false)
		}
	}
	for _, q := range s.Queues {
		if since := q.Oldest.Add(p.Queue); !q.Oldest.IsZero() && s.Now.After(since) {
			cs = append(cs, bot.Condition{Name: QueueOld, Subject: q.Leg, Severity: bot.SeverityMedium,
				Says: "work waits for the " + q.Leg + " leg longer than it should",
				Do:   "`salve status` says for how long. Look at the load of the machine, its disk, and what runs: `salve runs --active`.",
			})
		}
	}
	for _, src := range s.Sources {
		c, silent, known := ofSource(src, s)
		if silent {
			cs = append(cs, c)
		}
		if !known {
			unsure = append(unsure, c.Key())
		}
	}
	return cs, unsure
}

// add appends a Condition, or lets it go into the one that tells the rest.
func add(cs []bot.Condition, c bot.Condition, own bool) []bot.Condition {
	n := 0
	for _, have := range cs {
		if have.Name != c.Name {
			continue
		}
		n++
		if own && have.Subject == Own || n > Most {
			return cs
		}
	}
	switch {
	case own:
		c.Subject, c.About = Own, nil
		c.Says = "a run that answers an alert about Salve itself does not come to its end: " + c.Says
	case n == Most:
		c.Subject, c.About, c.Since = "more", nil, time.Time{}
		c.Says = "more than the " + c.Name + " alerts here can list are in the same state"
	}
	return append(cs, c)
}

func ofRun(r Run, now time.Time, p Patience) (bot.Condition, bool) {
	c := bot.Condition{Name: RunStuck, Subject: r.ID.String(), Severity: bot.SeverityHigh, About: map[string]string{
		"run": r.ID.String(), "incident": r.Incident.String(), "playbook": r.Playbook, "target": r.Target,
	}}
	what := r.ID.String() + " (" + r.Playbook + " on " + r.Target + ")"
	switch {
	case r.State == bot.RunWaiting:
		moved := Moved(r.Run)
		c.Name, c.Severity, c.Since = RunWaiting, bot.SeverityMedium, moved.Add(p.Waiting)
		c.Says = what + " has waited for a person since " + stamp(moved)
		c.Do = "`salve show " + r.ID.String() + "` says for what. Look at the target, then `salve settle " + r.ID.String() + "` with what you found."
	case r.Step != "":
		c.Since = r.Begun.Add(r.Timeout + p.Stuck)
		c.Says = what + " has had step " + r.Step + " in flight since " + stamp(r.Begun) + ", longer than it may take"
		c.Do = "Look at the target and the log. If nothing moves, restart Salve: the step is repeated where that is harmless, else you are asked what became of it."
	case r.State == bot.RunVerifying:
		c.Since = r.VerifyBy.Add(p.Stuck)
		c.Says = what + " should have been verified by " + stamp(r.VerifyBy)
		c.Do = "Look at the target: `salve show " + r.ID.String() + "` says what was checked. If nothing moves, restart Salve."
	default:
		return c, false
	}
	return c, now.After(c.Since)
}

// Moved is when a Run last went on, as far as its row tells.
func Moved(r bot.Run) time.Time {
	last := r.CreatedAt
	for _, s := range r.Steps {
		last = later(later(last, s.StartedAt), s.EndedAt)
	}
	for _, c := range r.Checks {
		last = later(last, c.At)
	}
	return last
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func ofIncident(inc bot.Incident, since time.Time) bot.Condition {
	id := inc.ID.String()
	return bot.Condition{Name: Undecided, Subject: id, Severity: bot.SeverityHigh, Since: since,
		About: map[string]string{"incident": id},
		Says:  id + " has waited for a decision since " + stamp(inc.DueAt),
		Do:    "Look at it yourself: `salve show " + id + "`. The log says what holds decisions up.",
	}
}

// ofSource judges by what could be heard in the life of this process. Before the
// time is up after a start, whether a source is silent is not known, unless it was
// heard lately.
func ofSource(src Source, s Strain) (c bot.Condition, silent, known bool) {
	c = bot.Condition{Name: SourceSilent, Subject: src.Name, Severity: bot.SeverityHigh, About: map[string]string{"sender": src.Name},
		Do: "See that the sender runs and can reach Salve, and that its token is right; the log names refused deliveries. An Alertmanager should have a rule that always fires.",
	}
	if src.Every <= 0 {
		return c, false, true
	}
	from := later(s.Started, src.Heard)
	c.Since = from.Add(src.Every)
	c.Says = "the source " + src.Name + " has not been heard since Salve started at " + stamp(s.Started)
	if !src.Heard.IsZero() {
		c.Says = "the source " + src.Name + " has not been heard since " + stamp(src.Heard)
	}
	silent = s.Now.After(c.Since)
	return c, silent, silent || s.Now.Sub(src.Heard) <= src.Every
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
