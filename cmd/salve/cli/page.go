package cli

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"salve/bot"
)

// Page is what wakes people by other means than chat.
type Page struct {
	Test PageTest `cmd:"" help:"Send a test page, and resolve it."`
}

// PageTest tries pagers.
type PageTest struct {
	Name string `arg:"" optional:"" help:"The pager; all of them without it."`
}

// Help is shown by --help.
func (PageTest) Help() string {
	return "The running Salve sends a page that says that it is a test, and resolves it at once. It wakes whoever is on call there. For admins; it is on record.\n\nExamples:\n  salve page test\n  salve page test pagerduty"
}

// tried is what became of a test page.
type tried struct {
	Pager string `json:"pager"`
	OK    bool   `json:"ok"`
	Says  string `json:"says"`
}

// errPages: not every pager took its page.
var errPages = errors.New("not every pager took the page; mend what it says, and try again")

// Run sends, and tells what became of each.
func (c PageTest) Run(ctx context.Context, e *Env) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	var all []tried
	if err := door.Send(ctx, http.MethodPost, "/v1/pages/test", map[string]string{"pager": c.Name}, &all); err != nil {
		return err
	}
	s := e.screen()
	failed := false
	for _, t := range all {
		how := s.paint(styleGreen, "ok")
		if !t.OK {
			how, failed = s.paint(styleRed, "failed"), true
		}
		if !s.asJSON {
			s.line("%-12s %s: %s", plain(t.Pager), how, plain(t.Says))
		}
	}
	if s.asJSON {
		if err := s.json(all); err != nil {
			return err
		}
	}
	if failed {
		return errPages
	}
	return nil
}

// OnCall tells who is on call.
type OnCall struct{}

// Help is shown by --help.
func (OnCall) Help() string {
	return "Asks every source that the configuration names. The first that knows somebody decides whom chat mentions; if chat does not know them, the next one does."
}

// onDuty is what one source says.
type onDuty struct {
	Source  string        `json:"source"`
	People  []bot.Contact `json:"people"`
	Group   string        `json:"group"`
	Error   string        `json:"error"`
	Notes   []string      `json:"notes"`
	Decides bool          `json:"decides"`
}

// Run asks, and lists.
func (OnCall) Run(ctx context.Context, e *Env) error {
	l := listing{path: "/v1/oncall", head: []string{"", "SOURCE", "WHO", "UNTIL"}, empty: "No source of who is on call is configured; add one under oncall."}
	return list(ctx, e, l, func(s screen, d onDuty) []string {
		mark, who, until := "", "nobody", ""
		if d.Decides {
			mark = "*"
		}
		var names []string
		for _, p := range d.People {
			name := p.Name
			if p.Email != "" && p.Email != p.Name {
				name = strings.TrimSpace(name + " <" + p.Email + ">")
			}
			names = append(names, name)
			if until == "" && !p.Until.IsZero() {
				until = p.Until.UTC().Format("2006-01-02 15:04 MST")
			}
		}
		switch {
		case d.Error != "":
			who = "cannot be asked: " + d.Error
		case d.Group != "":
			who = "group " + d.Group
		case len(names) > 0:
			who = strings.Join(names, ", ")
		}
		if len(d.Notes) > 0 {
			who += "; " + strings.Join(d.Notes, "; ")
		}
		return []string{mark, d.Source, who, until}
	})
}
