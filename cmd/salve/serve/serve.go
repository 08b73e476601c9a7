// Package serve is a running Salve: the store, the legs, the listeners, tied
// together in a straight line.
//
// It promises that Start either gives a Salve that is ready or an error that
// says what to change; that Run ends when its context does, the listeners first,
// then the legs, then the store, each waited for; that what was acknowledged is
// on disk at every moment between.
//
// It assumes a configuration that config.Load accepted. A leg that ends on its
// own ends the whole with its error: a Salve that only half works does not stay.
package serve

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"salve/bot"
	"salve/bot/audit"
	"salve/bot/flow/act"
	"salve/bot/flow/command"
	"salve/bot/flow/decide"
	"salve/bot/flow/notary"
	"salve/bot/flow/receive"
	"salve/bot/flow/tell"
	"salve/bot/flow/watch"
	"salve/bot/people"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/integrations/heartbeat"
	"salve/integrations/otlp"
	"salve/integrations/prometheus"
	"salve/integrations/river"
)

// SocketFile is the name of the unix socket in the data directory.
const SocketFile = "salve.sock"

// Options are what the process gives beside its configuration.
type Options struct {
	Log     *slog.Logger // nil: none
	Version string
	Library *Library        // loaded playbooks and actions; required
	Secrets secret.Resolver // required
	// Clocks reads the clocks; nil: the machine's.
	Clocks func() bot.Reading
}

// Salve is a running one.
type Salve struct {
	cfg     config.Config
	opts    Options
	log     *slog.Logger
	dir     string
	started time.Time

	store   Store
	noted   noted          // the store that remembers how its last write went
	lock    *os.File       // of the data directory; nil: the store has it
	rows    Store          // the store as the legs see it, with who is told of each write
	traces  *otlp.Exporter // nil: traces go nowhere
	origin  *origin
	brake   *Brake
	clocks  *clocks
	beats   *beats
	heard   *heard
	doctor  *doctor
	people  *people.People
	door    *receive.Door
	decide  *decide.Leg
	act     *act.Leg
	tell    *tell.Leg
	desk    *command.Desk
	chat    chat
	notary  *notary.Leg      // nil: heads of the audit log are not signed
	watch   *watch.Leg       // nil: off
	heart   *heartbeat.Heart // nil: none
	hints   *hints
	carrier *river.Carrier // of hints, to other processes; nil: there are none
	metrics *prometheus.Metrics
	paging  *paging
	web     net.Listener
	socket  net.Listener
	servers []*server
	proving chan struct{} // one at a time proves the audit log
	onClose []func()

	auditKeys audit.Keys // that sign heads of the audit log, or did
}

// Start opens the store and the listeners and makes everything ready. Close it
// by ending the context of Run.
func Start(ctx context.Context, cfg config.Config, opts Options) (*Salve, error) {
	if opts.Library == nil || opts.Secrets == nil {
		return nil, errors.New("serve: a library and secrets are needed")
	}
	dir, err := filepath.Abs(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	from := &origin{}
	s := &Salve{
		cfg: cfg, opts: opts, log: slog.New(joined{Handler: cmp.Or(opts.Log, slog.New(slog.DiscardHandler)).Handler(), origin: from}), dir: dir, origin: from,
		started: time.Now().UTC(), hints: &hints{}, proving: make(chan struct{}, 1),
		beats: &beats{at: map[string]time.Time{}}, heard: &heard{at: map[string]time.Time{}},
	}
	for _, text := range opts.Library.learn(ctx, opts.Secrets) {
		s.log.WarnContext(ctx, "a secret of a playbook cannot be read", "playbook", text)
	}
	if s.opts.Clocks == nil {
		s.opts.Clocks = readClocks
	}
	for _, step := range []func(context.Context) error{s.openStore, s.makeMetrics, s.openTraces, s.makePaging, s.makeLegs, s.makeChat, s.tieHints, s.makeNotary, s.makeWatch, s.makeHeart, s.listen} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, s.closeAll(ctx))
		}
	}
	return s, nil
}

func (s *Salve) makeLegs(context.Context) error {
	lib, store := s.opts.Library, s.rows
	library, err := decide.NewLibrary(lib.Playbooks, lib.infos)
	if err != nil {
		return err
	}
	if s.decide, err = decide.New(store, s.brake, library, decide.Options{
		Log: s.log, Quiet: s.cfg.Incidents.Quiet.Std(), Spread: s.among(spread), Decided: s.metrics.Decided, Turned: s.beats.of("decide"), Expiry: s.clocks.expiry,
	}); err != nil {
		return err
	}
	if s.door, err = receive.New(store, receive.Options{Sources: sourceRules(s.cfg), Urgent: s.decide.Urgent}); err != nil {
		return err
	}
	checker, err := lib.checker(s.store)
	if err != nil {
		return err
	}
	if s.act, err = act.New(store, s.brake, lib.actions, checker, act.Options{
		Log: s.log, Mask: lib.redactor.String, Lease: s.lease(), Spread: s.among(spread), Turned: s.beats.of("act"),
	}); err != nil {
		return err
	}
	s.tell, err = tell.New(store, tell.Options{
		Log: s.log, Playbooks: lib.Playbooks, Nearest: s.decide.Nearest, ReminderEvery: s.cfg.Incidents.Remind.Std(), Brake: s.brake,
		Mine: s.mine("reminders", reminderScan), ScanEvery: reminderScan, Trace: s.trace, Turned: s.beats.of("tell"),
	})
	if err != nil {
		return err
	}
	s.desk, err = command.New(store, s.brake, s.door, command.Options{
		Log: s.log, ResumeGroup: s.cfg.People.ResumeGroup, Known: lib.Has, Playbooks: library.Plans, Door: s.door, Expiry: s.clocks.expiry,
	})
	if err != nil {
		return err
	}
	return nil
}

// tieHints lets commits wake the legs, now that all are there.
func (s *Salve) tieHints(context.Context) error {
	s.hints.set(legs{brake: s.brake, decide: s.decide, act: s.act, tell: s.tell, spread: s.carrier, post: s.chat.post})
	return nil
}

// closeAll gives back what was opened, in the reverse order.
func (s *Salve) closeAll(ctx context.Context) error {
	var errs []error
	for _, ln := range []net.Listener{s.web, s.socket} {
		if ln != nil {
			if err := ln.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	if s.carrier != nil {
		s.carrier.Stop(context.WithoutCancel(ctx))
	}
	for _, f := range s.onClose {
		f()
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// URL is where people open the console.
func (s *Salve) URL() string {
	if s.cfg.PublicURL != "" {
		return s.cfg.PublicURL
	}
	scheme := "http://"
	if s.cfg.TLS.Cert != "" {
		scheme = "https://"
	}
	return scheme + s.web.Addr().String()
}

// Socket is the path of the unix socket.
func (s *Salve) Socket() string { return filepath.Join(s.dir, SocketFile) }

// People knows who there is.
func (s *Salve) People() *people.People { return s.people }

// LoginLink makes a link that signs a person in once.
func (s *Salve) LoginLink(ctx context.Context, id bot.PersonID) (string, error) {
	secret, _, err := s.people.Issue(ctx, bot.Salve, bot.Token{Person: id, Kind: bot.TokenLogin, Label: "printed at start"}, 0)
	if err != nil {
		return "", err
	}
	return s.URL() + "/login?token=" + secret, nil
}

// WelcomeLink is a login link for the person whose user runs Salve, when it
// listens on loopback; "" when there is no such person.
func (s *Salve) WelcomeLink(ctx context.Context) (string, error) {
	host, _, err := net.SplitHostPort(s.cfg.Listen)
	if err != nil || !config.IsLoopback(host) {
		return "", err
	}
	p, known, err := s.people.ByIdentity(ctx, bot.Identity{Surface: "unix", ID: fmt.Sprint(os.Getuid())})
	if err != nil || !known {
		return "", err
	}
	return s.LoginLink(ctx, p.ID)
}
