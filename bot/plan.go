package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Digest is the hex SHA-256 of what a Plan will do. People see the first eight
// characters.
type Digest string

// Short is what people see and type.
func (d Digest) Short() string {
	if len(d) < 8 {
		return string(d)
	}
	return string(d[:8])
}

// Matches reports whether what a person typed (at least eight characters) names
// this digest.
func (d Digest) Matches(typed string) bool {
	return len(typed) >= 8 && strings.HasPrefix(string(d), strings.ToLower(typed))
}

// PlanKind says what a Plan is for.
type PlanKind string

// The kinds of Plan.
const (
	PlanRespond PlanKind = "respond"
	PlanUndo    PlanKind = "undo"
)

// PlanStep is one step, fully rendered.
type PlanStep struct {
	ID      string         `json:"id"`
	Title   string         `json:"title"`
	Action  string         `json:"action"`
	Args    map[string]any `json:"args"` // JSON values only
	Effect  Effect         `json:"effect"`
	Timeout Duration       `json:"timeout"`
	Repeat  Repeat         `json:"repeat"`
	Undo    *PlanStep      `json:"undo,omitempty"`
	// ShareOutput: the whole masked output goes where the incident is shown. It is
	// in the digest: it changes who sees what.
	ShareOutput bool `json:"share_output,omitempty"`
}

// PlanCheck is one verification check, fully rendered; Expect stays CEL, over
// the probe's result alone.
type PlanCheck struct {
	ID     string         `json:"id"`
	Probe  string         `json:"probe"`
	Args   map[string]any `json:"args,omitempty"`
	Expect string         `json:"expect,omitempty"`
}

// PlanVerify is the verification of a Plan.
type PlanVerify struct {
	Within Duration    `json:"within"`
	Every  Duration    `json:"every"`
	Checks []PlanCheck `json:"checks"`
}

// ApprovalRule says who must agree.
type ApprovalRule struct {
	Approvers []string `json:"approvers"` // groups
	Quorum    int      `json:"quorum"`
	Also      []string `json:"also,omitempty"` // groups of each of which one of the votes must come too
	// SecondFactor: a person's yes counts when they have said it on two surfaces.
	SecondFactor bool       `json:"second_factor,omitempty"`
	Excluded     []PersonID `json:"excluded,omitempty"` // who may not vote: an unreviewed author, the one who asked
	ExpiresIn    Duration   `json:"expires_in"`
}

// Plan is one Playbook fully rendered for one Incident and one target. It is
// written once and never changed.
type Plan struct {
	ID           PlanID            `json:"id"`
	Incident     IncidentID        `json:"incident"`
	Kind         PlanKind          `json:"kind"`
	Playbook     string            `json:"playbook"`
	PlaybookHash string            `json:"playbook_hash"`
	Title        string            `json:"title"`
	Target       string            `json:"target"`
	Params       map[string]string `json:"params,omitempty"`
	Steps        []PlanStep        `json:"steps"`
	Verify       *PlanVerify       `json:"verify,omitempty"`
	Rule         ApprovalRule      `json:"rule"`
	Digest       Digest            `json:"digest"`

	// What follows is not in the digest: it does not change what will run.
	Mode      Mode      `json:"mode"`
	AutoBelow Severity  `json:"auto_below"`
	Cooldown  Duration  `json:"cooldown"`
	UndoUntil Duration  `json:"undo_until"`
	Risk      Risk      `json:"risk"`
	Runbook   string    `json:"runbook,omitempty"`
	Alert     AlertKey  `json:"alert"`             // the alert that filled it
	AskedBy   Actor     `json:"asked_by,omitzero"` // the person who asked for it; zero when the alert did
	Undoes    RunID     `json:"undoes,omitempty"`
	CreatedAt time.Time `json:"created_at"`
}

// Reversible reports whether every step that changes something has an undo.
func (p Plan) Reversible() bool {
	for _, s := range p.Steps {
		if s.Effect != EffectReads && s.Undo == nil {
			return false
		}
	}
	return len(p.Steps) > 0
}

// digested is what a digest covers: exactly what will run, and nothing else.
// The field order is part of the format; a change of it raises Format.
type digested struct {
	Format   int          `json:"format"`
	Kind     PlanKind     `json:"kind"`
	Playbook string       `json:"playbook"`
	Target   string       `json:"target"`
	Steps    []PlanStep   `json:"steps"`
	Verify   *PlanVerify  `json:"verify"`
	Rule     ApprovalRule `json:"rule"`
}

// ComputeDigest is the SHA-256 of the canonical JSON of what the Plan will do:
// rendered steps with arguments and undo, target, verification and approval
// rule. encoding/json sorts map keys, so the same plan gives the same digest.
// It fails when an argument is not JSON.
func (p Plan) ComputeDigest() (Digest, error) {
	b, err := json.Marshal(digested{
		Format: 1, Kind: p.Kind, Playbook: p.Playbook, Target: p.Target,
		Steps: p.Steps, Verify: p.Verify, Rule: p.Rule,
	})
	if err != nil {
		return "", fmt.Errorf("digest of plan for %s on %s: %w", p.Playbook, p.Target, err)
	}
	sum := sha256.Sum256(b)
	return Digest(hex.EncodeToString(sum[:])), nil
}
