package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// When somebody who waits is told something, and how often again.
const (
	patience = time.Second
	again    = 10 * time.Second
)

// Slowly tells on w what is going on if it takes longer than a second, and goes on
// telling until the returned function is called; w is then written to no more.
func Slowly(w io.Writer, what func() string) (done func()) {
	var mu sync.Mutex
	over, began := false, time.Now()
	var t *time.Timer
	tell := func() {
		mu.Lock()
		defer mu.Unlock()
		if over {
			return
		}
		fmt.Fprintf(w, "%s (%s)\n", plain(what()), span(time.Since(began)))
		t.Reset(again)
	}
	mu.Lock()
	defer mu.Unlock()
	t = time.AfterFunc(patience, tell)
	return func() {
		mu.Lock()
		defer mu.Unlock()
		over = true
		t.Stop()
	}
}

// slowly is Slowly for somebody who looks at a terminal, else nothing.
func (e *Env) slowly(what func() string) (done func()) {
	f, ok := e.Err.(*os.File)
	if e.JSON || !ok || !isTerminal(f) {
		return func() {}
	}
	return Slowly(f, what)
}
