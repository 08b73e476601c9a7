package trial_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/cmd/internal/trial"
)

// echo is a server that says back each line, behind a proxy.
func echo(t *testing.T) *trial.Proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				for lines := bufio.NewScanner(c); lines.Scan(); {
					fmt.Fprintln(c, lines.Text())
				}
				_ = c.Close()
			}()
		}
	}()
	p, err := trial.StartProxy(ln.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// peer is one connection through a proxy.
type peer struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, p *trial.Proxy) peer {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return peer{c, bufio.NewReader(c)}
}

// says sends a line and waits for it to come back.
func (c peer) says(within time.Duration, line string) (time.Duration, error) {
	begun := time.Now()
	if _, err := fmt.Fprintln(c, line); err != nil {
		return 0, err
	}
	_ = c.SetReadDeadline(begun.Add(within))
	_, err := c.in.ReadString('\n')
	return time.Since(begun), err
}

func TestAProxyPassesAndIsLate(t *testing.T) {
	t.Parallel()
	p := echo(t)
	c := dial(t, p)
	_, err := c.says(5*time.Second, "a")
	require.NoError(t, err)
	p.Set(trial.Pass, 50*time.Millisecond)
	took, err := c.says(5*time.Second, "b")
	require.NoError(t, err)
	require.GreaterOrEqual(t, took, 100*time.Millisecond, "late there and late back")
}

func TestAProxyRefusesOldAndNewConnections(t *testing.T) {
	t.Parallel()
	p := echo(t)
	old := dial(t, p)
	_, err := old.says(5*time.Second, "a")
	require.NoError(t, err)
	p.Set(trial.Refuse, 0)
	_, err = old.says(5*time.Second, "b")
	require.Error(t, err)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the near side is told")
	if c, err := net.Dial("tcp", p.Addr()); err == nil { // it may be refused at once
		_, err = peer{c, bufio.NewReader(c)}.says(5*time.Second, "c")
		require.Error(t, err)
		require.NoError(t, c.Close())
	}
	p.Set(trial.Pass, 0)
	_, err = dial(t, p).says(5*time.Second, "d")
	require.NoError(t, err)
}

func TestWhatHungGoesOn(t *testing.T) {
	t.Parallel()
	p := echo(t)
	old := dial(t, p)
	_, err := old.says(5*time.Second, "a")
	require.NoError(t, err)
	p.Set(trial.Hang, 0)
	_, err = old.says(100*time.Millisecond, "b")
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	fresh := dial(t, p)
	_, err = fresh.says(100*time.Millisecond, "c")
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	p.Set(trial.Pass, 0)
	for _, c := range []peer{old, fresh} {
		_, err = c.says(5*time.Second, "d")
		require.NoError(t, err, "what was sent meanwhile comes late")
	}
}

func TestAHalfOpenConnectionIsSilentAndThenReset(t *testing.T) {
	t.Parallel()
	p := echo(t)
	c := dial(t, p)
	_, err := c.says(5*time.Second, "a")
	require.NoError(t, err)
	p.Set(trial.Half, 0)
	_, err = c.says(100*time.Millisecond, "b")
	require.ErrorIs(t, err, os.ErrDeadlineExceeded, "nobody is told")
	p.Set(trial.Pass, 0)
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, err = c.in.ReadString('\n')
	require.Error(t, err)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
}
