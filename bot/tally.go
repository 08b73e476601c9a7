package bot

import (
	"fmt"
	"slices"
	"strings"
)

// Tally is how far a question is towards a yes.
type Tally struct {
	Yes    int      // distinct people who said yes to its digest
	Needed int      // people that its rule asks for
	Open   []string // groups of whom another yes would count; empty: it is agreed
}

// Agreed reports whether the votes satisfy the rule.
func (t Tally) Agreed() bool { return t.Needed > 0 && len(t.Open) == 0 }

// Tally counts the votes: Quorum people of Approvers and beside them one of each
// group of Also, all of them distinct people. One person stands for one of these
// alone, by the groups that they were in when they voted.
func (a Approval) Tally() Tally {
	wants := a.Rule.wants()
	votes := a.yes()
	t := Tally{Yes: len(votes), Needed: len(wants)}
	seats := seat(wants, votes)
	if !slices.Contains(seats, free) {
		return t
	}
	for _, g := range a.Rule.Voters() {
		with := append(slices.Clone(votes), []string{g})
		if filled(seat(wants, with)) > filled(seats) {
			t.Open = append(t.Open, g)
		}
	}
	if len(t.Open) == 0 { // a rule that nobody can satisfy is never agreed
		t.Open = []string{"nobody"}
	}
	return t
}

// wants is one entry for each person that is needed: the groups of which they
// may be.
func (r ApprovalRule) wants() [][]string {
	var out [][]string
	for range max(r.Quorum, 1) {
		out = append(out, r.Approvers)
	}
	for _, g := range r.Also {
		out = append(out, []string{g})
	}
	return out
}

// yes is, for each person who said yes to the digest, the groups that they vote
// for. Votes of old rows name no group; they were let in as approvers.
func (a Approval) yes() [][]string {
	var out [][]string
	seen := map[PersonID]bool{}
	for _, v := range a.Votes {
		if !v.Yes || v.Person == "" || v.Digest != a.Digest || seen[v.Person] {
			continue
		}
		seen[v.Person] = true
		groups := v.Groups
		if len(groups) == 0 {
			groups = a.Rule.Approvers
		}
		out = append(out, groups)
	}
	return out
}

// free is a seat that nobody has.
const free = -1

// seat gives as many of the wants as possible a vote each, exactly: a vote that
// has a seat moves to another one where that makes room (augmenting paths). The
// result holds the vote of each want, or free.
func seat(wants, votes [][]string) []int {
	seats := slices.Repeat([]int{free}, len(wants))
	var place func(vote int, tried []bool) bool
	place = func(vote int, tried []bool) bool {
		for w, groups := range wants {
			if tried[w] || !overlap(groups, votes[vote]) {
				continue
			}
			tried[w] = true
			if seats[w] == free || place(seats[w], tried) {
				seats[w] = vote
				return true
			}
		}
		return false
	}
	for v := range votes {
		place(v, make([]bool, len(wants)))
	}
	return seats
}

func filled(seats []int) int {
	n := 0
	for _, s := range seats {
		if s != free {
			n++
		}
	}
	return n
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(g string) bool { return slices.Contains(b, g) })
}

// Voters are the groups whose people may say yes: Approvers, then Also.
func (r ApprovalRule) Voters() []string {
	out := slices.Clone(r.Approvers)
	for _, g := range r.Also {
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// VotesFor are the groups of the rule that the person is in now.
func (r ApprovalRule) VotesFor(p Person) []string {
	var out []string
	for _, g := range r.Voters() {
		if p.In([]string{g}) {
			out = append(out, g)
		}
	}
	return out
}

// Beside says in words which groups must agree beside the approvers: " and 1 of
// group security"; "" when there are none.
func (r ApprovalRule) Beside() string {
	var b strings.Builder
	for _, g := range r.Also {
		fmt.Fprintf(&b, " and 1 of group %s", g)
	}
	return b.String()
}

func groupsText(groups []string) string {
	if len(groups) == 1 {
		return "group " + groups[0]
	}
	return "groups " + strings.Join(groups, ", ")
}
