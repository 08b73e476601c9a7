package bot

// Mode says how far a Playbook may go without a person.
type Mode string

// The modes. observe: say that it fits, never act. propose: always ask. auto:
// run by itself below AutoBelow, ask from there on.
const (
	ModeObserve Mode = "observe"
	ModePropose Mode = "propose"
	ModeAuto    Mode = "auto"
)

// Risk is how much harm a Playbook can do, as its owner judges it.
type Risk string

// The risks.
const (
	RiskLow    Risk = "low"
	RiskMedium Risk = "medium"
	RiskHigh   Risk = "high"
)

// Repeat says whether a Step may be carried out again when nobody knows whether
// it happened.
type Repeat string

// The answers. never is the default.
const (
	RepeatNever Repeat = "never"
	RepeatSafe  Repeat = "safe"
	RepeatKeyed Repeat = "keyed" // safe because the far end honours Step.Key (an idempotency key)
)

// Effect is what an Action does to the world.
type Effect string

// The effects. unknown is treated like changes.
const (
	EffectReads   Effect = "reads"
	EffectChanges Effect = "changes"
	EffectUnknown Effect = "unknown"
)

// Playbook is a codified response, as its file says it. Strings in Match and
// Target are CEL; values in With and Params may be literals or hold ${{ CEL }}.
type Playbook struct {
	Name        string   `json:"name"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Owner       string   `json:"owner"`
	Author      PersonID `json:"author,omitempty"` // may vote only when ReviewedBy is somebody else
	ReviewedBy  PersonID `json:"reviewed_by,omitempty"`
	Runbook     string   `json:"runbook,omitempty"`   // http or https
	Checklist   []string `json:"checklist,omitempty"` // manual steps for when it does not fit or fails
	Risk        Risk     `json:"risk"`
	Match       string   `json:"match"`              // CEL, bool, over alert
	Target      string   `json:"target"`             // CEL, string, over alert and params
	Targets     []string `json:"targets,omitempty"`  // allow list of anchored patterns; empty: any target
	Priority    int      `json:"priority,omitempty"` // breaks ties, higher first
	Mode        Mode     `json:"mode"`
	AutoBelow   Severity `json:"auto_below,omitempty"`
	Approvers   []string `json:"approvers,omitempty"` // groups; none means nobody can approve
	Quorum      int      `json:"quorum"`              // distinct people, 1 or more
	Also        []string `json:"also,omitempty"`      // groups of each of which one of the votes must come too
	// SecondFactor: a person's yes counts when they have said it on two surfaces.
	SecondFactor bool             `json:"second_factor,omitempty"`
	ExpiresIn    Duration         `json:"expires_in"` // of an Approval
	Cooldown     Duration         `json:"cooldown"`   // per target and playbook
	UndoUntil    Duration         `json:"undo_until"` // after the end of a Run
	Params       map[string]Param `json:"params,omitempty"`
	Steps        []StepSpec       `json:"steps"`
	Verify       *VerifySpec      `json:"verify,omitempty"`
	Hash         string           `json:"hash"` // hex SHA-256 of the file's bytes
	File         string           `json:"file"` // for people; "library/restart.yaml" when embedded
}

// ParamType is the type of a Param.
type ParamType string

// The types of Param.
const (
	ParamString   ParamType = "string"
	ParamEnum     ParamType = "enum"
	ParamInteger  ParamType = "integer"
	ParamDuration ParamType = "duration"
)

// Param is a typed value that a Playbook takes from the alert or from a person,
// within its bounds.
type Param struct {
	Type    ParamType `json:"type"`
	Default string    `json:"default,omitempty"` // literal or ${{ CEL }} over alert
	Pattern string    `json:"pattern,omitempty"` // string: anchored regular expression (RE2); required for strings
	Values  []string  `json:"values,omitempty"`  // enum
	Min     *int64    `json:"min,omitempty"`     // integer
	Max     *int64    `json:"max,omitempty"`     // integer
	Docs    string    `json:"docs,omitempty"`
}

// StepSpec is one step as written.
type StepSpec struct {
	ID      string         `json:"id"`
	Title   string         `json:"title,omitempty"`
	Uses    string         `json:"uses"`           // the name of an Action: http, command, wait
	With    map[string]any `json:"with,omitempty"` // string, bool, int64, float64, []any, map[string]any
	Timeout Duration       `json:"timeout"`
	Repeat  Repeat         `json:"repeat"`
	Undo    *StepSpec      `json:"undo,omitempty"`
	// ShareOutput: the whole masked output goes where the incident is shown.
	ShareOutput bool `json:"share_output,omitempty"`
}

// VerifySpec says how to find out whether the Playbook helped: every check must
// hold, once, before the deadline.
type VerifySpec struct {
	Within Duration    `json:"within"`
	Every  Duration    `json:"every"`
	Checks []CheckSpec `json:"checks"`
}

// CheckSpec is one check as written; Uses names a probe (http, resolved).
// Expect is CEL over the probe's result; resolved has none.
type CheckSpec struct {
	ID     string         `json:"id"`
	Uses   string         `json:"uses"`
	With   map[string]any `json:"with,omitempty"`
	Expect string         `json:"expect,omitempty"`
}

// ActionInfo is what an Action declares about itself.
type ActionInfo struct {
	Name    string             `json:"name"`
	Docs    string             `json:"docs"`
	Args    map[string]ArgInfo `json:"args"`
	Effect  Effect             `json:"effect"`
	Rights  []string           `json:"rights"`            // what must be granted for it to work, one a line
	Probe   bool               `json:"probe"`             // usable as a check
	Outputs map[string]string  `json:"outputs,omitempty"` // name -> what it is
}

// ArgKind is how an argument of an Action is written and rendered.
type ArgKind string

// The kinds of argument. url: scheme and host are literal, each ${{ }} is one
// path segment or one query value and is escaped as such.
const (
	ArgString   ArgKind = "string"
	ArgURL      ArgKind = "url"
	ArgArgv     ArgKind = "argv" // a list of strings; the first is literal
	ArgMap      ArgKind = "map"  // string to string; keys are literal
	ArgJSON     ArgKind = "json" // any typed data
	ArgInt      ArgKind = "int"
	ArgDuration ArgKind = "duration"
	ArgSecret   ArgKind = "secret" // a reference: env:NAME or file:PATH; literal
)

// ArgInfo describes one argument of an Action.
type ArgInfo struct {
	Kind     ArgKind  `json:"kind"`
	Required bool     `json:"required,omitempty"`
	Values   []string `json:"values,omitempty"` // the only ones allowed
	Docs     string   `json:"docs"`
}
