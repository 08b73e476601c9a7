package brief_test

import (
	"testing"
	"time"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/chat"
)

var slash = brief.Options{Command: "/salve"}

func TestCardsAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		t.Run(sc.name, func(t *testing.T) {
			t.Parallel()
			golden(t, "card-"+sc.name, show(brief.Card(card(sc.state), slash)))
		})
	}
}

func TestRunsAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		m, ok := brief.Progress(card(sc.state), 88, now, slash)
		if ok {
			golden(t, "run-"+sc.name, show(m))
		}
	}
}

// happened are Events, each with the state that it left behind.
func happened() []struct {
	name, scene string
	event       bot.Event
} {
	e := func(kind bot.EventKind, text string) bot.Event {
		return bot.Event{Kind: kind, Incident: 142, Approval: 7, Run: 88, Text: text}
	}
	call := e(bot.EventEscalated, "a person is needed: whoever of group oncall is there should take I-142")
	call.Approval = 0
	return []struct {
		name, scene string
		event       bot.Event
	}{
		{"asked", "asked", e(bot.EventProposed, "")},
		{"asked-with-a-quorum", "quorum-of-two-groups", e(bot.EventProposed, "")},
		{"nobody-may-approve", "nobody-may-approve", e(bot.EventProposed, "")},
		{"expiring", "asked", e(bot.EventExpiring, "")},
		{"expired", "expired", e(bot.EventExpired, "nobody decided about grow-disk on db-3 before 03:20 UTC; nothing was changed there")},
		{"failed", "failed", e(bot.EventRunEnded, "")},
		{"not-fixed", "not-fixed", e(bot.EventRunEnded, "")},
		{"unverified", "unverified", e(bot.EventRunEnded, "")},
		{"unknown-step", "waiting-unknown", e(bot.EventStepUnknown, "")},
		{"undo-failed", "undo-failed", e(bot.EventRunWaiting, "")},
		{"halted", "halted-run", e(bot.EventRunWaiting, "")},
		{"escalated", "nothing-fits", call},
		{"nothing-fits", "nothing-fits", e(bot.EventDecided, "no playbook fits")},
		{"handed-over", "taken", e(bot.EventHandover, "Alice handed I-142 over to Rob: the vendor calls back at 4")},
		{"assigned", "taken", e(bot.EventAssigned, "Alice gave I-142 to Rob")},
		{"owner-reminded", "taken", e(bot.EventReminded, "Rob holds I-142, which is open for 2h: automation waits for it. Release it, hand it over or close it.")},
		{"hostile", "hostile", e(bot.EventProposed, "")},
	}
}

func in(name string) bot.Card {
	for _, sc := range scenes() {
		if sc.name == name {
			return card(sc.state)
		}
	}
	panic("no scene " + name)
}

func TestNoticesAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	linked := brief.Options{Command: "/salve", PublicURL: "https://salve.example.org"}
	for _, h := range happened() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			text := "no notice\n"
			if m, ok := brief.Notice(in(h.scene), h.event, now, slash); ok {
				text = show(m)
			}
			if m, ok := brief.Page(in(h.scene), h.event, now, linked); ok {
				text += "\n---\n" + show(m)
			}
			golden(t, "notice-"+h.name, text)
		})
	}
}

func mine(change ...func(*bot.Approval)) bot.CardProposal {
	s := asked(change...)
	return chat.Proposal(s.Approvals[0], s.Plans[0], alice, now)
}

func TestRepliesAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	linked := brief.Options{Command: "/salve", PublicURL: "https://salve.example.org"}
	full := with(ran(bot.RunWaiting, "nobody knows whether step grow took effect", done[0], step("grow", bot.StepUnknown, "")), func(s *chat.State) {
		s.Incident.Notes = []bot.Note{{At: now, By: bot.Actor{Name: "Rob"}, Text: "Customers\nsee it."}}
	})
	var open []bot.Card
	for _, name := range []string{"asked-deploy", "asked", "taken", "resolved"} {
		open = append(open, in(name))
	}
	requester := mine(func(a *bot.Approval) { a.Rule.Excluded = []bot.PersonID{"alice"} })
	home := brief.HomeState{Person: alice, At: now, Mine: []bot.CardProposal{mine()}, Running: in("running").Runs, Held: []bot.Card{in("taken")},
		Halts: []bot.Halt{{Scope: bot.HaltTarget, Name: "db-9", By: bot.Actor{Name: "Rob"}, Reason: "moving it"}}}
	usage := []brief.Usage{{Word: "approve", Args: "[I-142] [DIGEST]", Says: "approve the plan that you have read", Example: "approve I-142 3fa9c1d2"}, {Word: "list", Says: "open incidents"}}
	for name, m := range map[string]bot.Message{
		"full":              brief.Full(chat.Card(full, alice, now), linked),
		"full-asked":        brief.Full(chat.Card(asked(), alice, now), slash),
		"why":               brief.Why(in("asked"), slash),
		"why-nothing-fits":  brief.Why(in("nothing-fits"), slash),
		"list":              brief.List(open, linked),
		"list-empty":        brief.List(nil, slash),
		"mine":              brief.Mine([]bot.CardProposal{mine(), mine(func(a *bot.Approval) { a.Target = "db-4" })}, slash),
		"mine-empty":        brief.Mine(nil, slash),
		"confirm":           brief.Confirm(mine(), linked),
		"confirm-requester": brief.Confirm(requester, slash),
		"confirm-decided":   brief.Confirm(mine(closed(bot.ApprovalDenied, "Bob", "peak time")), slash),
		"answer":            brief.Answer(bot.Answer{Text: "Your vote counts. A-7 for grow-disk on db-3 is approved.", Incident: 142, Approval: 7}, slash),
		"refusal-group":     brief.Refusal(bot.Refuse(bot.RefusedForbidden, "Vera is not in group oncall.", "An admin can change that: salve user edit vera --group oncall."), slash),
		"refusal-moved":     brief.Refusal(bot.Refuse(bot.RefusedMoved, "No plan of I-142 has the digest 11111111. What waits: 3fa9c1d2 (grow-disk on db-3).", "Read the plan as it is now: salve show I-142"), slash),
		"whoami":            brief.Whoami(brief.WhoamiState{Surface: "slack", Person: alice, Member: bot.Member{User: bot.ChatUser{ID: "T01/U02", Name: "alice"}, Groups: []string{"oncall"}, ReadAt: now}, Rights: bot.Rights(alice, []bot.Playbook{{Name: "grow-disk", Approvers: []string{"oncall"}}, {Name: "failover", Approvers: []string{"dba"}}}, "leads")}, slash),
		"whoami-nobody":     brief.Whoami(brief.WhoamiState{Surface: "slack", Member: bot.Member{User: bot.ChatUser{ID: "T09/U07", Name: "eve"}, Why: "a guest", Unread: []string{"oncall"}}, Grants: []string{"people: [{id: eve, slack: T09/U07, roles: [responder]}]"}}, slash),
		"help":              brief.Help("", usage, slash),
		"help-approve":      brief.Help("approve", usage, slash),
		"help-unknown":      brief.Help("aprove <x>", usage, slash),
		"home":              brief.Home(home, linked),
		"home-nobody":       brief.Home(brief.HomeState{}, slash),
		"storm":             brief.Storm(append(open, in("failed"), in("waiting-unknown"), in("hostile")), brief.StormCounts{Since: began, Total: 512, BySeverity: map[bot.Severity]int{bot.SeverityCritical: 12, bot.SeverityHigh: 200, bot.SeverityLow: 300}, ByPhase: map[bot.Phase]int{bot.PhaseAsking: 4, bot.PhaseNeedsPerson: 30, bot.PhaseLooking: 478}}, now, slash),
		"weekly":            brief.Weekly(bot.Week{From: began, To: began.Add(7 * 24 * time.Hour), Incidents: 61, Resolved: 40, Alone: 12, Agreed: 5, Approved: 7, Denied: 2, Expired: 1, Undone: 1, Failed: 2, Unclear: 1, Saved: &bot.Saved{Time: bot.Duration(5*time.Hour + 12*time.Minute), Runs: 14, Untreated: 23}, Noisiest: []bot.Noise{{Alert: "DiskFull", Source: "alertmanager/prod", Alerts: 31, Incidents: 9, Last: 142}}}, linked),
		"weekly-too-few":    brief.Weekly(bot.Week{From: began, To: began.Add(7 * 24 * time.Hour), Incidents: 1}, slash),
		"weekly-saved-none": brief.Weekly(bot.Week{From: began, To: began.Add(7 * 24 * time.Hour), Incidents: 9, Saved: &bot.Saved{Runs: 2, Untreated: 5}}, slash),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, show(m))
		})
	}
}

func TestFormsAsPeopleReadThem(t *testing.T) {
	t.Parallel()
	low, high := int64(1), int64(50)
	book := bot.Playbook{Name: "grow-disk", Params: map[string]bot.Param{
		"percent": {Type: bot.ParamInteger, Min: &low, Max: &high, Docs: "how much larger"},
		"volume":  {Type: bot.ParamString, Pattern: "[a-z0-9-]{1,40}"},
		"class":   {Type: bot.ParamEnum, Values: []string{"ssd", "disk"}, Default: "ssd"},
		"wait":    {Type: bot.ParamDuration, Default: "30s"},
	}}
	actions := chat.Card(asked(), alice, now).Actions
	action := func(v bot.Verb) bot.CardAction {
		for _, a := range actions {
			if a.Command.Verb == v {
				return a
			}
		}
		panic("no action " + v)
	}
	for name, f := range map[string]bot.Form{
		"form-plan":           brief.PlanForm(mine(), slash),
		"form-plan-requester": brief.PlanForm(mine(func(a *bot.Approval) { a.Rule.Excluded = []bot.PersonID{"alice"} }), slash),
		"form-deny":           brief.DenyForm(mine()),
		"form-edit":           brief.EditForm(mine(), book),
		"form-edit-nothing":   brief.EditForm(mine(), bot.Playbook{Name: "grow-disk"}),
		"form-more":           brief.MoreForm(chat.Card(asked(), alice, now)),
		"form-ask-run":        brief.AskForm(action(bot.VerbRun), []string{"grow-disk", "service-restart"}, nil),
		"form-ask-assign":     brief.AskForm(action(bot.VerbAssign), nil, []bot.Person{alice}),
		"form-ask-snooze":     brief.AskForm(action(bot.VerbSnooze), nil, nil),
		"form-ask-halt":       brief.AskForm(action(bot.VerbHalt), nil, nil),
		"form-ask-split":      brief.AskForm(bot.CardAction{Label: "Split off alerts", Command: bot.Command{Verb: bot.VerbSplit, Incident: 142}, Asks: []string{"alerts"}}, nil, nil),
		"form-raise":          brief.RaiseForm("checkout is slow\nfor everybody <!here>"),
		"form-loading":        brief.Loading("Plan 3fa9c1d2"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name, showForm(f))
		})
	}
}
