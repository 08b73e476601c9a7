package phrase

import (
	"strings"

	"salve/bot"
)

// Usage is how one command is written.
type Usage struct {
	Word    string   // its first word
	Verb    bot.Verb // what it asks for; "": it only shows something
	Args    string   // what comes after the word; [] need not
	Says    string   // what it does, in one line
	Example string   // whole, without the name of Salve
}

// usage is a Usage with how its arguments are read.
type usage struct {
	Usage
	parse func(*line) (bot.Press, error)
}

// usages are the commands, in the order in which help shows them.
func usages() []usage {
	return []usage{
		{Usage{"help", "", "[COMMAND]", "what can be said", "help approve"}, parseHelp},
		{Usage{"list", "", "", "open incidents, those that need people first", "list"}, parseList},
		{Usage{"show", "", "I-142 | R-88", "an incident, or what a run did", "show I-142"}, parseShow},
		{Usage{"why", "", "I-142", "why a playbook was chosen, held, or not", "why I-142"}, parseWhy},
		{Usage{"plan", "", "I-142 [DIGEST]", "what would run, on what, and how it is undone", "plan I-142"}, parsePlan},
		{Usage{"approve", bot.VerbApprove, "[I-142] [DIGEST]", "approve the plan that you have read; without a digest it is shown, without an incident all that waits for you", "approve I-142 3fa9c1d2"}, parseApprove},
		{Usage{"deny", bot.VerbDeny, "I-142 [DIGEST] REASON", "deny a plan", "deny I-142 3fa9c1d2 wrong host"}, parseDeny},
		{Usage{"run", bot.VerbRun, "PLAYBOOK I-142 [NAME=VALUE ...]", "ask for a playbook; its plan is approved by somebody else", "run service-restart I-142 service=nginx"}, parseRun},
		{Usage{"cancel", bot.VerbCancel, "R-88", "stop a run before its next step, and undo what it did", "cancel R-88"}, ofRun(bot.VerbCancel)},
		{Usage{"undo", bot.VerbUndo, "R-88", "ask for a finished run to be undone", "undo R-88"}, ofRun(bot.VerbUndo)},
		{Usage{"settle", bot.VerbSettle, "R-88 " + settlementList("|"), "say what became of a run that waits for a person", "settle R-88 done"}, parseSettle},
		{Usage{"halt", bot.VerbHalt, "[--target TARGET | --playbook NAME] [REASON]", "stop everything, a target or a playbook; anybody may", "halt --target db-3 the deploy is going on"}, parseHalt},
		{Usage{"resume", bot.VerbResume, "[--target TARGET | --playbook NAME]", "lift a halt", "resume --target db-3"}, parseResume},
		{Usage{"take", bot.VerbTake, "I-142", "make it mine; automation on it pauses", "take I-142"}, ofIncident(bot.VerbTake)},
		{Usage{"release", bot.VerbRelease, "I-142", "give it back to automation", "release I-142"}, ofIncident(bot.VerbRelease)},
		{Usage{"assign", bot.VerbAssign, "I-142 PERSON", "make somebody else the owner", "assign I-142 alice"}, parseAssign},
		{Usage{"handover", bot.VerbHandover, "I-142 PERSON MESSAGE", "give it to somebody else with a message", "handover I-142 alice disk is full again, see the last note"}, parseHandover},
		{Usage{"note", bot.VerbNote, "I-142 TEXT", "write on the card", "note I-142 the vendor is on the phone"}, parseNote},
		{Usage{"snooze", bot.VerbSnooze, "I-142 TIME", "pause it for a while", "snooze I-142 30m"}, parseSnooze},
		{Usage{"close", bot.VerbClose, "I-142 REASON", "end it", "close I-142 false alarm"}, parseClose},
		{Usage{"reopen", bot.VerbReopen, "I-142", "open it again", "reopen I-142"}, ofIncident(bot.VerbReopen)},
		{Usage{"merge", bot.VerbMerge, "I-142 I-7", "put its alerts into another", "merge I-142 I-7"}, parseMerge},
		{Usage{"split", bot.VerbSplit, "I-142 FINGERPRINT ...", "put some of its alerts into an incident of their own", "split I-142 9f2c11d0"}, parseSplit},
		{Usage{"claim", bot.VerbClaim, "TARGET [TIME] [REASON]", "keep automation off a target for a time", "claim db-3 2h changing the disk"}, parseClaim},
		{Usage{"unclaim", bot.VerbUnclaim, "TARGET", "give a target back to automation", "unclaim db-3"}, parseUnclaim},
		{Usage{"raise", bot.VerbRaise, "[--severity SEVERITY] TITLE", "make an incident of what you see", "raise --severity high the checkout is slow"}, parseRaise},
		{Usage{"whoami", "", "", "who Salve takes you for, and what you may do", "whoami"}, shows(bot.ShowWhoami)},
	}
}

// Usages are all commands, in the order in which help shows them.
func Usages() []Usage {
	var out []Usage
	for _, u := range usages() {
		out = append(out, u.Usage)
	}
	return out
}

// aliases are other words for the same, as the command line has them.
var aliases = map[string]string{
	"incidents": "list", "ls": "list", "--help": "help", "-h": "help", "who": "whoami", "hand-over": "handover",
}

func known(word string) (usage, bool) {
	if w, ok := aliases[word]; ok {
		word = w
	}
	if word == "approvals" { // the questions themselves, whoever may answer them
		return usage{Usage{"approvals", "", "", "", "approve"}, shows(bot.ShowMine)}, true
	}
	for _, u := range usages() {
		if u.Word == word {
			return u, true
		}
	}
	return usage{}, false
}

// meant are words that people say for something else.
var meant = map[string]string{
	"stop": "halt", "pause": "halt", "freeze": "halt", "kill": "cancel", "abort": "cancel", "unhalt": "resume", "unfreeze": "resume",
	"ack": "take", "acknowledge": "take", "own": "take", "drop": "release", "mute": "snooze", "silence": "snooze",
	"rollback": "undo", "revert": "undo", "reject": "deny", "decline": "deny", "refuse": "deny", "yes": "approve", "ok": "approve", "lgtm": "approve",
	"comment": "note", "resolve": "close", "done": "close", "continue": "settle", "execute": "run", "start": "run",
	"create": "raise", "declare": "raise", "open": "raise", "new": "raise", "lock": "claim", "unlock": "unclaim", "me": "whoami",
	"details": "show", "view": "show", "explain": "why", "mine": "approve", "pending": "approve", "status": "list", "runs": "list",
	"halts": "list", "sweep": "list",
}

// elsewhere are the commands of the command line alone.
var elsewhere = map[string]bool{
	"user": true, "playbook": true, "status": true, "audit": true, "storage": true, "config": true, "backup": true, "restore": true,
	"migrate": true, "alert": true, "quarantine": true, "replay": true, "discard": true, "runs": true, "halts": true, "timeline": true,
	"serve": true, "demo": true, "version": true, "doctor": true,
}

// unknown refuses a word that is no command.
func unknown(word string) *bot.Refusal {
	if elsewhere[word] {
		return bot.Refuse(bot.RefusedInput, "`salve "+word+"` works on the command line only, not in chat.", "In chat: "+suggested(meant[word]))
	}
	near := meant[word]
	if near == "" {
		near = nearest(word)
	}
	if near == "" {
		return bot.Refuse(bot.RefusedInput, "There is no command "+quoted(word)+".", "salve help lists the commands, for example: salve list")
	}
	return bot.Refuse(bot.RefusedInput, "There is no command "+quoted(word)+".", "Did you mean "+near+"? "+suggested(near))
}

// suggested is an example of a command, or where they are listed.
func suggested(name string) string {
	u, ok := known(name)
	if !ok {
		return "salve help lists the commands."
	}
	return "For example: salve " + u.Example
}

// nearest is the command that is spelled most alike; "": none is.
func nearest(word string) string {
	if len(word) > 20 || len(word) < 2 {
		return ""
	}
	best, least := "", 3
	for _, u := range usages() {
		d := apart(word, u.Word)
		if strings.HasPrefix(u.Word, word) {
			d = min(d, 1)
		}
		if d < least && d < len(u.Word)-1 {
			best, least = u.Word, d
		}
	}
	return best
}

// apart counts the letters that differ between two short words; two that changed
// places are one.
func apart(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
