// Package alertmanager takes in what a Prometheus Alertmanager posts to a
// webhook receiver (payload version 4): grouped, resolved, truncated, repeated.
//
// It promises to decode strictly and in bounded time and memory, to say what it
// could not understand and where without repeating it, and to let one bad alert
// hold up no other. Whatever is answered 2xx is on disk.
//
// It assumes one receiver per source. Who may post, how much, and what each
// answer says is the same for all webhook sources; docs/sources.md has the list.
//
// On failure the sender is told 503 where it should try again. A delivery that
// cannot be understood is kept in quarantine and answered 422, so that it
// also shows in Alertmanager's log and in its failure counter; Alertmanager
// does not retry a 4xx at once but comes again after group_interval.
package alertmanager

import "salve/integrations/internal/inbound"

// What every webhook source has in common.
type (
	Options    = inbound.Options
	Credential = inbound.Credential
	Door       = inbound.Door
	Decoder    = inbound.Decode
)

// Handler is the http.Handler of one source.
type Handler = inbound.Gate

// New makes the handler of a source. It refuses a source that would let anyone
// in without having been told so.
func New(source string, door Door, opts Options) (*Handler, error) {
	opts.MediaType = "application/json"
	return inbound.New(source, door, Decode, opts)
}
