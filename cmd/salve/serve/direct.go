package serve

import (
	"context"
	"fmt"

	"salve/bot"
	"salve/bot/route"
	"salve/integrations/slack"
)

// maxDirect is how many people get one incident as a direct message.
const maxDirect = 10

// routed is the routes as the post leg asks for them, with whoever is on call
// beside the channels.
type routed struct {
	rules  *route.Rules
	direct *bot.Severity // from which on; nil: nobody is written to
	wakes  func(ctx context.Context, inc bot.Incident) []bot.Mention
	group  func(ctx context.Context, userGroup string) ([]string, error)
	failed func(ctx context.Context, err error)
}

// Route tells where an Incident belongs.
func (r routed) Route(ctx context.Context, inc bot.Incident, alerts []bot.Alert) []bot.Route {
	out := r.rules.Route(inc, alerts)
	if r.direct == nil || inc.Severity.Rank() < r.direct.Rank() {
		return out
	}
	because := fmt.Sprintf("on call, and the severity is %s or worse", *r.direct)
	seen := map[string]bool{}
	for _, user := range r.people(ctx, inc) {
		if !seen[user] && len(seen) < maxDirect {
			seen[user] = true
			out = append(out, bot.Route{Surface: slack.Surface, Place: user, Because: because})
		}
	}
	return out
}

// people are the users who are on call, those of groups one by one. A group that
// cannot be read is passed over: the channel mentions it all the same.
func (r routed) people(ctx context.Context, inc bot.Incident) []string {
	var out []string
	for _, m := range r.wakes(ctx, inc) {
		if m.Kind == bot.MentionUser {
			out = append(out, m.ID)
			continue
		}
		members, err := r.group(ctx, m.ID)
		if err != nil {
			r.failed(ctx, err)
			continue
		}
		out = append(out, members...)
	}
	return out
}
