package serve

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/flow/hear"
	"salve/bot/flow/post"
	"salve/bot/route"
	"salve/integrations/slack"
)

// chat is what shows Messages and hears people: the legs and their surfaces. The
// zero one is off.
type chat struct {
	slack  *slack.Client // nil: off
	door   http.Handler  // where Slack calls Salve; nil: over a socket, or off
	routes *route.Rules
	post   *post.Leg // nil: nothing is shown anywhere
	hear   *hear.Leg // nil: nobody is heard
}

// makeChat ties chat and pagers to the legs, as far as they are configured. It
// calls nobody: Salve starts when Slack is down.
func (s *Salve) makeChat(ctx context.Context) error {
	if !s.cfg.Slack.On() && len(s.cfg.Page) == 0 {
		return nil
	}
	surfaces, defaults := map[string]post.Surface{}, map[string]string{}
	var rules []route.Rule
	opts := post.Options{
		Log: s.log, Defaults: defaults, Share: s.sharing(), Mine: s.mine("expiring questions", expiringEvery), Turned: s.beats.of("post"),
		Brief: map[string]brief.Options{post.SurfacePage: {PublicURL: s.cfg.PublicURL}},
	}
	if len(s.cfg.Page) > 0 {
		opts.Pagers = s.paging.pagers
	}
	for name, one := range s.paging.by { // each apart: one that is refused holds up no other
		surfaces[post.SurfacePage+"/"+name] = one
	}
	var err error
	if s.cfg.Slack.On() {
		if s.chat.slack, err = OpenSlack(ctx, s.cfg, s.opts.Secrets, s.log); err != nil {
			return err
		}
		s.onClose = append(s.onClose, s.chat.slack.Close)
		surfaces[slack.Surface], defaults[slack.Surface] = s.chat.slack, s.cfg.Slack.DefaultChannel
		opts.Brief[slack.Surface] = s.slackBrief()
		opts.Weekly, opts.Week = s.weekly(), s.week
		opts.OnCall = s.paging.rota(slack.Surface, s.chat.slack)
		rules = slackRules(s.cfg.Slack)
		if opts.Plotter, err = s.plotter(ctx); err != nil {
			return err
		}
	}
	if s.chat.routes, err = route.New(rules, defaults, s.paging.services, route.Options{Labels: s.cfg.Catalog.Labels}); err != nil {
		return fmt.Errorf("slack.routes: %w", err)
	}
	if s.chat.post, err = post.New(s.rows, s.tell, s.router(opts.OnCall), surfaces, opts); err != nil || s.chat.slack == nil {
		return err
	}
	return s.makeEar(ctx)
}

// expiringEvery is how often one of all processes looks for questions that end
// soon.
const expiringEvery = 10 * time.Second

// router sends incidents to channels, and to whoever is on call.
func (s *Salve) router(duty post.OnCall) routed {
	r := routed{rules: s.chat.routes}
	if s.chat.slack == nil {
		return r
	}
	r.direct, r.group = s.cfg.Slack.Direct, s.chat.slack.InGroup
	r.wakes = func(ctx context.Context, inc bot.Incident) []bot.Mention { return duty.Wakes(ctx, slack.Surface, inc) }
	r.failed = func(ctx context.Context, err error) {
		s.log.WarnContext(ctx, "who is on call gets no direct message", "error", err)
	}
	return r
}

// sharing tells which places are this process' of several; nil: all are.
func (s *Salve) sharing() func(string) bool {
	shared, ok := s.store.(interface{ Shares(key string) bool })
	if !ok {
		return nil
	}
	return shared.Shares
}

// slackLost is for how long the socket may be gone before people are told.
const slackLost = 2 * time.Minute

// chatConditions is what is wrong with chat.
func (s *Salve) chatConditions(ctx context.Context) []bot.Condition {
	if s.chat.post == nil {
		return nil
	}
	out := s.chat.post.Conditions(ctx)
	if s.chat.slack == nil || !s.cfg.Slack.Socket() {
		return out
	}
	now, since := s.chat.slack.Socket(), s.started
	if now.Connected {
		return out
	}
	if now.Since.After(since) {
		since = now.Since
	}
	if time.Since(since) < slackLost {
		return out
	}
	return append(out, bot.Condition{
		Name: "chat-deaf", Subject: slack.Surface, Severity: bot.SeverityHigh, Since: since,
		Says: "Slack cannot be heard: the socket to it is gone.", Do: "Decide by the console or the command line meanwhile. salve doctor says what is wrong.",
		Detail: now.LastError,
	})
}

// chatLegs is what chat rests on. Nothing new is heard once listening ends.
func (s *Salve) chatLegs(listening context.Context) map[string]func(context.Context) error {
	out := map[string]func(context.Context) error{}
	if s.chat.post != nil {
		out["post"] = s.chat.post.Run
	}
	if s.chat.hear != nil {
		out["hear"] = s.chat.hear.Run
		if s.cfg.Slack.Socket() {
			out["slack"] = s.listenSlack(listening)
		}
	}
	return out
}
