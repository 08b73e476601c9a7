package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/cmd/salve/cli"
)

// looks are the commands that only read.
var looks = map[string][]string{
	"incidents": {"incidents", "--state", "open", "--state", "resolved", "--mine", "--text", "err"}, "show": {"show", "I-142"}, "show-run": {"show", "r-88"},
	"why": {"why", "142"}, "runs": {"runs", "--active", "--incident", "I-142", "--playbook", "restart", "--target", "web-1"}, "approvals": {"approvals", "--all"},
	"timeline": {"timeline", "I-142"}, "playbooks": {"playbook"}, "status": {"status"}, "whoami": {"whoami"}, "halts": {"halts"}, "claims": {"claims"}, "oncall": {"oncall"},
	"quarantine": {"quarantine", "--all"}, "quarantine-show": {"quarantine", "show", "Q-3"}, "people": {"user"}, "person": {"user", "show", "rita"}, "tokens": {"user", "tokens", "rita"},
	"audit": {"audit", "show", "--incident", "I-142", "--run", "R-88"}, "verify": {"audit", "verify"},
}

func TestWhatPeopleRead(t *testing.T) {
	t.Parallel()
	for name, args := range looks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := full()
			r := typed(t, d, args...)
			require.Equal(t, 0, r.code, r.err)
			require.Empty(t, r.err)
			requireVisible(t, r.out)
			golden(t, name, strings.Join(d.asked, "\n")+"\n\n"+r.out)
		})
	}
}

func TestWhatProgramsReadIsOneDocumentWithTheSameValues(t *testing.T) {
	t.Parallel()
	for name, args := range looks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := typed(t, full(), append(args, "--json")...)
			require.Equal(t, 0, r.code, r.err)
			requireVisible(t, r.out)
			dec := json.NewDecoder(strings.NewReader(r.out))
			var v any
			require.NoError(t, dec.Decode(&v))
			_, err := dec.Token()
			require.ErrorIs(t, err, io.EOF)
		})
	}
	var list []bot.Incident
	require.NoError(t, json.Unmarshal([]byte(typed(t, full(), "incidents", "--json").out), &list))
	require.Equal(t, "Errors "+hostile, list[0].Title)
	require.Equal(t, ago(130*time.Minute), list[0].FirstAt)
}

// requireVisible holds that nothing reaches a terminal but what can be seen.
func requireVisible(t *testing.T, text string) {
	t.Helper()
	for i, r := range text {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar) {
			require.Failf(t, "something hidden", "%q at %d of %q", r, i, text)
		}
	}
	require.NotContains(t, "\n"+text, "\nID  I-9", "no line of its own")
}

func TestAListOfNothingSaysSo(t *testing.T) {
	t.Parallel()
	none := &door{answers: map[string]any{}}
	for _, what := range []string{"incidents", "runs", "approvals", "playbooks", "halts", "claims", "quarantine", "people", "people/rita/tokens", "events", "oncall"} {
		none.answers["GET /v1/"+what] = []any{}
	}
	for _, args := range [][]string{{"incidents"}, {"runs"}, {"approvals"}, {"playbook"}, {"halts"}, {"claims"}, {"quarantine"}, {"user"}, {"user", "tokens", "rita"}, {"audit", "show"}, {"oncall"}} {
		r := typed(t, none, args...)
		require.Equal(t, 0, r.code, r.err)
		require.Greater(t, len(r.out), 8, args)
		require.Equal(t, "[]\n", typed(t, none, append(args, "--json")...).out, args)
	}
	none.answers["GET /v1/whoami"] = bot.Person{}
	require.Contains(t, typed(t, none, "whoami").out, "Salve does not know you: you may read and halt.")
}

func TestWhatPeopleSayBecomesACommand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		want bot.Command
	}{
		{[]string{"approve", "i-142", "3fa9c1d2"}, bot.Command{Verb: bot.VerbApprove, Incident: 142, Digest: "3fa9c1d2"}},
		{[]string{"deny", "142", "--reason", "wrong host"}, bot.Command{Verb: bot.VerbDeny, Incident: 142, Reason: "wrong host"}},
		{[]string{"deny", "142", "3fa9c1d2", "wrong", "host"}, bot.Command{Verb: bot.VerbDeny, Incident: 142, Digest: "3fa9c1d2", Reason: "wrong host"}},
		{[]string{"take", "142"}, bot.Command{Verb: bot.VerbTake, Incident: 142}},
		{[]string{"release", "142"}, bot.Command{Verb: bot.VerbRelease, Incident: 142}},
		{[]string{"assign", "142", "rita"}, bot.Command{Verb: bot.VerbAssign, Incident: 142, To: "rita"}},
		{[]string{"handover", "142", "rita", "look", "at", "web"}, bot.Command{Verb: bot.VerbHandover, Incident: 142, To: "rita", Reason: "look at web"}},
		{[]string{"note", "142", "seen", "before"}, bot.Command{Verb: bot.VerbNote, Incident: 142, Reason: "seen before"}},
		{[]string{"snooze", "142", "30m"}, bot.Command{Verb: bot.VerbSnooze, Incident: 142, For: bot.Duration(30 * time.Minute)}},
		{[]string{"close", "142", "a", "drill"}, bot.Command{Verb: bot.VerbClose, Incident: 142, Reason: "a drill"}},
		{[]string{"reopen", "142"}, bot.Command{Verb: bot.VerbReopen, Incident: 142}},
		{[]string{"merge", "142", "I-9"}, bot.Command{Verb: bot.VerbMerge, Incident: 142, Into: 9}},
		{[]string{"split", "142", "aa", "bb"}, bot.Command{Verb: bot.VerbSplit, Incident: 142, Alerts: []string{"aa", "bb"}}},
		{[]string{"run", "restart", "142", "-p", "service=web", "-p", "n=2"}, bot.Command{Verb: bot.VerbRun, Incident: 142, Playbook: "restart", Params: map[string]string{"service": "web", "n": "2"}}},
		{[]string{"run", "--instead-of", "a-7", "-p", "n=2"}, bot.Command{Verb: bot.VerbRun, Approval: 7, Params: map[string]string{"n": "2"}}},
		{[]string{"claim", "db-3", "-r", "new disks", "--for", "8h"}, bot.Command{Verb: bot.VerbClaim, Name: "db-3", Reason: "new disks", For: bot.Duration(8 * time.Hour)}},
		{[]string{"claim", "db-3"}, bot.Command{Verb: bot.VerbClaim, Name: "db-3"}},
		{[]string{"unclaim", "db-3"}, bot.Command{Verb: bot.VerbUnclaim, Name: "db-3"}},
		{[]string{"raise", "the shop is slow"}, bot.Command{Verb: bot.VerbRaise, Title: "the shop is slow"}},
		{[]string{"raise", "the shop is slow", "--severity", "low", "--note", "since noon"}, bot.Command{Verb: bot.VerbRaise, Title: "the shop is slow", Severity: bot.SeverityLow, Reason: "since noon"}},
		{[]string{"undo", "r-88"}, bot.Command{Verb: bot.VerbUndo, Run: 88}},
		{[]string{"cancel", "88"}, bot.Command{Verb: bot.VerbCancel, Run: 88}},
		{[]string{"settle", "R-88", "not-done"}, bot.Command{Verb: bot.VerbSettle, Run: 88, Settle: bot.SettleNotDone}},
		{[]string{"halt", "-r", "smoke"}, bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltAll, Reason: "smoke"}},
		{[]string{"halt", "--playbook", "restart"}, bot.Command{Verb: bot.VerbHalt, Scope: bot.HaltPlaybook, Name: "restart"}},
		{[]string{"resume", "--target", "web-1"}, bot.Command{Verb: bot.VerbResume, Scope: bot.HaltTarget, Name: "web-1"}},
		{[]string{"replay", "Q-3"}, bot.Command{Verb: bot.VerbReplay, Quarantine: 3}},
		{[]string{"discard", "3"}, bot.Command{Verb: bot.VerbDiscard, Quarantine: 3}},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			d := full()
			r := typed(t, d, tt.args...)
			require.Equal(t, 0, r.code, r.err)
			require.Equal(t, []bot.Command{tt.want}, d.commands)
			require.True(t, strings.HasPrefix(r.out, "Done: "), r.out)
			requireVisible(t, r.out)
			require.Contains(t, typed(t, d, append(tt.args, "--json")...).out, `"text": "Done`)

			refused := &door{fail: bot.Refuse(bot.RefusedForbidden, "You may not, "+hostile, "Ask Rita.")}
			r = typed(t, refused, tt.args...)
			require.Equal(t, 1, r.code)
			require.Empty(t, r.out)
			require.True(t, strings.HasPrefix(r.err, "salve: refused: You may not"), r.err)
			require.True(t, strings.HasSuffix(r.err, "\nAsk Rita.\n"), r.err)
		})
	}
}

func TestACommandLineThatCannotBeUnderstoodReachesNobody(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"approve", "R-1", "3fa9c1d2"}, {"take", "x"}, {"deny", "142"}, {"deny", "142", "3fa9c1d2"}, {"snooze", "142", "soon"}, {"snooze", "142", "-1h"}, {"merge", "142", "x"},
		{"undo", "I-1"}, {"settle", "88", "maybe"}, {"halt", "--playbook", "a", "--target", "b"}, {"replay", "R-1"}, {"show", "X-1"}, {"show", "R-x"}, {"why", "R-1"},
		{"timeline", "R-1"}, {"incidents", "--state", "odd"}, {"incidents", "--limit", "many"}, {"user", "add"}, {"user", "add", "bob", "--role", "king"}, {"user", "edit", "rita"},
		{"user", "token", "rita", "--label", "x", "--for", "ever"}, {"user", "token", "rita"}, {"user", "edit", "rita", "--uid", "-1"}, {"quarantine", "show", "x"}, {"nonsense"}, {"note", "142"},
		{"run"}, {"run", "restart"}, {"run", "--instead-of", "I-7"}, {"run", "restart", "142", "--instead-of", "A-7"}, {"claim"}, {"claim", "a", "--for", "soon"}, {"raise"}, {"raise", "x", "--severity", "odd"},
	} {
		d := full()
		r := typed(t, d, args...)
		require.Equal(t, 2, r.code, "%v: %s", args, r.err)
		require.NotEmpty(t, r.err)
		require.Empty(t, d.commands, args)
		require.Empty(t, d.sent, args)
	}
}

func TestWithoutASalveEveryCommandSaysSo(t *testing.T) {
	t.Parallel()
	for name, args := range looks {
		want := 1
		if name == "verify" {
			want = 3 // 1 says that the log does not prove
		}
		r := typed(t, nil, args...)
		require.Equal(t, want, r.code)
		require.Equal(t, "salve: no Salve was found\n", r.err, args)
		d := full()
		d.fail = errors.New("the line went dead")
		r = typed(t, d, args...)
		require.Equal(t, want, r.code, args)
		require.Contains(t, r.err, "the line went dead")
	}
}

func TestApprovingWithoutADigestShowsThePlanFirst(t *testing.T) {
	t.Parallel()
	d := full()
	r := typed(t, d, "approve", "I-142")
	require.Equal(t, 2, r.code)
	require.Contains(t, r.out, "digest 3fa9c1d2")
	require.Contains(t, r.out, `argv=["/bin/stop","a b","\u001b[31m`, "each word for itself")
	require.Contains(t, r.err, "salve approve I-142 DIGEST")
	require.Empty(t, d.commands)
}

func TestAWatchGoesOnUntilItIsBrokenOff(t *testing.T) {
	t.Parallel()
	d := full()
	d.changes = 3
	r := typed(t, d, "incidents", "--watch")
	require.Equal(t, 0, r.code, "that is how a watch ends")
	require.Empty(t, r.err)
	require.Equal(t, 3, strings.Count(r.out, "SEVERITY"))
	require.NotContains(t, r.out, "\x1b", "no terminal, nothing to clear")

	d.changes = 2
	r = typed(t, d, "incidents", "--watch", "--json")
	dec := json.NewDecoder(strings.NewReader(r.out))
	for range 2 {
		var list []bot.Incident
		require.NoError(t, dec.Decode(&list))
	}
	d.fail, d.changes = errors.New("gone"), 1
	require.Equal(t, 1, typed(t, d, "incidents", "--watch").code)
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	require.Equal(t, 0, cli.ExitCode(nil))
	require.Equal(t, 1, cli.ExitCode(errors.New("x")))
	require.Equal(t, 1, cli.ExitCode(bot.Refuse(bot.RefusedInput, "x", "")))
	require.Equal(t, 130, cli.ExitCode(fmt.Errorf("x: %w", context.Canceled)))
	var b bytes.Buffer
	cli.Report(&b, nil)
	cli.Report(&b, context.Canceled)
	require.Empty(t, b.String())
}

func TestALogThatDoesNotProveExitsWithOne(t *testing.T) {
	t.Parallel()
	d := full()
	d.answers["GET /v1/audit/verify"] = map[string]any{"chains": 1, "events": 3, "faults": []any{map[string]any{"chain": "main", "seq": 2}}, "more": 7}
	r := typed(t, d, "audit", "verify")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out, "THE AUDIT LOG DOES NOT PROVE")
	require.Contains(t, r.out, "and 7 more")
	require.Equal(t, 1, typed(t, d, "audit", "verify", "--json").code)
	r = typed(t, nil, "audit", "verify", "--data-dir", t.TempDir())
	require.Equal(t, 3, r.code, "there is no log")

	d.answers["GET /v1/status"] = map[string]any{"ready": false, "problem": "the database cannot be written"}
	r = typed(t, d, "status")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out, "NOT READY: the database cannot be written")
}

func TestAFlagFileHaltsWithoutASalve(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := typed(t, nil, "halt", "--data-dir", dir, "-r", "smoke")
	require.Equal(t, 0, r.code, r.err)
	b, err := os.ReadFile(filepath.Join(dir, "HALT"))
	require.NoError(t, err)
	require.Equal(t, "smoke\n", string(b))
	r = typed(t, nil, "halt", "--data-dir", filepath.Join(dir, "none"))
	require.Equal(t, 1, r.code)
	r = typed(t, nil, "halt", "--data-dir", dir, "--target", "web-1")
	require.Equal(t, 2, r.code, "the flag file halts everything")
}

func TestATestAlertGoesInByTheDoorOfItsSource(t *testing.T) {
	t.Parallel()
	type got struct{ path, auth, body string }
	seen := make(chan got, 4)
	answer := `{"alerts":[{"fingerprint":"f1","starts_at":"2026-03-01T14:00:00Z","incident":"I-7","outcome":"new","because":"a new group"}]}`
	code := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		seen <- got{r.URL.Path, r.Header.Get("Authorization"), string(b)}
		w.WriteHeader(code)
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(srv.Close)
	file := filepath.Join(t.TempDir(), "salve.yaml")
	text := "listen: " + strings.TrimPrefix(srv.URL, "http://") + "\nsources:\n  - {name: prod, type: alertmanager, bearer: env:T}\n  - {name: two, type: alertmanager, basic: {user: am, password: env:T}}\n"
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	send := func(args ...string) (string, error) {
		var g struct{ cli.Commands }
		var out bytes.Buffer
		parser, err := kong.New(&g, kong.BindTo(t.Context(), (*context.Context)(nil)))
		require.NoError(t, err)
		kctx, err := parser.Parse(append([]string{"alert", "send", "--config", file}, args...))
		require.NoError(t, err)
		kctx.BindTo(noSecrets{}, (*secret.Resolver)(nil))
		err = kctx.Run(&cli.Env{Out: &out, Err: io.Discard})
		return out.String(), err
	}
	out, err := send("HighErrorRate", "-l", "service=web", "--severity", "high", "--summary", "many errors")
	require.NoError(t, err)
	require.Equal(t, "I-7: new, a new group\nWhen it is over, send the same with: --resolved --start 2026-03-01T14:00:00Z\n", out)
	first := <-seen
	require.Equal(t, "/v1/hooks/prod", first.path)
	require.Equal(t, "Bearer s3cret", first.auth)
	require.Contains(t, first.body, `"severity":"high"`)
	require.Contains(t, first.body, `"status":"firing"`)

	_, err = send("HighErrorRate", "--source", "two", "--resolved")
	require.ErrorContains(t, err, "say which alert is over")
	require.Equal(t, 2, cli.ExitCode(err))
	_, err = send("HighErrorRate", "--source", "two", "--resolved", "--start", "2026-03-01T14:00:00.123Z")
	require.NoError(t, err)
	second := <-seen
	require.True(t, strings.HasPrefix(second.auth, "Basic "))
	require.Contains(t, second.body, `"status":"resolved"`)
	require.Contains(t, second.body, `"startsAt":"2026-03-01T14:00:00.123Z"`)

	code, answer = http.StatusUnprocessableEntity, "no, "+hostile
	_, err = send("HighErrorRate")
	require.ErrorContains(t, err, "refused with 422: no")
	requireVisible(t, err.Error())
	_, err = send("X", "--severity", "dire")
	require.Equal(t, 2, cli.ExitCode(err))
	_, err = send("X", "--source", "none")
	require.ErrorContains(t, err, `no source "none"`)
	srv.Close()
	_, err = send("X")
	require.ErrorContains(t, err, "is `salve serve` running?")
}

func TestAConfigurationIsCheckedWithItsPlaybooks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.yaml"), filepath.Join(dir, "bad.yaml")
	require.NoError(t, os.WriteFile(good, []byte("sources:\n  - {name: prod, type: alertmanager, bearer: env:T}\n"), 0o600))
	require.NoError(t, os.WriteFile(bad, []byte("listne: x\n"), 0o600))
	r := typed(t, nil, "config", "check", good)
	require.Equal(t, 0, r.code, r.err)
	require.Contains(t, r.out, "is fine: 1 source, 3 playbooks.")
	requireVisible(t, r.out)
	require.Contains(t, typed(t, nil, "config", "check", good, "--json").out, `"ok": true`)
	r = typed(t, nil, "config", "check", bad)
	require.Equal(t, 1, r.code)
	require.Contains(t, r.err, `bad.yaml:1:1: "listne" is not a key here; did you mean "listen"?`)
	r = typed(t, nil, "config", "check", bad, "--json")
	require.Equal(t, 1, r.code)
	require.Contains(t, r.out, `"line": 1`)
}

// locked is a buffer that several may use.
type locked struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestWhoeverWaitsIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b locked
		cli.Slowly(&b, func() string { return "fast" })()
		done := cli.Slowly(&b, func() string { return "reading " + hostile })
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		require.Empty(t, b.String())
		time.Sleep(21 * time.Second)
		synctest.Wait()
		done()
		done()
		time.Sleep(time.Minute)
		require.Equal(t, 3, strings.Count(b.String(), "\n"), b.String())
		require.True(t, strings.HasPrefix(b.String(), `reading \u001b[31mred`), b.String())
		require.Contains(t, b.String(), "(1s)\n")
		require.Contains(t, b.String(), "(21s)\n")
		requireVisible(t, b.String())
	})
}
