package alertmanager

import (
	"time"

	"salve/bot"
	"salve/integrations/internal/grouped"
)

var dialect = grouped.Dialect{Sender: "Alertmanager", Version: "4", Fewer: "max_alerts at the receiver"}

// Decode reads a webhook payload, version 4, into Alerts of the source. It is
// strict about form (one value, no member twice, exact case, valid UTF-8) and
// tolerant of members that it does not know.
//
// Severity and Title are left to the source's rules. GroupKey is the vendor's.
//
// The text of the error carries nothing of the payload. The alerts returned
// beside it are those that could be read: one bad alert does not hold up the
// others. Where the form itself is broken there are none.
func Decode(source string, body []byte, receivedAt time.Time) ([]bot.Alert, error) {
	return dialect.Decode(source, body, receivedAt)
}

// Fingerprint computes what Alertmanager calls the fingerprint of a label set.
func Fingerprint(labels map[string]string) string { return grouped.Fingerprint(labels) }
