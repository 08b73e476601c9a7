package post

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// The names of the Conditions of chat; the subject is the surface.
const (
	ChatDown    = "chat-down"
	ChatBacklog = "chat-backlog"
	ChatDenied  = "chat-denied"
	ChatRefused = "chat-refused"
)

// How long trouble is trouble.
const (
	downAfter  = time.Minute
	refusedFor = time.Hour
)

// out is since when a surface has taken nothing; zero: it takes.
func (f front) out() time.Time {
	if !f.denied.IsZero() && (f.down.IsZero() || f.denied.Before(f.down)) {
		return f.denied
	}
	return f.down
}

// Conditions are what is wrong with the way out to people, as this process finds
// it.
func (l *Leg) Conditions(ctx context.Context) []bot.Condition {
	now := l.now()
	fronts, stuck := l.lanes.state()
	var out []bot.Condition
	for name, f := range fronts {
		out = append(out, f.conditions(name, now)...)
		if f.out().IsZero() {
			out = append(out, l.backlog(ctx, name, now)...)
		}
	}
	for _, s := range stuck {
		out = append(out, bot.Condition{
			Name: ChatDenied, Subject: at(s.surface, s.place), Severity: bot.SeverityHigh,
			Says: fmt.Sprintf("nothing can be posted to %s on %s", s.place, s.surface), Detail: s.why,
			Do: "Invite Salve to that channel, or set another default channel; what waits is posted then.",
		})
	}
	slices.SortFunc(out, func(a, b bot.Condition) int { return strings.Compare(a.Key(), b.Key()) })
	return out
}

func (f front) conditions(name string, now time.Time) []bot.Condition {
	var out []bot.Condition
	if !f.denied.IsZero() {
		out = append(out, bot.Condition{
			Name: ChatDenied, Subject: name, Severity: bot.SeverityHigh, Since: f.denied.UTC(), Detail: f.why,
			Says: name + " does not take Salve's credentials, so that nobody sees anything there",
			Do:   "Run salve doctor, mend the token or the rights that it names; what waits is posted then.",
		})
	}
	if !f.down.IsZero() && now.Sub(f.down) >= downAfter {
		out = append(out, bot.Condition{
			Name: ChatDown, Subject: name, Severity: bot.SeverityHigh, Since: f.down.UTC(), Detail: f.why,
			Says: name + " takes no messages; approvals go on in the console and by the command line",
			Do:   "See whether " + name + " or the way to it is down. Nothing is lost: what waits is posted when it is back.",
		})
	}
	if !f.refused.IsZero() && now.Sub(f.refused) < refusedFor {
		out = append(out, bot.Condition{
			Name: ChatRefused, Subject: name, Severity: bot.SeverityMedium, Since: f.refused.UTC(),
			Says: name + " refused a message, and people saw less of it or nothing",
			Do:   "Look for \"refuses a message\" in the log, and report it: Salve made something that this surface does not take.",
		})
	}
	return out
}

// backlog is what is due for long, for no reason that is told already.
func (l *Leg) backlog(ctx context.Context, front string, now time.Time) []bot.Condition {
	name, place, _ := strings.Cut(front, "/")
	due, err := l.store.Posts(ctx, bot.PostQuery{Surface: name, Place: place, Due: now.Add(-l.opts.Late), Limit: 1})
	if err != nil || len(due) == 0 {
		return nil
	}
	return []bot.Condition{{
		Name: ChatBacklog, Subject: front, Severity: bot.SeverityMedium, Since: due[0].DueAt.UTC(),
		Says: fmt.Sprintf("messages wait for %s longer than %s", front, l.opts.Late),
		Do:   "A storm drains by itself, one message a second at each channel. Otherwise look in the log for what the surface answers.",
	}}
}
