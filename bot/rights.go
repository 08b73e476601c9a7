package bot

import (
	"slices"
	"strings"
)

// Right is one thing that a person may do or not.
type Right struct {
	What  string `json:"what"` // "approve for group oncall (restart, failover)"
	May   bool   `json:"may"`
	Grant string `json:"grant,omitempty"` // what an admin types to allow it; empty when they may
}

// Rights says what a person may do, and what would let them do the rest: act as a
// responder, approve by each group that playbooks name, lift halts, and manage
// people. Who asked for a run may not approve it, whatever stands here.
func Rights(p Person, playbooks []Playbook, resumeGroup string) []Right {
	id := string(p.ID)
	if id == "" {
		id = "NAME"
	}
	edit := "salve user edit " + id
	if p.Disabled {
		edit = "salve user enable " + id
	}
	right := func(what string, may bool, flags string) Right {
		r := Right{What: what, May: may, Grant: edit + flags}
		if p.Disabled {
			r.Grant = edit
		}
		if may {
			r.Grant = ""
		}
		return r
	}
	out := []Right{right("take, note, run, cancel, deny, claim and raise", p.Has(RoleResponder), " --role responder")}
	for _, g := range approverGroups(playbooks) {
		out = append(out, right("approve for group "+g+" ("+decidedBy(playbooks, g)+")", p.In([]string{g}), " --group "+g))
	}
	if resumeGroup != "" {
		out = append(out, right("lift a halt (group "+resumeGroup+")", p.In([]string{resumeGroup}), " --group "+resumeGroup))
	}
	return append(out, right("manage people", p.Has(RoleAdmin), " --role admin"))
}

// approverGroups are all groups whose yes some playbook wants, in order.
func approverGroups(playbooks []Playbook) []string {
	var out []string
	for _, b := range playbooks {
		out = append(append(out, b.Approvers...), b.Also...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

const maxNamed = 5 // playbooks named in a sentence

// decidedBy names the playbooks that want the group's yes.
func decidedBy(playbooks []Playbook, group string) string {
	var names []string
	for _, b := range playbooks {
		if slices.Contains(b.Approvers, group) || slices.Contains(b.Also, group) {
			names = append(names, b.Name)
		}
	}
	if len(names) > maxNamed {
		names = append(names[:maxNamed:maxNamed], "and others")
	}
	return strings.Join(names, ", ")
}
