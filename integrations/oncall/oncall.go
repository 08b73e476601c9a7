// Package oncall tells whom chat mentions when somebody is needed.
//
// It promises that sources are asked in their order, and the first that knows
// somebody who can be mentioned there decides; that each has its own deadline and
// is asked once a minute at most; that one which fails is passed over and told
// of; and that the fallback is mentioned when none of them knows anybody, so that
// somebody always is where a fallback is set.
//
// It mentions, and never grants: who is on call may do what their groups allow,
// and nothing more. It assumes sources that are safe for use by many at once.
package oncall

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"salve/bot"
)

// Source knows who is on call.
type Source interface {
	OnCall(ctx context.Context, at time.Time) ([]bot.Contact, error)
}

// Entry is one source of a Rota. One of Source and Group is set.
type Entry struct {
	Name   string
	Source Source
	Group  *Group // always a group of a surface, whose members that surface knows
}

// Group is a group of a surface.
type Group struct {
	Surface string
	ID      string
}

// Options of a Rota. The zero value is ready for use and mentions nobody.
type Options struct {
	Log      *slog.Logger // nil: none
	Sources  []Entry      // the first that knows somebody
	Fallback []Group      // when none does
	// Lookup finds the user of a surface by e-mail address; nil: nobody is found.
	Lookup func(ctx context.Context, surface, email string) (userID string, ok bool, err error)
	Fresh  time.Duration // how long an answer counts; 0: 1 m
	Within time.Duration // the deadline of one source; 0: 5 s
}

// maxMentions is how many people one message mentions.
const maxMentions = 5

// Rota knows whom to mention. It is safe for concurrent use.
type Rota struct {
	opts Options

	mu      sync.Mutex
	answers map[string]answer // by place in Sources, and by surface and address
}

// answer is what a source or a surface said last.
type answer struct {
	at       time.Time
	contacts []bot.Contact
	user     string
	err      error
}

// New makes a Rota.
func New(opts Options) (*Rota, error) {
	for i, e := range opts.Sources {
		if (e.Source == nil) == (e.Group == nil) {
			return nil, fmt.Errorf("oncall: source %d is neither a source nor a group, or both", i+1)
		}
	}
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	opts.Fresh = cmp.Or(opts.Fresh, time.Minute)
	opts.Within = cmp.Or(opts.Within, 5*time.Second)
	return &Rota{opts: opts, answers: map[string]answer{}}, nil
}

// Wakes is whom a message on a surface mentions now, about any incident.
func (r *Rota) Wakes(ctx context.Context, surface string, _ bot.Incident) []bot.Mention {
	for i, e := range r.opts.Sources {
		var found []bot.Mention
		if e.Group != nil {
			found = groups(surface, []Group{*e.Group})
		} else {
			a := r.ask(ctx, i)
			found = r.mentions(ctx, surface, a.contacts)
		}
		if len(found) > 0 {
			return found[:min(len(found), maxMentions)]
		}
	}
	return groups(surface, r.opts.Fallback)
}

func groups(surface string, all []Group) []bot.Mention {
	var out []bot.Mention
	for _, g := range all {
		if g.Surface == surface {
			out = append(out, bot.Mention{Kind: bot.MentionGroup, ID: g.ID})
		}
	}
	return out
}

// ask asks one source, unless it answered a moment ago. A failure counts as an
// answer for as long, so that a source which is down holds nothing up.
func (r *Rota) ask(ctx context.Context, i int) answer {
	key := fmt.Sprint("source ", i)
	if a, ok := r.fresh(key); ok {
		return a
	}
	e := r.opts.Sources[i]
	ctx, cancel := context.WithTimeoutCause(ctx, r.opts.Within, fmt.Errorf("no answer within %s", r.opts.Within))
	defer cancel()
	at := time.Now()
	contacts, err := e.Source.OnCall(ctx, at)
	if err != nil {
		contacts = nil
		r.opts.Log.WarnContext(ctx, "who is on call cannot be asked; the next source decides", "source", e.Name, "error", err)
	}
	return r.keep(key, answer{at: at, contacts: contacts, err: err})
}

func (r *Rota) fresh(key string) (answer, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, ok := r.answers[key]
	return a, ok && time.Since(a.at) < r.opts.Fresh
}

// maxKept bounds the answers that are kept.
const maxKept = 1000

func (r *Rota) keep(key string, a answer) answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.answers) >= maxKept {
		clear(r.answers)
	}
	r.answers[key] = a
	return a
}

// mentions are the contacts that a surface knows, nobody twice.
func (r *Rota) mentions(ctx context.Context, surface string, contacts []bot.Contact) []bot.Mention {
	var out []bot.Mention
	for _, c := range contacts {
		id := c.Slack
		if surface != "slack" {
			id = ""
		}
		if id == "" && c.Email != "" {
			id = r.user(ctx, surface, c.Email)
		}
		known := func(m bot.Mention) bool { return m.ID == id }
		if id != "" && !slices.ContainsFunc(out, known) {
			out = append(out, bot.Mention{Kind: bot.MentionUser, ID: id, Name: c.Name})
		}
	}
	return out
}

func (r *Rota) user(ctx context.Context, surface, email string) string {
	if r.opts.Lookup == nil {
		return ""
	}
	key := surface + " " + email
	if a, ok := r.fresh(key); ok {
		return a.user
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.opts.Within, fmt.Errorf("no answer within %s", r.opts.Within))
	defer cancel()
	at := time.Now()
	id, ok, err := r.opts.Lookup(ctx, surface, email)
	if err != nil || !ok {
		id = ""
	}
	if err != nil {
		r.opts.Log.WarnContext(ctx, "somebody on call cannot be looked up in chat", "surface", surface, "error", err)
	}
	return r.keep(key, answer{at: at, user: id, err: err}).user
}

// Duty is what one source says, for people who ask.
type Duty struct {
	Source  string        `json:"source"`
	People  []bot.Contact `json:"people,omitempty"`
	Group   string        `json:"group,omitempty"`
	Error   string        `json:"error,omitempty"`
	Notes   []string      `json:"notes,omitempty"` // what the source left out, and why
	Decides bool          `json:"decides"`         // the first that knows anybody
}

// noting is a Source that says what it left out.
type noting interface{ Notes() []string }

// Look asks every source, and tells what each says and which decides. It does not
// ask chat whether it knows the people.
func (r *Rota) Look(ctx context.Context) []Duty {
	var out []Duty
	decided := false
	add := func(d Duty) {
		d.Decides = !decided && (len(d.People) > 0 || d.Group != "")
		decided = decided || d.Decides
		out = append(out, d)
	}
	for i, e := range r.opts.Sources {
		if e.Group != nil {
			add(Duty{Source: e.Name, Group: e.Group.ID})
			continue
		}
		a := r.ask(ctx, i)
		d := Duty{Source: e.Name, People: a.contacts}
		if a.err != nil {
			d.Error = reason(a.err)
		}
		if n, ok := e.Source.(noting); ok {
			d.Notes = n.Notes()
		}
		add(d)
	}
	for _, g := range r.opts.Fallback {
		add(Duty{Source: "fallback of " + g.Surface, Group: g.ID})
	}
	return out
}

func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "it did not answer in time"
	}
	return err.Error()
}
