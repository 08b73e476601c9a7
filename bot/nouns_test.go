package bot_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
)

func TestSeveritiesAreOrderedAndUnknownIsTheWorst(t *testing.T) {
	t.Parallel()
	order := []bot.Severity{bot.SeverityInfo, bot.SeverityLow, bot.SeverityMedium, bot.SeverityHigh, bot.SeverityCritical}
	for i, s := range order {
		for j, threshold := range order {
			require.Equal(t, i < j, s.Below(threshold), "%s below %s", s, threshold)
		}
		require.False(t, bot.SeverityUnknown.Below(s))
		require.False(t, s.Below(bot.SeverityUnknown), "nothing is below an unset threshold")
	}
	require.Equal(t, bot.SeverityUnknown, bot.SeverityCritical.Worse(bot.SeverityUnknown), "people see that it is unknown")
	require.Equal(t, bot.SeverityHigh, bot.SeverityLow.Worse(bot.SeverityHigh))
	require.False(t, bot.Severity(99).Below(bot.SeverityCritical))
	_, err := bot.ParseSeverity("dire")
	require.ErrorContains(t, err, "write info, low, medium, high or critical")
}

func TestIdsReadWhatPeopleType(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"I-142", "i-142", "142"} {
		id, err := bot.ParseIncidentID(s)
		require.NoError(t, err)
		require.Equal(t, "I-142", id.String())
	}
	for _, s := range []string{"R-1", "I-", "I-0", "I--3", "x", "1e3", "I-99999999999999999999"} {
		_, err := bot.ParseIncidentID(s)
		require.Error(t, err, s)
	}
}

func TestNounsSurviveJSON(t *testing.T) {
	t.Parallel()
	in := bot.Incident{
		ID: 142, Version: 3, Fold: bot.Fold{Source: "prod", Severity: bot.SeverityHigh, FirstAt: epoch, Labels: map[string]string{"a": "b"}},
		Work: bot.Work{
			Owner: "alice", SnoozedUntil: epoch, Asked: []bot.Ask{{Kind: bot.AskRun, At: epoch, Playbook: "p"}},
			Decision: bot.Decision{Candidates: []bot.Candidate{{Playbook: "p", Run: 88, Verdict: bot.Verdict{Ruling: bot.Deny, Rule: "halt"}}}},
		},
	}
	b, err := json.Marshal(in)
	require.NoError(t, err)
	require.Contains(t, string(b), `"id":"I-142"`)
	require.Contains(t, string(b), `"severity":"high"`)
	var out bot.Incident
	require.NoError(t, json.Unmarshal(b, &out))
	require.Equal(t, in, out)
}

func TestAVerdictIsAsStrictAsItsStrictestReason(t *testing.T) {
	t.Parallel()
	later := epoch.Add(time.Minute)
	allow := bot.Verdict{Ruling: bot.Allow, Rule: "a", Reason: "fine"}
	ask := bot.Verdict{Ruling: bot.AskPerson, Rule: "b", Reason: "high", RetryAt: epoch}
	ask2 := bot.Verdict{Ruling: bot.AskPerson, Rule: "c", Reason: "recent", RetryAt: later}
	deny := bot.Verdict{Ruling: bot.Deny, Rule: "d", Reason: "halted"}

	require.Equal(t, bot.Deny, bot.Judge("guard").Ruling, "no rule denies")
	require.Equal(t, bot.Allow, bot.Judge("guard", allow).Ruling)
	got := bot.Judge("guard", allow, ask, ask2)
	require.Equal(t, bot.AskPerson, got.Ruling)
	require.Equal(t, "high; recent", got.Reason)
	require.Equal(t, later, got.RetryAt)
	require.Equal(t, "halted", bot.Judge("guard", ask, deny, allow).Reason)
	require.Equal(t, bot.Deny, bot.Judge("guard", bot.Verdict{Ruling: "perhaps"}).Ruling.Stricter(bot.Allow), "an unknown ruling denies")
}

func TestADigestCoversWhatWillRunAndNothingElse(t *testing.T) {
	t.Parallel()
	base := bot.Plan{
		Kind: bot.PlanRespond, Playbook: "restart", Target: "db-1", Rule: bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1},
		Steps:  []bot.PlanStep{{ID: "s", Action: "http", Args: map[string]any{"url": "http://a", "n": int64(3)}, Undo: &bot.PlanStep{ID: "u"}}},
		Verify: &bot.PlanVerify{Checks: []bot.PlanCheck{{ID: "c", Probe: "http"}}},
	}
	want, err := base.ComputeDigest()
	require.NoError(t, err)
	require.Equal(t, bot.Digest("4917c49fe458677d4ed169b51549c567bdee2ccd9f806c866969b819a5d63f2f"), want, "of a rule without a second group: what was shown before there were any still stands")
	require.True(t, want.Matches(want.Short()))
	require.False(t, want.Matches(string(want[:7])), "too short to name it")
	require.False(t, want.Matches("00000000"))

	changes := map[string]func(*bot.Plan){
		"target":    func(p *bot.Plan) { p.Target = "db-2" },
		"playbook":  func(p *bot.Plan) { p.Playbook = "other" },
		"kind":      func(p *bot.Plan) { p.Kind = bot.PlanUndo },
		"argument":  func(p *bot.Plan) { p.Steps[0].Args = map[string]any{"url": "http://b", "n": int64(3)} },
		"timeout":   func(p *bot.Plan) { p.Steps[0].Timeout = bot.Duration(time.Second) },
		"undo":      func(p *bot.Plan) { p.Steps[0].Undo = nil },
		"sharing":   func(p *bot.Plan) { p.Steps[0].ShareOutput = true },
		"verify":    func(p *bot.Plan) { p.Verify = nil },
		"approvers": func(p *bot.Plan) { p.Rule.Approvers = []string{"everybody"} },
		"quorum":    func(p *bot.Plan) { p.Rule.Quorum = 2 },
		"also":      func(p *bot.Plan) { p.Rule.Also = []string{"security"} },
	}
	for name, change := range changes {
		p := base
		p.Steps = append([]bot.PlanStep(nil), base.Steps...)
		change(&p)
		got, err := p.ComputeDigest()
		require.NoError(t, err)
		require.NotEqual(t, want, got, name)
	}
	same := base
	same.ID, same.Incident, same.Title, same.CreatedAt, same.Mode = 9, 9, "t", epoch, bot.ModeAuto
	got, err := same.ComputeDigest()
	require.NoError(t, err)
	require.Equal(t, want, got)

	base.Steps[0].Args = map[string]any{"f": func() {}}
	_, err = base.ComputeDigest()
	require.ErrorContains(t, err, "digest of plan for restart on db-1")
}

func TestAnEventSealsAllOfItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := bot.Event{At: epoch.Add(time.Nanosecond), Kind: bot.EventNoted, Text: rapid.String().Draw(t, "text"), Incident: 1}
		a, err := e.Seal("main", 7, "prev")
		require.NoError(t, err)
		again, err := a.Seal("main", 7, "prev")
		require.NoError(t, err)
		require.Equal(t, a, again, "sealing a sealed event gives the same hash")
		other := a
		other.Text += "x"
		b, err := other.Seal("main", 7, "prev")
		require.NoError(t, err)
		require.NotEqual(t, a.Hash, b.Hash)
		c, err := a.Seal("main", 7, "other")
		require.NoError(t, err)
		require.NotEqual(t, a.Hash, c.Hash)
	})
}

func TestRolesAndGroupsOfADisabledPersonAreNone(t *testing.T) {
	t.Parallel()
	p := bot.Person{ID: "alice", Roles: []bot.Role{bot.RoleResponder}, Groups: []string{"oncall"}}
	require.True(t, p.Has(bot.RoleViewer))
	require.True(t, p.Has(bot.RoleResponder))
	require.False(t, p.Has(bot.RoleAdmin))
	require.True(t, p.In([]string{"db", "oncall"}))
	require.False(t, p.In(nil))
	p.Disabled = true
	require.False(t, p.Has(bot.RoleViewer))
	require.False(t, p.In([]string{"oncall"}))
	require.False(t, bot.Person{}.Has(bot.RoleViewer))
	admin := bot.Person{ID: "root", Roles: []bot.Role{bot.RoleAdmin}}
	require.False(t, admin.Has(bot.RoleResponder), "an admin is exempt from nothing")
}

func TestATokenOpensUntilItExpiresOrIsRevoked(t *testing.T) {
	t.Parallel()
	tok := bot.Token{Person: "alice", ExpiresAt: epoch}
	require.True(t, tok.Valid(epoch.Add(-time.Second)))
	require.False(t, tok.Valid(epoch))
	tok.RevokedAt = epoch.Add(-time.Hour)
	require.False(t, tok.Valid(epoch.Add(-time.Second)))
	require.False(t, bot.Token{ExpiresAt: epoch}.Valid(epoch.Add(-1)))
}

func TestAHaltStopsWhatItNames(t *testing.T) {
	t.Parallel()
	require.True(t, bot.Halt{Scope: bot.HaltAll}.Stops("p", "t"))
	require.True(t, bot.Halt{Scope: bot.HaltPlaybook, Name: "p"}.Stops("p", "t"))
	require.False(t, bot.Halt{Scope: bot.HaltPlaybook, Name: "q"}.Stops("p", "t"))
	require.True(t, bot.Halt{Scope: bot.HaltTarget, Name: "t"}.Stops("p", "t"))
	require.True(t, bot.Halt{Scope: "else"}.Stops("p", "t"), "an unknown scope stops")
}

func TestAnUnknownRunStateKeepsItsTarget(t *testing.T) {
	t.Parallel()
	require.True(t, bot.RunState("odd").Active())
	require.False(t, bot.RunFixed.Active())
}

func TestAStepThatWasBegunMayHaveActed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		step         bot.Step
		acted, begun bool
	}{
		{"not begun", bot.Step{State: bot.StepPlanned}, false, false},
		{"to be repeated", bot.Step{State: bot.StepPlanned, Attempt: 1}, true, true},
		{"skipped", bot.Step{State: bot.StepSkipped}, false, false},
		{"in flight", bot.Step{State: bot.StepStarted, Attempt: 1}, true, true},
		{"done", bot.Step{State: bot.StepSucceeded, Attempt: 1}, true, true},
		{"failed", bot.Step{State: bot.StepFailed, Attempt: 1}, true, true},
		{"failed before it reached anything", bot.Step{State: bot.StepFailed, Attempt: 1, Untouched: true}, false, true},
		{"unknown", bot.Step{State: bot.StepUnknown, Attempt: 1}, true, true},
		{"in a state that nobody knows", bot.Step{State: "odd"}, true, true},
	} {
		require.Equal(t, tt.acted, tt.step.MayHaveActed(), tt.name)
		require.Equal(t, tt.begun, bot.Run{Steps: []bot.Step{{State: bot.StepSkipped}, tt.step}}.Changed(), tt.name)
	}
}

func TestDurationsAreWrittenAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	var d bot.Duration
	require.NoError(t, d.UnmarshalText([]byte("15m")))
	require.Equal(t, 15*time.Minute, d.Std())
	for text, std := range map[string]time.Duration{"15m": 15 * time.Minute, "24h": 24 * time.Hour, "1h30m": 90 * time.Minute, "1m5s": 65 * time.Second, "0s": 0, "1h0m1s": time.Hour + time.Second} {
		require.Equal(t, text, bot.Duration(std).String())
		require.NoError(t, d.UnmarshalText([]byte(text)))
		require.Equal(t, std, d.Std())
	}
	require.ErrorContains(t, d.UnmarshalText([]byte("soon")), "write for example 30s, 15m or 24h")
	require.ErrorContains(t, d.UnmarshalText([]byte("-1s")), "is negative")
}
