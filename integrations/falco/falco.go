// Package falco takes in what Falco posts by http_output and what Falcosidekick
// posts to a webhook: one event of a rule a delivery.
//
// It promises to decode strictly and in bounded time and memory, and that no
// value in an event, which whoever is being watched may have chosen, keeps the
// event out: a value that is too long is left out by name.
//
// It assumes that rule and priority are Falco's own. An event has no end: it
// stays firing, and people close its incident. Who may post, how much, and what
// each answer says is the same for all webhook sources; docs/sources.md has the
// list.
//
// On failure the sender is told 503 where it should try again. A delivery that
// cannot be understood is kept in quarantine and answered 422.
package falco

import (
	"salve/integrations/internal/inbound"
)

// What every webhook source has in common.
type (
	Options    = inbound.Options
	Credential = inbound.Credential
	Door       = inbound.Door
)

// Handler is the http.Handler of one source.
type Handler = inbound.Gate

// New makes the handler of a source. It refuses a source that would let anyone
// in without having been told so.
func New(source string, door Door, opts Options) (*Handler, error) {
	opts.MediaType = "application/json"
	return inbound.New(source, door, Decode, opts)
}
