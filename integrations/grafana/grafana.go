// Package grafana takes in what the unified alerting of Grafana posts to a
// webhook contact point (payload version 1).
//
// It promises to decode strictly and in bounded time and memory, to keep the
// links to the panel, the dashboard, the image and the silence as links, and to
// let one bad alert hold up no other. Whatever is answered 2xx is on disk.
//
// It assumes one contact point per source that sends the payload as it is, not
// one that a template made. Who may post, how much, and what each answer says is
// the same for all webhook sources; docs/sources.md has the list.
//
// On failure the sender is told 503 where it should try again. A delivery that
// cannot be understood is kept in quarantine and answered 422.
package grafana

import (
	"time"

	"salve/bot"
	"salve/integrations/internal/grouped"
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

// signature is how Grafana signs where a secret is set at the contact point and
// no header for a timestamp.
var signature = inbound.Signature{Header: "X-Grafana-Alerting-Signature"}

// New makes the handler of a source. It refuses a source that would let anyone
// in without having been told so.
func New(source string, door Door, opts Options) (*Handler, error) {
	opts.MediaType = "application/json"
	opts.Proof = signature.Proof(opts.Secrets)
	return inbound.New(source, door, Decode, opts)
}

// dialect leaves out values and valueString: what differs from one repeat to the
// next would make each of them an update.
var dialect = grouped.Dialect{
	Sender: "Grafana", Version: "1", Fewer: "Max Alerts at the contact point",
	Links: map[string]string{
		"dashboardURL": "dashboard_url", "panelURL": "panel_url", "imageURL": "image_url", "silenceURL": "silence_url",
	},
}

// Decode reads a webhook payload, version 1, into Alerts of the source. Severity
// and Title are left to the source's rules. GroupKey is Grafana's.
//
// The text of the error carries nothing of the payload. The alerts returned
// beside it are those that could be read.
func Decode(source string, body []byte, receivedAt time.Time) ([]bot.Alert, error) {
	return dialect.Decode(source, body, receivedAt)
}
