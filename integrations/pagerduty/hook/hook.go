// Package hook takes in what PagerDuty tells of its incidents (V3 webhooks), so
// that what others raise there is worked on here.
//
// It promises that nothing is read before one of PagerDuty's signatures is of
// the body, to decode strictly and in bounded time and memory, and that a page
// of Salve's own does not come back as an alert.
//
// It assumes one webhook subscription per source. Events that are not about the
// state of an incident (notes, responders, services, the test ping) are taken
// and change nothing: PagerDuty would switch a subscription off that refuses
// them. Who may post, how much, and what each answer says is the same for all
// webhook sources; docs/sources.md has the list.
//
// On failure the sender is told 503 where it should try again. A delivery that
// cannot be understood is kept in quarantine and answered 422.
package hook

import (
	"fmt"

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

// signature is PagerDuty's; it sends several while a secret is being changed.
var signature = inbound.Signature{Header: "X-PagerDuty-Signature", Prefix: "v1=", Many: true}

// New makes the handler of a source. It refuses a source that would let anyone
// in without having been told so.
func New(source string, door Door, opts Options) (*Handler, error) {
	if len(opts.Credentials) > 0 {
		return nil, fmt.Errorf("source %s: PagerDuty signs; give it the secret of the webhook subscription instead of a credential", source)
	}
	opts.MediaType = "application/json"
	opts.Proof = signature.Proof(opts.Secrets)
	return inbound.New(source, door, Decode, opts)
}
