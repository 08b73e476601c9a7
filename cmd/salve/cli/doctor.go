package cli

import (
	"context"
	"errors"

	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
)

// Examiner looks at what a configuration names; cmd/salve gives it.
type Examiner func(ctx context.Context, cfg config.Config, x serve.Examination)

// Doctor looks at everything outside that Salve rests on.
type Doctor struct {
	Config string `help:"The configuration." default:"salve.yaml" type:"path"`
}

// Help is shown by --help.
func (Doctor) Help() string {
	return "Looks at playbooks, secrets, the data directory, the certificate, chat (token, scopes, channels, user groups, socket), pagers, who is on call, the catalogue, Prometheus and the identity provider, as far as the configuration names them, and says how to mend what is wrong. It changes nothing and wakes nobody; Salve may be running or not. It exits 1 if there is something to mend.\n\nExamples:\n  salve doctor\n  salve doctor --config /etc/salve/salve.yaml --json"
}

// Run looks.
func (c Doctor) Run(ctx context.Context, e *Env, load Loader, examine Examiner) error {
	cfg, err := config.Load(c.Config)
	if err != nil {
		return err
	}
	s := e.screen()
	all := []serve.Finding{}
	wrong := 0
	found := func(f serve.Finding) {
		all = append(all, f)
		if !f.OK {
			wrong++
		}
		if !s.asJSON {
			s.finding(f)
		}
	}
	found(libraryFinding(cfg, load))
	at, over := e.looking()
	examine(ctx, cfg, serve.Examination{At: at, Found: found})
	over()
	switch {
	case s.asJSON:
		err = s.json(map[string]any{"ok": wrong == 0, "findings": all})
	case wrong == 0:
		s.line("All is in order.")
	}
	if wrong > 0 {
		return errors.Join(err, errors.New(counted(int64(wrong), "thing")+" to mend"))
	}
	return err
}

// looking tells somebody who waits for long what is being looked at, until over is
// called.
func (e *Env) looking() (at func(what string), over func()) {
	done := func() {}
	return func(what string) {
		done()
		done = e.slowly(func() string { return "looking at " + what })
	}, func() { done() }
}

func libraryFinding(cfg config.Config, load Loader) serve.Finding {
	n, warnings, err := load(cfg)
	switch {
	case err != nil:
		return serve.Finding{What: "playbooks", Says: err.Error(), Mend: "salve config check says where"}
	case len(warnings) > 0:
		return serve.Finding{What: "playbooks", OK: true, Says: counted(int64(n), "playbook") + ", " + counted(int64(len(warnings)), "warning") + ": salve config check"}
	default:
		return serve.Finding{What: "playbooks", OK: true, Says: counted(int64(n), "playbook")}
	}
}

// finding is one thing in one line, and what to do in another.
func (s screen) finding(f serve.Finding) {
	mark := s.paint(styleGreen, "ok  ")
	if !f.OK {
		mark = s.paint(styleRed, "mend")
	}
	s.line("%s  %s: %s", mark, plain(f.What), plain(f.Says))
	if f.Mend != "" {
		s.line("      %s", plain(f.Mend))
	}
}
