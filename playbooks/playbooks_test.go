package playbooks_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/playbooks"
)

// actions are the ones that the playbooks in the binary use, as their packages
// describe them.
func actions() map[string]bot.ActionInfo {
	return map[string]bot.ActionInfo{
		"http": {Name: "http", Effect: bot.EffectUnknown, Probe: true, Args: map[string]bot.ArgInfo{
			"url": {Kind: bot.ArgURL, Required: true}, "method": {Kind: bot.ArgString, Values: []string{"GET", "POST", "PUT", "PATCH", "DELETE"}},
			"headers": {Kind: bot.ArgMap}, "body": {Kind: bot.ArgJSON}, "text": {Kind: bot.ArgString}, "bearer": {Kind: bot.ArgSecret},
			"expect_status": {Kind: bot.ArgInt}, "key_header": {Kind: bot.ArgString},
		}},
		"command": {Name: "command", Effect: bot.EffectUnknown, Probe: true, Args: map[string]bot.ArgInfo{
			"argv": {Kind: bot.ArgArgv, Required: true}, "env": {Kind: bot.ArgMap}, "dir": {Kind: bot.ArgString}, "stdin": {Kind: bot.ArgString},
		}},
		"wait": {Name: "wait", Effect: bot.EffectReads, Args: map[string]bot.ArgInfo{"for": {Kind: bot.ArgDuration, Required: true}}},
	}
}

const good = `name: restart
owner: ops
match: alert.labels["service"] == "shop"
target: alert.labels["instance"]
mode: auto
auto_below: medium
approvers: [oncall]
params:
  how: {type: enum, values: [soft, hard], default: soft}
steps:
  - id: call
    uses: http
    with:
      url: https://api.example.com/${{ params.how }}
      body: {n: "${{ incident.firing }}", list: [1, a]}
    undo:
      uses: command
      with: {argv: [/bin/undo, "${{ params.how }}"]}
verify:
  checks:
    - {id: up, uses: http, with: {url: https://api.example.com/health}, expect: status == 200}
    - {id: over, uses: resolved}
`

func load(src string) ([]bot.Playbook, error) {
	return playbooks.Load(fstest.MapFS{"p.yaml": {Data: []byte(src), Mode: 0o600}}, ".", actions())
}

func problems(t *testing.T, src string) playbooks.Problems {
	t.Helper()
	_, err := load(src)
	ps, ok := errors.AsType[playbooks.Problems](err)
	require.True(t, ok, "%v", err)
	return ps
}

func TestAPlaybookLoadsWithItsDefaults(t *testing.T) {
	t.Parallel()
	books, err := load(good)
	require.NoError(t, err)
	require.Len(t, books, 1)
	b := books[0]
	require.Equal(t, bot.SeverityMedium, b.AutoBelow)
	require.Equal(t, 1, b.Quorum)
	require.Equal(t, bot.RiskMedium, b.Risk)
	require.Equal(t, 15*time.Minute, b.Cooldown.Std())
	require.Equal(t, 24*time.Hour, b.UndoUntil.Std())
	require.Equal(t, time.Hour, b.ExpiresIn.Std())
	require.Equal(t, 30*time.Second, b.Steps[0].Timeout.Std())
	require.Equal(t, bot.RepeatNever, b.Steps[0].Repeat)
	require.Equal(t, "call", b.Steps[0].Undo.ID)
	require.Equal(t, 5*time.Second, b.Verify.Every.Std())
	require.Equal(t, "p.yaml", b.File)
	require.Len(t, b.Hash, 64)

	require.False(t, b.Steps[0].ShareOutput || b.Steps[0].Undo.ShareOutput)
	shares, err := load(change("    undo:\n", "    share_output: true\n    undo:\n"))
	require.NoError(t, err)
	require.True(t, shares[0].Steps[0].ShareOutput)
	require.False(t, shares[0].Steps[0].Undo.ShareOutput, "an undo says so by itself")

	other, err := load(good + "# a comment\n")
	require.NoError(t, err)
	require.NotEqual(t, b.Hash, other[0].Hash, "the hash is of the bytes")
}

// change replaces one line of the good playbook.
func change(old, with string) string {
	out := strings.Replace(good, old, with, 1)
	if out == good {
		panic("the good playbook has no " + old)
	}
	return out
}

func TestEveryMistakeHasItsPlaceAndItsCure(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, want string }{
		{"unknown key", change("owner: ops", "ownr: ops"), `p.yaml:2:1: "ownr" is not a key here; did you mean "owner"?`},
		{"unknown key in a step", change("    uses: http", "    use: http"), `p.yaml:12:5: "use" is not a key in steps; did you mean "uses"?`},
		{"duplicate key", change("owner: ops", "owner: ops\nowner: dev"), "p.yaml:3:1"},
		{"anchor", change("owner: ops", "owner: &x ops"), "p.yaml:2:8: anchors, aliases and tags are not used here; write the value out"},
		{"two documents", good + "---\nname: x\n", "a second document begins; keep one document in a file"},
		{"not a mapping", "- a\n", "p.yaml:1:1: is not a list of keys"},
		{"empty", "# nothing\n", "p.yaml: is empty"},
		{"wrong type", change("approvers: [oncall]", "approvers: 7"), "p.yaml:7:12"},
		{"bad name", change("name: restart", "name: Restart It"), `p.yaml:1:7: "Restart It" is not a playbook name`},
		{"no owner", change("owner: ops\n", ""), "nobody owns it; write owner:"},
		{"misspelt field", change(`alert.labels["service"]`, `alert.lables["service"]`), `p.yaml:3:13: undeclared reference to 'alert.lables' (did you mean 'alert.labels'?)`},
		{"match is no bool", change(`match: alert.labels["service"] == "shop"`, "match: alert.title"), "p.yaml:3:8: the expression gives string, not bool"},
		{"target is no text", change(`target: alert.labels["instance"]`, "target: incident.firing"), "p.yaml:4:9: the expression gives int, not string"},
		{"no match", change(`match: alert.labels["service"] == "shop"`, "title: x"), "is missing; write an expression over alert"},
		{"unknown mode", change("mode: auto", "mode: atuo"), `p.yaml:5:7: "atuo" is not a mode; did you mean "auto"?`},
		{"auto without threshold", change("auto_below: medium\n", ""), "mode auto needs a threshold; add auto_below: medium"},
		{"threshold without auto", change("mode: auto", "mode: propose"), "auto_below means nothing without mode: auto"},
		{"bad severity", change("auto_below: medium", "auto_below: bad"), `"bad" is not a severity`},
		{"no approvers", change("approvers: [oncall]", "approvers: []"), "p.yaml:7:12: there are no approvers: nobody could ever agree to it"},
		{"enum without values", change("{type: enum, values: [soft, hard], default: soft}", "{type: enum}"), "an enum needs values"},
		{"pattern not anchored", change("{type: enum, values: [soft, hard], default: soft}", `{type: string, pattern: "[a-z]+"}`), "the pattern is not anchored; begin it with ^"},
		{"no pattern", change("{type: enum, values: [soft, hard], default: soft}", "{type: string}"), "a string needs a pattern"},
		{"integer without bounds", change("{type: enum, values: [soft, hard], default: soft}", "{type: integer}"), "an integer needs bounds"},
		{"unknown action", change("uses: http\n    with", "uses: htpt\n    with"), `p.yaml:12:11: "htpt" is not an action; did you mean "http"?`},
		{"unknown argument", change("      body:", "      bdoy:"), `http has no argument "bdoy"; did you mean "body"?`},
		{"missing argument", change("      url: https://api.example.com/${{ params.how }}\n", ""), "p.yaml:11:5: http needs the argument url"},
		{"open template", change("${{ params.how }}\n", "${{ params.how\n"), "p.yaml:14:36: ${{ is not closed; write }} after the expression"},
		{"misspelt in a template", change("/${{ params.how }}", "/${{ parms.how }}"), "p.yaml:14:40: undeclared reference"},
		{"host from an alert", change("https://api.example.com/${{ params.how }}", "https://${{ params.how }}/x"), "p.yaml:14:12: scheme and host must be literal"},
		{"program from an alert", change("[/bin/undo, \"${{ params.how }}\"]", "[\"${{ params.how }}\"]"), "the program must be literal"},
		{"argv as text", change("[/bin/undo, \"${{ params.how }}\"]", "/bin/undo"), "it is a list: the program, then one entry an argument"},
		{"secret in the file", change("      body:", "      bearer: hunter2\n      body:"), "is not a secret reference; write env:NAME"},
		{"unknown check", change("uses: resolved", "uses: resolvd"), `"resolvd" is not a check; did you mean "resolved"?`},
		{"expectation", change("expect: status == 200", "expect: statsu == 200"), "p.yaml:21:81: undeclared reference"},
		{"timeout", change("    uses: http", "    timeout: 5h\n    uses: http"), "p.yaml:12:14: 5h is out of bounds; write 1s to 1h"},
		{"repeat", change("    uses: http", "    repeat: always\n    uses: http"), `"always" is not a way to repeat`},
		{"two steps of one id", change("verify:", "  - {id: call, uses: wait, with: {for: 1s}}\nverify:"), `there are two steps "call"`},
		{"no steps", strings.Split(good, "steps:")[0], "there are no steps"},
		{"runbook", change("owner: ops", "owner: ops\nrunbook: javascript:alert(1)"), "is not a link; write https://..."},
		{"duration of a wait", change("    uses: http\n    with:", "    uses: wait\n    with: {for: soon}\n  - id: b\n    uses: http\n    with:"), `"soon" is not a duration`},
		{"NUL", good + "\x00", "has a NUL byte"},
		{"bracket bomb", "name: " + strings.Repeat("[", 5000), "nested deeper"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(tt.src)
			require.Error(t, err)
			require.Contains(t, err.Error(), tt.want)
			_, ok := errors.AsType[playbooks.Problems](err)
			require.True(t, ok)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestAllMistakesOfAllFilesAreToldAndNothingIsLoaded(t *testing.T) {
	t.Parallel()
	books, err := playbooks.Load(fstest.MapFS{
		"a.yaml": {Data: []byte(change("owner: ops", "owner: ''\nrisk: huge")), Mode: 0o600}, "b/c.yml": {Data: []byte("x: 1\n"), Mode: 0o600},
		"good.yaml": {Data: []byte(good), Mode: 0o600}, "notes.txt": {Data: []byte("not read")}, ".hidden.yaml": {Data: []byte("not read")},
	}, ".", actions())
	require.Nil(t, books)
	problems, ok := errors.AsType[playbooks.Problems](err)
	require.True(t, ok)
	require.Len(t, problems, 4, "owner, risk, the unknown key, and the name that is there twice: %v", err)
}

func TestFilesThatOthersCanChangeAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "p.yaml")
	require.NoError(t, os.WriteFile(file, []byte(good), 0o600))
	_, err := playbooks.Load(os.DirFS(dir), ".", actions())
	require.NoError(t, err)
	require.NoError(t, os.Chmod(file, 0o602))
	_, err = playbooks.Load(os.DirFS(dir), ".", actions())
	require.ErrorContains(t, err, "p.yaml: can be written by everybody; chmod o-w it")
	require.NoError(t, os.Remove(file))
	elsewhere := filepath.Join(t.TempDir(), "q.yaml")
	require.NoError(t, os.WriteFile(elsewhere, []byte(good), 0o600))
	require.NoError(t, os.Symlink(elsewhere, file))
	_, err = playbooks.Load(os.DirFS(dir), ".", actions())
	require.ErrorContains(t, err, "p.yaml: is a symlink")
	_, err = playbooks.Load(fstest.MapFS{"p.yaml": {Data: make([]byte, 300<<10), Mode: 0o600}}, ".", actions())
	require.ErrorContains(t, err, "larger than 256 KiB")
}

func TestTheLibraryLoadsWithoutAWarning(t *testing.T) {
	t.Parallel()
	books, err := playbooks.Load(playbooks.Library(), ".", actions())
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(books), 2)
	require.Empty(t, playbooks.Lint(books))
	for _, b := range books {
		require.NotEmpty(t, b.Title, b.Name)
		require.NotEmpty(t, b.Description, b.Name)
	}
}

func TestTheDemosPlaybooksGetItsAddresses(t *testing.T) {
	t.Parallel()
	fsys, err := playbooks.Demo("http://127.0.0.1:4001", "http://127.0.0.1:4002")
	require.NoError(t, err)
	require.NoError(t, fstest.TestFS(fsys, "demo-restart.yaml", "demo-flush-cache.yaml"))
	books, err := playbooks.Load(fsys, ".", actions())
	require.NoError(t, err)
	require.Len(t, books, 2)
	require.Empty(t, playbooks.Lint(books))
	text, err := fs.ReadFile(fsys, "demo-restart.yaml")
	require.NoError(t, err)
	require.Contains(t, string(text), "http://127.0.0.1:4002/restart")
	require.NotContains(t, string(text), ".invalid")

	_, err = playbooks.Demo("http://127.0.0.1:4001/path", "x")
	require.ErrorContains(t, err, "is not an address of the form")
}

func TestLintSaysWhatIsProbablyNotMeant(t *testing.T) {
	t.Parallel()
	books, err := load(change("owner: ops", "owner: ops\nauthor: carol\nrisk: high"))
	require.NoError(t, err)
	books[0].Verify = nil
	var all []string
	for _, p := range playbooks.Lint(books) {
		require.True(t, p.Warning)
		all = append(all, p.String())
	}
	text := strings.Join(all, "\n")
	for _, want := range []string{"nothing verifies", "no runbook", "its risk is high", "nobody else has reviewed it"} {
		require.Contains(t, text, want)
	}

	books, err = load(change("verify:", "  - {id: again, uses: command, with: {argv: [/bin/x]}}\nverify:\n  within: 10s\n  every: 20s"))
	require.NoError(t, err)
	text = playbooks.Problems(playbooks.Lint(books)).Error()
	for _, want := range []string{"step again runs by itself and can be neither undone", "verifies every 20s but gives up after 10s", "check over waits 10s"} {
		require.Contains(t, text, want)
	}
	books, err = load(change("approvers: [oncall]", "approvers: [oncall, security]\nalso: [security]"))
	require.NoError(t, err)
	require.Equal(t, []string{"security"}, books[0].Also)
	require.Contains(t, playbooks.Problems(playbooks.Lint(books)).Error(), "also names security, whose people are approvers too")
	books, err = load(change("mode: auto\nauto_below: medium", "mode: observe"))
	require.NoError(t, err)
	require.Empty(t, playbooks.Lint(books), "what never acts needs nothing")
}

func reference(t *testing.T) (doc string, examples []string) {
	t.Helper()
	text, err := os.ReadFile("../docs/playbooks.md")
	require.NoError(t, err)
	for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
		src, _, ok := strings.Cut(block, "```")
		require.True(t, ok)
		examples = append(examples, src)
	}
	return string(text), examples
}

func TestTheExamplesOfTheReferenceLoadWithoutAWarning(t *testing.T) {
	t.Parallel()
	_, examples := reference(t)
	require.Len(t, examples, 2)
	for _, src := range examples {
		books, err := load(src)
		require.NoError(t, err, src)
		require.Empty(t, playbooks.Lint(books))
	}
}

func TestTheReferenceShowsAMistakeAsItIsTold(t *testing.T) {
	t.Parallel()
	doc, examples := reference(t)
	_, err := playbooks.Load(fstest.MapFS{
		"cache-flush.yaml": {Data: []byte(strings.Replace(examples[0], "owner:", "ownr:", 1)), Mode: 0o600},
	}, ".", actions())
	require.Error(t, err)
	require.Contains(t, doc, "```text\n"+err.Error()+"\n```")
}

func TestTheReferenceHasEveryKeyArgumentAndPlaybook(t *testing.T) {
	t.Parallel()
	doc, _ := reference(t)
	for _, noun := range []any{bot.Playbook{}, bot.Param{}, bot.StepSpec{}, bot.VerifySpec{}, bot.CheckSpec{}} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(noun)) {
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if key != "hash" && key != "file" {
				require.Contains(t, doc, "`"+key+"`")
			}
		}
	}
	for _, a := range actions() {
		require.Contains(t, doc, "| `"+a.Name+"` |")
		for arg := range a.Args {
			require.Contains(t, doc, "`"+arg+"`", a.Name)
		}
	}
	books, err := playbooks.Load(playbooks.Library(), ".", actions())
	require.NoError(t, err)
	for _, b := range books {
		require.Contains(t, doc, "| `"+b.Name+"` |")
	}
}

func TestNumbersInArgumentsAreWholeOrNot(t *testing.T) {
	t.Parallel()
	books, err := load(change("list: [1, a]", "list: [1, 1.5, -2, true, null, {k: 3}]"))
	require.NoError(t, err)
	body := books[0].Steps[0].With["body"]
	require.Equal(t, map[string]any{
		"n": "${{ incident.firing }}", "list": []any{int64(1), 1.5, int64(-2), true, nil, map[string]any{"k": int64(3)}},
	}, body)
}

// FuzzLoad: whatever the file, the answer is one playbook that survives JSON, or
// problems that stand within the file and show no secret.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("name: &a [*a]\n"))
	f.Add([]byte("steps: [{id: a, uses: http, with: {url: \"${{ '}}' }}\"}}]\n"))
	for _, m := range mistakes {
		f.Add([]byte(change(m.old, m.with)))
	}
	err := fs.WalkDir(playbooks.Library(), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		src, err := fs.ReadFile(playbooks.Library(), p)
		f.Add(src)
		return err
	})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, src []byte) {
		books, err := load(string(src))
		if err == nil {
			require.Len(t, books, 1)
			_ = playbooks.Lint(books)
			text, err := json.Marshal(books[0])
			require.NoError(t, err)
			var again bot.Playbook
			require.NoError(t, json.Unmarshal(text, &again))
			return
		}
		require.Nil(t, books)
		lines := bytes.Count(src, []byte("\n")) + 1
		for _, p := range problems(t, string(src)) {
			require.NotEmpty(t, p.Message)
			require.GreaterOrEqual(t, p.Line, 0)
			require.LessOrEqual(t, p.Line, lines+1, "%s", p)
			require.GreaterOrEqual(t, p.Column, 0)
		}
	})
}
