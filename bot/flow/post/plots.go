package post

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"salve/bot"
)

// Bounds of what is drawn.
const (
	plotQueue  = 64
	plotKept   = 32
	plotWithin = 20 * time.Second
)

// plots are pictures on their way: drawn beside the lanes, so that none waits for
// one, and kept in memory until they are posted. One that is lost is not missed.
type plots struct {
	on    bool
	queue chan bot.Post // cards
	mu    sync.Mutex
	files map[string]*bot.File
}

func newPlots(on bool) *plots {
	return &plots{on: on, queue: make(chan bot.Post, plotQueue), files: map[string]*bot.File{}}
}

// ask asks for the picture of a card that was posted just now. It never waits.
func (p *plots) ask(card bot.Post) {
	if !p.on {
		return
	}
	select {
	case p.queue <- card:
	default:
	}
}

func (p *plots) keep(key string, f *bot.File) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.files) >= plotKept {
		return false
	}
	p.files[key] = f
	return true
}

func (p *plots) file(key string) *bot.File {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.files[key]
}

func (p *plots) drop(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.files, key)
}

// draw draws what is asked for until ctx ends.
func (l *Leg) draw(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case card := <-l.plots.queue:
			if err := l.plot(ctx, card); err != nil && ctx.Err() == nil {
				l.opts.Log.InfoContext(ctx, "nothing is drawn", "incident", card.Incident, "error", err)
			}
		}
	}
}

// plot draws one picture and makes it due in the thread of its card.
func (l *Leg) plot(ctx context.Context, card bot.Post) error {
	ctx, cancel := context.WithTimeoutCause(ctx, plotWithin, fmt.Errorf("it was not drawn within %s", plotWithin))
	defer cancel()
	inc, err := l.store.Incident(ctx, card.Incident)
	if err != nil {
		return err
	}
	alerts, err := l.store.Alerts(ctx, card.Incident, alertLimit)
	if err != nil {
		return err
	}
	f, err := l.opts.Plotter.Plot(ctx, inc, alerts)
	if err != nil || f == nil {
		return err
	}
	now := l.now()
	p := bot.Post{
		Key:     strings.TrimSuffix(card.Key, "/card/"+card.Incident.String()) + "/plot/" + card.Incident.String(),
		Surface: card.Surface, Place: card.Place, Kind: bot.MessagePlot, State: bot.PostDue, Incident: card.Incident,
		Parent: card.Key, Rank: rankPlot, DueAt: now, OpenedAt: now, Wanted: 1,
	}
	if !l.plots.keep(p.Key, f) {
		return errors.New("too many pictures wait already")
	}
	what, err := l.write(ctx, p)
	if what != didWrite {
		l.plots.drop(p.Key) // there was one
		return err
	}
	l.lanes.stir(p.Surface, p.Place, l.opts.Share(p.Place))
	return nil
}

// makePlot shows the picture, if it is still there. It is tried once.
func (l *Leg) makePlot(p bot.Post) made {
	f := l.plots.file(p.Key)
	if f == nil || !p.Unsure.IsZero() {
		l.plots.drop(p.Key)
		return moot("the picture was lost when the process ended")
	}
	return made{message: bot.Message{Kind: bot.MessagePlot, Tone: bot.ToneQuiet, Alone: f.Alt, Lines: []bot.Line{quiet(f.Alt)}, Files: []bot.File{*f}}}
}
