// Package post is the leg out to chat and to pagers: an outbox that is made from
// the audit log.
//
// It promises one living Message for each Incident and place, edited in place,
// with the newest state in it; that what must be said is said once; that a process
// that dies at any moment leaves nothing out and, where the surface can find a
// Message by its Nonce, nothing double; that an outage of a surface is waited for
// without a limit of attempts and drains in order, with what has become moot left
// out; and that a place that is slow, closed or refused holds up no other.
//
// How: a Cursor moves over the Events, in one Commit with the Posts that they make
// due, so that a crash between the two cannot be. A Post holds no text: its
// Message is made from the rows when it is sent. The claim to send (Attempts,
// Unsure, the Offers of its buttons) is committed before, the result after, both
// under the Post's Version. A claim runs out by itself after a while, and what it
// may have sent is looked for by Nonce before it is sent again.
//
//	Events ─ take ─► Posts (due) ─ lane of the place ─► claim ─► surface ─► result
//	   ▲               ▲                                              │
//	 Cursor            └──────── later, down, unsure, gone, closed ◄──┘
//
// It assumes that Wake is called after commits; a scan every second finds what a
// lost hint left. On failure of the store it sends nothing and tries again; of a
// surface it keeps the Post due. What people must mend are Conditions.
package post

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/brief"
)

// Outbox keeps Posts and Cursors.
type Outbox interface {
	Posts(ctx context.Context, q bot.PostQuery) ([]bot.Post, error)
	Post(ctx context.Context, key string) (bot.Post, error)
	Cursor(ctx context.Context, name string) (bot.Cursor, error)
	Commit(ctx context.Context, change bot.Change) (bot.Receipt, error)
}

// Log is the record that Posts are made from, and the rows that it is about.
type Log interface {
	Events(ctx context.Context, q bot.EventQuery) ([]bot.Event, error)
	Incident(ctx context.Context, id bot.IncidentID) (bot.Incident, error)
	Incidents(ctx context.Context, q bot.IncidentQuery) ([]bot.Incident, error)
	Alerts(ctx context.Context, id bot.IncidentID, limit int) ([]bot.Alert, error)
	Approvals(ctx context.Context, q bot.ApprovalQuery) ([]bot.Approval, error)
}

// Runs tells of Runs.
type Runs interface {
	Runs(ctx context.Context, q bot.RunQuery) ([]bot.Run, error)
}

// Store is what the leg wants of the store.
type Store interface {
	Outbox
	Log
	Runs
}

// Cards show an Incident as it is now.
type Cards interface {
	Card(ctx context.Context, id bot.IncidentID, viewer bot.Person) (bot.Card, error)
}

// Router tells where an Incident belongs, one Route for each place.
type Router interface {
	Route(ctx context.Context, inc bot.Incident, alerts []bot.Alert) []bot.Route
}

// Surface is where Messages are shown. Errors are *bot.SendError; any other means
// that nobody knows whether the Message was taken. Find looks for what was posted
// with this Nonce, at this Place or in this Thread of it, at about that time or
// later; its Parcel has no Message. Edit and Post send all of the Message. All of
// them end with their context.
type Surface interface {
	Post(ctx context.Context, p bot.Parcel) (bot.Mark, error)
	Edit(ctx context.Context, m bot.Mark, p bot.Parcel) error
	Find(ctx context.Context, p bot.Parcel, since time.Time) (bot.Mark, bool, error)
}

// Paced is a Surface that says how long a place rests between two Messages.
type Paced interface{ PlaceEvery() time.Duration }

// OnCall tells whom of a surface a Message about an Incident wakes.
type OnCall interface {
	Wakes(ctx context.Context, surface string, inc bot.Incident) []bot.Mention
}

// Plotter draws what the alerts of an Incident are about; nil: there is nothing
// to draw.
type Plotter interface {
	Plot(ctx context.Context, inc bot.Incident, alerts []bot.Alert) (*bot.File, error)
}

// SurfacePage is the surface of pagers: its places are their names. Each may have
// a Surface of its own, by the name "page/" and its own.
const SurfacePage = "page"

// Weekly is where and when a week is told. Next is the first time after t.
type Weekly struct {
	Surface, Place string
	Next           func(t time.Time) (time.Time, error)
}

// Options tune the leg. The zero value is ready for production; it wakes nobody
// and tells no week.
type Options struct {
	Log      *slog.Logger
	Brief    map[string]brief.Options        // by surface: what its Messages are made with
	Defaults map[string]string               // by surface: the place for what cannot stand where it belongs
	OnCall   OnCall                          // nil: nobody is mentioned
	Pagers   func(inc bot.Incident) []string // the pagers that are woken for an Incident; nil: none
	Plotter  Plotter                         // nil: nothing is drawn
	Weekly   []Weekly                        // where weeks are told
	Week     func(ctx context.Context, surface string, from, to time.Time) (bot.Message, error)

	PlaceEvery time.Duration // between two Messages at one place; 0: 1 s
	Storm      int           // so many new cards at one place are no storm yet; 0: 20
	FirstCards int           // cards that are made at the first start, at most; 0: 100
	PageAfter  time.Duration // how long a surface is down before what waits there pages; 0: 10 min
	Late       time.Duration // how old what is due may be before that is a Condition; 0: 10 min
	// Share tells of several processes which places are this one's; it takes
	// others' when they are left for ten seconds. nil: all are.
	Share func(place string) bool
	// Mine tells of several processes one that it is to look at questions that
	// end soon; nil: it is the only one.
	Mine   func(ctx context.Context, now time.Time) (bool, error)
	Turned func() // called at each turn of the loop; nil: nobody watches
}

// Times that are the same everywhere.
const (
	scanEvery   = time.Second
	sendWithin  = 10 * time.Second // one call of a surface
	claimFor    = 15 * time.Second // longer than sendWithin: then others may try
	othersAfter = 10 * time.Second // what others leave is taken up
	findAfter   = 3 * time.Second  // a surface needs a moment until it finds what it took
	searchRest  = 30 * time.Second // between two searches where it cannot tell
	searchFor   = 10 * time.Minute // and for how long it is asked
	editRest    = 3 * time.Second  // between two edits of a Message, unless it became urgent or a state changed
	stormRest   = 10 * time.Second // between two edits of a summary
	offersFor   = 30 * 24 * time.Hour
	storeWithin = 30 * time.Second
)

// Leg posts.
type Leg struct {
	store    Store
	cards    Cards
	router   Router
	surfaces map[string]Surface
	names    []string // of surfaces, as Posts have them
	opts     Options
	lanes    *lanes
	plots    *plots
	wake     chan struct{}
	batch    int                  // Events read at once; the loop's
	chores   map[string]time.Time // when they were done last; the loop's
}

// New makes the leg. surfaces are by name, or by name and place ("page/mail") where
// one has a place for itself; what befalls one is not held against another.
func New(store Store, cards Cards, router Router, surfaces map[string]Surface, opts Options) (*Leg, error) {
	if store == nil || cards == nil || router == nil {
		return nil, errors.New("post: a store, cards and a router are needed")
	}
	for name, s := range surfaces {
		if s == nil {
			return nil, fmt.Errorf("post: there is nothing behind the surface %q", name)
		}
	}
	if len(opts.Weekly) > 0 && opts.Week == nil {
		return nil, errors.New("post: to tell a week, Week is needed")
	}
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	opts.PlaceEvery = cmp.Or(opts.PlaceEvery, time.Second)
	opts.Storm = cmp.Or(opts.Storm, 20)
	opts.FirstCards = cmp.Or(opts.FirstCards, 100)
	opts.PageAfter = cmp.Or(opts.PageAfter, 10*time.Minute)
	opts.Late = cmp.Or(opts.Late, 10*time.Minute)
	if opts.Share == nil {
		opts.Share = func(string) bool { return true }
	}
	if opts.Mine == nil {
		opts.Mine = func(context.Context, time.Time) (bool, error) { return true, nil }
	}
	if opts.Turned == nil {
		opts.Turned = func() {}
	}
	l := &Leg{
		store: store, cards: cards, router: router, surfaces: maps.Clone(surfaces), opts: opts,
		wake: make(chan struct{}, 1), batch: maxBatch, chores: map[string]time.Time{}, plots: newPlots(opts.Plotter != nil),
	}
	for key := range surfaces {
		if name, _, _ := strings.Cut(key, "/"); !slices.Contains(l.names, name) {
			l.names = append(l.names, name)
		}
	}
	l.lanes = newLanes(l.paces(), l.front)
	return l, nil
}

func (l *Leg) paces() map[string]time.Duration {
	out := make(map[string]time.Duration, len(l.surfaces))
	for name, s := range l.surfaces {
		out[name] = l.opts.PlaceEvery
		if p, ok := s.(Paced); ok {
			out[name] = p.PlaceEvery()
		}
	}
	return out
}

// front is the key of the Surface behind a place.
func (l *Leg) front(surface, place string) string {
	if key := at(surface, place); l.surfaces[key] != nil {
		return key
	}
	return surface
}

// surface is the one behind the place of a Post; nil: there is none.
func (l *Leg) surface(p bot.Post) Surface { return l.surfaces[l.front(p.Surface, p.Place)] }

// Wake hints that something was committed. It never blocks.
func (l *Leg) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// now is the time as the store keeps it.
func (*Leg) now() time.Time { return time.Now().UTC().Truncate(time.Millisecond) }
