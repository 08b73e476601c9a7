// Package hear is the leg for what people do on chat surfaces: type, press, fill
// in, choose. A Gesture is a row before it is acknowledged, and worked on after.
//
// It promises that Hear says nil only for what is written down, or is a halt that
// is being carried out; that the same Gesture twice is one; that work which a
// crash cut off is taken up by whoever runs, and a repeat changes nothing; that
// whoever is no full member of the surface, or is not known, decides nothing; that
// private answers show an incident to those who may read, and to other full
// members where its card stands alone; that a group counts only while the surface says who is in it; that every
// Gesture is answered privately, with what was done or why not; and that one that
// panics fails alone.
//
// It assumes that the transport proved who the user is, and that commands are
// judged by the Desk. On failure Hear gives an error soon, so that nobody is told
// that they were heard; what fails afterwards is told to the person, and logged.
// Handles are dropped from a row that is done.
package hear

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/phrase"
)

// Surface shows things to one person.
type Surface interface {
	// Whisper shows a Message to whoever made the Gesture and to nobody else.
	Whisper(ctx context.Context, g bot.Gesture, m bot.Message) error
	// Open shows a Form to them, and gives what it is known by. It works for a
	// short time after the Gesture only.
	Open(ctx context.Context, g bot.Gesture, f bot.Form) (string, error)
	// Refill shows another Form in the place of an opened one.
	Refill(ctx context.Context, opened string, f bot.Form) (string, error)
	// Home shows a Message as the person's own page.
	Home(ctx context.Context, user bot.ChatUser, m bot.Message) error
}

// Directory tells what a surface knows about its users.
type Directory interface {
	Member(ctx context.Context, user bot.ChatUser) (bot.Member, error)
}

// Desk carries out commands: the one gate.
type Desk interface {
	Do(ctx context.Context, c bot.Command) (bot.Answer, error)
}

// Window shows where things stand.
type Window interface {
	Card(ctx context.Context, id bot.IncidentID, viewer bot.Person) (bot.Card, error)
	Board(ctx context.Context, q bot.IncidentQuery, viewer bot.Person) ([]bot.Card, error)
	Proposals(ctx context.Context, viewer bot.Person) ([]bot.CardProposal, error)
}

// People tells who somebody is.
type People interface {
	ByIdentity(ctx context.Context, id bot.Identity) (bot.Person, bool, error)
	Admit(ctx context.Context, id bot.Identity, name string, groups ...string) (bot.Person, error)
}

// Inbox keeps Gestures.
type Inbox interface {
	Commit(ctx context.Context, change bot.Change) (bot.Receipt, error)
	Gesture(ctx context.Context, key string) (bot.Gesture, error)
	DueGestures(ctx context.Context, now time.Time, limit int) ([]bot.Gesture, error)
}

// Rows are what Gestures are about.
type Rows interface {
	Offer(ctx context.Context, token string) (bot.Offer, error)
	Post(ctx context.Context, key string) (bot.Post, error)
	PostAt(ctx context.Context, surface string, m bot.Mark) (bot.Post, error)
	Run(ctx context.Context, id bot.RunID) (bot.Run, error)
	Halts(ctx context.Context) ([]bot.Halt, error)
}

// Store is what the leg wants of the store.
type Store interface {
	Inbox
	Rows
}

// House is what the leg stands on. All of it is needed.
type House struct {
	Store  Store
	Desk   Desk
	Window Window
	People People
}

// Venue is one surface with what is known about it.
type Venue struct {
	Surface   Surface
	Directory Directory
	Brief     brief.Options
	Admits    []string                  // groups whose members become people by themselves
	Mapping   func(group string) string // how a group of the surface grants this one: what is configured, or to be; nil: none can
}

// Options tune the leg. The zero value is ready for production.
type Options struct {
	Log         *slog.Logger
	Playbooks   []bot.Playbook // the loaded ones
	ResumeGroup string         // who may lift a halt; for whoami
	Workers     int            // Gestures worked on at once; 0: 16
	PerUser     int            // Gestures of one user that may wait; 0: 30
	Turned      func()         // called at each turn of the loop; nil: nobody watches
}

const (
	hearTimeout = 2 * time.Second  // for writing a Gesture down
	workTimeout = 15 * time.Second // for one Gesture
	takeUpAfter = 20 * time.Second // then others take up what is not done
	queued      = 1024
)

var errSlow = errors.New("the store did not answer in time")

// Leg hears. It is safe for use by many at once.
type Leg struct {
	House
	venues map[string]Venue
	books  map[string]bot.Playbook
	opts   Options
	log    *slog.Logger
	queue  chan job

	mu      sync.Mutex
	hands   map[string]bool        // Keys that this process has in hand
	waiting map[string]int         // Gestures in hand, by user
	told    map[string]time.Time   // when a user was told that it is too much
	undone  map[string]bot.Gesture // answered, and the row does not say so yet
}

// New makes the leg; venues are by the name of their surface.
func New(house House, venues map[string]Venue, opts Options) (*Leg, error) {
	if house.Store == nil || house.Desk == nil || house.Window == nil || house.People == nil {
		return nil, errors.New("hear: a store, a desk, a window and people are needed")
	}
	for name, v := range venues {
		if v.Surface == nil || v.Directory == nil {
			return nil, fmt.Errorf("hear: %s needs a surface and a directory", name)
		}
	}
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	opts.Workers, opts.PerUser = cmp.Or(opts.Workers, 16), cmp.Or(opts.PerUser, 30)
	if opts.Turned == nil {
		opts.Turned = func() {}
	}
	books := map[string]bot.Playbook{}
	for _, b := range opts.Playbooks {
		books[b.Name] = b
	}
	return &Leg{
		House: house, venues: maps.Clone(venues), books: books, opts: opts, log: opts.Log, queue: make(chan job, queued),
		hands: map[string]bool{}, waiting: map[string]int{}, told: map[string]time.Time{}, undone: map[string]bot.Gesture{},
	}, nil
}

// Hear writes a Gesture down. nil: it may be acknowledged; an error: nothing may
// look as if it were.
func (l *Leg) Hear(ctx context.Context, g bot.Gesture) error {
	if r := l.sane(g); r != nil {
		return r
	}
	now := instant(time.Now())
	g.Version, g.Done, g.Attempts, g.Result, g.DueAt = 0, false, 0, "", now.Add(takeUpAfter)
	if g.ReceivedAt.IsZero() {
		g.ReceivedAt = now
	}
	mine, row := l.hold(g), g
	if !mine {
		row = over(row, "not carried out: too much of one user at once")
	}
	wait, cancel := context.WithTimeoutCause(ctx, hearTimeout, errSlow)
	defer cancel()
	_, err := l.Store.Commit(wait, bot.Change{Gestures: []bot.Gesture{row}})
	switch {
	case err == nil:
		g.Version = 1
	case errors.Is(err, bot.ErrConflict): // it was heard before
		l.release(g, mine)
		return nil
	case !mine || !halts(g):
		l.release(g, mine)
		return fmt.Errorf("write down what %s did on %s: %w", g.User.ID, g.Surface, cmp.Or(context.Cause(wait), err))
	default: // stopping needs no store
		l.log.ErrorContext(ctx, "a halt could not be written down and is carried out all the same", "surface", g.Surface, "user", g.User.ID, "err", err)
	}
	if !mine {
		l.tooMuch(ctx, g)
		return nil
	}
	return l.enqueue(job{Gesture: g})
}

func instant(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// halts reports whether somebody typed a halt.
func halts(g bot.Gesture) bool {
	if g.Kind != bot.GestureSaid {
		return false
	}
	p, err := phrase.Parse(g.Text, phrase.Here{})
	return err == nil && p.Kind == bot.PressCommand && p.Command.Verb == bot.VerbHalt
}

// hold takes a Gesture in hand; false: too many of that user's wait. A halt is
// never too many.
func (l *Leg) hold(g bot.Gesture) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	user := g.Surface + " " + g.User.ID
	if l.waiting[user] >= l.opts.PerUser && !halts(g) {
		return false
	}
	l.waiting[user]++
	return true
}

func (l *Leg) release(g bot.Gesture, mine bool) {
	if !mine {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	user := g.Surface + " " + g.User.ID
	if l.waiting[user]--; l.waiting[user] <= 0 {
		delete(l.waiting, user)
	}
}

// job is a Gesture to work on, or whose user is to be told that it was too much.
type job struct {
	bot.Gesture
	flood bool
}

// enqueue hands a Gesture that is held to the workers. One for which there is no
// room stays a row that is taken up when it is due; one that is no row is refused.
func (l *Leg) enqueue(j job) error {
	l.mu.Lock()
	l.hands[j.Key] = true
	l.mu.Unlock()
	select {
	case l.queue <- j:
		return nil
	default:
		l.letGo(j.Gesture)
		if j.Version == 0 {
			return bot.ErrOverloaded
		}
		return nil
	}
}

func (l *Leg) letGo(g bot.Gesture) {
	l.release(g, true)
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.hands, g.Key)
}

// The bounds of a Gesture. Transports cut before; what is beyond them is none.
const (
	maxName    = 256 // bytes of ids and tokens
	maxText    = 32 << 10
	maxFields  = 100
	maxValue   = 8 << 10
	maxHandles = 10
)

func (l *Leg) sane(g bot.Gesture) *bot.Refusal {
	bad := func(why string) *bot.Refusal {
		return bot.Refuse(bot.RefusedInput, "That could not be taken: "+why+".", "Try something shorter.")
	}
	if _, ok := l.venues[g.Surface]; !ok {
		return bad("nobody knows the surface that it came from")
	}
	switch g.Kind {
	case bot.GestureSaid, bot.GesturePressed, bot.GestureFilled, bot.GestureChose, bot.GestureOpened:
	default:
		return bad("nobody knows what kind of gesture it is")
	}
	if g.Key == "" || g.User.ID == "" {
		return bad("it does not say what it is, or of whom")
	}
	for _, s := range []string{g.Key, g.User.ID, g.User.Name, g.User.Tenant, g.Place, g.Thread, g.Message, g.Token, g.Transport} {
		if len(s) > maxName || !utf8.ValidString(s) {
			return bad("an id in it is too long")
		}
	}
	if len(g.Text) > maxText || len(g.Fields) > maxFields || len(g.Handles) > maxHandles {
		return bad("it is too long")
	}
	for _, m := range []map[string]string{g.Fields, g.Handles} {
		for k, v := range m {
			if len(k) > maxName || len(v) > maxValue || !utf8.ValidString(k+v) {
				return bad("a field in it is too long")
			}
		}
	}
	if !utf8.ValidString(g.Text) || strings.ContainsRune(g.Key, 0) {
		return bad("it is no text")
	}
	return nil
}
