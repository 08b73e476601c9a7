package e2e_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"salve/integrations/slack/slacktest"
)

// terminal is one with a screen that keeps everything it ever showed.
type terminal struct {
	near, far *os.File

	mu    sync.Mutex
	shown strings.Builder
}

func newTerminal(t *testing.T) *terminal {
	t.Helper()
	near, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this machine has no pseudo terminals")
	}
	require.NoError(t, unix.IoctlSetPointerInt(int(near.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(near.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	far, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	s := &terminal{near: near, far: far}
	var reading sync.WaitGroup
	reading.Go(func() { _, _ = io.Copy(s, near) }) // it ends with an error when nobody has the far side
	t.Cleanup(func() {
		_ = far.Close()
		reading.Wait()
		_ = near.Close()
	})
	return s
}

func (s *terminal) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.Write(b)
}

func (s *terminal) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown.String()
}

// echoes reports whether the terminal shows what is typed.
func (s *terminal) echoes(t *testing.T) bool {
	t.Helper()
	now, err := unix.IoctlGetTermios(int(s.far.Fd()), unix.TCGETS)
	require.NoError(t, err)
	return now.Lflag&unix.ECHO != 0
}

func TestATerminalShowsNothingOfATokenAndIsLeftAsItWas(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*exec.Cmd, *terminal) error{
		"ctrl-c as a key": func(_ *exec.Cmd, s *terminal) error { _, err := s.near.WriteString("\x03"); return err },
		"a signal":        func(cmd *exec.Cmd, _ *terminal) error { return cmd.Process.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, dir, screen := workspace(t), shortDir(t), newTerminal(t)
			cmd := exec.Command(binary, "demo", "--slack", "--slack-api", fake.APIURL())
			cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = screen.far, screen.far, screen.far
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
			require.NoError(t, cmd.Start())
			t.Cleanup(func() {
				_ = cmd.Process.Kill() // it may have ended as it should
				_ = cmd.Wait()
			})
			shows := func(part string) {
				until(t, "the terminal shows "+part, func() bool { return strings.Contains(screen.screen(), part) })
			}
			shows("Bot User OAuth Token (xoxb-...): ")
			require.False(t, screen.echoes(t))
			_, err := screen.near.WriteString(slacktest.BotToken + "\r")
			require.NoError(t, err)
			shows("works in Examples")
			shows("App-Level Token (xapp-...): ")
			require.NoError(t, end(cmd, screen))
			_ = cmd.Wait() // by a key it is nobody who answers, by a signal an end in order
			require.True(t, screen.echoes(t), "the terminal is left as it was")
			require.NotContains(t, screen.screen(), slacktest.BotToken)
		})
	}
}
