package phrase

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"salve/bot"
)

// Twin is the line that says the same as the Command; "": nothing in chat does.
// A digest stands there by its first characters. What a Command only carries to
// find its row faster is not in it.
func Twin(c bot.Command) string {
	args, ok := arguments(c)
	if !ok {
		return ""
	}
	return strings.Join(append([]string{"salve", string(c.Verb)}, args...), " ")
}

func arguments(c bot.Command) ([]string, bool) {
	switch c.Verb {
	case bot.VerbApprove, bot.VerbDeny:
		return decision(c), true
	case bot.VerbRun:
		return planned(c), true
	case bot.VerbCancel, bot.VerbUndo:
		return []string{c.Run.String()}, true
	case bot.VerbSettle:
		return []string{c.Run.String(), string(c.Settle)}, true
	case bot.VerbHalt, bot.VerbResume:
		return stopped(c), true
	case bot.VerbClaim, bot.VerbUnclaim:
		return held(c), true
	case bot.VerbRaise:
		return raised(c), true
	case bot.VerbTake, bot.VerbRelease, bot.VerbReopen, bot.VerbAssign, bot.VerbHandover, bot.VerbNote, bot.VerbSnooze,
		bot.VerbClose, bot.VerbMerge, bot.VerbSplit:
		return worked(c), true
	case bot.VerbReplay, bot.VerbDiscard:
		return nil, false
	default:
		return nil, false
	}
}

func decision(c bot.Command) []string {
	subject := c.Incident.String()
	if c.Incident == 0 {
		subject = c.Approval.String()
	}
	out := filled(subject, bot.Digest(c.Digest).Short())
	switch {
	case c.Reason == "":
		return out
	case c.Verb == bot.VerbApprove:
		return append(out, "--reason", wrap(c.Reason))
	default:
		return append(out, prose(c.Reason))
	}
}

func planned(c bot.Command) []string {
	var out []string
	if c.Playbook != "" {
		out = append(out, Quote(c.Playbook))
	}
	out = append(out, filled(c.Incident.String())...)
	for _, k := range slices.Sorted(maps.Keys(c.Params)) {
		out = append(out, "-p", k+"="+Quote(c.Params[k]))
	}
	return out
}

func stopped(c bot.Command) []string {
	var out []string
	switch c.Scope {
	case bot.HaltTarget:
		out = append(out, "--target="+Quote(c.Name))
	case bot.HaltPlaybook:
		out = append(out, "--playbook="+Quote(c.Name))
	case bot.HaltAll:
	}
	if c.Reason != "" {
		out = append(out, "--reason", wrap(c.Reason))
	}
	return out
}

func held(c bot.Command) []string {
	out := []string{Quote(c.Name)}
	if c.For > 0 {
		out = append(out, c.For.String())
	}
	if c.Reason != "" {
		out = append(out, "--reason", wrap(c.Reason))
	}
	return out
}

func raised(c bot.Command) []string {
	var out []string
	if c.Severity != bot.SeverityUnknown {
		out = append(out, "--severity", c.Severity.String())
	}
	if c.Title == "" {
		return out
	}
	if c.Reason != "" {
		return append(out, wrap(c.Title+"\n"+c.Reason))
	}
	return append(out, prose(c.Title))
}

func worked(c bot.Command) []string {
	out := filled(c.Incident.String())
	if c.Into != 0 {
		out = append(out, c.Into.String())
	}
	if c.To != "" {
		out = append(out, Quote(c.To))
	}
	if c.For > 0 {
		out = append(out, c.For.String())
	}
	for _, a := range c.Alerts {
		out = append(out, Quote(a))
	}
	if c.Reason != "" {
		out = append(out, prose(c.Reason))
	}
	return out
}

func filled(words ...string) []string {
	return slices.DeleteFunc(words, func(s string) bool { return s == "" })
}

var (
	plainWord = regexp.MustCompile(`^[A-Za-z0-9_@][A-Za-z0-9_./:@,+-]*$`)
	plainText = regexp.MustCompile(`^[A-Za-z]+( [A-Za-z0-9_./,:;()%+-]+)*$`)
	reserved  = regexp.MustCompile(`^(?i:to|me|for|into|with|as|all|everything|target|playbook|salve|[irap]-?[0-9]+|[0-9]+)$`)
)

// Quote makes a word that Parse, and a shell, takes as it is.
func Quote(s string) string {
	if plainWord.MatchString(s) && !reserved.MatchString(s) && !strings.ContainsAny(s[len(s)-1:], ",:") {
		return s
	}
	return wrap(s)
}

// prose leaves text without quotes where it cannot be taken for anything else.
func prose(s string) string {
	first, _, _ := strings.Cut(s, " ")
	if plainText.MatchString(s) && !digestPattern.MatchString(first) && !reserved.MatchString(first) {
		return s
	}
	return wrap(s)
}

func wrap(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
