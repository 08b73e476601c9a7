package serve

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"salve/bot"
	"salve/bot/health"
)

// began is what monotonic time is counted from.
var began = time.Now()

// readClocks is the border at which both clocks of the machine are read.
func readClocks() bot.Reading {
	now := time.Now()
	return bot.Reading{Wall: now.Round(0).UTC(), Ran: now.Sub(began)}
}

// clocks watches the wall clock. After a jump everything is halted, first in
// memory, in the same moment in which somebody asks what is halted, then on
// record.
type clocks struct {
	read func() bot.Reading

	mu    sync.Mutex
	clock health.Clock
	first bot.Reading // what the time for rights is counted from
	halt  *bot.Halt   // of a jump that is not on record yet
}

// newClocks begins with a Reading. latest is the newest time that is on record:
// a wall clock before it was set back while Salve was down.
func newClocks(read func() bot.Reading, latest time.Time) *clocks {
	c := &clocks{read: read, first: read()}
	c.clock, _ = c.clock.See(c.first)
	if behind := latest.Sub(c.first.Wall); behind > health.MaxJump {
		c.jumped(c.first.Wall, -behind)
		c.first.Wall = latest
	}
	return c
}

// look reads the clocks, and gives the halt of a jump that is not on record.
func (c *clocks) look() *bot.Halt {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.read()
	next, jump := c.clock.See(r)
	c.clock = next
	if jump != 0 {
		c.jumped(r.Wall, jump)
	}
	return c.halt
}

func (c *clocks) jumped(now time.Time, by time.Duration) {
	way := "forward"
	if by < 0 {
		way = "back"
	}
	c.halt = &bot.Halt{Scope: bot.HaltAll, By: bot.Salve, At: now.Truncate(time.Millisecond),
		Reason: fmt.Sprintf("the clock jumped %s by %s, to %s", way, bot.Duration(by.Abs().Round(time.Second)), now.Format("2006-01-02 15:04:05 UTC"))}
}

// forget is for when the halt is on record.
func (c *clocks) forget(h *bot.Halt) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.halt == h {
		c.halt = nil
	}
}

// expiry is the time by which rights begin and end. It never goes back, also not
// when a clock that was ahead is set right: what began by it ends by it.
func (c *clocks) expiry() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.read()
	c.first = bot.Reading{Wall: r.NoEarlier(c.first), Ran: r.Ran}
	return c.first.Wall
}

// ofClock finds the halt of a jump among those that stand.
func ofClock(halts []bot.Halt) *bot.Halt {
	for i, h := range halts {
		if h.Scope == bot.HaltAll && h.By == bot.Salve {
			return &halts[i]
		}
	}
	return nil
}

// keepClock looks at the clock each second and puts a jump on record, until ctx
// ends. What cannot be recorded halts by the flag file too, which outlives the
// process, and is tried again.
func (s *Salve) keepClock(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for told := (*bot.Halt)(nil); ; {
		if h := s.clocks.look(); h != nil {
			if h != told {
				s.log.ErrorContext(ctx, "the clock jumped: everything is halted until a person says `salve resume`", "reason", h.Reason)
			}
			if err := s.recordJump(ctx, h); err != nil && h != told {
				err = errors.Join(err, s.brake.raiseFlag(h.Reason))
				s.log.ErrorContext(ctx, "the halt is not on record yet, and stands by itself", "error", err)
			}
			told = h
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// recordJump writes the halt. There is one row for a halt of everything: what a
// person said before stands in the Event.
func (s *Salve) recordJump(ctx context.Context, h *bot.Halt) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	text := "everything is halted: " + h.Reason
	rows, err := s.store.Halts(ctx)
	for _, was := range rows {
		if was.Scope == bot.HaltAll && was.By != bot.Salve {
			text += "; until now " + was.By.Name + " had halted everything: " + was.Reason
		}
	}
	if err == nil {
		_, err = s.noted.Commit(ctx, bot.Change{Halts: []bot.Halt{*h}, Events: []bot.Event{{
			At: h.At, Kind: bot.EventHalted, Actor: bot.Salve, Text: text,
		}}})
	}
	if err != nil {
		return fmt.Errorf("record the halt: %w", err)
	}
	s.brake.Forget()
	s.clocks.forget(h)
	return nil
}
