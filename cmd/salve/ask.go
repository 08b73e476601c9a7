package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// errNoAnswer is that nobody answers: the input ended, or somebody pressed
// Ctrl-D.
var errNoAnswer = errors.New("nobody answers")

// asker asks whoever sits at the terminal, or reads the lines of a script. It
// reads no more than it was asked for, so that what follows is for the next
// question, and ends with the context.
type asker struct {
	in  *os.File
	out io.Writer
}

// line asks for a line.
func (a asker) line(ctx context.Context, question string) (string, error) {
	fmt.Fprint(a.out, question)
	text, err := a.read(ctx)
	if err != nil || !term.IsTerminal(int(a.in.Fd())) {
		fmt.Fprintln(a.out) // a terminal shows the line's end as it is typed
	}
	return text, err
}

// hidden asks for a line that must not be seen: a terminal shows nothing of it.
func (a asker) hidden(ctx context.Context, question string) (string, error) {
	fd := int(a.in.Fd())
	if !term.IsTerminal(fd) {
		return a.line(ctx, question)
	}
	before, err := term.MakeRaw(fd)
	if err != nil {
		return "", fmt.Errorf("keep the terminal from showing it: %w", err)
	}
	defer func() { _ = term.Restore(fd, before) }() // nothing else can be done for it
	screen := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{patient{ctx, a.in}, a.out}, "")
	text, err := screen.ReadPassword(question)
	switch {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case errors.Is(err, io.EOF): // Ctrl-C is a character like others here
		err = errNoAnswer
	case errors.Is(err, term.ErrPasteIndicator):
		err = nil
	}
	return strings.TrimSpace(text), err
}

// maxAnswer is how long an answer may be.
const maxAnswer = 4096

// read takes one line, byte by byte.
func (a asker) read(ctx context.Context) (string, error) {
	var line []byte
	from, b := patient{ctx, a.in}, make([]byte, 1)
	for {
		switch n, err := from.Read(b); {
		case errors.Is(err, io.EOF) && len(line) > 0, n == 1 && b[0] == '\n':
			return strings.TrimSpace(string(line)), nil
		case errors.Is(err, io.EOF):
			return "", errNoAnswer
		case err != nil:
			return "", err
		case len(line) == maxAnswer:
			return "", fmt.Errorf("the answer is longer than %d bytes", maxAnswer)
		default:
			line = append(line, b[:n]...)
		}
	}
}

// patient reads a file and stops waiting for it when its context ends. It waits
// and reads in turn, so that nothing reads on when nobody listens any more.
type patient struct {
	ctx context.Context
	in  *os.File
}

// lookAgain is how often somebody who waits looks whether that is over.
const lookAgain = 100 * time.Millisecond

func (p patient) Read(b []byte) (int, error) {
	for {
		if p.ctx.Err() != nil {
			return 0, context.Cause(p.ctx)
		}
		fds := []unix.PollFd{{Fd: int32(p.in.Fd()), Events: unix.POLLIN}}
		switch n, err := unix.Poll(fds, int(lookAgain.Milliseconds())); {
		case err != nil && !errors.Is(err, unix.EINTR):
			return 0, fmt.Errorf("wait for an answer: %w", err)
		case n > 0:
			return p.in.Read(b)
		}
	}
}
