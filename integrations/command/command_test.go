package command_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/command"
)

// TestMain makes the test binary the program that is run: what it does is told
// by its arguments.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "play" {
		syscall.Exit(play(os.Args[2:])) // not os.Exit, which talks when coverage is measured
	}
	goleak.VerifyTestMain(m)
}

func play(args []string) int {
	switch args[0] {
	case "say":
		fmt.Print(strings.Join(args[1:], "|"))
	case "env":
		fmt.Print(strings.Join(os.Environ(), "|"))
	case "dir":
		wd, _ := os.Getwd()
		fmt.Print(wd)
	case "cat":
		b := make([]byte, 100)
		n, _ := os.Stdin.Read(b)
		fmt.Print(string(b[:n]))
	case "exit":
		fmt.Fprintln(os.Stderr, "it is\nbroken")
		n, _ := strconv.Atoi(args[1])
		return n
	case "flood":
		for range 5000 {
			fmt.Println(strings.Repeat("x", 99))
		}
	case "die":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "brood":
		return brood(args[1])
	}
	return 0
}

// brood starts a child that outlives it, writes both pids to a file, and sleeps.
func brood(file string) int {
	child, err := os.StartProcess("/bin/sleep", []string{"sleep", "300"}, &os.ProcAttr{Files: []*os.File{nil, os.Stdout, os.Stderr}})
	if err != nil {
		return 3
	}
	_ = os.WriteFile(file+".new", fmt.Appendf(nil, "%d %d", os.Getpid(), child.Pid), 0o600)
	_ = os.Rename(file+".new", file)
	time.Sleep(5 * time.Minute)
	return 0
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	return path
}

func action(t *testing.T, change ...func(*command.Options)) *command.Action {
	t.Helper()
	opts := command.Options{Allow: []string{self(t)}, Grace: 100 * time.Millisecond}
	for _, c := range change {
		c(&opts)
	}
	a, err := command.New(opts)
	require.NoError(t, err)
	return a
}

func argv(t *testing.T, words ...string) map[string]any {
	t.Helper()
	list := []any{self(t), "play"}
	for _, w := range words {
		list = append(list, w)
	}
	return map[string]any{"argv": list}
}

func do(t *testing.T, a *command.Action, args map[string]any) (bot.StepOutcome, error) {
	t.Helper()
	return a.Do(t.Context(), bot.StepOrder{Args: args})
}

func TestArgumentsReachTheProgramAsTheyAre(t *testing.T) {
	t.Parallel()
	words := []string{"say", "$(id)", "`id`", "a b", "; rm -rf /", "'\"", "*", "~", "", "--x=y", "\n", "${HOME}"}
	out, err := do(t, action(t), argv(t, words...))
	require.NoError(t, err)
	require.Equal(t, strings.Join(words[1:], "|"), out.Output)
	require.Equal(t, map[string]string{"exit_code": "0", "holds": "true"}, out.Fields)
}

func TestTheEnvironmentIsEmptyButForWhatIsGiven(t *testing.T) {
	t.Setenv("SALVE_CANARY", "c4nary")
	args := argv(t, "env")
	args["env"] = map[string]any{"TEAM": "ops"}
	out, err := do(t, action(t, func(o *command.Options) { o.Dirs = []string{"/usr/bin", "/bin"} }), args)
	require.NoError(t, err)
	require.Equal(t, "PATH=/usr/bin:/bin|TEAM=ops", out.Output)
}

func TestDirectoryAndInput(t *testing.T) {
	t.Parallel()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	args := argv(t, "dir")
	out, err := do(t, action(t), args)
	require.NoError(t, err)
	require.Equal(t, "/", out.Output)
	args["dir"] = dir
	out, err = do(t, action(t), args)
	require.NoError(t, err)
	require.Equal(t, dir, out.Output)
	args = argv(t, "cat")
	args["stdin"] = "hello"
	out, err = do(t, action(t), args)
	require.NoError(t, err)
	require.Equal(t, "hello", out.Output)
}

func TestAnExitStatusOtherThanZeroIsAFailure(t *testing.T) {
	t.Parallel()
	out, err := do(t, action(t), argv(t, "exit", "3"))
	require.ErrorContains(t, err, "exit status 3: broken")
	require.NotErrorIs(t, err, bot.ErrUncertain)
	require.NotErrorIs(t, err, bot.ErrUntouched)
	require.Equal(t, "3", out.Fields["exit_code"])
}

func TestAProgramThatIsKilledMayHaveActed(t *testing.T) {
	t.Parallel()
	out, err := do(t, action(t), argv(t, "die"))
	require.ErrorIs(t, err, bot.ErrUncertain)
	require.Empty(t, out.Fields)
}

func TestOutputIsCappedAndMasked(t *testing.T) {
	t.Parallel()
	out, err := do(t, action(t), argv(t, "flood"))
	require.NoError(t, err)
	require.Less(t, len(out.Output), 65<<10)
	require.Contains(t, out.Output, "bytes more were not kept")

	redact := secret.NewRedactor()
	require.NoError(t, redact.Add(secret.New("c4nary-token-0123456789")))
	a := action(t, func(o *command.Options) { o.Redactor = redact })
	out, err = do(t, a, argv(t, "say", "x", "c4nary-token-0123456789"))
	require.NoError(t, err)
	require.NotContains(t, out.Output, "c4nary")
	require.Contains(t, out.Output, secret.Mask)
	p, err := a.Probe(t.Context(), bot.PlanCheck{Args: argv(t, "say", "c4nary-token-0123456789")}, bot.Run{})
	require.NoError(t, err)
	require.NotContains(t, p.Body, "c4nary")
}

func TestTheWholeGroupIsEndedWhenTimeIsUp(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "pids")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for {
			if _, err := os.Stat(file); err == nil {
				cancel(errors.New("the step took longer than 1s"))
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	_, err := action(t).Do(ctx, bot.StepOrder{Args: argv(t, "brood", file)})
	require.ErrorIs(t, err, bot.ErrUncertain)
	require.ErrorContains(t, err, "the step took longer than 1s")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	for _, word := range strings.Fields(string(b)) {
		pid, err := strconv.Atoi(word)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return gone(pid) }, 10*time.Second, 5*time.Millisecond, "process %d lives", pid)
	}
}

// gone takes a dead process that nobody has waited for yet as gone.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	}
	return strings.Contains(string(b), ") Z ")
}

func TestNothingRunsOnAContextThatIsOver(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := action(t).Do(ctx, bot.StepOrder{Args: argv(t, "say", "x")})
	require.ErrorIs(t, err, bot.ErrUntouched)
}

func TestOnlyListedProgramsRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Symlink(self(t), filepath.Join(dir, "tool")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "data"), []byte("x"), 0o600))
	in := func(allow ...string) func(*command.Options) {
		return func(o *command.Options) { o.Allow, o.Dirs = allow, []string{dir} }
	}
	tests := []struct {
		name    string
		opts    func(*command.Options)
		program string
		err     string
	}{
		{"nothing listed", in(), self(t), "switched off; list the program under commands.allow"},
		{"listed by path", in(self(t)), self(t), ""},
		{"listed by name", in("tool"), "tool", ""},
		{"listed by the path of its name", in(filepath.Join(dir, "tool")), "tool", ""},
		{"a name does not open paths", in("tool"), filepath.Join(dir, "tool"), "not listed"},
		{"another path", in("/bin/true"), self(t), "not listed under commands.allow"},
		{"another name", in("other"), "tool", "not listed under commands.allow"},
		{"a path with a detour", in(self(t)), filepath.Dir(self(t)) + "/./" + filepath.Base(self(t)), "not listed"},
		{"a relative path", in("tool"), "./tool", "neither an absolute path nor the name"},
		{"a name that climbs", in("tool"), "../tool", "neither"},
		{"no program", in("tool"), "", "neither"},
		{"a program that is not there", in("gone"), "gone", "there is no program gone in " + dir},
		{"a file that is no program", in(filepath.Join(dir, "data")), filepath.Join(dir, "data"), "is not a program"},
		{"a directory", in(dir), dir, "is not a program"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			out, err := do(t, action(t, tt.opts), map[string]any{"argv": []any{tt.program, "play", "say", "ran"}})
			if tt.err == "" {
				require.NoError(t, err)
				require.Equal(t, "ran", out.Output)
				return
			}
			require.ErrorContains(t, err, tt.err)
			require.ErrorIs(t, err, bot.ErrUntouched)
		})
	}
}

func TestArgumentsThatAreRefused(t *testing.T) {
	t.Parallel()
	me := self(t)
	good := []any{me, "play", "say", "ran"}
	for name, args := range map[string]map[string]any{
		"no argv":                {},
		"an empty argv":          {"argv": []any{}},
		"a line for a shell":     {"argv": "echo hi"},
		"a number in argv":       {"argv": []any{me, 3.0}},
		"a zero byte":            {"argv": []any{me, "a\x00b"}},
		"an unknown argument":    {"argv": good, "shell": true},
		"a relative directory":   {"argv": good, "dir": "x"},
		"a directory of numbers": {"argv": good, "dir": 3.0},
		"a directory not there":  {"argv": good, "dir": "/gone/for/ever"},
		"input that is not text": {"argv": good, "stdin": 3.0},
		"a list as environment":  {"argv": good, "env": []any{"A=b"}},
		"a number in it":         {"argv": good, "env": map[string]any{"A": 3.0}},
		"a name with =":          {"argv": good, "env": map[string]any{"A=B": "c"}},
		"a zero byte in it":      {"argv": good, "env": map[string]any{"A": "b\x00C=d"}},
		"another PATH":           {"argv": good, "env": map[string]any{"PATH": "/tmp"}},
		"code for the loader":    {"argv": good, "env": map[string]any{"LD_PRELOAD": "/tmp/x.so"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := do(t, action(t), args)
			require.ErrorIs(t, err, bot.ErrUntouched)
			_, err = action(t).Probe(t.Context(), bot.PlanCheck{Args: args}, bot.Run{})
			require.Error(t, err)
		})
	}
}

func TestAProbeGivesTheExitStatus(t *testing.T) {
	t.Parallel()
	p, err := action(t).Probe(t.Context(), bot.PlanCheck{Args: argv(t, "exit", "3")}, bot.Run{})
	require.NoError(t, err)
	require.Equal(t, 3, p.Status)
	require.Equal(t, "false", p.Fields["holds"])
	p, err = action(t).Probe(t.Context(), bot.PlanCheck{Args: argv(t, "say", "fine")}, bot.Run{})
	require.NoError(t, err)
	require.Equal(t, "fine", p.Body)
	require.Equal(t, "true", p.Fields["holds"])
	_, err = action(t).Probe(t.Context(), bot.PlanCheck{Args: argv(t, "die")}, bot.Run{})
	require.Error(t, err)
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, opts := range []command.Options{
		{Allow: []string{""}}, {Allow: []string{"a/b"}}, {Allow: []string{"/bin/../bin/sh"}}, {Allow: []string{".."}},
		{Dirs: []string{"bin"}}, {Dirs: []string{"/a:/b"}},
	} {
		_, err := command.New(opts)
		require.ErrorContains(t, err, "commands.")
	}
}

func TestItDescribesItself(t *testing.T) {
	t.Parallel()
	info := action(t).Info()
	require.Equal(t, "command", info.Name)
	require.Equal(t, bot.EffectUnknown, info.Effect)
	require.Len(t, info.Args, 4)
	for name, arg := range info.Args {
		require.NotEmpty(t, arg.Docs, name)
	}
}
