package playbooks

import (
	"math"
	"time"

	"salve/bot"
)

// rawBook is a playbook as its file says it.
type rawBook struct {
	Name        string              `yaml:"name"`
	Title       string              `yaml:"title"`
	Description string              `yaml:"description"`
	Owner       string              `yaml:"owner"`
	Author      string              `yaml:"author"`
	ReviewedBy  string              `yaml:"reviewed_by"`
	Runbook     string              `yaml:"runbook"`
	Checklist   []string            `yaml:"checklist"`
	Risk        string              `yaml:"risk"`
	Match       string              `yaml:"match"`
	Target      string              `yaml:"target"`
	Targets     []string            `yaml:"targets"`
	Priority    int                 `yaml:"priority"`
	Mode        string              `yaml:"mode"`
	AutoBelow   *bot.Severity       `yaml:"auto_below"`
	Approvers   []string            `yaml:"approvers"`
	Quorum      *int                `yaml:"quorum"`
	Also        []string            `yaml:"also"`
	Factor      bool                `yaml:"second_factor"`
	ExpiresIn   *bot.Duration       `yaml:"expires_in"`
	Cooldown    *bot.Duration       `yaml:"cooldown"`
	UndoUntil   *bot.Duration       `yaml:"undo_until"`
	Params      map[string]rawParam `yaml:"params"`
	Steps       []rawStep           `yaml:"steps"`
	Verify      *rawVerify          `yaml:"verify"`
}

type rawParam struct {
	Type    string   `yaml:"type"`
	Default string   `yaml:"default"`
	Pattern string   `yaml:"pattern"`
	Values  []string `yaml:"values"`
	Min     *int64   `yaml:"min"`
	Max     *int64   `yaml:"max"`
	Docs    string   `yaml:"docs"`
}

type rawStep struct {
	ID      string         `yaml:"id"`
	Title   string         `yaml:"title"`
	Uses    string         `yaml:"uses"`
	With    map[string]any `yaml:"with"`
	Timeout *bot.Duration  `yaml:"timeout"`
	Repeat  string         `yaml:"repeat"`
	Share   bool           `yaml:"share_output"`
	Undo    *rawUndo       `yaml:"undo"`
}

// rawUndo is a step without an undo of its own.
type rawUndo struct {
	Title   string         `yaml:"title"`
	Uses    string         `yaml:"uses"`
	With    map[string]any `yaml:"with"`
	Timeout *bot.Duration  `yaml:"timeout"`
	Repeat  string         `yaml:"repeat"`
	Share   bool           `yaml:"share_output"`
}

type rawVerify struct {
	Within *bot.Duration `yaml:"within"`
	Every  *bot.Duration `yaml:"every"`
	Checks []rawCheck    `yaml:"checks"`
}

type rawCheck struct {
	ID     string         `yaml:"id"`
	Uses   string         `yaml:"uses"`
	With   map[string]any `yaml:"with"`
	Expect string         `yaml:"expect"`
}

func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

func minutes(n int) bot.Duration { return bot.Duration(time.Duration(n) * time.Minute) }

// book fills in the defaults.
func (r rawBook) book() bot.Playbook {
	b := bot.Playbook{
		Name: r.Name, Title: r.Title, Description: r.Description, Owner: r.Owner, Author: bot.PersonID(r.Author), ReviewedBy: bot.PersonID(r.ReviewedBy),
		Runbook: r.Runbook, Checklist: r.Checklist, Risk: bot.Risk(r.Risk), Match: r.Match, Target: r.Target, Targets: r.Targets, Priority: r.Priority,
		Mode: bot.Mode(r.Mode), AutoBelow: or(r.AutoBelow, bot.SeverityUnknown), Approvers: r.Approvers, Quorum: or(r.Quorum, 1), Also: r.Also, SecondFactor: r.Factor,
		ExpiresIn: or(r.ExpiresIn, minutes(60)), Cooldown: or(r.Cooldown, minutes(15)), UndoUntil: or(r.UndoUntil, minutes(24*60)),
	}
	if b.Risk == "" {
		b.Risk = bot.RiskMedium
	}
	if b.Mode == "" {
		b.Mode = bot.ModePropose
	}
	if len(r.Params) > 0 {
		b.Params = make(map[string]bot.Param, len(r.Params))
	}
	for name, p := range r.Params {
		b.Params[name] = p.param()
	}
	for _, s := range r.Steps {
		b.Steps = append(b.Steps, s.step())
	}
	if r.Verify != nil {
		b.Verify = &bot.VerifySpec{Within: or(r.Verify.Within, minutes(5)), Every: or(r.Verify.Every, bot.Duration(5*time.Second))}
		for _, c := range r.Verify.Checks {
			b.Verify.Checks = append(b.Verify.Checks, bot.CheckSpec{ID: c.ID, Uses: c.Uses, With: plain(c.With), Expect: c.Expect})
		}
	}
	return b
}

func (p rawParam) param() bot.Param {
	return bot.Param{
		Type: bot.ParamType(p.Type), Default: p.Default, Pattern: p.Pattern, Values: p.Values, Min: p.Min, Max: p.Max, Docs: p.Docs,
	}
}

func (s rawStep) step() bot.StepSpec {
	out := bot.StepSpec{ID: s.ID, Title: s.Title, Uses: s.Uses, With: plain(s.With), Timeout: timeout(s.Timeout), Repeat: repeat(s.Repeat), ShareOutput: s.Share}
	if u := s.Undo; u != nil {
		out.Undo = &bot.StepSpec{ID: s.ID, Title: u.Title, Uses: u.Uses, With: plain(u.With), Timeout: timeout(u.Timeout), Repeat: repeat(u.Repeat), ShareOutput: u.Share}
	}
	return out
}

// plain writes whole numbers as int64 wherever they fit: bot.StepSpec knows no
// other.
func plain(with map[string]any) map[string]any {
	for k, v := range with {
		with[k] = plainValue(v)
	}
	return with
}

func plainValue(v any) any {
	switch v := v.(type) {
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v)
		}
	case int:
		return int64(v)
	case []any:
		for i, e := range v {
			v[i] = plainValue(e)
		}
	case map[string]any:
		return plain(v)
	}
	return v
}

func timeout(d *bot.Duration) bot.Duration { return or(d, bot.Duration(30*time.Second)) }

func repeat(s string) bot.Repeat {
	if s == "" {
		return bot.RepeatNever
	}
	return bot.Repeat(s)
}
