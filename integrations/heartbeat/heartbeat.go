// Package heartbeat calls an address from time to time while Salve is well, so
// that whoever waits for the calls there notices when Salve is not: a dead man's
// switch.
//
// It promises to call only after it has asked whether all is well, and not to
// call at all otherwise; to follow the rules of every outgoing call (addresses
// judged when dialled, no redirects, a deadline); and to log a failure when it
// begins and when it is over, with the host of the address at most, since the
// rest may be a secret.
//
// It assumes that the far end expects calls a little less often than they come. A
// call that fails is made again at the next beat.
package heartbeat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"salve/bot/secret"
	"salve/integrations/internal/outbound"
)

// Options of a Heart. The zero value is ready for use.
type Options struct {
	Log   *slog.Logger
	Every time.Duration // between two calls; 0: 1 m
	Allow []string      // where it may connect beyond public addresses
}

// Heart calls.
type Heart struct {
	url    secret.Secret
	well   func(ctx context.Context) bool
	opts   Options
	client *outbound.Client
}

// New makes a Heart for an address. well is asked before each call.
func New(url secret.Secret, well func(ctx context.Context) bool, opts Options) (*Heart, error) {
	if well == nil {
		return nil, errors.New("heartbeat: somebody must say whether all is well")
	}
	opts.Log = cmp.Or(opts.Log, slog.New(slog.DiscardHandler))
	opts.Every = cmp.Or(opts.Every, time.Minute)
	client, err := outbound.New(outbound.Options{Allow: opts.Allow, Timeout: min(opts.Every, 10*time.Second), MaxBody: 4 << 10})
	if err != nil {
		return nil, fmt.Errorf("heartbeat: %w", err)
	}
	return &Heart{url: url, well: well, opts: opts, client: client}, nil
}

// The states of which a change is logged.
const (
	unknown = iota
	heard
	failing
	silent
)

// Run calls until ctx ends.
func (h *Heart) Run(ctx context.Context) {
	defer h.client.Close()
	tick := time.NewTicker(h.opts.Every)
	defer tick.Stop()
	for state := unknown; ; {
		state = h.beat(ctx, state)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// beat calls once if all is well, and logs what has changed.
func (h *Heart) beat(ctx context.Context, was int) int {
	if !h.well(ctx) {
		if was != silent {
			h.opts.Log.WarnContext(ctx, "no heartbeat while Salve is unwell")
		}
		return silent
	}
	err := h.call(ctx)
	switch {
	case ctx.Err() != nil:
		return was
	case err != nil && was != failing:
		h.opts.Log.WarnContext(ctx, "heartbeat fails; tried again at each beat", "error", err)
	case err == nil && was != heard:
		h.opts.Log.InfoContext(ctx, "heartbeat is heard")
	}
	if err != nil {
		return failing
	}
	return heard
}

func (h *Heart) call(ctx context.Context) error {
	answer, err := h.client.Do(ctx, outbound.Call{Method: http.MethodGet, URL: h.url.Reveal()})
	if err != nil {
		return err
	}
	if answer.Status/100 != 2 {
		return fmt.Errorf("the far end answers %d", answer.Status)
	}
	return nil
}
