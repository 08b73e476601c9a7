package cli

import (
	"errors"

	"salve/cmd/salve/config"
)

// Config is everything about the configuration file.
type Config struct {
	Check ConfigCheck `cmd:"" help:"Say what is wrong with a configuration and its playbooks, with file, line and cure."`
}

// ConfigCheck checks a file.
type ConfigCheck struct {
	File string `arg:"" optional:"" help:"The configuration." default:"salve.yaml" type:"path"`
}

// Loader loads the playbooks that a configuration names; cmd/salve gives it.
type Loader func(config.Config) (count int, warnings []string, err error)

// Run checks.
func (c ConfigCheck) Run(e *Env, load Loader) error {
	cfg, err := config.Load(c.File)
	if ms, ok := errors.AsType[config.Mistakes](err); ok && e.JSON {
		return errors.Join(e.screen().json(ms), errors.New("the configuration has mistakes"))
	}
	if err != nil {
		return err
	}
	count, warnings, err := load(cfg)
	if err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(map[string]any{"ok": true, "playbooks": count, "warnings": append([]string{}, warnings...)})
	}
	for _, w := range warnings {
		s.line("warning: %s", plain(w))
	}
	s.line("%s is fine: %s, %s.", c.File, counted(int64(len(cfg.Sources)), "source"), counted(int64(count), "playbook"))
	return nil
}
