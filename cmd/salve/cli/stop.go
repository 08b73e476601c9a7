package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"salve/bot"
	"salve/cmd/salve/config"
)

// Halt stops runs before their next step.
type Halt struct {
	Playbook string `help:"Only this playbook." xor:"scope" placeholder:"NAME"`
	Target   string `help:"Only this target." xor:"scope" placeholder:"TARGET"`
	Reason   string `help:"Why; people read it." short:"r"`
	DataDir  string `help:"Write the flag file in this data directory instead of asking Salve; works with everything down." placeholder:"DIR" type:"path"`
}

// Help is shown by --help.
func (Halt) Help() string {
	return "Anybody may halt. Nothing goes on by itself afterwards: a person lifts the halt with\n`salve resume` and continues each stopped run with `salve settle R-88 continue`.\n\nExamples:\n  salve halt -r \"deploy going on\"\n  salve halt --target db-3\n  salve halt --data-dir /var/lib/salve   # Salve does not answer"
}

// Run halts.
func (c Halt) Run(ctx context.Context, e *Env) error {
	if c.DataDir != "" {
		if c.Playbook != "" || c.Target != "" {
			return usage("a flag file halts everything; leave out --playbook and --target, or --data-dir")
		}
		file := filepath.Join(c.DataDir, config.HaltFile)
		if err := os.WriteFile(file, []byte(c.Reason+"\n"), 0o600); err != nil {
			return fmt.Errorf("write the flag file: %w", err)
		}
		fmt.Fprintf(e.Out, "Everything is halted by %s. Remove it with `salve resume` once Salve answers.\n", file)
		return nil
	}
	cmd := bot.Command{Verb: bot.VerbHalt, Reason: c.Reason}
	cmd.Scope, cmd.Name = scopeOf(c.Playbook, c.Target)
	return say(ctx, e, cmd)
}

func scopeOf(playbook, target string) (bot.HaltScope, string) {
	switch {
	case playbook != "":
		return bot.HaltPlaybook, playbook
	case target != "":
		return bot.HaltTarget, target
	default:
		return bot.HaltAll, ""
	}
}

// Resume lifts a halt.
type Resume struct {
	Playbook string `help:"Only the halt of this playbook." xor:"scope" placeholder:"NAME"`
	Target   string `help:"Only the halt of this target." xor:"scope" placeholder:"TARGET"`
}

// Run lifts it.
func (c Resume) Run(ctx context.Context, e *Env) error {
	cmd := bot.Command{Verb: bot.VerbResume}
	cmd.Scope, cmd.Name = scopeOf(c.Playbook, c.Target)
	return say(ctx, e, cmd)
}

// Halts lists what is halted.
type Halts struct{}

// Run lists.
func (Halts) Run(ctx context.Context, e *Env) error {
	return list(ctx, e, listing{path: "/v1/halts", head: []string{"WHAT", "NAME", "BY", "AGO", "REASON"}, empty: "Nothing is halted."}, func(s screen, h bot.Halt) []string {
		return []string{string(h.Scope), h.Name, h.By.Name, s.ago(h.At), h.Reason}
	})
}
