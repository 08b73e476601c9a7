package control

import (
	"net/http"

	"salve/bot"
)

// maxCalls is how many calls of each kind are answered at once.
const maxCalls = 128

// waitersPerCall is how many may wait for a change for each call that is
// answered at once: waiting costs little.
const waitersPerCall = 8

// crowd bounds the calls in flight. Reading, commanding and waiting for a change
// are counted apart, and the socket apart from the web: however many read from
// elsewhere, a person can still halt.
type crowd struct{ web, socket kinds }

type kinds struct{ reads, commands, waits chan struct{} }

func newCrowd(most int) crowd {
	kind := func() kinds {
		return kinds{make(chan struct{}, most), make(chan struct{}, most), make(chan struct{}, waitersPerCall*most)}
	}
	return crowd{web: kind(), socket: kind()}
}

// enter takes a place for a request; false: there is none. leave gives it back.
func (c crowd) enter(r *http.Request) (leave func(), ok bool) {
	k := c.web
	if _, local := r.Context().Value(uidKey{}).(uint32); local {
		k = c.socket
	}
	places := k.commands
	switch {
	case r.Method == http.MethodGet && r.URL.Path == livePath:
		places = k.waits
	case r.Method == http.MethodGet:
		places = k.reads
	}
	select {
	case places <- struct{}{}:
		return func() { <-places }, true
	default:
		return nil, false
	}
}

var tooMany = bot.Refuse(bot.RefusedLater, "Too many requests are being answered at once, so this one was not looked at.",
	"Try again in a moment. To halt without waiting: send SIGUSR1 to Salve, or create the file HALT in its data directory.")
