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
	"maps"
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
	shelves []shelf // by path
	always  []int   // entries without an equality
}

// shelf holds the entries filed under one path, by the value that they want.
type shelf struct {
	path  string
	read  func(*bot.Alert) (string, bool)
	filed map[string][]int
}

// New compiles and files playbooks.
func New(playbooks []bot.Playbook) (*Index, error) {
	x := &Index{entries: make([]entry, 0, len(playbooks))}
	common := map[expr.Term]int{}
	for _, p := range playbooks {
		e, err := compile(p)
		if err != nil {
			return nil, fmt.Errorf("match of playbook %s: %w", p.Name, err)
		}
		for _, t := range e.terms {
			common[t]++
		}
		x.entries = append(x.entries, e)
	}
	shelves := map[string]*shelf{}
	for i, e := range x.entries {
		if len(e.terms) == 0 {
			x.always = append(x.always, i)
			continue
		}
		t := rarest(e.terms, common)
		s := shelves[t.Path]
		if s == nil {
			read, ok := expr.Reader(t.Path)
			if !ok {
				return nil, fmt.Errorf("match of playbook %s: nothing reads alert.%s", e.book.Name, t.Path)
			}
			s = &shelf{path: t.Path, read: read, filed: map[string][]int{}}
			shelves[t.Path] = s
		}
		s.filed[t.Value] = append(s.filed[t.Value], i)
	}
	for _, path := range slices.Sorted(maps.Keys(shelves)) {
		x.shelves = append(x.shelves, *shelves[path])
	}
	return x, nil
}

func compile(p bot.Playbook) (entry, error) {
	m, err := expr.CompileBool(expr.AlertEnv, p.Match)
	if err != nil {
		return entry{}, err
	}
	if names := m.Params(); len(names) > 0 {
		return entry{}, fmt.Errorf("it reads params.%s, but params have no values before a playbook fits", names[0])
	}
	e := entry{book: p, match: m, terms: m.Equalities()}
	e.score = len(e.terms)*10 + m.Clauses()
	return e, nil
}

func rarest(terms []expr.Term, common map[expr.Term]int) expr.Term {
	return slices.MinFunc(terms, func(a, b expr.Term) int { return cmp.Compare(common[a], common[b]) })
}

// Rank gives the playbooks that fit, the most specific first, then the higher
// priority, then by name.
func (x *Index) Rank(alert bot.Alert, inc bot.Incident) []Fit {
	found := x.find(&alert)
	if len(found) == 0 {
		return nil
	}
	var fits []Fit
	vars := expr.AlertVars(alert, inc, nil)
	for _, i := range found {
		if ok, err := x.entries[i].match.Eval(vars); ok && err == nil {
			fits = append(fits, x.entries[i].fit(true, holds))
		}
	}
	slices.SortStableFunc(fits, byRank)
	return fits
}

// May reports whether a playbook may fit the alert, whatever its Incident is:
// when it is false, Rank gives none. It costs some look-ups and no evaluation.
func (x *Index) May(alert bot.Alert) bool { return len(x.find(&alert)) > 0 }

// find gives the entries that may fit.
func (x *Index) find(alert *bot.Alert) []int {
	found := x.always
	for _, s := range x.shelves {
		if value, ok := s.read(alert); ok {
			found = append(found[:len(found):len(found)], s.filed[value]...)
		}
	}
	return found
}

const holds = "everything that it asks for holds"

func (e *entry) fit(fits bool, reason string) Fit {
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
// do not, nearest first, at most limit of these. It tries every playbook and is
// for people who ask, not for every alert.
func (x *Index) Explain(alert bot.Alert, inc bot.Incident, limit int) []Fit {
	vars := expr.AlertVars(alert, inc, nil)
	var fits []Fit
	var misses []miss
	for i := range x.entries {
		e := &x.entries[i]
		if ok, err := e.match.Eval(vars); ok && err == nil {
			fits = append(fits, e.fit(true, holds))
		} else {
			misses = append(misses, e.miss(alert, err))
		}
	}
	slices.SortStableFunc(fits, byRank)
	slices.SortStableFunc(misses, byNearness)
	for _, m := range misses[:min(max(limit, 0), len(misses))] {
		fits = append(fits, m.entry.fit(false, m.entry.reason(alert, vars)))
	}
	return fits
}

// miss is a playbook that does not fit and how far it is from it.
type miss struct {
	entry      *entry
	met, unmet int // equality terms
}

func (e *entry) miss(alert bot.Alert, err error) miss {
	m := miss{entry: e}
	for _, t := range e.terms {
		if got, ok := expr.Value(alert, t.Path); ok && got == t.Value {
			m.met++
		} else {
			m.unmet++
		}
	}
	switch {
	case err != nil:
		m.unmet += 100 // what cannot be evaluated is never near
	case m.unmet == 0:
		m.unmet++ // something else does not hold
	}
	return m
}

func byNearness(a, b miss) int {
	return cmp.Or(
		cmp.Compare(a.unmet, b.unmet), cmp.Compare(b.met, a.met), cmp.Compare(b.entry.score, a.entry.score),
		cmp.Compare(b.entry.book.Priority, a.entry.book.Priority), strings.Compare(a.entry.book.Name, b.entry.book.Name),
	)
}

// reason says in one sentence what an alert lacks.
func (e *entry) reason(alert bot.Alert, vars expr.Vars) string {
	var out []string
	for _, c := range e.match.Unmet(vars) {
		out = append(out, sentence(alert, c))
		if len(out) == maxReasons {
			break
		}
	}
	if len(out) == 0 {
		return "this does not hold: " + short(e.match.Source())
	}
	return strings.Join(out, "; ")
}

// maxReasons is how many clauses a sentence names.
const maxReasons = 5

func sentence(alert bot.Alert, c expr.Clause) string {
	switch {
	case c.Equal != nil:
		got, ok := expr.Value(alert, c.Equal.Path)
		if !ok {
			return fmt.Sprintf("alert.%s is missing, the playbook wants %q", c.Equal.Path, short(c.Equal.Value))
		}
		return fmt.Sprintf("alert.%s is %q, the playbook wants %q", c.Equal.Path, short(got), short(c.Equal.Value))
	case c.Missing != "":
		return fmt.Sprintf("the alert has no %q, which is read in: %s", short(c.Missing), short(c.Source))
	case c.Err != nil:
		return "this cannot be evaluated: " + short(c.Err.Error())
	default:
		return "this does not hold: " + short(c.Source)
	}
}

// short cuts untrusted text for a sentence.
func short(s string) string {
	const most = 120
	if r := []rune(s); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return s
}
