package playbooks_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot/secret"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// mistakes are changes of the good playbook: each line of old becomes with.
var mistakes = []struct{ name, old, with string }{
	{"all keys and types of a file at once", "owner: ops\nmatch", "ownr: ops\napprovers: oncall\nquorum: two\ncooldown: soon\nauto_below: huge\nmatch"},
	{"keys that stand there twice", "owner: ops", "owner: ops\nowner: dev\nname: other"},
	{"an anchor and an alias", "owner: ops", "owner: &o ops\ntitle: *o"},
	{"a tag", "owner: ops", "owner: !!str ops"},
	{"a merge key", "owner: ops", "<<: {owner: ops}\nowner: ops"},
	{"a key that is no text", "      body:", "      headers: {1: a}\n      body:"},
	{"a number that would change", "owner: ops", "owner: 007"},
	{"a number that would change in a list", "[/bin/undo, ", "[/bin/undo, 0x10, 1e3, "},
	{"text instead of keys", "verify:\n  checks:", "verify: soon\nx:\n  checks:"},
	{"keys instead of text", "owner: ops", "owner: {team: ops}"},
	{"a list that is not closed", "approvers: [oncall]", "approvers: [oncall"},
	{"a tab", "    uses: http", "\tuses: http"},
	{"a name in capitals, and no link", "name: restart", "name: Restart\nrunbook: wiki/restart"},
	{"words that are near", "mode: auto", "mode: atuo\nrisk: hihg"},
	{"auto without a threshold", "auto_below: medium\n", ""},
	{"a threshold without auto", "mode: auto", "mode: propose"},
	{"no approvers", "approvers: [oncall]\n", ""},
	{"approvers that are none", "approvers: [oncall]", "approvers: [on call, dev, dev]"},
	{"a second group that is the first", "approvers: [oncall]", "approvers: [oncall]\nquorum: 2\nalso: [oncall]"},
	{"second groups that are none", "approvers: [oncall]", "approvers: [oncall]\nalso: [the boss, ops, ops]"},
	{"a second group without a first", "approvers: [oncall]", "approvers: []\nalso: [security]"},
	{"too many second groups", "approvers: [oncall]", "approvers: [oncall]\nalso: [a, b, c, d, e, f]"},
	{"second groups under a misspelt key", "approvers: [oncall]", "approvers: [oncall]\nalos: [security]"},
	{"times out of bounds", "approvers: [oncall]", "approvers: [oncall]\nexpires_in: 1s\ncooldown: 1000h\nundo_until: 1000h\nquorum: 0"},
	{"a match over folded lines", `match: alert.labels["service"] == "shop"`, "match: >-\n  alert.labels[\"service\"] == \"shop\" &&\n  alert.lables[\"a\"] == \"b\""},
	{"a match in a block", `match: alert.labels["service"] == "shop"`, "match: |\n  alert.labels[\"service\"] == \"shop\" &&\n    alert.severity == \"hgih\""},
	{"a match in quotes", `match: alert.labels["service"] == "shop"`, `match: "alert.labels[\"service\"] == \"shop\" && alert.lables[\"a\"] == \"b\""`},
	{"a match in single quotes", `match: alert.labels["service"] == "shop"`, `match: 'alert.title == "it''s" || alert.lables["a"] == "b"'`},
	{"a match that reads params", `match: alert.labels["service"] == "shop"`, `match: alert.labels["service"] == params.how`},
	{"a target that reads what is not declared", `target: alert.labels["instance"]`, `target: alert.labels["instance"] + params.hwo`},
	{"targets", "mode: auto", "targets: [\"[a\"]\nmode: auto"},
	{"params", "  how: {type: enum, values: [soft, hard], default: soft}", `  how: {type: enum, values: [soft, hard, hard], default: soft}
  Cap: {type: duration, default: soon}
  odd: {type: text}
  either: {type: string, pattern: "^a|b$"}
  open: {type: string, pattern: "^a\\$"}
  broken: {type: string, pattern: "^(a$"}
  bare: {type: string}
  few: {type: enum}
  count: {type: integer, min: 3, max: 2}
  free: {type: integer}
  mixed: {type: duration, min: 1, values: [a], pattern: "^a$"}
  word: {type: string, pattern: "^[a-z]+$", default: "A"}
  pick: {type: enum, values: [soft, hard], default: sotf}
  many: {type: integer, min: 1, max: 9, default: 12}
  later: {type: string, pattern: "^[a-z]+$", default: "${{ params.how }}"}`},
	{"steps", "verify:", "  - {id: call, uses: htpp}\n  - {id: Bad Id, uses: wait}\n  - {title: none}\n  - {id: long, uses: wait, with: {for: 1d}, timeout: 2h, repeat: always}\nverify:"},
	{"addresses", "      url: https://api.example.com/${{ params.how }}\n", "      url: https://${{ params.how }}/x\n"},
	{"an address of another kind", "https://api.example.com/${{ params.how }}", "ftp://api.example.com/"},
	{"an address with a user", "https://api.example.com/${{ params.how }}", "https://bob@api.example.com/"},
	{"a name in a query", "https://api.example.com/${{ params.how }}", "https://api.example.com/?${{ params.how }}=1"},
	{"an address that is a number", "https://api.example.com/${{ params.how }}", "7"},
	{"arguments", "      body:", "      methd: GET\n      method: FETCH\n      expect_status: fine\n      text: 5\n      headers: {X-A: [1], \"${{ params.how }}\": x}\n      body:"},
	{"numbers that JSON cannot hold", "list: [1, a]", "list: [12345678901234567890, .inf, 9007199254740993]"},
	{"a secret in the file", "      body:", "      bearer: hunter2hunter2\n      body:"},
	{"a secret in a header", "      body:", "      headers:\n        Authorization: Bearer hunter2hunter2\n      body:"},
	{"a secret under a misspelt key", "      body:", "      beaerr: hunter2hunter2\n      body:"},
	{"a secret in quotes that are not closed", "      body:", "      bearer: \"hunter2hunter2\n      body:"},
	{"a template that is not closed", "/${{ params.how }}", "/${{ params.how"},
	{"a template that does not compile", `"${{ incident.firing }}"`, `"n: ${{ incident.friing }}"`},
	{"a param in a template", "/bin/undo, \"${{ params.how }}\"", "/bin/undo, \"--how=${{ params.hwo }}\""},
	{"programs", "[/bin/undo, \"${{ params.how }}\"]", "[\"${{ params.how }}\"]"},
	{"a program by where it is", "[/bin/undo, ", "[../undo, "},
	{"a shell line", "[/bin/undo, \"${{ params.how }}\"]", "undo it"},
	{"checks", "    - {id: over, uses: resolved}", "    - {id: over, uses: resolved, expect: 'true', with: {a: 1}}\n    - {id: up, uses: wait}\n    - {id: x, uses: http, with: {url: https://a.example.com}}\n    - {id: y, uses: http, with: {url: https://a.example.com}, expect: status}"},
	{"no checks", "verify:\n  checks:\n    - {id: up, uses: http, with: {url: https://api.example.com/health}, expect: status == 200}\n    - {id: over, uses: resolved}", "verify: {within: 30h, every: 0s, checks: []}"},
}

func TestMistakesReadAsInTheGoldenFile(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, m := range mistakes {
		_, err := load(change(m.old, m.with))
		require.Error(t, err, m.name)
		require.NotContains(t, err.Error(), "hunter2", m.name)
		fmt.Fprintf(&b, "## %s\n%s\n\n", m.name, err)
	}
	const golden = "testdata/mistakes.golden"
	if *update {
		require.NoError(t, os.WriteFile(golden, []byte(b.String()), 0o600))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	require.Equal(t, string(want), b.String())
}

func TestEveryProblemHasAPlaceInTheFile(t *testing.T) {
	t.Parallel()
	for _, m := range mistakes {
		src := change(m.old, m.with)
		lines := strings.Split(src, "\n")
		for _, p := range problems(t, src) {
			require.Positive(t, p.Line, m.name)
			require.LessOrEqual(t, p.Line, len(lines), m.name)
			require.LessOrEqual(t, p.Column, len([]rune(lines[p.Line-1]))+1, "%s: %s", m.name, p)
			require.Equal(t, p.String(), secret.NewRedactor().String(p.String()))
		}
	}
}

func TestHostileFilesAreRefusedAndNotWorkedOn(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"brackets, one a line": "name: " + strings.Repeat("[\n", 10_000),
		"keys in keys":         "name: " + strings.Repeat("{a:\n", 10_000),
		"lists in lists":       "name:\n  " + strings.Repeat("- ", 20_000) + "x\n",
		"keys for keys":        strings.Repeat("? - ", 10_000) + "x\n",
		"tags":                 "name: " + strings.Repeat("!a ", 20_000) + "x\n",
		"anchors":              "name: " + strings.Repeat("&a ", 15_000) + "x\n",
		"quotes":               "name: " + strings.Repeat(`"`, 40_000) + "\n",
		"colons":               strings.Repeat("a: ", 20_000),
		"documents":            strings.Repeat("---\na: b\n", 9_000),
		"one key many times":   strings.Repeat("a: b\n", 16_000),
		"many keys in a line":  "{" + strings.Repeat("a: b, ", 12_000) + "a: b}",
		"an alias bomb":        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nname: [*c, *c]\n",
		"too many words":       "checklist: [" + strings.Repeat("a,", 100_000) + "]",
	} {
		_, err := load(src)
		require.Error(t, err, name)
		require.Less(t, len(err.Error()), 64<<10, name)
	}
}
