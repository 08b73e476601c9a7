package secret

import (
	"regexp"
	"slices"
	"strings"
)

// pattern recognises one well-known kind of token. Its first group is what is
// masked, or the whole match when it has none. No pattern but that of private
// keys looks beyond the end of a line: streams are cut there.
type pattern struct {
	re   *regexp.Regexp
	hint []string // one of these must be in the text
	fold bool     // upper case or lower case: hints are lower case
	ends string   // what ends a match that the end of the text cut off
}

const (
	lineEnd = "\n"
	keyEnd  = "PRIVATE KEY-----"
)

func token(re string, hint ...string) pattern {
	return pattern{re: regexp.MustCompile(re), hint: hint, ends: lineEnd}
}

// folded is a token whatever its case.
func folded(re string, hint ...string) pattern {
	p := token("(?i)"+re, hint...)
	p.fold = true
	return p
}

// closed tells a private key with its last line from one that was cut off.
var closed = regexp.MustCompile(`-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----\z`)

var patterns = []pattern{
	{ // an unfinished block is masked to the end: the rest was cut off
		re:   regexp.MustCompile(`-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\z)`),
		hint: []string{"PRIVATE KEY"}, ends: keyEnd,
	},
	token(`\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`, "AKIA", "ASIA"), // AWS access key ids
	token(`\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})`, "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
	token(`\bgl(?:pat|dt|rt|soat|ptt|cbt)-[A-Za-z0-9_.-]{16,}`, "glpat-", "gldt-", "glrt-", "glsoat-", "glptt-", "glcbt-"),
	token(`\b(?:xox[a-z](?:\.xox[a-z])?|xapp)-[A-Za-z0-9-]{10,}`, "xox", "xapp-"),
	token(`hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9/_-]{16,})`, "hooks.slack.com"),
	token(`discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/([A-Za-z0-9_-]{16,})`, "/webhooks/"),
	token(`\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?`, "eyJ"), // JSON web tokens
	token(`\bAIza[0-9A-Za-z_-]{35}`, "AIza"),
	token(`\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}`, "k_live_", "k_test_"),
	token(`\bsk-[A-Za-z0-9_-]{20,}`, "sk-"),
	token(`\b(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,})`, "npm_", "pypi-"),
	token(`\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}`, "SG."),
	token(`\bhv[sbr]\.[A-Za-z0-9_-]{20,}`, "hvs.", "hvb.", "hvr."),
	token(`\bAGE-SECRET-KEY-1[A-Z0-9]{50,}`, "AGE-SECRET-KEY-"),
	token(`\bdo[opr]_v1_[a-f0-9]{64}`, "_v1_"),
	folded(`\bauthorization\\?["']?[ \t]{0,8}[:=][ \t]{0,8}\\?["']?(?:(?:basic|bearer|token|digest|bot)[ \t]+)?([^\s"'\\]+)`, "authorization"),
	folded(`\bbearer[ \t]+([A-Za-z0-9._~+/=-]{16,})`, "bearer"),
	token(`://[^\s/:@"']*:([^\s/"']+)@`, "://"), // https://user:password@host
	folded(`(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key)`+
		`\\?["']?[ \t]{0,8}[:=][ \t]{0,8}("[^"\n]*"|'[^'\n]*'|\\"[^"\n]*"|[^\s"'&,;]+)`, "passw", "passphrase", "pwd", "secret", "token", "key"),
}

// find appends what the pattern recognises; lower is the text in lower case.
func (p pattern) find(text, lower string, spans []span) []span {
	if !p.mayFind(text, lower) {
		return spans
	}
	for _, m := range p.re.FindAllStringSubmatchIndex(text, -1) {
		s := span{from: m[0], start: m[0], end: m[1]}
		if len(m) > 2 && m[2] >= 0 {
			s.start, s.end = m[2], m[3]
		}
		if masked(text[s.start:s.end]) {
			s.end = s.start + len(Mask)
		}
		if s.end == len(text) && (p.ends != keyEnd || !closed.MatchString(text[s.start:])) {
			s.ends = p.ends
		}
		spans = append(spans, s)
	}
	return spans
}

// masked reports whether a value is a mask already, with no more behind it than
// what closes the text around it: masking twice changes nothing.
func masked(value string) bool {
	rest, ok := strings.CutPrefix(value, Mask)
	return ok && strings.Trim(rest, `}])>\`) == ""
}

func (p pattern) mayFind(text, lower string) bool {
	if p.fold {
		text = lower
	}
	return slices.ContainsFunc(p.hint, func(h string) bool { return strings.Contains(text, h) })
}
