// Package match tells which Playbooks fit an Alert, in what order, and why the
// others do not.
//
// It is pure and deterministic: the same alert gives the same order. Matching
// does not grow with the number of playbooks: each is filed under the rarest of
// its `==` terms, and only those found there, and those without such a term, are
// evaluated. The result is the same as evaluating all of them.
//
// It assumes playbooks that were checked when they were loaded; New fails on an
// expression that does not compile. An expression that cannot be evaluated over
// an alert does not fit, and the Fit says why.
package match

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"salve/bot"
	"salve/bot/expr"
)

// Fit is one Playbook held against one Alert.
type Fit struct {
	Playbook bot.Playbook
	Fits     bool
	Score    int    // how specific it is; higher is tried first
	Reason   string // one sentence for people
}

// entry is a playbook ready to be matched.
type entry struct {
	book  bot.Playbook
	match *expr.Bool
	terms []expr.Term
	score int
}

// Index finds playbooks. It is never changed after New and is safe for use by
// many at once.
type Index struct {
	entries []entry
	filed   map[string]map[string][]int // path -> value -> entries filed there
	paths   []string                    // the paths under which anything is filed
	always  []int                       // entries without an equality
}

// New compiles and files playbooks.
func New(playbooks []bot.Playbook) (*Index, error) {
	x := &Index{entries: make([]entry, 0, len(playbooks)), filed: map[string]map[string][]int{}}
	common := map[expr.Term]int{}
	for _, p := range playbooks {
		m, err := expr.CompileBool(expr.AlertEnv, p.Match)
		if err != nil {
			return nil, fmt.Errorf("match of playbook %s: %w", p.Name, err)
		}
		e := entry{book: p, match: m, terms: m.Equalities()}
		e.score = len(e.terms)*10 + m.Clauses()
		for _, t := range e.terms {
			common[t]++
		}
		x.entries = append(x.entries, e)
	}
	for i, e := range x.entries {
		x.file(i, e, common)
	}
	for path := range x.filed {
		x.paths = append(x.paths, path)
	}
	slices.Sort(x.paths)
	return x, nil
}

// file puts an entry under its rarest term.
func (x *Index) file(i int, e entry, common map[expr.Term]int) {
	if len(e.terms) == 0 {
		x.always = append(x.always, i)
		return
	}
	rarest := slices.MinFunc(e.terms, func(a, b expr.Term) int { return cmp.Compare(common[a], common[b]) })
	if x.filed[rarest.Path] == nil {
		x.filed[rarest.Path] = map[string][]int{}
	}
	x.filed[rarest.Path][rarest.Value] = append(x.filed[rarest.Path][rarest.Value], i)
}

// Rank gives the playbooks that fit, the most specific first, then the higher
// priority, then by name.
func (x *Index) Rank(alert bot.Alert, inc bot.Incident) []Fit {
	var fits []Fit
	var vars expr.Vars
	made := false
	try := func(i int) {
		if !made {
			vars, made = expr.AlertVars(alert, inc, nil), true
		}
		if ok, err := x.entries[i].match.Eval(vars); ok && err == nil {
			fits = append(fits, x.entries[i].fit(true, "everything that it asks for holds"))
		}
	}
	for _, path := range x.paths {
		value, ok := expr.Value(alert, path)
		if !ok {
			continue
		}
		for _, i := range x.filed[path][value] {
			try(i)
		}
	}
	for _, i := range x.always {
		try(i)
	}
	slices.SortFunc(fits, byRank)
	return fits
}

func (e entry) fit(fits bool, reason string) Fit {
	return Fit{Playbook: e.book, Fits: fits, Score: e.score, Reason: reason}
}

func byRank(a, b Fit) int {
	return cmp.Or(
		cmp.Compare(b.Score, a.Score),
		cmp.Compare(b.Playbook.Priority, a.Playbook.Priority),
		strings.Compare(a.Playbook.Name, b.Playbook.Name),
	)
}

// Explain gives the playbooks that fit, as Rank does, and after them those that
// do not, nearest first, at most limit of these.
func (x *Index) Explain(alert bot.Alert, inc bot.Incident, limit int) []Fit {
	vars := expr.AlertVars(alert, inc, nil)
	var fits []Fit
	var misses []miss
	for _, e := range x.entries {
		ok, err := e.match.Eval(vars)
		if ok && err == nil {
			fits = append(fits, e.fit(true, "everything that it asks for holds"))
			continue
		}
		misses = append(misses, e.miss(alert, err))
	}
	slices.SortFunc(fits, byRank)
	slices.SortFunc(misses, func(a, b miss) int {
		return cmp.Or(cmp.Compare(a.unmet, b.unmet), cmp.Compare(b.met, a.met), byRank(a.fit, b.fit))
	})
	for _, m := range misses[:min(max(limit, 0), len(misses))] {
		fits = append(fits, m.fit)
	}
	return fits
}

// miss is a playbook that does not fit and how far it is from it.
type miss struct {
	fit        Fit
	met, unmet int
}

func (e entry) miss(alert bot.Alert, err error) miss {
	m := miss{}
	var reasons []string
	for _, t := range e.terms {
		switch got, ok := expr.Value(alert, t.Path); {
		case !ok:
			m.unmet++
			reasons = append(reasons, fmt.Sprintf("alert.%s is missing, the playbook wants %q", t.Path, short(t.Value)))
		case got != t.Value:
			m.unmet++
			reasons = append(reasons, fmt.Sprintf("alert.%s is %q, the playbook wants %q", t.Path, short(got), short(t.Value)))
		default:
			m.met++
		}
	}
	switch {
	case err != nil:
		m.unmet += 100 // what cannot be evaluated is never near
		reasons = append(reasons, err.Error())
	case len(reasons) == 0:
		m.unmet++
		reasons = append(reasons, "this does not hold: "+short(e.match.Source()))
	}
	m.fit = e.fit(false, strings.Join(reasons, "; "))
	return m
}

// short cuts untrusted text for a sentence.
func short(s string) string {
	const most = 120
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
