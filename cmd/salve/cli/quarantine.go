package cli

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"salve/bot"
)

// Quarantine is what could not be understood.
type Quarantine struct {
	List QuarantineList `cmd:"" default:"withargs" help:"List the payloads."`
	Show QuarantineShow `cmd:"" help:"Print one payload with the reason."`
}

// QuarantineList lists payloads.
type QuarantineList struct {
	All   bool `help:"Also those that were replayed or discarded."`
	Limit int  `help:"At most this many." default:"30"`
}

// Run lists.
func (c QuarantineList) Run(ctx context.Context, e *Env) error {
	q := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	if !c.All {
		q.Set("state", string(bot.QuarantineHeld))
	}
	return list(ctx, e, listing{path: "/v1/quarantine", query: q, head: []string{"ID", "STATE", "SOURCE", "AGO", "BYTES", "REPEATS", "REASON"}, empty: "The quarantine is empty."}, func(s screen, p bot.Quarantined) []string {
		return []string{p.ID.String(), string(p.State), p.Source, s.ago(p.ReceivedAt), strconv.Itoa(p.Size), strconv.Itoa(p.Repeats), short(p.Reason, 90)}
	})
}

// OnPayload is a quarantined payload as an argument.
type OnPayload struct {
	ID string `arg:"" help:"A payload (Q-3)."`
}

func (o OnPayload) id() (bot.QuarantineID, error) {
	id, err := bot.ParseQuarantineID(o.ID)
	if err != nil {
		return 0, usage("%s; `salve quarantine` lists them", err)
	}
	return id, nil
}

// QuarantineShow prints one.
type QuarantineShow struct{ OnPayload }

// Run prints it. What cannot be seen in the payload is shown by its code; --json
// has it as it came in.
func (c QuarantineShow) Run(ctx context.Context, e *Env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	door, err := e.Door()
	if err != nil {
		return err
	}
	var p struct {
		bot.Quarantined
		Body string `json:"body"`
	}
	if err := door.Get(ctx, "/v1/quarantine/"+id.String(), nil, &p); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(p)
	}
	repeated := ""
	if p.Repeats > 0 {
		repeated = fmt.Sprintf(", came %d times more", p.Repeats)
	}
	s.line("%s from %s, %s, %d bytes%s", p.ID, plain(p.Source), p.State, p.Size, repeated)
	s.line("%s", plain(p.Reason))
	s.line("\n  %s", strings.ReplaceAll(lines(p.Body), "\n", "\n  ")) // no line of it looks like one of ours
	return nil
}

// Replay takes a payload in again.
type Replay struct{ OnPayload }

// Run replays.
func (c Replay) Run(ctx context.Context, e *Env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return say(ctx, e, bot.Command{Verb: bot.VerbReplay, Quarantine: id})
}

// Discard drops a payload.
type Discard struct{ OnPayload }

// Run discards.
func (c Discard) Run(ctx context.Context, e *Env) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	return say(ctx, e, bot.Command{Verb: bot.VerbDiscard, Quarantine: id})
}
