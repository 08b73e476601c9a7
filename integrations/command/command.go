// Package command is the action and the probe that run a program.
//
// It promises: no shell; the program is one that the operator has listed, found
// by its absolute path or in fixed directories; the environment is PATH and what
// the step gives, nothing of Salve's own; the program has a process group of its
// own, which is ended whole when the step's time is up (SIGTERM, then SIGKILL);
// output is capped and masked.
//
// It assumes that a program's exit status tells the truth: 0 is success, any
// other is failure. A program that was killed, by us or by somebody else, may
// have done its work: the error wraps bot.ErrUncertain. What failed before the
// program started wraps bot.ErrUntouched.
package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/secret"
)

// Options say what may be run. The zero value runs nothing.
type Options struct {
	Allow    []string         // programs: absolute paths, or names looked up in Dirs; empty: none
	Dirs     []string         // where names are looked up, and the PATH of the programs; empty: the usual ones
	Grace    time.Duration    // between SIGTERM and SIGKILL; 0: 5 s
	Redactor *secret.Redactor // masks output; nil: one that knows no value, only the shapes of secrets
}

// maxOutput is how much of a program's output is kept.
const maxOutput = 64 << 10

// Action runs programs.
type Action struct {
	allow  map[string]bool // absolute paths
	names  map[string]bool // as listed
	dirs   []string
	grace  time.Duration
	redact *secret.Redactor
}

// New makes the action. It fails when an entry of Allow or Dirs is not usable.
func New(opts Options) (*Action, error) {
	a := &Action{
		allow: map[string]bool{}, names: map[string]bool{},
		dirs: slices.Clone(opts.Dirs), grace: cmp.Or(opts.Grace, 5*time.Second), redact: opts.Redactor,
	}
	if len(a.dirs) == 0 {
		a.dirs = []string{"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"}
	}
	if a.redact == nil {
		a.redact = secret.NewRedactor()
	}
	for _, d := range a.dirs {
		if !filepath.IsAbs(d) || strings.Contains(d, ":") {
			return nil, fmt.Errorf("commands.dirs: %q is not an absolute directory", d)
		}
	}
	for _, p := range opts.Allow {
		switch {
		case filepath.IsAbs(p) && filepath.Clean(p) == p:
			a.allow[p] = true
		case p != "" && !strings.ContainsAny(p, "/\x00") && p != "." && p != "..":
			a.names[p] = true
		default:
			return nil, fmt.Errorf("commands.allow: %q is neither an absolute path nor the name of a program", p)
		}
	}
	return a, nil
}

// Info describes the action to the loader and to people.
func (*Action) Info() bot.ActionInfo {
	return bot.ActionInfo{
		Name: "command",
		Docs: "Runs a program without a shell. Exit status 0 is success. Output is capped at 64 KiB.",
		Args: map[string]bot.ArgInfo{
			"argv":  {Kind: bot.ArgArgv, Required: true, Docs: "The program and its arguments. The program is literal and listed under commands.allow."},
			"dir":   {Kind: bot.ArgString, Docs: "The absolute directory to run in. Default: the root directory."},
			"env":   {Kind: bot.ArgMap, Docs: "Environment variables. Nothing is inherited; PATH is set."},
			"stdin": {Kind: bot.ArgString, Docs: "What the program reads. Default: nothing."},
		},
		Effect: bot.EffectUnknown,
		Rights: []string{
			"the program listed under commands.allow in the configuration",
			"whatever the program itself needs, as the user that Salve runs as",
		},
		Probe: true,
		Outputs: map[string]string{
			"exit_code": "the exit status",
			"holds":     "true when the exit status is 0 (for a check without an expectation)",
		},
	}
}

// Do runs the program to its end.
func (a *Action) Do(ctx context.Context, order bot.StepOrder) (bot.StepOutcome, error) {
	j, err := a.job(order.Args)
	if err != nil {
		return bot.StepOutcome{}, fmt.Errorf("command: %w: %w", err, bot.ErrUntouched)
	}
	res, err := a.run(ctx, j)
	out := bot.StepOutcome{Output: res.text()}
	if res.exited {
		out.Fields = map[string]string{"exit_code": strconv.Itoa(res.code), "holds": strconv.FormatBool(res.code == 0)}
	}
	switch {
	case err != nil:
		return out, fmt.Errorf("command %s: %w", filepath.Base(j.path), err)
	case res.code != 0:
		return out, fmt.Errorf("command %s: exit status %d%s", filepath.Base(j.path), res.code, tail(res))
	}
	return out, nil
}

// Probe runs the program for a check: the exit status and what it printed.
func (a *Action) Probe(ctx context.Context, check bot.PlanCheck, _ bot.Run) (bot.Probe, error) {
	j, err := a.job(check.Args)
	if err != nil {
		return bot.Probe{}, fmt.Errorf("command: %w", err)
	}
	began := time.Now()
	res, err := a.run(ctx, j)
	if err != nil {
		return bot.Probe{}, fmt.Errorf("command %s: %w", filepath.Base(j.path), err)
	}
	return bot.Probe{
		Status: res.code, Body: res.out.String(), Took: bot.Duration(time.Since(began)),
		Fields: map[string]string{"exit_code": strconv.Itoa(res.code), "holds": strconv.FormatBool(res.code == 0)},
	}, nil
}

// tail is the last line that a failed program printed, for the error.
func tail(res result) string {
	const most = 200
	lines := strings.FieldsFunc(res.text(), func(r rune) bool { return r == '\n' || r == '\r' })
	for _, l := range slices.Backward(lines) {
		if l = strings.TrimSpace(l); l != "" {
			if len(l) > most {
				l = strings.ToValidUTF8(l[:most], "") + "..."
			}
			return ": " + l
		}
	}
	return ""
}

// find gives the path of a program that is allowed.
func (a *Action) find(program string) (string, error) {
	if len(a.allow)+len(a.names) == 0 {
		return "", errors.New("running programs is switched off; list the program under commands.allow in the configuration")
	}
	if filepath.IsAbs(program) {
		if !a.allow[program] {
			return "", fmt.Errorf("%s is not listed under commands.allow in the configuration", program)
		}
		return program, executable(program)
	}
	if program == "" || strings.Contains(program, "/") {
		return "", fmt.Errorf("%q is neither an absolute path nor the name of a program", program)
	}
	for _, d := range a.dirs {
		p := filepath.Join(d, program)
		if executable(p) != nil {
			continue
		}
		if a.names[program] || a.allow[p] {
			return p, nil
		}
		return "", fmt.Errorf("%s is not listed under commands.allow in the configuration", program)
	}
	return "", fmt.Errorf("there is no program %s in %s", program, strings.Join(a.dirs, ", "))
}

func executable(path string) error {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("there is no program %s", path)
	case !st.Mode().IsRegular() || st.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not a program", path)
	}
	return nil
}
