package serve

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/flow/hear"
	"salve/bot/flow/post"
	"salve/bot/route"
)

// chat is what shows Messages and hears people: the legs and their surfaces. The
// zero one is off.
type chat struct {
	venues []venue
	doors  map[string]http.Handler // where chats call Salve, by path
	routes *route.Rules
	post   *post.Leg // nil: nothing is shown anywhere
	hear   *hear.Leg // nil: nobody is heard
}

// makeChat ties chats and pagers to the legs, as far as they are configured. It
// calls nobody: Salve starts when a chat is down.
func (s *Salve) makeChat(ctx context.Context) error {
	if err := s.openVenues(ctx); err != nil {
		return err
	}
	if len(s.chat.venues) == 0 && len(s.cfg.Page) == 0 {
		return nil
	}
	opts, surfaces := s.postOptions()
	var rules []route.Rule
	for _, v := range s.chat.venues {
		surfaces[v.name], opts.Defaults[v.name], opts.Brief[v.name] = v.client, v.home, v.brief(s.cfg.PublicURL)
		rules = append(rules, v.rules()...)
		opts.OnCall = s.paging.rota(v.name, v.emails)
		opts.Weekly = append(opts.Weekly, v.week()...)
	}
	var err error
	if opts.Plotter, err = s.plotter(ctx); err != nil {
		return err
	}
	if s.chat.routes, err = route.New(rules, opts.Defaults, s.paging.services, route.Options{Labels: s.cfg.Catalog.Labels}); err != nil {
		return fmt.Errorf("routes: %w", err)
	}
	if s.chat.post, err = post.New(s.rows, s.tell, s.router(opts.OnCall), surfaces, opts); err != nil || len(s.chat.venues) == 0 {
		return err
	}
	return s.makeEar(ctx)
}

// postOptions are what the leg gets beside chats.
func (s *Salve) postOptions() (post.Options, map[string]post.Surface) {
	surfaces := map[string]post.Surface{}
	for name, one := range s.paging.by { // each apart: one that is refused holds up no other
		surfaces[post.SurfacePage+"/"+name] = one
	}
	opts := post.Options{
		Log: s.log, Defaults: map[string]string{}, Brief: map[string]brief.Options{post.SurfacePage: {PublicURL: s.cfg.PublicURL}},
		Share: s.sharing(), Mine: s.mine("expiring questions", expiringEvery), Turned: s.beats.of("post"), Week: s.week,
	}
	if len(surfaces) > 0 {
		opts.Pagers = s.paging.pagers
	}
	return opts, surfaces
}

// expiringEvery is how often one of all processes looks for questions that end
// soon.
const expiringEvery = 10 * time.Second

// sharing tells which places are this process' of several; nil: all are.
func (s *Salve) sharing() func(string) bool {
	shared, ok := s.store.(interface{ Shares(key string) bool })
	if !ok {
		return nil
	}
	return shared.Shares
}

// lineLost is for how long the line to a chat may be gone before people are told.
const lineLost = 2 * time.Minute

// chatConditions is what is wrong with chat.
func (s *Salve) chatConditions(ctx context.Context) []bot.Condition {
	if s.chat.post == nil {
		return nil
	}
	out := s.chat.post.Conditions(ctx)
	for _, v := range s.chat.venues {
		if v.heard == nil {
			continue
		}
		now, since := v.heard(), s.started
		if now.since.After(since) {
			since = now.since
		}
		if now.up || time.Since(since) < lineLost {
			continue
		}
		out = append(out, bot.Condition{
			Name: "chat-deaf", Subject: v.name, Severity: bot.SeverityHigh, Since: since,
			Says: "Nobody is heard on " + v.name + ": the line to it is gone.", Do: "Decide by the console or the command line meanwhile. salve doctor says what is wrong.",
			Detail: now.fault,
		})
	}
	return out
}

// chatLegs is what chat rests on. Nothing new is heard once listening ends.
func (s *Salve) chatLegs(listening context.Context) map[string]func(context.Context) error {
	out := map[string]func(context.Context) error{}
	if s.chat.post != nil {
		out["post"] = s.chat.post.Run
	}
	if s.chat.hear != nil {
		out["hear"] = s.chat.hear.Run
	}
	for _, v := range s.chat.venues {
		if v.listen != nil {
			out[v.name] = s.listenTo(v, listening)
		}
	}
	return out
}

// on finds the chat of a surface.
func (c *chat) on(surface string) (venue, bool) {
	i := slices.IndexFunc(c.venues, func(v venue) bool { return v.name == surface })
	if i < 0 {
		return venue{}, false
	}
	return c.venues[i], true
}

// shownWithin is how long Shown waits.
const shownWithin = time.Minute

// Shown waits until chat shows everything that has happened.
func (s *Salve) Shown(ctx context.Context) error {
	if s.chat.post == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, shownWithin, fmt.Errorf("chat does not show everything after %s; salve doctor says why", shownWithin))
	defer cancel()
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		if idle, err := s.chat.post.Idle(ctx); err != nil || idle {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-look.C:
		}
	}
}
