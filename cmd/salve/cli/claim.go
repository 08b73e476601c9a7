package cli

import (
	"context"
	"time"

	"salve/bot"
)

// Claim holds a target without an incident.
type Claim struct {
	Target string `arg:"" help:"The target, as plans name it."`
	For    string `help:"How long, at most 24h; 2h if not said." placeholder:"2h"`
	Reason string `help:"Why; people read it." short:"r"`
}

// Help is shown by --help.
func (Claim) Help() string {
	return "While you hold it, nothing is proposed there and nothing runs by itself. Saying it again holds it longer.\n\nExamples:\n  salve claim db-3 --reason \"moving it to new disks\"\n  salve claim db-3 --for 8h\n  salve unclaim db-3"
}

// Run claims.
func (c Claim) Run(ctx context.Context, e *Env) error {
	cmd := bot.Command{Verb: bot.VerbClaim, Name: c.Target, Reason: c.Reason}
	if c.For != "" {
		if err := cmd.For.UnmarshalText([]byte(c.For)); err != nil {
			return usage("%s", err)
		}
	}
	return say(ctx, e, cmd)
}

// Unclaim gives a target back.
type Unclaim struct {
	Target string `arg:"" help:"The target."`
}

// Run gives it back.
func (c Unclaim) Run(ctx context.Context, e *Env) error {
	return say(ctx, e, bot.Command{Verb: bot.VerbUnclaim, Name: c.Target})
}

// Claims lists the targets that people hold.
type Claims struct{}

// Run lists.
func (Claims) Run(ctx context.Context, e *Env) error {
	return list(ctx, e, listing{path: "/v1/claims", head: []string{"TARGET", "HOLDER", "UNTIL", "REASON"}, empty: "Nobody holds a target without an incident."}, func(s screen, c bot.Claim) []string {
		return []string{c.Target, c.Name, c.Until.Local().Format(time.DateTime), c.Reason}
	})
}

// Raise makes an incident of what a person sees.
type Raise struct {
	Title    string `arg:"" help:"What is wrong, in a few words."`
	Severity string `help:"info, low, medium, high or critical; high if not said." placeholder:"SEVERITY"`
	Note     string `help:"What else is known." short:"n"`
}

// Help is shown by --help.
func (Raise) Help() string {
	return "For what you see and no alert tells. The incident is nobody's at first, and ends when somebody closes it.\n\nExample:\n  salve raise \"checkout is slow for customers in Spain\" --severity high --note \"three calls since 14:00\""
}

// Run raises.
func (c Raise) Run(ctx context.Context, e *Env) error {
	cmd := bot.Command{Verb: bot.VerbRaise, Title: c.Title, Reason: c.Note}
	if err := cmd.Severity.UnmarshalText([]byte(c.Severity)); err != nil {
		return usage("%s", err)
	}
	return say(ctx, e, cmd)
}
