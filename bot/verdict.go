package bot

import "time"

// Ruling is what a Guardrail says.
type Ruling string

// The rulings, from free to shut. The strictest of a tree wins.
const (
	Allow     Ruling = "allow"
	AskPerson Ruling = "ask"
	Deny      Ruling = "deny"
)

func (r Ruling) strictness() int {
	switch r {
	case Allow:
		return 0
	case AskPerson:
		return 1
	default:
		return 2 // what is not known denies
	}
}

// Stricter returns the stricter of two rulings; one that is not known is Deny.
func (r Ruling) Stricter(o Ruling) Ruling {
	switch s := max(r.strictness(), o.strictness()); s {
	case Allow.strictness():
		return Allow
	case AskPerson.strictness():
		return AskPerson
	default:
		return Deny
	}
}

// Verdict is a ruling with its reasons: a tree whose leaves are single rules.
type Verdict struct {
	Ruling   Ruling    `json:"ruling"`
	Rule     string    `json:"rule"`              // "severity", "cooldown", "halt" ...; "guard" at the root
	Reason   string    `json:"reason"`            // one sentence, with the figures
	RetryAt  time.Time `json:"retry_at,omitzero"` // when the answer may be another by itself
	Children []Verdict `json:"children,omitempty"`
}

// Judge makes the root of a tree: the strictest ruling of its children, with
// the reasons of those that were as strict. No children deny.
func Judge(rule string, children ...Verdict) Verdict {
	v := Verdict{Ruling: Allow, Rule: rule, Children: children}
	if len(children) == 0 {
		v.Ruling, v.Reason = Deny, "no rule was evaluated"
		return v
	}
	for _, c := range children {
		v.Ruling = v.Ruling.Stricter(c.Ruling)
	}
	for _, c := range children {
		if c.Ruling.strictness() != v.Ruling.strictness() {
			continue
		}
		if v.Reason != "" {
			v.Reason += "; "
		}
		v.Reason += c.Reason
		if !c.RetryAt.IsZero() && (v.RetryAt.IsZero() || c.RetryAt.After(v.RetryAt)) {
			v.RetryAt = c.RetryAt
		}
	}
	return v
}
