package serve

import (
	"context"
	"fmt"
	"slices"
	"time"

	"salve/bot"
	"salve/bot/flow/post"
	"salve/integrations/plot"
	"salve/integrations/prometheus/query"
)

// The time around an alert's start that a picture shows.
const (
	plotBefore = 2 * time.Hour
	plotAfter  = 30 * time.Minute
	plotPoints = 240
)

// plots draws what the alerts of an Incident watch.
type plots struct{ prometheus *query.Client }

// plotter makes it, where pictures are wanted; nil: they are not.
func (s *Salve) plotter(ctx context.Context) (post.Plotter, error) {
	if !slices.ContainsFunc(s.chat.venues, func(v venue) bool { return v.plot }) {
		return nil, nil
	}
	client, err := openPrometheus(ctx, s.cfg, s.opts.Secrets)
	if err != nil {
		return nil, err
	}
	s.onClose = append(s.onClose, client.Close)
	return plots{prometheus: client}, nil
}

// Plot draws the first alert whose link tells what it watches; nil: none does.
func (p plots) Plot(ctx context.Context, inc bot.Incident, alerts []bot.Alert) (*bot.File, error) {
	for _, a := range alerts {
		expr, limit, limited, ok := query.Watched(a.Link)
		if !ok {
			continue
		}
		to := a.StartsAt.Add(plotAfter)
		if now := time.Now(); to.After(now) {
			to = now
		}
		series, err := p.prometheus.Range(ctx, expr, a.StartsAt.Add(-plotBefore), to, plotPoints)
		if err != nil || len(series) == 0 {
			return nil, err
		}
		body, err := plot.PNG(plot.Picture{Title: a.Title, Series: series, Limit: limit, Limited: limited, Began: a.StartsAt})
		if err != nil {
			return nil, err
		}
		return &bot.File{
			Name: inc.ID.String() + ".png", Media: "image/png", Body: body,
			Alt: fmt.Sprintf("%s from %s to %s UTC, %d series", a.Title, a.StartsAt.Add(-plotBefore).UTC().Format("15:04"), to.UTC().Format("15:04"), len(series)),
		}, nil
	}
	return nil, nil
}
