package bot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Tally is how far a question is towards a yes.
type Tally struct {
	Yes    int      // distinct people who said yes to its digest
	Needed int      // people that its rule asks for
	Open   []string // groups of whom another yes would count; empty: it is agreed
	Half   []string // names of those whose yes counts when they say it on another surface, too
}

// Agreed reports whether the votes satisfy the rule.
func (t Tally) Agreed() bool { return t.Needed > 0 && len(t.Open) == 0 }

// Tally counts the votes: Quorum people of Approvers and beside them one of each
// group of Also, all of them distinct people. One person stands for one of these
// alone, by the groups that they were in when they voted. With SecondFactor a
// person counts when they said yes on two surfaces, each of which proved by
// itself who they are, and for the groups that they were in both times.
func (a Approval) Tally() Tally {
	wants := a.Rule.wants()
	votes, half := a.yes()
	t := Tally{Yes: len(votes), Needed: len(wants), Half: half}
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
// for; half are the names of those who have to say it once more elsewhere.
func (a Approval) yes() (votes [][]string, half []string) {
	seen := map[PersonID]bool{}
	for i, v := range a.Votes {
		if !a.counts(v) || seen[v.Person] {
			continue
		}
		groups := a.groupsOf(v)
		if a.Rule.SecondFactor {
			second := slices.IndexFunc(a.Votes[i+1:], func(w Vote) bool { return a.counts(w) && w.Person == v.Person && w.Surface != v.Surface })
			if second < 0 {
				seen[v.Person], half = true, append(half, cmp.Or(v.Name, string(v.Person)))
				continue
			}
			again := a.groupsOf(a.Votes[i+1+second])
			groups = slices.DeleteFunc(slices.Clone(groups), func(g string) bool { return !slices.Contains(again, g) })
		}
		seen[v.Person] = true
		votes = append(votes, groups)
	}
	return votes, half
}

func (a Approval) counts(v Vote) bool { return v.Yes && v.Person != "" && v.Digest == a.Digest }

// groupsOf are those that a vote was given for. Votes of old rows name none; they
// were let in as approvers.
func (a Approval) groupsOf(v Vote) []string {
	if len(v.Groups) == 0 {
		return a.Rule.Approvers
	}
	return v.Groups
}

// Voted reports whether the person has said yes as often as the rule lets them.
func (a Approval) Voted(p PersonID) bool {
	surfaces := map[string]bool{}
	for _, v := range a.Votes {
		if v.Person == p {
			surfaces[v.Surface] = true
		}
	}
	if a.Rule.SecondFactor {
		return len(surfaces) > 1
	}
	return len(surfaces) > 0
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

// Beside says in words what the rule asks for beside the approvers: " and 1 of
// group security, each on two surfaces"; "" when that is nothing.
func (r ApprovalRule) Beside() string {
	var b strings.Builder
	for _, g := range r.Also {
		fmt.Fprintf(&b, " and 1 of group %s", g)
	}
	if r.SecondFactor {
		b.WriteString(", each on two surfaces")
	}
	return b.String()
}

func groupsText(groups []string) string {
	if len(groups) == 1 {
		return "group " + groups[0]
	}
	return "groups " + strings.Join(groups, ", ")
}
