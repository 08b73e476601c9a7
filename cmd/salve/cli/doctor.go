package cli

import (
	"context"
	"errors"

	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
)

// Examiner looks at what a configuration names; cmd/salve gives it.
type Examiner func(ctx context.Context, cfg config.Config, looked func(serve.Finding))

// Doctor looks at everything outside that Salve rests on.
type Doctor struct {
	Config string `help:"The configuration." default:"salve.yaml" type:"path"`
}

// Help is shown by --help.
func (Doctor) Help() string {
	return "Looks at secrets, the data directory, Slack (token, scopes, channels, socket, user groups) and what else the configuration names, and says how to mend what is wrong. It changes nothing, and Salve may be running or not.\n\nExamples:\n  salve doctor\n  salve doctor --config /etc/salve/salve.yaml --json"
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
	looked := func(f serve.Finding) {
		all = append(all, f)
		if !f.OK {
			wrong++
		}
		if !s.asJSON {
			s.finding(f)
		}
	}
	looked(libraryFinding(cfg, load))
	examine(ctx, cfg, looked)
	if s.asJSON {
		err = s.json(map[string]any{"ok": wrong == 0, "findings": all})
	}
	if wrong > 0 {
		return errors.Join(err, errors.New(counted(int64(wrong), "thing")+" to mend"))
	}
	return err
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
