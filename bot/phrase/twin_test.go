package phrase_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/chat"
	"salve/bot/phrase"
)

// notSaid are the verbs of the command line alone, and why.
var notSaid = map[bot.Verb]string{
	bot.VerbReplay:  "a payload is read before it is taken in again, which needs more room than chat has",
	bot.VerbDiscard: "as replay",
}

// verbs are all there are; one more in bot fails TestEveryVerbCanBeSaid by its
// own table there.
var verbs = []bot.Verb{
	bot.VerbApprove, bot.VerbDeny, bot.VerbTake, bot.VerbRelease, bot.VerbAssign, bot.VerbNote, bot.VerbClose, bot.VerbReopen,
	bot.VerbMerge, bot.VerbSplit, bot.VerbSnooze, bot.VerbHandover, bot.VerbRun, bot.VerbUndo, bot.VerbCancel, bot.VerbSettle,
	bot.VerbHalt, bot.VerbResume, bot.VerbReplay, bot.VerbDiscard, bot.VerbClaim, bot.VerbUnclaim, bot.VerbRaise,
}

func TestEveryVerbCanBeSaid(t *testing.T) {
	t.Parallel()
	said := map[bot.Verb]phrase.Usage{}
	for _, u := range phrase.Usages() {
		said[u.Verb] = u
	}
	for _, v := range verbs {
		_, can := said[v]
		_, not := notSaid[v]
		require.NotEqual(t, can, not, "%s is said, or there is a reason why not", v)
	}
}

func TestEveryUsageHasAnExampleThatWorks(t *testing.T) {
	t.Parallel()
	for _, u := range phrase.Usages() {
		require.True(t, u.Word == u.Example || strings.HasPrefix(u.Example, u.Word+" "), u.Example)
		require.NotEmpty(t, u.Says)
		p, err := phrase.Parse(u.Example, phrase.Here{})
		require.NoError(t, err, u.Example)
		if u.Verb != "" {
			require.Equal(t, bot.PressCommand, p.Kind, u.Example)
			require.Equal(t, u.Verb, p.Command.Verb)
		} else {
			require.Equal(t, bot.PressShow, p.Kind, u.Example)
		}
	}
}

// lean is a Command without what it carries only to find its row faster.
func lean(c bot.Command) bot.Command {
	c.Digest, c.Seen = bot.Digest(c.Digest).Short(), 0
	if c.Incident != 0 {
		c.Approval = 0
	}
	switch c.Verb {
	case bot.VerbCancel, bot.VerbUndo, bot.VerbSettle:
		c.Incident = 0
	}
	return c
}

// text is what people write, and what they should not.
func text() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			"db-3", "deadbeef", "3fa9c1d2", "I-7", "R-8", "142", "--reason", "-r", "--target=x", "a=b", "me", "to", "for", "30m", "high",
			"--severity", "it's", `"`, `'`, `\`, "“a", "b”", "’", "`x`", "—", "👩‍🚒", "\u200b", "\u202e", "<!channel>", "&amp;", "@U1", "a:", "all", "salve", "x,",
		}),
		rapid.StringN(1, 12, 40),
	)
	return rapid.Custom(func(t *rapid.T) string {
		s := strings.ToValidUTF8(strings.Join(rapid.SliceOfN(piece, 1, 4).Draw(t, "pieces"), rapid.SampledFrom([]string{" ", "  ", "", "\t"}).Draw(t, "gap")), "?")
		if s = strings.TrimSpace(s); s == "" {
			return "x"
		}
		return s
	})
}

func oneLine(t *rapid.T, label string) string {
	s := strings.TrimSpace(strings.NewReplacer("\n", " ", "\r", " ").Replace(text().Draw(t, label)))
	if s == "" {
		return "x"
	}
	return s
}

func anyCommand(t *rapid.T) bot.Command {
	id := func(name string) int64 { return rapid.Int64Range(1, 1<<40).Draw(t, name) }
	maybe := func(name string) string {
		if rapid.Bool().Draw(t, "has "+name) {
			return text().Draw(t, name)
		}
		return ""
	}
	c := bot.Command{Verb: rapid.SampledFrom(verbs).Draw(t, "verb"), Incident: bot.IncidentID(id("incident"))}
	switch c.Verb {
	case bot.VerbApprove:
		c.Digest, c.Reason, c.Approval = "3fa9c1d2e4b5a697", maybe("reason"), bot.ApprovalID(id("approval"))
	case bot.VerbDeny:
		c.Digest, c.Reason = rapid.SampledFrom([]string{"", "3fa9c1d2e4b5a697"}).Draw(t, "digest"), text().Draw(t, "reason")
	case bot.VerbAssign:
		c.To = oneLine(t, "to")
	case bot.VerbHandover:
		c.To, c.Reason = oneLine(t, "to"), text().Draw(t, "reason")
	case bot.VerbNote, bot.VerbClose:
		c.Reason = text().Draw(t, "reason")
	case bot.VerbMerge:
		c.Into = bot.IncidentID(id("into"))
	case bot.VerbSplit:
		c.Alerts = rapid.SliceOfN(text(), 1, 5).Draw(t, "alerts")
	case bot.VerbSnooze:
		c.For = bot.Duration(rapid.Int64Range(1, 1e6).Draw(t, "seconds") * 1e9)
	case bot.VerbRun:
		c.Playbook = text().Draw(t, "playbook")
		c.Params = rapid.MapOfN(rapid.StringMatching(`[a-z][a-z0-9_]{0,8}`), text(), 1, 4).Draw(t, "params")
	case bot.VerbCancel, bot.VerbUndo:
		c.Run = bot.RunID(id("run"))
	case bot.VerbSettle:
		c.Run, c.Seen, c.Settle = bot.RunID(id("run")), 3, bot.SettleNotDone
	case bot.VerbHalt, bot.VerbResume:
		c.Incident, c.Scope = 0, rapid.SampledFrom([]bot.HaltScope{bot.HaltAll, bot.HaltTarget, bot.HaltPlaybook}).Draw(t, "scope")
		if c.Scope != bot.HaltAll {
			c.Name = text().Draw(t, "name")
		}
		if c.Verb == bot.VerbHalt {
			c.Reason = maybe("reason")
		}
	case bot.VerbClaim:
		c.Incident, c.Name, c.Reason = 0, text().Draw(t, "name"), maybe("reason")
		c.For = bot.Duration(rapid.Int64Range(0, 1e6).Draw(t, "seconds") * 1e9)
	case bot.VerbUnclaim:
		c.Incident, c.Name = 0, text().Draw(t, "name")
	case bot.VerbRaise:
		c.Incident, c.Title, c.Reason = 0, oneLine(t, "title"), maybe("reason")
		c.Severity = rapid.SampledFrom([]bot.Severity{bot.SeverityUnknown, bot.SeverityLow, bot.SeverityCritical}).Draw(t, "severity")
	}
	return c
}

func TestTheTwinOfACommandSaysTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCommand(t)
		twin := phrase.Twin(c)
		if notSaid[c.Verb] != "" {
			require.Empty(t, twin)
			return
		}
		for _, here := range []phrase.Here{{}, {Incident: 9, Run: 9}} {
			for _, said := range []string{twin, "/" + twin, "@" + twin, strings.TrimPrefix(twin, "salve ")} {
				p, err := phrase.Parse(said, here)
				require.NoError(t, err, said)
				require.Equal(t, bot.Press{Kind: bot.PressCommand, Command: lean(c)}, p, said)
			}
		}
	})
}

func TestTwinsReadAsPeopleWouldWriteThem(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]bot.Command{
		"salve approve I-142 3fa9c1d2":                  {Verb: bot.VerbApprove, Incident: 142, Approval: 7, Digest: "3fa9c1d2e4b5a697"},
		"salve deny I-142 3fa9c1d2 wrong host":          {Verb: bot.VerbDeny, Incident: 142, Digest: "3fa9c1d2e4b5a697", Reason: "wrong host"},
		"salve run restart I-142 -p unit=nginx":         {Verb: bot.VerbRun, Incident: 142, Playbook: "restart", Params: map[string]string{"unit": "nginx"}},
		"salve halt --target='web 1' --reason 'deploy'": {Verb: bot.VerbHalt, Scope: bot.HaltTarget, Name: "web 1", Reason: "deploy"},
		"salve claim db-3 2h":                           {Verb: bot.VerbClaim, Name: "db-3", For: 2 * hour},
		"salve snooze I-142 30m":                        {Verb: bot.VerbSnooze, Incident: 142, For: 30 * minute},
	} {
		require.Equal(t, want, phrase.Twin(c))
	}
}

var placeholder = regexp.MustCompile(`\b(REASON|TEXT|PERSON|MESSAGE|PLAYBOOK|I-OTHER|FINGERPRINT \.\.\.)`)

// TestTheTwinsOnCardsAreUnderstood reads every line that a Card prints beside a
// button, with what people would put for its placeholders.
func TestTheTwinsOnCardsAreUnderstood(t *testing.T) {
	t.Parallel()
	values := map[string]string{"REASON": "why", "TEXT": "words", "PERSON": "bob", "MESSAGE": "read it", "PLAYBOOK": "restart", "I-OTHER": "I-7", "FINGERPRINT ...": "f1"}
	seen := map[bot.Verb]bool{}
	for _, s := range states() {
		for _, a := range chat.Card(s, bot.Person{ID: "alice", Name: "Alice", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}}, began.Add(time.Minute)).Actions {
			p, err := phrase.Parse(placeholder.ReplaceAllStringFunc(a.CLI, func(w string) string { return values[w] }), phrase.Here{})
			require.NoError(t, err, a.CLI)
			want := lean(a.Command)
			got := p.Command
			require.Equal(t, want.Verb, got.Verb, a.CLI)
			for _, ask := range a.Asks {
				switch ask {
				case "reason":
					if got.Verb != bot.VerbHalt {
						require.NotEmpty(t, got.Reason, a.CLI)
					}
					want.Reason = got.Reason
				case "to":
					want.To = "bob"
				case "for":
					want.For = 30 * minute
				case "into":
					want.Into = 7
				case "alerts":
					want.Alerts = []string{"f1"}
				case "playbook":
					want.Playbook = "restart"
				default:
					t.Fatalf("nobody knows the field %q", ask)
				}
			}
			require.Equal(t, bot.Press{Kind: bot.PressCommand, Command: want}, p, a.CLI)
			seen[got.Verb] = true
		}
	}
	for _, v := range []bot.Verb{bot.VerbApprove, bot.VerbDeny, bot.VerbCancel, bot.VerbUndo, bot.VerbSettle, bot.VerbHalt, bot.VerbTake, bot.VerbRelease, bot.VerbReopen, bot.VerbSplit} {
		require.True(t, seen[v], "no card shows %s", v)
	}
}

var began = time.Date(2026, 3, 14, 3, 0, 0, 0, time.UTC)

// states are such that together their Cards show every action there is.
func states() []chat.State {
	inc := bot.Incident{ID: 142, Version: 1, Fold: bot.Fold{Source: "prod", Title: "Hangs", Severity: bot.SeverityHigh, Firing: 2, Total: 2, FirstAt: began}}
	plan := bot.Plan{ID: 7, Incident: 142, Kind: bot.PlanRespond, Playbook: "restart", Target: "web 1's", Digest: "3fa9c1d2e4b5a697",
		Steps: []bot.PlanStep{{ID: "go", Effect: bot.EffectChanges, Undo: &bot.PlanStep{ID: "go"}}}}
	ask := bot.Approval{ID: 7, Incident: 142, Plan: 7, Digest: plan.Digest, Playbook: "restart", Target: plan.Target, State: bot.ApprovalPending,
		Rule: bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1}, OpenedAt: began, ExpiresAt: began.Add(time.Hour)}
	run := func(state bot.RunState, step bot.StepState) bot.Run {
		r := bot.Run{ID: 88, Version: 4, Incident: 142, Plan: 7, Kind: bot.PlanRespond, Playbook: "restart", Target: plan.Target, State: state, Steps: []bot.Step{{ID: "go", State: step, Attempt: 1}}}
		if !state.Active() {
			r.EndedAt, r.UndoUntil = began, began.Add(time.Hour)
		}
		return r
	}
	owned, closed := inc, inc
	owned.Owner, owned.OwnerName = "bob", "Bob"
	closed.ClosedAt, closed.CloseReason = began, "over"
	out := []chat.State{
		{Incident: inc, Plans: []bot.Plan{plan}, Approvals: []bot.Approval{ask}}, {Incident: owned}, {Incident: closed},
	}
	for _, r := range []bot.Run{run(bot.RunRunning, bot.StepStarted), run(bot.RunWaiting, bot.StepUnknown), run(bot.RunWaiting, bot.StepPlanned), run(bot.RunFixed, bot.StepSucceeded)} {
		out = append(out, chat.State{Incident: inc, Plans: []bot.Plan{plan}, Runs: []bot.Run{r}})
	}
	return out
}

func FuzzParse(f *testing.F) {
	for _, u := range phrase.Usages() {
		f.Add(u.Example)
	}
	for _, s := range []string{
		"", "@salve", "approve I-142 3fa9c1d2", "halt --target='a\\''", "run p I-1 a=“b c” -p", "note I-1 '\"\\", "\xff\xfe", "\u202eapprove",
		strings.Repeat("'", 9000), strings.Repeat("\"\\\"", 4000), strings.Repeat("halt -r ", 2000), "snooze I-1 " + strings.Repeat("9h", 5000),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, here := range []phrase.Here{{}, {Incident: 3, Run: 4}} {
			p, err := phrase.Parse(s, here)
			if err != nil {
				var r *bot.Refusal
				require.ErrorAs(t, err, &r)
				require.NotEmpty(t, r.Why)
				require.Less(t, len(r.Error()), 600)
				continue
			}
			c := p.Command
			if p.Kind == bot.PressCommand && c.Verb == bot.VerbApprove {
				require.GreaterOrEqual(t, len(c.Digest), 8, "only a digest decides")
				require.True(t, c.Incident != 0 || c.Approval != 0)
			}
			if p.Kind == bot.PressCommand && len(c.Digest) <= 8 && len(s) < 2000 {
				again, err := phrase.Parse(phrase.Twin(c), phrase.Here{})
				require.NoError(t, err, phrase.Twin(c))
				require.Equal(t, lean(c), again.Command, phrase.Twin(c))
			}
		}
	})
}
