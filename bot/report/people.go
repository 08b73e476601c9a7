package report

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"salve/bot"
)

// Standing is what a person was from one time until another. Until is zero when
// it was so at the end of the Span.
type Standing struct {
	Person     string    `json:"person"`
	Name       string    `json:"name"`
	Roles      []string  `json:"roles"`
	Groups     []string  `json:"groups"`
	Identities []string  `json:"identities"`
	Disabled   bool      `json:"disabled,omitempty"`
	From       time.Time `json:"from"`
	Until      time.Time `json:"until,omitzero"`
	By         string    `json:"by"`
	Seq        int64     `json:"seq"`
}

// people are all changes of persons, in the order of the chain.
type people struct{ all []Standing }

func (p *people) take(e bot.Event) {
	if e.Kind != bot.EventPerson || e.Data["person"] == "" {
		return
	}
	p.all = append(p.all, Standing{
		Person: e.Data["person"], Name: e.Data["name"], Roles: strings.Fields(e.Data["roles"]), Groups: strings.Fields(e.Data["groups"]),
		Identities: strings.Fields(e.Data["identities"]), Disabled: e.Data["disabled"] == "true",
		From: e.At, By: who(e.Actor), Seq: e.Seq,
	})
}

// at is what a person was when Event seq was written.
func (p *people) at(person bot.PersonID, seq int64) (Standing, bool) {
	for _, s := range slices.Backward(p.all) {
		if s.Seq < seq && s.Person == string(person) {
			return s, true
		}
	}
	return Standing{}, false
}

// during are the standings that overlap the Span, by person and time.
func (p *people) during(span Span) []Standing {
	var out []Standing
	latest := map[string]int{}
	for _, s := range p.all {
		if i, ok := latest[s.Person]; ok {
			out[i].Until = s.From
		}
		latest[s.Person] = len(out)
		out = append(out, s)
	}
	out = slices.DeleteFunc(out, func(s Standing) bool { return !s.Until.IsZero() && !s.Until.After(span.From) })
	slices.SortStableFunc(out, func(a, b Standing) int { return cmp.Compare(a.Person, b.Person) })
	return out
}

// Rule is who may let a playbook run.
type Rule struct {
	Mode       string   `json:"mode"`
	AutoBelow  string   `json:"auto_below,omitempty"`
	Approvers  []string `json:"approvers"`
	Quorum     int      `json:"quorum"`
	Also       []string `json:"also,omitempty"`
	Author     string   `json:"author,omitempty"`
	ReviewedBy string   `json:"reviewed_by,omitempty"`
}

// Right is who could let a playbook run at the end of the Span.
type Right struct {
	Playbook string   `json:"playbook"`
	Rule     *Rule    `json:"rule"`   // nil: the log does not say
	People   []string `json:"people"` // who could say yes
}

// Version is one playbook as it was loaded.
type Version struct {
	Playbook string `json:"playbook"`
	Hash     string `json:"hash"`
	Rule     *Rule  `json:"rule,omitempty"`
}

// Load is a time at which other playbooks came into force; the first one is what
// was in force when the Span began.
type Load struct {
	Seq     int64     `json:"seq"`
	At      time.Time `json:"at"`
	All     string    `json:"all"` // hash over all of them
	Text    string    `json:"text"`
	Added   []Version `json:"added,omitempty"`
	Changed []Version `json:"changed,omitempty"`
	Removed []string  `json:"removed,omitempty"`
	Before  bool      `json:"before,omitempty"` // it was in force when the Span began
}

// playbooks follows what is in force.
type playbooks struct {
	force map[string]Version
	all   string
	loads []Load
}

func (p *playbooks) take(e bot.Event, in bool) {
	if e.Kind != bot.EventLoaded || e.Data["all"] == p.all && p.all != "" {
		return
	}
	now := versions(e.Data)
	l := Load{Seq: e.Seq, At: e.At, All: e.Data["all"], Text: e.Text, Before: !in}
	was := p.force
	if !in {
		was, p.loads = nil, nil // only the last one before the Span is of interest
	}
	for _, v := range sorted(now) {
		switch old, there := was[v.Playbook]; {
		case !there:
			l.Added = append(l.Added, v)
		case old.Hash != v.Hash:
			l.Changed = append(l.Changed, v)
		}
	}
	for _, v := range sorted(was) {
		if _, there := now[v.Playbook]; !there {
			l.Removed = append(l.Removed, v.Playbook)
		}
	}
	p.force, p.all = now, e.Data["all"]
	p.loads = append(p.loads, l)
}

// versions reads what the Event of a load says: the hash of each playbook under
// its name, and its rule under its name and " rule".
func versions(data map[string]string) map[string]Version {
	out := map[string]Version{}
	for k, hash := range data {
		if k == "all" || strings.HasSuffix(k, " rule") {
			continue
		}
		v := Version{Playbook: k, Hash: hash}
		var r Rule
		if json.Unmarshal([]byte(data[k+" rule"]), &r) == nil {
			v.Rule = &r
		}
		out[k] = v
	}
	return out
}

func sorted(m map[string]Version) []Version {
	out := make([]Version, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b Version) int { return cmp.Compare(a.Playbook, b.Playbook) })
	return out
}

// rights says who could let each playbook run at the end.
func (x *Index) rights() []Right {
	var out []Right
	for _, v := range sorted(x.playbooks.force) {
		r := Right{Playbook: v.Playbook, Rule: v.Rule, People: []string{}}
		for _, s := range x.people.during(Span{From: x.span.To, To: x.span.To}) {
			if v.Rule != nil && s.may(*v.Rule) {
				r.People = append(r.People, s.Person)
			}
		}
		out = append(out, r)
	}
	return out
}

// may reports whether the person could say yes to the playbook; whoever asked
// for a run could not, which is of the run and not of the person.
func (s Standing) may(r Rule) bool {
	author := s.Person == r.Author && (r.ReviewedBy == "" || r.ReviewedBy == r.Author)
	return !s.Disabled && !author && len(s.groupsOf(slices.Concat(r.Approvers, r.Also))) > 0 && len(r.Approvers) > 0
}

func (s Standing) groupsOf(approvers []string) []string {
	var out []string
	for _, g := range s.Groups {
		if slices.Contains(approvers, g) {
			out = append(out, g)
		}
	}
	return out
}
