package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"

	"salve/bot"
	"salve/bot/audit"
)

// AuditProve makes a proof.
type AuditProve struct {
	logAt
	signedBy
	Event int64 `help:"Prove that this event is in the log." placeholder:"N"`
	From  int64 `help:"Prove that the log of so many events is the beginning of that of --to." placeholder:"SIZE"`
	To    int64 `help:"Number of events that the proof is about; by default the first signed head that fits, else all." placeholder:"SIZE"`
}

// Help is shown by --help.
func (AuditProve) Help() string {
	return "The proof is JSON for somebody who does not have the log; it holds the signed heads of its sizes, if --against has them. It proves nothing about who wrote an event, only that it was in the log when the head was signed.\n\nExamples:\n  salve audit prove --event 4711 --against heads.log > proof.json\n  salve audit prove --from 4000 --to 9000 --against heads.log > proof.json\n  salve audit check-proof proof.json --key KEY"
}

// Run proves.
func (c AuditProve) Run(ctx context.Context, e *Env) error {
	if (c.Event > 0) == (c.From > 0) {
		return usage("name what to prove: either --event N, or --from SIZE and --to SIZE")
	}
	var h audit.Heads
	var notes map[int64]string
	var err error
	if len(c.Against) > 0 {
		if h, err = c.heads(ctx, c.logAt); err != nil {
			return err
		}
		notes = h.Notes()
	}
	l, err := c.open(ctx)
	if err != nil {
		return err
	}
	p, err := c.prove(ctx, l, h)
	if err = errors.Join(err, l.Close()); err != nil {
		return err
	}
	p.FromHead, p.Head = notes[p.FromSize], notes[p.Size]
	if p.Head == "" || p.FromSize > 0 && p.FromHead == "" {
		fmt.Fprintln(e.Err, "There is no signed head of this size, so that the proof has none: it shows only that its roots go together.")
	}
	return e.screen().json(p)
}

func (c AuditProve) prove(ctx context.Context, l *openLog, h audit.Heads) (audit.Proof, error) {
	size := c.To
	if size == 0 {
		size = h.First(max(c.Event, c.From))
	}
	if size == 0 {
		var err error
		if size, err = l.newest(ctx); err != nil {
			return audit.Proof{}, err
		}
	}
	b, against, err := l.boundary(ctx, audit.Against{}, func() (audit.Keys, error) { return c.keys(c.logAt) })
	if err != nil {
		return audit.Proof{}, err
	}
	log := audit.Log{Events: after(b.Size, l.events(ctx))}
	for _, edge := range against.Edges {
		log.Edge = edge
	}
	if c.Event > 0 {
		return log.ProveEvent(c.Event, size)
	}
	return log.ProveGrowth(c.From, size)
}

// after passes over what is being dropped.
func after(size int64, events iter.Seq2[bot.Event, error]) iter.Seq2[bot.Event, error] {
	return func(yield func(bot.Event, error) bool) {
		for e, err := range events {
			if err == nil && e.Seq <= size {
				continue
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// AuditCheckProof checks one.
type AuditCheckProof struct {
	File string   `arg:"" help:"The proof." type:"existingfile"`
	Key  []string `help:"A public key that is trusted, or a file with one on each line. May be repeated." placeholder:"KEY" sep:"none"`
}

// Help is shown by --help.
func (AuditCheckProof) Help() string {
	return "Exit codes: 0 it holds and its heads are signed by a key that you named, 1 it does not hold, 3 it holds and nobody has signed it.\n\nExample:\n  salve audit check-proof proof.json --key salve.example.com+1a2b3c4d+AR..."
}

const maxProof = 4 << 20

// Run checks.
func (c AuditCheckProof) Run(e *Env) error {
	st, err := os.Stat(c.File)
	if err != nil {
		return err
	}
	if st.Size() > maxProof {
		return fmt.Errorf("%s is longer than a proof", c.File)
	}
	b, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	var p audit.Proof
	if err := json.Unmarshal(b, &p); err != nil {
		return fmt.Errorf("%s is not a proof: %w", c.File, err)
	}
	var keys audit.Keys
	if len(c.Key) > 0 {
		if keys, err = (signedBy{Key: c.Key}).keys(logAt{}); err != nil {
			return err
		}
	}
	signed, err := p.Check(keys)
	if err != nil {
		return fmt.Errorf("the proof does not hold: %w", err)
	}
	return c.tell(e.screen(), p, signed)
}

func (c AuditCheckProof) tell(s screen, p audit.Proof, signed bool) error {
	what := fmt.Sprintf("the log of %d events begins with that of %d", p.Size, p.FromSize)
	if p.Kind == audit.Inclusion {
		what = fmt.Sprintf("event %d is in the log of %d events", p.Event.Seq, p.Size)
	}
	if s.asJSON {
		if err := s.json(map[string]any{"holds": true, "signed": signed, "kind": p.Kind, "size": p.Size, "root": p.Root}); err != nil {
			return err
		}
	} else {
		s.line("%s: %s", s.paint(styleGreen, "the proof holds"), what)
		if p.Kind == audit.Inclusion {
			s.line("  %s  %s  %s  %s", p.Event.At.UTC().Format("2006-01-02 15:04:05 UTC"), plain(string(p.Event.Kind)), plain(p.Event.Actor.Name), plain(p.Event.Text))
		}
		s.line("  root %s", p.Root)
	}
	if !signed {
		return &UncheckedError{errors.New("nobody has signed its roots, or no key is named: compare them with a signed head by hand, or give --key")}
	}
	return nil
}
