package falco_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/falco"
	"salve/integrations/internal/inbound"
	"salve/integrations/internal/inbound/inboundtest"
)

func payload(t testing.TB) []byte {
	body, err := os.ReadFile("testdata/http_output.json")
	require.NoError(t, err)
	return bytes.TrimSpace(body)
}

func one(t *testing.T, body string) bot.Alert {
	t.Helper()
	got, err := inboundtest.Holds(t, falco.Decode, []byte(body))
	require.NoError(t, err)
	require.Len(t, got, 1)
	return got[0]
}

func TestItBehavesAsEveryWebhookSource(t *testing.T) {
	t.Parallel()
	good := payload(t)
	inboundtest.Run(t, inboundtest.Adapter{
		New: func(door inbound.Door, opts inbound.Options) (http.Handler, error) {
			return falco.New("falco", door, opts)
		},
		MediaType: "application/json",
		Good:      good,
		Garbage: map[string][]byte{
			"nothing":        {},
			"not JSON":       []byte("canary-7f3a"),
			"a list":         []byte(`[{"rule":"canary-7f3a"}]`),
			"a depth bomb":   []byte(strings.Repeat(`{"x":`, 500_000)),
			"a member twice": []byte(`{"rule":"a","canary-7f3a":1,"canary-7f3a":2}`),
			"trailing data":  append(bytes.Clone(good), "canary-7f3a"...),
			"no UTF-8":       []byte("{\"rule\":\"canary-7f3a\xff\"}"),
			"no rule":        []byte(`{"fd.rport": 8080, "canary-7f3a": 1}`),
			"an old time":    []byte(`{"rule":"a","time":"canary-7f3a"}`),
		},
	})
}

func TestEventsDecodeToWhatAPersonWouldSay(t *testing.T) {
	t.Parallel()
	inboundtest.Golden(t, falco.Decode)
}

func TestWhatIsHostileIsDataOrRefused(t *testing.T) {
	t.Parallel()
	inboundtest.Hostile(t, falco.Decode, payload(t))
}

func TestEveryPriorityHasItsSeverityAndAnotherIsUnknown(t *testing.T) {
	t.Parallel()
	for priority, want := range map[string]bot.Severity{
		"Emergency": bot.SeverityCritical, "Alert": bot.SeverityCritical, "Critical": bot.SeverityCritical, "Error": bot.SeverityHigh,
		"Warning": bot.SeverityMedium, "Notice": bot.SeverityLow, "Informational": bot.SeverityInfo, "Debug": bot.SeverityInfo,
		"DEBUG": bot.SeverityInfo, "debug\u200b": bot.SeverityUnknown, "low": bot.SeverityUnknown, "": bot.SeverityUnknown,
	} {
		got := one(t, fmt.Sprintf(`{"rule":"r","time":"2026-11-24T08:00:00Z","priority":%q}`, priority))
		require.Equal(t, want, got.Severity, priority)
	}
}

func TestEventsOfARuleInOnePlaceBelongTogether(t *testing.T) {
	t.Parallel()
	event := func(fields string) bot.Alert {
		return one(t, `{"rule":"r","time":"2026-11-24T08:00:00Z","output_fields":{`+fields+`}}`)
	}
	first := event(`"k8s.ns.name":"shop","k8s.pod.name":"a","proc.name":"bash","proc.pid":7`)
	pid := event(`"k8s.ns.name":"shop","k8s.pod.name":"a","proc.name":"bash","proc.pid":8`)
	other := event(`"k8s.ns.name":"shop","k8s.pod.name":"a","proc.name":"sh"`)
	pod := event(`"k8s.ns.name":"shop","k8s.pod.name":"b","proc.name":"bash"`)
	forged := event(`"k8s.ns.name":"shop\",k8s.pod.name=\"a","proc.name":"bash"`)
	require.Equal(t, first.AlertKey, pid.AlertKey)
	require.NotEqual(t, first.Fingerprint, other.Fingerprint)
	require.Equal(t, first.GroupKey, other.GroupKey)
	require.NotEqual(t, first.GroupKey, pod.GroupKey)
	require.NotEqual(t, first.GroupKey, forged.GroupKey)
}

func TestALongValueKeepsNoEventOut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 3000)
	got := one(t, `{"rule":"r","time":"2026-11-24T08:00:00Z","output":"`+long+`","output_fields":{"proc.cmdline":"`+long+`","proc.name":"`+long+`","user.name":"root"}}`)
	require.Equal(t, "proc.cmdline, proc.name", got.Annotations["left_out"])
	require.NotContains(t, got.Labels, "proc.cmdline")
	require.Contains(t, got.Labels["proc.name"], "sha256=")
	require.Equal(t, "root", got.Labels["user.name"])
	require.LessOrEqual(t, len(got.Annotations["description"]), 4096)
	require.True(t, strings.HasSuffix(got.Annotations["description"], "ä…"))

	var many []string
	for i := range 201 {
		many = append(many, fmt.Sprintf(`"f%d":1`, i))
	}
	_, err := inboundtest.Holds(t, falco.Decode, []byte(`{"rule":"r","time":"2026-11-24T08:00:00Z","output_fields":{`+strings.Join(many, ",")+`}}`))
	require.ErrorContains(t, err, "more than 200 members")
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"http_output", "sidekick", "talon-00"} {
		body, err := os.ReadFile("testdata/" + name + ".json")
		require.NoError(f, err)
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) { inboundtest.Holds(t, falco.Decode, body) })
}

func BenchmarkDecode(b *testing.B) {
	body := payload(b)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		_, err := falco.Decode("f", body, inboundtest.At)
		require.NoError(b, err)
	}
}
