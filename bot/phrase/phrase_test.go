package phrase_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/phrase"
)

var (
	outside  = phrase.Here{}
	inThread = phrase.Here{Incident: 142, By: bot.Person{ID: "alice", Name: "Alice"}}
)

func cmd(c bot.Command) bot.Press { return bot.Press{Kind: bot.PressCommand, Command: c} }

func show(s bot.Show, c bot.Command) bot.Press {
	return bot.Press{Kind: bot.PressShow, Show: s, Command: c}
}

func form(c bot.Command, asks ...string) bot.Press {
	return bot.Press{Kind: bot.PressForm, Command: c, Asks: asks}
}

const minute, hour = bot.Duration(time.Minute), bot.Duration(time.Hour)

func TestLinesMeanWhatPeopleMean(t *testing.T) {
	t.Parallel()
	approve := bot.Command{Verb: bot.VerbApprove, Incident: 142}
	decided := bot.Command{Verb: bot.VerbApprove, Incident: 142, Digest: "3fa9c1d2"}
	deny := bot.Command{Verb: bot.VerbDeny, Incident: 142}
	halt := func(scope bot.HaltScope, name, why string) bot.Press {
		return cmd(bot.Command{Verb: bot.VerbHalt, Scope: scope, Name: name, Reason: why})
	}
	run := func(params map[string]string) bot.Press {
		return cmd(bot.Command{Verb: bot.VerbRun, Playbook: "restart", Incident: 142, Params: params})
	}
	for _, tc := range []struct {
		text string
		here phrase.Here
		want bot.Press
	}{
		{"", outside, show(bot.ShowHelp, bot.Command{})},
		{"  @salve ", inThread, show(bot.ShowCard, bot.Command{Incident: 142})},
		{"help", outside, show(bot.ShowHelp, bot.Command{})},
		{"help Approve", outside, show(bot.ShowHelp, bot.Command{Name: "approve"})},
		{"LIST", outside, show(bot.ShowList, bot.Command{})},
		{"incidents", outside, show(bot.ShowList, bot.Command{})},
		{"approvals", outside, show(bot.ShowMine, bot.Command{})},
		{"list mine", outside, show(bot.ShowMine, bot.Command{})},
		{"whoami", outside, show(bot.ShowWhoami, bot.Command{})},
		{"show i-142", outside, show(bot.ShowCard, bot.Command{Incident: 142})},
		{"I-142", outside, show(bot.ShowCard, bot.Command{Incident: 142})},
		{"show 142", outside, show(bot.ShowCard, bot.Command{Incident: 142})},
		{"show", inThread, show(bot.ShowCard, bot.Command{Incident: 142})},
		{"show R-88", inThread, show(bot.ShowOutput, bot.Command{Run: 88})},
		{"r-88", outside, show(bot.ShowOutput, bot.Command{Run: 88})},
		{"why I-142?", outside, show(bot.ShowWhy, bot.Command{Incident: 142})},
		{"plan I-142", outside, show(bot.ShowPlan, bot.Command{Incident: 142})},
		{"plan 3FA9C1D2", inThread, show(bot.ShowPlan, bot.Command{Incident: 142, Digest: "3fa9c1d2"})},

		{"approve", outside, show(bot.ShowMine, bot.Command{Verb: bot.VerbApprove})},
		{"approve I-142", outside, show(bot.ShowPlan, approve)},
		{"@salve approve", inThread, show(bot.ShowPlan, approve)},
		{"approve I-142 3fa9c1d2", outside, cmd(decided)},
		{"/salve Approve i142: 3FA9C1D2", outside, cmd(decided)},
		{"salve, approve\u00a0I\u2011142\u00a03fa9c1d2\u200b", outside, cmd(decided)},
		{"approve 3fa9c1d2", inThread, cmd(decided)},
		{"approve `I-142` `3fa9c1d2`", outside, cmd(decided)},
		{"`salve approve I-142 3fa9c1d2`", outside, cmd(decided)},
		{"approve I-142 '3fa9c1d2'", outside, cmd(decided)},
		{"approve I-142 3fa9c1d2 E4B5a697", outside, cmd(bot.Command{Verb: bot.VerbApprove, Incident: 142, Digest: "3fa9c1d2e4b5a697"})},
		{"approve 12345678", inThread, cmd(bot.Command{Verb: bot.VerbApprove, Incident: 142, Digest: "12345678"})},
		{"approve I-7 3fa9c1d2", inThread, cmd(bot.Command{Verb: bot.VerbApprove, Incident: 7, Digest: "3fa9c1d2"})},
		{"approve A-7 3fa9c1d2", outside, cmd(bot.Command{Verb: bot.VerbApprove, Approval: 7, Digest: "3fa9c1d2"})},
		{"approve A-7", outside, show(bot.ShowPlan, bot.Command{Verb: bot.VerbApprove, Approval: 7})},
		{"approve I-142 3fa9c1d2 --reason looked at it", outside, cmd(bot.Command{Verb: bot.VerbApprove, Incident: 142, Digest: "3fa9c1d2", Reason: "looked at it"})},

		{"deny", outside, show(bot.ShowMine, bot.Command{Verb: bot.VerbDeny})},
		{"deny", inThread, form(deny, "reason")},
		{"deny I-142", outside, form(deny, "reason")},
		{"deny it is   peak time", inThread, cmd(bot.Command{Verb: bot.VerbDeny, Incident: 142, Reason: "it is   peak time"})},
		{"deny I-142 3fa9c1d2 it’s the wrong host", outside, cmd(bot.Command{Verb: bot.VerbDeny, Incident: 142, Digest: "3fa9c1d2", Reason: "it’s the wrong host"})},
		{"deny I-142 --reason \"rolled back\"", outside, cmd(bot.Command{Verb: bot.VerbDeny, Incident: 142, Reason: "rolled back"})},
		{"deny I-142 —reason “rolled back”", outside, cmd(bot.Command{Verb: bot.VerbDeny, Incident: 142, Reason: "rolled back"})},
		{"deny I-142 -r=rolled back", outside, cmd(bot.Command{Verb: bot.VerbDeny, Incident: 142, Reason: "rolled back"})},

		{"run restart I-142", outside, run(nil)},
		{"run restart 142", outside, run(nil)},
		{"run restart", inThread, run(nil)},
		{"run i-142 restart", outside, run(nil)},
		{"run I-142", outside, form(bot.Command{Verb: bot.VerbRun, Incident: 142}, "playbook")},
		{"run restart I-142 -p unit=nginx -p 'note=two words'", outside, run(map[string]string{"unit": "nginx", "note": "two words"})},
		{"run unit=nginx restart I-142 note=“two words” url=http://a/?b=c", outside, run(map[string]string{"unit": "nginx", "note": "two words", "url": "http://a/?b=c"})},
		{"run restart I-142 --param unit=nginx --param=n=3", outside, run(map[string]string{"unit": "nginx", "n": "3"})},

		{"cancel R-88", outside, cmd(bot.Command{Verb: bot.VerbCancel, Run: 88})},
		{"cancel", phrase.Here{Incident: 142, Run: 88}, cmd(bot.Command{Verb: bot.VerbCancel, Run: 88})},
		{"undo 88", outside, cmd(bot.Command{Verb: bot.VerbUndo, Run: 88})},
		{"settle R-88 not-done", outside, cmd(bot.Command{Verb: bot.VerbSettle, Run: 88, Settle: bot.SettleNotDone})},
		{"settle R-88 as Continue", outside, cmd(bot.Command{Verb: bot.VerbSettle, Run: 88, Settle: bot.SettleContinue})},

		{"halt", outside, halt(bot.HaltAll, "", "")},
		{"HALT!", inThread, halt(bot.HaltAll, "", "")},
		{"halt all", outside, halt(bot.HaltAll, "", "")},
		{"halt everything, the network is down", outside, halt(bot.HaltAll, "", "everything, the network is down")},
		{"halt the network's down", outside, halt(bot.HaltAll, "", "the network's down")},
		{"halt --target db-3", outside, halt(bot.HaltTarget, "db-3", "")},
		{"halt —target=db-3 -r deploy going on", outside, halt(bot.HaltTarget, "db-3", "deploy going on")},
		{"halt -r deploy going on --target db-3", outside, halt(bot.HaltTarget, "db-3", "deploy going on")},
		{"halt target db-3 deploy", outside, halt(bot.HaltTarget, "db-3", "deploy")},
		{"halt playbook restart", outside, halt(bot.HaltPlaybook, "restart", "")},
		{"halt --target='web 1'", outside, halt(bot.HaltTarget, "web 1", "")},
		{"halt --target a --target b", outside, halt(bot.HaltAll, "", "")},
		{"halt --target a --target b --target a", outside, halt(bot.HaltAll, "", "")},
		{"halt --target", outside, halt(bot.HaltAll, "", "--target")},
		{"halt '", outside, halt(bot.HaltAll, "", "'")},
		{"resume", outside, cmd(bot.Command{Verb: bot.VerbResume, Scope: bot.HaltAll})},
		{"resume target db-3", outside, cmd(bot.Command{Verb: bot.VerbResume, Scope: bot.HaltTarget, Name: "db-3"})},
		{"resume --playbook=restart", outside, cmd(bot.Command{Verb: bot.VerbResume, Scope: bot.HaltPlaybook, Name: "restart"})},

		{"take I-142", outside, cmd(bot.Command{Verb: bot.VerbTake, Incident: 142})},
		{"take", inThread, cmd(bot.Command{Verb: bot.VerbTake, Incident: 142})},
		{"release #142", outside, cmd(bot.Command{Verb: bot.VerbRelease, Incident: 142})},
		{"reopen I-142", outside, cmd(bot.Command{Verb: bot.VerbReopen, Incident: 142})},
		{"assign I-142 alice", outside, cmd(bot.Command{Verb: bot.VerbAssign, Incident: 142, To: "alice"})},
		{"assign @U123", inThread, cmd(bot.Command{Verb: bot.VerbAssign, Incident: 142, To: "@U123"})},
		{"assign to me", inThread, cmd(bot.Command{Verb: bot.VerbAssign, Incident: 142, To: "alice"})},
		{"assign", inThread, form(bot.Command{Verb: bot.VerbAssign, Incident: 142}, "to")},
		{"handover I-142 alice: read the last note", outside, cmd(bot.Command{Verb: bot.VerbHandover, Incident: 142, To: "alice", Reason: "read the last note"})},
		{"handover I-142 alice", outside, form(bot.Command{Verb: bot.VerbHandover, Incident: 142, To: "alice"}, "reason")},
		{"handover", inThread, form(bot.Command{Verb: bot.VerbHandover, Incident: 142}, "to", "reason")},
		{"note I-142 the vendor's on\nthe phone ", outside, cmd(bot.Command{Verb: bot.VerbNote, Incident: 142, Reason: "the vendor's on\nthe phone"})},
		{"note 'quoted' is the word", inThread, cmd(bot.Command{Verb: bot.VerbNote, Incident: 142, Reason: "'quoted' is the word"})},
		{"note 5432 is the port", inThread, cmd(bot.Command{Verb: bot.VerbNote, Incident: 142, Reason: "5432 is the port"})},
		{"note -- it is fine", inThread, cmd(bot.Command{Verb: bot.VerbNote, Incident: 142, Reason: "-- it is fine"})},
		{"note 👩‍🚒 is here", inThread, cmd(bot.Command{Verb: bot.VerbNote, Incident: 142, Reason: "👩‍🚒 is here"})},
		{"note", inThread, form(bot.Command{Verb: bot.VerbNote, Incident: 142}, "reason")},
		{"snooze I-142 1h30m", outside, cmd(bot.Command{Verb: bot.VerbSnooze, Incident: 142, For: 90 * minute})},
		{"snooze for 2D", inThread, cmd(bot.Command{Verb: bot.VerbSnooze, Incident: 142, For: 48 * hour})},
		{"snooze I-142 --for=30min", outside, cmd(bot.Command{Verb: bot.VerbSnooze, Incident: 142, For: 30 * minute})},
		{"snooze I-142", outside, form(bot.Command{Verb: bot.VerbSnooze, Incident: 142}, "for")},
		{"close I-142 false alarm", outside, cmd(bot.Command{Verb: bot.VerbClose, Incident: 142, Reason: "false alarm"})},
		{"close I-142", outside, form(bot.Command{Verb: bot.VerbClose, Incident: 142}, "reason")},
		{"merge I-142 into I-7", outside, cmd(bot.Command{Verb: bot.VerbMerge, Incident: 142, Into: 7})},
		{"merge I-7", inThread, cmd(bot.Command{Verb: bot.VerbMerge, Incident: 142, Into: 7})},
		{"merge into i-7", inThread, cmd(bot.Command{Verb: bot.VerbMerge, Incident: 142, Into: 7})},
		{"merge I-142", outside, form(bot.Command{Verb: bot.VerbMerge, Incident: 142}, "into")},
		{"split I-142 a1 b2", outside, cmd(bot.Command{Verb: bot.VerbSplit, Incident: 142, Alerts: []string{"a1", "b2"}})},
		{"claim db-3", outside, cmd(bot.Command{Verb: bot.VerbClaim, Name: "db-3"})},
		{"claim db-3 for 2h changing the disk", outside, cmd(bot.Command{Verb: bot.VerbClaim, Name: "db-3", For: 2 * hour, Reason: "changing the disk"})},
		{"claim db-3 for maintenance", outside, cmd(bot.Command{Verb: bot.VerbClaim, Name: "db-3", Reason: "for maintenance"})},
		{"claim \"web 1\" 1w", outside, cmd(bot.Command{Verb: bot.VerbClaim, Name: "web 1", For: 7 * 24 * hour})},
		{"unclaim db-3", outside, cmd(bot.Command{Verb: bot.VerbUnclaim, Name: "db-3"})},
		{"raise the checkout is slow", outside, cmd(bot.Command{Verb: bot.VerbRaise, Title: "the checkout is slow"})},
		{"raise --severity HIGH the checkout is slow\nsince noon", outside, cmd(bot.Command{Verb: bot.VerbRaise, Title: "the checkout is slow", Severity: bot.SeverityHigh, Reason: "since noon"})},
		{"raise", outside, form(bot.Command{Verb: bot.VerbRaise}, "title", "severity")},
	} {
		t.Run(tc.text, func(t *testing.T) {
			t.Parallel()
			got, err := phrase.Parse(tc.text, tc.here)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
		})
	}
}

func TestWhatIsWrongIsToldWithWhatWasMeant(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		here phrase.Here
		says []string
	}{
		{"aprove I-142", outside, []string{`no command "aprove"`, "Did you mean approve?", "salve approve I-142 3fa9c1d2"}},
		{"shwo I-142", outside, []string{"Did you mean show?"}},
		{"snoze I-142", outside, []string{"Did you mean snooze?"}},
		{"rei", outside, []string{"salve help"}},
		{"stop", outside, []string{"Did you mean halt?"}},
		{"ack I-142", outside, []string{"Did you mean take?"}},
		{"sweep", outside, []string{`no command "sweep"`, "Did you mean list?"}},
		{"frobnicate", outside, []string{`no command "frobnicate"`, "salve help"}},
		{"\u202eevil\a", outside, []string{"no command \"evil\ufffd\""}},
		{"user list", outside, []string{"command line only"}},
		{"help frobnicate", outside, []string{"no command"}},
		{"show", outside, []string{"Show needs an incident, like I-142.", "salve show I-142"}},
		{"show db-3", outside, []string{`"db-3" is not one`}},
		{"show I-0", outside, []string{"is not one"}},
		{"show I-99999999999999999999", outside, []string{"is not one"}},
		{"show I-142 I-143", outside, []string{`"I-143" is more than show takes`}},
		{"approve I-142 3fa9", outside, []string{`"3fa9" is not a digest`, "at least 8"}},
		{"approve everything", inThread, []string{"is not a digest"}},
		{"approve 3fa9c1d2", outside, []string{"needs an incident"}},
		{"approve I-142 3fa9c1d2 I-143 3fa9c1d3", outside, []string{`"I-143" is more than approve takes`}},
		{"deny because", outside, []string{"Deny needs an incident"}},
		{"run restart", outside, []string{"Run needs an incident"}},
		{"run restart I-142 fast", outside, []string{`"fast" is neither a playbook`}},
		{"run restart I-142 -p", outside, []string{"needs NAME=VALUE"}},
		{"run restart I-142 a=1 a=2", outside, []string{"there twice"}},
		{"cancel", inThread, []string{"Cancel needs a run, like R-88"}},
		{"cancel I-142", outside, []string{"needs a run"}},
		{"cancel R-88 R-89", outside, []string{"more than cancel takes"}},
		{"settle R-88 fine", outside, []string{"done, not-done, retry, undo, abandon, continue"}},
		{"settle R-88", outside, []string{"done, not-done"}},
		{"resume db-3", outside, []string{`"db-3" is more than resume takes`}},
		{"resume --target a --target b", outside, []string{"more than resume takes"}},
		{"assign I-142 me", outside, []string{"Nobody knows who is asking", "whoami"}},
		{"snooze I-142 long", outside, []string{`"long" is not a time`, "30m, 2h or 1d"}},
		{"snooze I-142 -5m", outside, []string{"is not a time"}},
		{"snooze I-142 999999w", outside, []string{"is not a time"}},
		{"merge I-142 db-3", outside, []string{"is not an incident"}},
		{"split I-142", outside, []string{"fingerprints"}},
		{"claim", outside, []string{"Claim needs a target"}},
		{"claim db-3 --for=ever", outside, []string{`"ever" is not a time`}},
		{"raise --severity dire fire", outside, []string{`"dire" is not a severity`}},
		{"note I-142 " + strings.Repeat("x", 9000), outside, []string{"longer than a command"}},
	} {
		t.Run(tc.text[:min(len(tc.text), 40)], func(t *testing.T) {
			t.Parallel()
			_, err := phrase.Parse(tc.text, tc.here)
			var r *bot.Refusal
			require.ErrorAs(t, err, &r)
			for _, want := range tc.says {
				require.Contains(t, r.Error(), want)
			}
			require.NotEmpty(t, r.Next)
			require.Less(t, len(r.Error()), 400)
		})
	}
}

func TestAHaltIsNeverRefusedOverItsLength(t *testing.T) {
	t.Parallel()
	p, err := phrase.Parse("halt --target db-3 "+strings.Repeat("x ", 9000), outside)
	require.NoError(t, err)
	require.Equal(t, bot.HaltTarget, p.Command.Scope)
	require.Equal(t, "db-3", p.Command.Name)
}

func TestOnlyADigestDecides(t *testing.T) {
	t.Parallel()
	for _, here := range []phrase.Here{outside, inThread} {
		for _, text := range []string{"approve", "approve I-142", "approve A-7", "approve 142", "approve I-142 --reason yes"} {
			p, err := phrase.Parse(text, here)
			if err == nil {
				require.Equal(t, bot.PressShow, p.Kind, text)
			}
		}
	}
}
