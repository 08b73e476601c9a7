// Package watch is the leg that watches Salve itself: what is stuck, what waits
// too long, who has gone silent, and what is wrong with the process become
// alerts of the source salve, delivered through the same door as any other, so
// that they are incidents, cards, and resolve by themselves.
//
// It promises that one trouble is one alert from its beginning to its end, also
// over restarts; that a Tick that finds nothing new writes nothing; that how many
// alerts there can be at once is bounded; and that what Salve does about its own
// alerts makes at most one more of each kind.
//
// Where several processes share the store, each tells what is wrong with itself,
// and the one whose turn it is what is wrong with the work; who was heard is
// known to all. On failure of the store nothing is told and nothing is resolved;
// the next Tick looks again.
package watch

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/health"
)

// Store is what the leg reads.
type Store interface {
	Work
	Queues
	Hearsay
	// OpenAlertsOf gives the firing alerts of a source in its open Incidents.
	OpenAlertsOf(ctx context.Context, source string, limit int) ([]bot.Alert, error)
}

// Work is what is in hand.
type Work interface {
	RunsInHand(ctx context.Context, after bot.RunID, limit int) ([]bot.Run, error)
	Plan(ctx context.Context, id bot.PlanID) (bot.Plan, error)
	Incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error)
}

// Queues are what waits for the other legs, longest first.
type Queues interface {
	DueIncidents(ctx context.Context, now time.Time, limit int) ([]bot.Incident, error)
	DueRuns(ctx context.Context, now time.Time, limit int) ([]bot.Run, error)
}

// Hearsay is what all processes heard.
type Hearsay interface {
	// NoteHeard keeps the latest time for each name.
	NoteHeard(ctx context.Context, at map[string]time.Time) error
	LastHeard(ctx context.Context) (map[string]time.Time, error)
}

// Door takes deliveries in.
type Door interface {
	Receive(ctx context.Context, d bot.Delivery, alerts []bot.Alert) (bot.Receipt, error)
}

// Sender is a source that should be heard from time to time.
type Sender struct {
	Name  string
	Every time.Duration
}

// Options of a Leg. The zero value watches the work alone, with the patience of
// a system under some load.
type Options struct {
	Log      *slog.Logger
	Patience health.Patience // zero fields: 5 m, 4 h, 10 m, 2 m
	QueueFor time.Duration   // how long a queue is old before that is told; 0: 5 m
	Every    time.Duration   // between Ticks; 0: 15 s
	Senders  []Sender
	Heard    func(source string) time.Time // last, in this process; nil: nobody was
	Replica  string                        // of several processes this one; "": there is one
	// Mine tells of several processes one that it is to look at the work; nil:
	// this one always does.
	Mine func(ctx context.Context, now time.Time) (bool, error)
	// Also find what is wrong elsewhere: with the process, later with others.
	Also    []func(ctx context.Context) []bot.Condition
	Console func() string // the address of the console; nil: alerts have no link
	Turned  func()        // called at each turn of the loop; nil: nobody watches
}

// Leg watches.
type Leg struct {
	store   Store
	door    Door
	opts    Options
	started time.Time

	mu      sync.Mutex
	told    map[string]bot.Alert // by fingerprint: firing, as far as this process has said
	held    map[string]bool      // whose end the door has put into quarantine: said once
	noted   map[string]time.Time // what NoteHeard knows from this process
	process []bot.Condition      // of the last Tick
	work    []bot.Condition      // of the last Tick that looked at it
}

// New makes the leg.
func New(store Store, door Door, opts Options) (*Leg, error) {
	if store == nil || door == nil {
		return nil, errors.New("watch: a store and a door are needed")
	}
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	opts.Every = cmp.Or(opts.Every, 15*time.Second)
	opts.QueueFor = cmp.Or(opts.QueueFor, 5*time.Minute)
	p := &opts.Patience
	p.Stuck = cmp.Or(p.Stuck, 5*time.Minute)
	p.Waiting = cmp.Or(p.Waiting, 4*time.Hour)
	p.Undecided = cmp.Or(p.Undecided, 10*time.Minute)
	p.Queue = cmp.Or(p.Queue, 2*time.Minute)
	if opts.Heard == nil {
		opts.Heard = func(string) time.Time { return time.Time{} }
	}
	if opts.Turned == nil {
		opts.Turned = func() {}
	}
	return &Leg{store: store, door: door, opts: opts, started: time.Now(), told: map[string]bot.Alert{}, held: map[string]bool{}, noted: map[string]time.Time{}}, nil
}

// Run ticks until ctx ends. What fails is logged when it begins and when it is
// over.
func (l *Leg) Run(ctx context.Context) {
	tick := time.NewTicker(l.opts.Every)
	defer tick.Stop()
	for failing := false; ; {
		l.opts.Turned()
		err := l.tick(ctx)
		switch {
		case err != nil && ctx.Err() == nil && !failing:
			l.opts.Log.WarnContext(ctx, "Salve cannot be watched; tried again at each tick", "error", err)
			failing = true
		case err == nil && failing:
			l.opts.Log.InfoContext(ctx, "Salve is watched again")
			failing = false
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tick is a Tick of bounded length: a store that hangs is a failure too.
func (l *Leg) tick(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, tickWithin, fmt.Errorf("no answer within %s", tickWithin))
	defer cancel()
	return l.Tick(ctx, time.Now())
}

const tickWithin = 30 * time.Second

// Tick looks once at everything and tells what has come and what is over.
func (l *Leg) Tick(ctx context.Context, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	now = now.UTC().Truncate(time.Millisecond)
	if err := l.note(ctx, now); err != nil {
		return err
	}
	v, err := l.find(ctx, now)
	if errors.Is(err, errStopping) {
		return nil
	}
	if err != nil {
		return err
	}
	standing, err := l.standing(ctx)
	if err != nil {
		return err
	}
	alerts := append(l.begun(v.found, standing, now), l.over(v, standing, now)...)
	return l.deliver(ctx, alerts, now)
}

// view is what one Tick sees.
type view struct {
	found  []bot.Condition
	unsure []string             // keys of what cannot be told
	all    bool                 // it looked at the work too, not at this process alone
	heard  map[string]time.Time // if all
	now    time.Time
}

// maxOpen bounds how many alerts of Salve's own are read back: more than can be
// at once.
const maxOpen = 1000

// standing are the alerts that fire: those in open Incidents, and those that this
// process has told and whose Incident a person has closed since.
func (l *Leg) standing(ctx context.Context) (map[string]bot.Alert, error) {
	open, err := l.store.OpenAlertsOf(ctx, bot.SourceSalve, maxOpen)
	if err != nil {
		return nil, fmt.Errorf("read the alerts about Salve: %w", err)
	}
	out := make(map[string]bot.Alert, len(open)+len(l.told))
	for k, a := range l.told {
		out[k] = a
	}
	for _, a := range open {
		out[a.Fingerprint] = a
	}
	return out, nil
}

// begun are the alerts about what does not stand yet.
func (l *Leg) begun(cs []bot.Condition, standing map[string]bot.Alert, now time.Time) []bot.Alert {
	var out []bot.Alert
	for _, c := range cs {
		if _, stands := standing[health.Fingerprint(c)]; stands {
			continue
		}
		if c.Name == health.QueueOld && now.Sub(c.Since) < l.opts.QueueFor {
			continue
		}
		out = append(out, received(health.Alert(c, l.link(c), now), now))
	}
	return out
}

// over are the alerts whose trouble has gone. Of what cannot be told yet, or is
// for another process to tell, they stay.
func (l *Leg) over(v view, standing map[string]bot.Alert, now time.Time) []bot.Alert {
	stays := make(map[string]bool, len(v.found)+len(v.unsure))
	for _, c := range v.found {
		stays[health.Fingerprint(c)] = true
	}
	for _, key := range v.unsure {
		stays[health.FingerprintOf(key)] = true
	}
	var out []bot.Alert
	for fingerprint, a := range standing {
		if !stays[fingerprint] && !l.held[fingerprint] && l.judges(v, a) {
			a.State, a.EndsAt = bot.AlertResolved, now
			out = append(out, received(a, now))
		}
	}
	return out
}

// judges reports whether it is for this Tick to say that an alert is over: about
// the work if it looked there, about this process, and about one that is gone.
func (l *Leg) judges(v view, a bot.Alert) bool {
	replica, ofOne := a.Labels[labelReplica]
	switch {
	case !ofOne:
		return v.all
	case replica == l.opts.Replica:
		return true
	default:
		return v.all && v.now.Sub(v.heard[replicaName(replica)]) > l.gone()
	}
}

// gone is after how long a process that is not heard is no more.
func (l *Leg) gone() time.Duration { return max(20*l.opts.Every, time.Minute) }

// received sets when the door got it: where the clock was set back, not before it
// began, or it would be taken for an error of a sender.
func received(a bot.Alert, now time.Time) bot.Alert {
	a.ReceivedAt = now
	if a.StartsAt.After(now) {
		a.ReceivedAt, a.EndsAt = a.StartsAt, laterOf(a.EndsAt, a.StartsAt)
	}
	return a
}

// laterOf keeps a zero time zero.
func laterOf(t, than time.Time) time.Time {
	if !t.IsZero() && than.After(t) {
		return than
	}
	return t
}

// deliver goes through the door, and remembers what is told.
func (l *Leg) deliver(ctx context.Context, alerts []bot.Alert, now time.Time) error {
	if len(alerts) == 0 {
		return nil
	}
	body, err := json.Marshal(alerts)
	if err != nil {
		return fmt.Errorf("write alerts about Salve: %w", err)
	}
	told := append([]bot.Alert(nil), alerts...) // the door takes alerts over
	_, err = l.door.Receive(ctx, bot.Delivery{Source: bot.SourceSalve, ReceivedAt: now, Alerts: len(alerts), Body: body}, alerts)
	if held, refused := errors.AsType[*bot.Refusal](err); refused && held.Code != bot.RefusedLater {
		l.opts.Log.ErrorContext(ctx, "an alert about Salve is held in quarantine", "why", held.Why) // and there people see it
		l.hold(told)
	} else if err != nil {
		return fmt.Errorf("tell that Salve is unwell: %w", err)
	}
	for _, a := range told {
		if a.State == bot.AlertResolved {
			delete(l.told, a.Fingerprint)
			continue
		}
		l.told[a.Fingerprint] = a
		delete(l.held, a.Fingerprint)
		l.opts.Log.WarnContext(ctx, "told as an alert", "condition", a.GroupKey, "says", a.Title)
	}
	return nil
}

// hold remembers whose end is not to be told again.
func (l *Leg) hold(alerts []bot.Alert) {
	for _, a := range alerts {
		if a.State == bot.AlertResolved {
			l.held[a.Fingerprint] = true
		}
	}
}

// link is where people see more of it.
func (l *Leg) link(c bot.Condition) string {
	if l.opts.Console == nil {
		return ""
	}
	base := l.opts.Console()
	switch {
	case c.About["run"] != "":
		return base + "/runs/" + c.About["run"]
	case c.About["incident"] != "":
		return base + "/incidents/" + c.About["incident"]
	default:
		return base + "/"
	}
}

// Decode reads what deliver wrote, for a replay.
func Decode(source string, body []byte, receivedAt time.Time) ([]bot.Alert, error) {
	var alerts []bot.Alert
	if source != bot.SourceSalve || json.Unmarshal(body, &alerts) != nil {
		return nil, errors.New("it is not a delivery of Salve's own")
	}
	for i := range alerts {
		alerts[i].Source, alerts[i].ReceivedAt = source, receivedAt
	}
	return alerts, nil
}
