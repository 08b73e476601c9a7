package e2e_test

import (
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/slack/slacktest"
)

const (
	opsChannel = "C0OPS00001"
	olga       = "U0OLGA0001"
)

// workspace is a Slack with a public channel that nobody has invited Salve to.
func workspace(t *testing.T) *slacktest.Slack {
	t.Helper()
	fake := slacktest.New(t, slacktest.Options{})
	fake.AddChannel(slacktest.Channel{ID: opsChannel, Name: "ops"})
	fake.AddUser(slacktest.User{ID: olga, Name: "olga", Email: "olga@example.com"})
	fake.AddUser(slacktest.User{ID: "U0GUEST001", Name: "gus", Email: "gus@example.com", Guest: true})
	return fake
}

// stage is a demo that runs, and what it shows.
type stage struct {
	*exec.Cmd
	in   io.WriteCloser
	file string
}

// playing starts the demo in Slack with somebody who types.
func playing(t *testing.T, dir string, fake *slacktest.Slack, env []string, more ...string) *stage {
	t.Helper()
	s := &stage{file: filepath.Join(dir, "screen")}
	screen, err := os.Create(s.file)
	require.NoError(t, err)
	s.Cmd = exec.Command(binary, append([]string{"demo", "--slack", "--slack-api", fake.APIURL()}, more...)...)
	s.Dir, s.Env, s.Stdout, s.Stderr = dir, slices.Concat(os.Environ(), env, []string{"TMPDIR=" + dir}), screen, screen
	s.in, err = s.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, s.Start())
	t.Cleanup(func() {
		_ = s.Process.Kill() // it may have ended as it should
		_ = s.Wait()
		_ = screen.Close()
		if t.Failed() {
			t.Log(s.shows(t))
		}
	})
	return s
}

func (s *stage) shows(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(s.file)
	require.NoError(t, err)
	return string(b)
}

func (s *stage) awaits(t *testing.T, part string) {
	t.Helper()
	until(t, "the demo shows "+part, func() bool { return strings.Contains(s.shows(t), part) })
}

// types gives a line and waits for what it leads to.
func (s *stage) types(t *testing.T, line, part string) {
	t.Helper()
	_, err := io.WriteString(s.in, line+"\n")
	require.NoError(t, err)
	s.awaits(t, part)
}

// asking is the card that asks.
func asking(t *testing.T, fake *slacktest.Slack) slacktest.Message {
	t.Helper()
	var card slacktest.Message
	require.True(t, fake.Await(patience, func() bool {
		for _, m := range fake.Messages(opsChannel) {
			if m.Thread == "" && strings.Contains(fake.Render(m), "Approve]") {
				card = m
				return true
			}
		}
		return false
	}), "no card asks: %s", channel(fake))
	return card
}

// channel is what stands in the channel.
func channel(fake *slacktest.Slack) string {
	var b strings.Builder
	for _, m := range fake.Messages(opsChannel) {
		b.WriteString("\n--- " + fake.Render(m))
	}
	return b.String()
}

// nothingOf wants no file below dir and no text to hold a token.
func nothingOf(t *testing.T, dir string, tokens ...string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, token := range tokens {
			require.NotContains(t, string(b), token, path)
		}
		return err
	}))
}

func TestTheDemoIsPlayedInSlackByAPress(t *testing.T) {
	t.Parallel()
	dir, fake := shortDir(t), workspace(t)
	demo := playing(t, dir, fake, nil)
	demo.awaits(t, "https://api.slack.com/apps?new_app=1&manifest_json=")

	// Whatever is wrong is said and asked for again.
	demo.types(t, slacktest.AppToken, "this is the other token")
	demo.types(t, "hello", "this is no Bot User OAuth Token")
	demo.types(t, "xoxb-wrong-token", "invalid_auth")
	demo.types(t, slacktest.BotToken, "all 15 are there")
	demo.types(t, "xapp-wrong-token", "Slack does not know the app token")
	demo.types(t, slacktest.AppToken, "ok    socket: opens")
	demo.types(t, "#nowhere", "there is no channel #nowhere")
	demo.types(t, "#ops", "#ops ("+opsChannel+"), and Salve is in it")
	demo.types(t, "eve@example.com", "has the address eve@example.com")
	demo.types(t, "gus@example.com", "to Slack gus is a guest")
	demo.types(t, "olga@example.com", "you are olga ("+slacktest.TeamID+"/"+olga+")")

	demo.awaits(t, "In #ops that is one quiet card")
	demo.awaits(t, "on the card in #ops, or type there:")
	said := fake.Press(olga, asking(t, fake), "Approve")
	require.True(t, said.Acked)
	demo.awaits(t, "Both are fixed")
	demo.awaits(t, "user add")
	require.Contains(t, demo.shows(t), "  default_channel: "+opsChannel+" # #ops\n")
	require.Contains(t, demo.shows(t), "--slack "+slacktest.TeamID+"/"+olga)
	require.NoError(t, demo.Process.Signal(syscall.SIGINT))
	require.NoError(t, demo.Wait(), "Ctrl-C is how the demo ends")
	nothingOf(t, dir, slacktest.BotToken, slacktest.AppToken, "xoxb-wrong-token", "xapp-wrong-token")

	cards := 0
	for _, m := range fake.Messages(opsChannel) {
		if m.Thread == "" {
			cards++
			require.NotContains(t, fake.Render(m), "Approve]", "what is decided asks nobody")
		}
	}
	require.Equal(t, 2, cards, "one card for each story")
}

func TestTheDemoInSlackIsPlayedAgainAfterCtrlC(t *testing.T) {
	t.Parallel()
	dir, fake := shortDir(t), workspace(t)
	env := []string{"SLACK_BOT_TOKEN=" + slacktest.BotToken, "SLACK_APP_TOKEN=" + slacktest.AppToken}

	// In the middle of a question.
	first := playing(t, dir, fake, env[:1])
	first.awaits(t, "App-Level Token (xapp-...)")
	require.NoError(t, first.Process.Signal(syscall.SIGINT))
	require.NoError(t, first.Wait())

	// While it waits for somebody.
	second := playing(t, dir, fake, env, "--channel", "#ops", "--me", olga)
	old := asking(t, fake)
	require.NoError(t, second.Process.Signal(syscall.SIGINT))
	require.NoError(t, second.Wait())
	require.Contains(t, second.shows(t), "taken from SLACK_APP_TOKEN")

	third := run(t, dir, slices.Concat(env, []string{"TMPDIR=" + dir}), "demo", "--slack", "--slack-api", fake.APIURL(), "--channel", opsChannel, "--unattended")
	require.Zero(t, third.code, third.out+third.err)
	require.Contains(t, third.out, "events of the audit log prove")
	nothingOf(t, dir, slacktest.BotToken, slacktest.AppToken)
	for _, m := range fake.Messages(opsChannel) {
		if m.Thread == "" && m.TS != old.TS {
			require.NotContains(t, fake.Render(m), "Approve]", "when it ends by itself, everything is shown")
		}
	}
	require.NotContains(t, third.out+third.err, "xoxb-test")
}

func TestAScriptThatAnswersTooLittleIsToldWhat(t *testing.T) {
	t.Parallel()
	dir, fake := shortDir(t), workspace(t)
	said := run(t, dir, []string{"TMPDIR=" + dir, "SLACK_BOT_TOKEN=" + slacktest.BotToken, "SLACK_APP_TOKEN=" + slacktest.AppToken}, "demo", "--slack", "--slack-api", fake.APIURL())
	require.Equal(t, 1, said.code)
	require.Contains(t, said.err, "no channel was given: answer, or name it: --channel '#ops'")
}
