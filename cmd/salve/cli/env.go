// Package cli is what a person types: every command but serve and demo. It
// talks to a running Salve over its unix socket, or over HTTPS with a token; it
// opens no database, except to verify an audit log, to back up, to restore and
// to migrate.
//
// It promises the same commands as the console, --json on every listing, errors
// that say what to do next, and exit codes: 0 done, 1 refused or failed, 2 the
// command line was wrong, 3 nothing could be checked, or something is to be
// migrated. Text from outside is made safe for a terminal.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"salve/bot"
)

// Door is the way to a running Salve.
type Door interface {
	// Do gives a command; a refusal is a *bot.Refusal.
	Do(ctx context.Context, c bot.Command) (bot.Answer, error)
	Get(ctx context.Context, path string, q url.Values, out any) error
	Text(ctx context.Context, path string) (string, error)
	// Send posts, or deletes, and decodes the answer into out unless it is nil.
	Send(ctx context.Context, method, path string, in, out any) error
	// WaitForChange returns after a change, or after a while; the first time at once.
	WaitForChange(ctx context.Context) error
}

// Env is what every command gets.
type Env struct {
	Out  io.Writer
	Err  io.Writer
	JSON bool
	Dial func() (Door, error)

	Version string // of this build
}

// Door opens the way, or says how to start Salve.
func (e *Env) Door() (Door, error) { return e.Dial() }

func (e *Env) screen() screen {
	f, isFile := e.Out.(*os.File)
	return screen{out: e.Out, color: isFile && isTerminal(f), asJSON: e.JSON, now: time.Now()}
}

// Report tells a person what went wrong, and what to do next where that is known.
// Who ended it themselves need not be told.
func Report(w io.Writer, err error) {
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	if r, ok := errors.AsType[*bot.Refusal](err); ok {
		fmt.Fprintln(w, "salve: refused:", plain(r.Why))
		if r.Next != "" {
			fmt.Fprintln(w, lines(r.Next))
		}
		return
	}
	fmt.Fprintln(w, "salve:", lines(err.Error()))
}

// UsageError is a command line that cannot be understood; exit code 2.
type UsageError struct{ msg string }

func (u *UsageError) Error() string { return u.msg }

func usage(format string, args ...any) error { return &UsageError{msg: fmt.Sprintf(format, args...)} }

// UncheckedError is a check that could say neither yes nor no; exit code 3.
type UncheckedError struct{ err error }

func (u *UncheckedError) Error() string { return u.err.Error() }

// Unwrap gives the reason.
func (u *UncheckedError) Unwrap() error { return u.err }

// ExitCode of an error.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		return 130
	case errors.Is(err, errPending):
		return 3
	default:
		if _, ok := errors.AsType[*UsageError](err); ok {
			return 2
		}
		if _, ok := errors.AsType[*UncheckedError](err); ok {
			return 3
		}
		return 1
	}
}
