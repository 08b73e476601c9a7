package serve

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"salve/bot"
	"salve/bot/check"
	"salve/bot/flow/act"
	"salve/bot/runner"
	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/integrations/command"
	"salve/integrations/httpcall"
	"salve/integrations/wait"
	"salve/playbooks"
)

// Library is the playbooks of a configuration and the actions that they use.
type Library struct {
	Playbooks []bot.Playbook

	actions  map[string]runner.Action
	infos    map[string]bot.ActionInfo
	probers  map[string]check.Prober
	redactor *secret.Redactor
	leftOut  []string // playbooks in the binary that cannot work here, and why
}

// Load makes the actions and loads the playbooks of a configuration.
func Load(cfg config.Config, secrets secret.Resolver, redactor *secret.Redactor) (*Library, error) {
	web, err := httpcall.New(httpcall.Options{Allow: cfg.Egress.Allow, Secrets: secrets, Redactor: redactor})
	if err != nil {
		return nil, fmt.Errorf("egress.allow: %w", err)
	}
	programs, err := command.New(command.Options{Allow: cfg.Commands.Allow, Redactor: redactor})
	if err != nil {
		return nil, fmt.Errorf("commands.allow: %w", err)
	}
	pause := wait.New()
	l := &Library{
		actions:  map[string]runner.Action{"http": web, "command": programs, "wait": pause},
		infos:    map[string]bot.ActionInfo{"http": web.Info(), "command": programs.Info(), "wait": pause.Info()},
		probers:  map[string]check.Prober{"http": web, "command": programs},
		redactor: redactor,
	}
	return l, l.load(cfg)
}

// load takes all playbooks or none, and tells all that is wrong with any.
func (l *Library) load(cfg config.Config) error {
	if cfg.Playbooks.UseLibrary() {
		books, err := playbooks.Load(playbooks.Library(), ".", l.infos)
		if err != nil {
			return fmt.Errorf("the playbooks in the binary: %w", err)
		}
		for _, b := range books {
			if program := notAllowed(b, cfg.Commands.Allow); program != "" {
				l.leftOut = append(l.leftOut, fmt.Sprintf("the playbook %s in the binary is left out: commands.allow does not list %s", b.Name, program))
				continue
			}
			l.Playbooks = append(l.Playbooks, b)
		}
	}
	var wrong []error
	for _, dir := range cfg.Playbooks.Dirs {
		wrong = append(wrong, l.loadDir(cfg, dir))
	}
	return errors.Join(wrong...)
}

func (l *Library) loadDir(cfg config.Config, dir string) error {
	if st, err := os.Stat(dir); err != nil || !st.IsDir() {
		return fmt.Errorf("playbooks.dirs: %s is not a directory that can be read", dir)
	}
	books, err := playbooks.Load(os.DirFS(dir), ".", l.infos)
	if err != nil {
		return fmt.Errorf("playbooks of %s:\n%w", dir, err)
	}
	var wrong []error
	for _, b := range books {
		if program := notAllowed(b, cfg.Commands.Allow); program != "" {
			wrong = append(wrong, fmt.Errorf("playbooks of %s: %s: %s starts %s, which could not run; add it to commands.allow", dir, b.File, b.Name, program))
		}
		if l.Has(b.Name) {
			wrong = append(wrong, fmt.Errorf("playbooks of %s: %s: there is a playbook %q already; give this one another name, or set playbooks.library: false", dir, b.File, b.Name))
		}
		l.Playbooks = append(l.Playbooks, b)
	}
	return errors.Join(wrong...)
}

// notAllowed is a program that the playbook starts and the configuration does
// not list; "" when there is none.
func notAllowed(b bot.Playbook, allow []string) string {
	var used []map[string]any
	for _, s := range b.Steps {
		used = append(used, s.With)
		if s.Undo != nil {
			used = append(used, s.Undo.With)
		}
	}
	if b.Verify != nil {
		for _, c := range b.Verify.Checks {
			used = append(used, c.With)
		}
	}
	for _, with := range used {
		argv, ok := with["argv"].([]any)
		if !ok || len(argv) == 0 {
			continue
		}
		if program := fmt.Sprint(argv[0]); !slices.Contains(allow, program) {
			return program
		}
	}
	return ""
}

// LeftOut says which playbooks in the binary are not used, and why.
func (l *Library) LeftOut() []string { return l.leftOut }

// Has reports whether a playbook is loaded.
func (l *Library) Has(name string) bool {
	return slices.ContainsFunc(l.Playbooks, func(p bot.Playbook) bool { return p.Name == name })
}

// Warnings are what is allowed in the playbooks and probably not meant.
func (l *Library) Warnings() []string {
	var out []string
	for _, p := range playbooks.Lint(l.Playbooks) {
		out = append(out, p.String())
	}
	return out
}

func (l *Library) checker(store act.Incidents) (*check.Checker, error) {
	probers := map[string]check.Prober{"resolved": act.NewResolved(store)}
	for name, p := range l.probers {
		probers[name] = p
	}
	c, err := check.New(probers)
	return c, errors.Join(err)
}

// event says which playbooks are in force.
func (l *Library) event(at time.Time) bot.Event {
	sum := sha256.New()
	data := map[string]string{}
	for _, p := range l.Playbooks {
		fmt.Fprintf(sum, "%s %s\n", p.Name, p.Hash)
		if len(data) < 400 {
			data[p.Name], data[p.Name+" rule"] = p.Hash, rule(p)
		}
	}
	data["all"] = hex.EncodeToString(sum.Sum(nil))
	return bot.Event{At: at, Kind: bot.EventLoaded, Actor: bot.Salve, Text: fmt.Sprintf("%d playbooks are in force", len(l.Playbooks)), Data: data}
}

// rule says who may let a playbook run, for the record.
func rule(p bot.Playbook) string {
	rule := map[string]any{
		"mode": p.Mode, "auto_below": p.AutoBelow, "approvers": p.Approvers, "quorum": p.Quorum,
		"author": p.Author, "reviewed_by": p.ReviewedBy,
	}
	if len(p.Also) > 0 {
		rule["also"] = p.Also
	}
	if p.SecondFactor {
		rule["second_factor"] = true
	}
	b, err := json.Marshal(rule)
	if err != nil {
		return "" // plain values: cannot happen
	}
	return string(b)
}
