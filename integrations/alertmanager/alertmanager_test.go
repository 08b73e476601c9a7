package alertmanager_test

import (
	"net/http"
	"strings"
	"testing"

	"salve/integrations/alertmanager"
	"salve/integrations/internal/inbound"
	"salve/integrations/internal/inbound/inboundtest"
)

func TestItBehavesAsEveryWebhookSource(t *testing.T) {
	t.Parallel()
	inboundtest.Run(t, inboundtest.Adapter{
		New: func(door inbound.Door, opts inbound.Options) (http.Handler, error) {
			return alertmanager.New("am", door, opts)
		},
		MediaType: "application/json",
		Good:      notification(3),
		Garbage: map[string][]byte{
			"nothing":          {},
			"not JSON":         []byte("canary-7f3a"),
			"another shape":    []byte(`["canary-7f3a"]`),
			"a depth bomb":     []byte(strings.Repeat("[", 500_000)),
			"a member twice":   []byte(`{"version":"4","canary-7f3a":1,"canary-7f3a":2,"alerts":[]}`),
			"trailing data":    append(notification(1), "canary-7f3a"...),
			"no UTF-8":         []byte("{\"version\":\"4\",\"groupKey\":\"canary-7f3a\xff\",\"alerts\":[]}"),
			"another version":  []byte(`{"version":"canary-7f3a","alerts":[]}`),
			"cut in the midst": notification(2)[:500],
		},
	})
}
