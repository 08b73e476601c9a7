package serve

import (
	"context"
	"fmt"

	"salve/bot"
	"salve/bot/flow/post"
	"salve/bot/route"
)

// maxDirect is how many people of a chat get one incident as a direct message.
const maxDirect = 10

// routed is the routes as the post leg asks for them, with whoever is on call
// beside the channels.
type routed struct {
	rules  *route.Rules
	venues []venue
	duty   post.OnCall
	failed func(ctx context.Context, surface string, err error)
}

func (s *Salve) router(duty post.OnCall) routed {
	return routed{rules: s.chat.routes, venues: s.chat.venues, duty: duty, failed: func(ctx context.Context, surface string, err error) {
		s.log.WarnContext(ctx, "who is on call gets no direct message", "surface", surface, "error", err)
	}}
}

// Route tells where an Incident belongs.
func (r routed) Route(ctx context.Context, inc bot.Incident, alerts []bot.Alert) []bot.Route {
	out := r.rules.Route(inc, alerts)
	for _, v := range r.venues {
		if v.direct == nil || inc.Severity.Rank() < v.direct.Rank() {
			continue
		}
		because := fmt.Sprintf("on call, and the severity is %s or worse", *v.direct)
		seen := map[string]bool{}
		for _, user := range r.people(ctx, v, inc) {
			if !seen[user] && len(seen) < maxDirect {
				seen[user] = true
				out = append(out, bot.Route{Surface: v.name, Place: user, Because: because})
			}
		}
	}
	return out
}

// people are the users who are on call, those of groups one by one. A group that
// cannot be read is passed over: the channel mentions it all the same.
func (r routed) people(ctx context.Context, v venue, inc bot.Incident) []string {
	var out []string
	for _, m := range r.duty.Wakes(ctx, v.name, inc) {
		if m.Kind == bot.MentionUser {
			out = append(out, m.ID)
			continue
		}
		members, err := v.inGroup(ctx, m.ID)
		if err != nil {
			r.failed(ctx, v.name, err)
			continue
		}
		out = append(out, members...)
	}
	return out
}
