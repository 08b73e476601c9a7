package serve

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"salve/bot"
	"salve/cmd/salve/config"
	"salve/integrations/icalendar"
	"salve/integrations/oncall"
	"salve/integrations/opsgenie"
	"salve/integrations/pagerduty"
)

// openDuty makes the rota of the configuration.
func (s *Salve) openDuty(ctx context.Context, lookup func(ctx context.Context, surface, email string) (string, bool, error)) (*oncall.Rota, error) {
	opts := oncall.Options{Log: s.log, Lookup: lookup}
	for i, c := range s.cfg.OnCall.Sources {
		e, err := s.openSource(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("oncall.sources[%d]: %w", i, err)
		}
		opts.Sources = append(opts.Sources, e)
	}
	for _, surface := range slices.Sorted(maps.Keys(s.cfg.OnCall.Fallback)) {
		opts.Fallback = append(opts.Fallback, oncall.Group{Surface: surface, ID: s.cfg.OnCall.Fallback[surface]})
	}
	return oncall.New(opts)
}

func (s *Salve) openSource(ctx context.Context, c config.OnCallSource) (oncall.Entry, error) {
	none := oncall.Entry{}
	switch c.Type {
	case config.TypePagerDuty:
		token, err := s.value(ctx, "token", c.Token)
		if err != nil {
			return none, err
		}
		src, err := pagerduty.NewOnCall(token, pagerduty.OnCallOptions{URL: c.URL, Schedule: c.Schedule, Policy: c.Policy, Allow: s.allow(c.URL)})
		if err != nil {
			return none, err
		}
		s.onClose = append(s.onClose, src.Close)
		return oncall.Entry{Name: "pagerduty " + c.Schedule + c.Policy, Source: src}, nil
	case config.TypeOpsgenie:
		key, err := s.value(ctx, "api_key", c.APIKey)
		if err != nil {
			return none, err
		}
		src, err := opsgenie.NewOnCall(key, c.Schedule, opsgenie.Options{URL: c.URL, Allow: s.allow(c.URL)})
		if err != nil {
			return none, err
		}
		s.onClose = append(s.onClose, src.Close)
		return oncall.Entry{Name: "opsgenie " + c.Schedule, Source: src}, nil
	case config.TypeICalendar:
		return s.openCalendar(ctx, c)
	case config.TypeSlack:
		return oncall.Entry{Name: "slack", Group: &oncall.Group{Surface: config.TypeSlack, ID: c.UserGroup}}, nil
	default:
		return none, fmt.Errorf("%q is not a type of on-call source", c.Type)
	}
}

func (s *Salve) openCalendar(ctx context.Context, c config.OnCallSource) (oncall.Entry, error) {
	if c.File != "" {
		src, err := icalendar.NewFile(c.File, icalendar.Options{Log: s.log})
		return oncall.Entry{Name: "icalendar " + c.File, Source: src}, err
	}
	address, err := s.address(ctx, c.URL)
	if err != nil {
		return oncall.Entry{}, err
	}
	src, err := icalendar.NewURL(address, icalendar.Options{Log: s.log, Allow: s.allow(address.Reveal())})
	if err != nil {
		return oncall.Entry{}, err
	}
	s.onClose = append(s.onClose, src.Close)
	return oncall.Entry{Name: "icalendar", Source: src}, nil
}

// duty is what the control door knows of pages and of who is on call.
type duty struct{ s *Salve }

// OnCall tells what each source says now, and which decides.
func (d duty) OnCall(ctx context.Context) (any, error) { return d.s.paging.duty.Look(ctx), nil }

// tested is what became of a test page.
type tested struct {
	Pager string `json:"pager"`
	OK    bool   `json:"ok"`
	Says  string `json:"says"`
}

// testWithin is how long a test page may take.
const testWithin = 40 * time.Second

// TestPage sends a page that says that it is a test, and resolves it; by the pager
// of that name, "" for all.
func (d duty) TestPage(ctx context.Context, by bot.Actor, name string) (any, error) {
	p := d.s.paging
	names := p.names
	if name != "" {
		if _, err := p.at(name); err != nil {
			return nil, bot.Refuse(bot.RefusedUnknown, fmt.Sprintf("There is no pager %q.", name), "The configuration lists them under page.")
		}
		names = []string{name}
	}
	if len(names) == 0 {
		return nil, bot.Refuse(bot.RefusedUnknown, "No pager is configured.", "Add one under page in the configuration; docs/paging.md shows how.")
	}
	now := time.Now().UTC()
	if _, err := d.s.rows.Commit(ctx, bot.Change{Events: []bot.Event{{
		At: now, Kind: bot.EventPageTested, Actor: by, Text: by.Name + " sent a test page", Data: map[string]string{"pager": cmp.Or(name, "all")},
	}}}); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, testWithin, fmt.Errorf("no answer within %s", testWithin))
	defer cancel()
	out := make([]tested, len(names))
	var sending sync.WaitGroup
	for i, one := range names {
		sending.Go(func() { out[i] = p.test(ctx, one, by, now) })
	}
	sending.Wait()
	return out, nil
}

func (p *paging) test(ctx context.Context, name string, by bot.Actor, now time.Time) tested {
	nonce := "test-" + rand.Text()
	parcel := bot.Parcel{Place: name, Nonce: nonce, Key: "page/" + name + "/" + nonce, Message: bot.Message{
		Kind: bot.MessagePage, Tone: bot.ToneUrgent, Alone: "TEST of Salve's pager " + name + ": nothing is wrong",
		Lines: []bot.Line{
			{Spans: []bot.Span{{Text: by.Name + " tries whether pages arrive. There is nothing to do; it resolves itself."}}},
			{Kind: bot.LineQuiet, Spans: []bot.Span{{At: now}}},
		},
	}}
	mark, err := p.Post(ctx, parcel)
	if err != nil {
		return tested{Pager: name, Says: err.Error()}
	}
	parcel.Message.Tone, parcel.Message.Alone = bot.ToneGood, "TEST of Salve's pager "+name+" is over"
	if err := p.Edit(ctx, mark, parcel); err != nil {
		return tested{Pager: name, Says: "it was taken, but could not be resolved; resolve it by hand: " + err.Error()}
	}
	return tested{Pager: name, OK: true, Says: "it was taken and resolved"}
}
