package serve

import (
	"cmp"
	"context"
	"fmt"
	"sort"
	"time"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/flow/post"
	"salve/bot/report"
)

// What a week is counted from, at most; of a busier one the newest counts.
const (
	weekEvents    = 200_000
	weekIncidents = 20_000
	weekRuns      = 20_000
	weekPage      = 1000
)

// week is when and where the chat tells a week, if it does.
func (v venue) week() []post.Weekly {
	if v.weekly == nil {
		return nil
	}
	return []post.Weekly{{Surface: v.name, Place: cmp.Or(v.weekly.Channel, v.home), Next: v.weekly.Next}}
}

// week tells what became of a span of time.
func (s *Salve) week(ctx context.Context, surface string, from, to time.Time) (bot.Message, error) {
	events, err := s.eventsOf(ctx, from, to)
	if err != nil {
		return bot.Message{}, err
	}
	incidents, err := pages(func(before bot.IncidentID) ([]bot.Incident, error) {
		return s.store.Incidents(ctx, bot.IncidentQuery{Before: before, Limit: weekPage})
	}, func(i bot.Incident) bot.IncidentID { return i.ID }, weekIncidents)
	if err != nil {
		return bot.Message{}, fmt.Errorf("incidents of the week: %w", err)
	}
	runs, err := pages(func(before bot.RunID) ([]bot.Run, error) {
		return s.store.Runs(ctx, bot.RunQuery{Before: before, Limit: weekPage})
	}, func(r bot.Run) bot.RunID { return r.ID }, weekRuns)
	if err != nil {
		return bot.Message{}, fmt.Errorf("runs of the week: %w", err)
	}
	v, _ := s.chat.on(surface)
	return brief.Weekly(report.Week(report.Span{From: from, To: to}, events, incidents, runs), v.brief(s.cfg.PublicURL)), nil
}

// pages reads rows, the newest first, until there are no more or most are there.
func pages[T any, ID comparable](read func(before ID) ([]T, error), id func(T) ID, most int) ([]T, error) {
	var all []T
	var before ID
	for len(all) < most {
		page, err := read(before)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all = append(all, page...)
		before = id(page[len(page)-1])
	}
	return all, nil
}

// eventsOf reads the Events of a span. Where it begins is searched for: the
// chain is in the order of time.
func (s *Salve) eventsOf(ctx context.Context, from, to time.Time) ([]bot.Event, error) {
	last, err := s.store.Events(ctx, bot.EventQuery{Last: true, Limit: 1})
	if err != nil || len(last) == 0 {
		return nil, err
	}
	var failed error
	first := sort.Search(int(last[0].Seq), func(seq int) bool {
		next, err := s.store.Events(ctx, bot.EventQuery{After: int64(seq), Limit: 1})
		if err != nil {
			failed = err
			return true
		}
		return len(next) == 0 || !next[0].At.Before(from)
	})
	if failed != nil {
		return nil, fmt.Errorf("find where the week begins: %w", failed)
	}
	var all []bot.Event
	for after := int64(first); len(all) < weekEvents; {
		page, err := s.store.Events(ctx, bot.EventQuery{After: after, Limit: weekPage})
		if err != nil {
			return nil, fmt.Errorf("events of the week: %w", err)
		}
		for _, e := range page {
			if !e.At.Before(to) {
				return all, nil
			}
			all = append(all, e)
		}
		if len(page) < weekPage {
			return all, nil
		}
		after = page[len(page)-1].Seq
	}
	return all, nil
}
