package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/config"
)

func TestTheExampleIsValidAndSaysWhatItMeans(t *testing.T) {
	t.Parallel()
	c, err := config.Load("../../../docs/salve.example.yaml")
	require.NoError(t, err)
	require.Equal(t, "https://salve.example.com", c.PublicURL)
	require.Equal(t, bot.SeverityCritical, c.Sources[0].Severity.Map["page"])
	require.Equal(t, 4*time.Hour, c.Incidents.Remind.Std())
	require.Equal(t, "env:SALVE_METRICS_TOKEN", c.Metrics.Bearer)
	require.True(t, c.Playbooks.UseLibrary())
	require.Equal(t, 5*time.Minute, c.Sources[0].ExpectEvery.Std())
	require.True(t, c.Heartbeat.IsRef())
	want := config.Default().Watch
	require.Equal(t, want, c.Watch, "the example shows the defaults")
}

func TestAnEmptyFileIsTheDefault(t *testing.T) {
	t.Parallel()
	for _, src := range []string{"", "\n\n", "# nothing here\n", "{}\n"} {
		c, err := config.Parse("salve.yaml", []byte(src))
		require.NoError(t, err, "%q", src)
		require.Equal(t, config.Default(), c)
	}
}

func TestAMinimalConfigurationIsShort(t *testing.T) {
	t.Parallel()
	src := "data_dir: ./data\nsources:\n  - {name: prod, type: alertmanager, bearer: env:TOKEN}\nplaybooks:\n  dirs: [./playbooks]\n"
	require.Less(t, strings.Count(src, "\n"), 20)
	_, err := config.Parse("salve.yaml", []byte(src))
	require.NoError(t, err)
}

func TestEveryMistakeHasItsPlaceAndItsCure(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, want string }{
		{"unknown key", "listne: 127.0.0.1:1\n", `salve.yaml:1:1: "listne" is not a key here; did you mean "listen"?`},
		{"unknown nested key", "sources:\n  - name: a\n    typ: alertmanager\n", `salve.yaml:3:5: "typ" is not a key in sources; did you mean "type"?`},
		{"not a mapping", "- a\n", "salve.yaml:1:1: is not a list of keys; begin with a key and a colon"},
		{"two documents", "listen: 127.0.0.1:1\n---\nlisten: 127.0.0.1:2\n", "a second document begins; keep one document in a file"},
		{"alias", "data_dir: &d ./x\nlisten: *d\n", "anchors, aliases and tags are not used here; write the value out"},
		{"duplicate key", "data_dir: a\ndata_dir: b\n", "salve.yaml:2:1"},
		{"syntax", "listen: [\n", "salve.yaml:1:"},
		{"wrong type", "sources: 7\n", "salve.yaml:1:10"},
		{"an idle time that nobody could work with", "people:\n  session_idle: 30s\n", "write at least 5m0s"},
		{"bad duration", "incidents:\n  quiet: soon\n", `"soon" is not a duration; write for example 30s, 15m or 24h`},
		{"bad severity", "sources:\n  - name: a\n    type: alertmanager\n    bearer: env:T\n    severity: {map: {page: dire}}\n", `"dire" is not a severity`},
		{"open listener", "listen: 0.0.0.0:80\n", "salve.yaml:1:9: 0.0.0.0:80 is reachable from outside without encryption; set tls.cert"},
		{"open listener without public url", "listen: 0.0.0.0:80\ntrusted_proxies: [10.0.0.0/8]\n", "is missing; write the address that people open"},
		{"public url without https", "public_url: http://salve.example.com\n", "salve.yaml:1:13"},
		{"half of tls", "tls: {cert: /a}\n", "has only one of cert and key; give both files"},
		{"no secret", "sources:\n  - name: a\n    type: alertmanager\n", `salve.yaml:2:11: the source "a" has no secret: anybody could send alerts; add bearer: env:NAME`},
		{"anonymous beyond loopback", "listen: 0.0.0.0:80\npublic_url: https://a.example\ntrusted_proxies: [10.0.0.0/8]\nsources:\n  - {name: a, type: alertmanager, anonymous: true}\n", "anonymous senders are allowed on a loopback listener without public_url only"},
		{"anonymous behind a proxy on the same machine", "public_url: https://a.example\nsources:\n  - {name: a, type: alertmanager, anonymous: true}\n", "salve.yaml:3:46: anonymous senders are allowed on a loopback listener without public_url only"},
		{"a secret in the file", "sources:\n  - {name: a, type: alertmanager, bearer: hunter2}\n", "is not a secret reference; write env:NAME or file:/path"},
		{"same source twice", "sources:\n  - {name: a, type: alertmanager, bearer: env:T}\n  - {name: a, type: alertmanager, bearer: env:T}\n", `salve.yaml:3:12: the source "a" is there twice`},
		{"unknown source type", "sources:\n  - {name: a, type: nagios, bearer: env:T}\n", `"nagios" is not a source type; write alertmanager, falco, grafana or pagerduty`},
		{"a secret of a sender that does not sign", "sources:\n  - {name: a, type: alertmanager, secret: env:T}\n", `salve.yaml:2:43: is for senders that sign, and alertmanager does not; write bearer: env:NAME (or basic) instead`},
		{"a credential of a sender that signs", "sources:\n  - {name: a, type: pagerduty, bearer: env:T}\n", `pagerduty proves itself by a signature, and bearer or basic would never be looked at; write secret: env:NAME instead`},
		{"two proofs", "sources:\n  - {name: a, type: grafana, secret: env:T, bearer: env:T}\n", `is there beside bearer or basic, and only one can prove the sender; leave out one of them`},
		{"body limit", "sources:\n  - {name: a, type: alertmanager, bearer: env:T, max_body: 9MiB}\n", "outside 1KiB to 8MiB"},
		{"egress", "egress:\n  allow: [everywhere]\n", `salve.yaml:2:11: "everywhere" is not a destination`},
		{"relative command", "commands:\n  allow: [systemctl]\n", `"systemctl" is not an absolute path`},
		{"log level", "log: {level: loud}\n", `"loud" is not a level; write debug, info, warn or error`},
		{"a secret for metrics in the file", "metrics: {bearer: hunter2}\n", "salve.yaml:1:19: is not a secret reference; write env:NAME or file:/path"},
		{"unknown key in metrics", "metrics: {token: env:T}\n", `"token" is not a key in metrics`},
		{"headers without endpoint", "traces: {headers: {Authorization: env:T}}\n", "has no endpoint, so that nothing is sent"},
		{"collector", "traces: {endpoint: collector:4318}\n", "salve.yaml:1:20: is not the address of a collector; write for example https://"},
		{"collector with a password", "traces: {endpoint: \"https://u:hunter2@collector\"}\n", "salve.yaml:1:20: is not the address of a collector"},
		{"header in clear", "traces: {endpoint: http://collector:4318, headers: {Authorization: env:T}}\n", "would get the headers without encryption"},
		{"header with its secret", "traces: {endpoint: https://collector:4318, headers: {Authorization: hunter2}}\n", "is not a secret reference"},
		{"header of ours", "traces: {endpoint: https://collector:4318, headers: {content-type: env:T}}\n", `"content-type" is set by Salve itself`},
		{"header that is none", "traces: {endpoint: https://collector:4318, headers: {\"a b\": env:T}}\n", `"a b" is not the name of a header`},
		{"sample", "traces: {endpoint: https://collector:4318, sample: 2}\n", "salve.yaml:1:52: 2 is not a share; write 1.0"},
		{"sample of none", "traces: {endpoint: https://collector:4318, sample: .nan}\n", "is not a share"},
		{"view that runs", "traces: {endpoint: https://collector:4318, view: \"javascript:alert({trace_id})\"}\n", "is not a web address with {trace_id}"},
		{"view without a trace", "traces: {endpoint: https://collector:4318, view: \"https://jaeger/\"}\n", "is not a web address with {trace_id}"},
		{"view of any host", "traces: {endpoint: https://collector:4318, view: \"https://{trace_id}.jaeger/\"}\n", "is not a web address with {trace_id}"},
		{"a source with Salve's own name", "sources:\n  - {name: salve, type: alertmanager, bearer: env:T}\n", `salve.yaml:2:12: "salve" is the source of alerts about Salve itself; give the sender another name`},
		{"a source with the name of people", "sources:\n  - {name: people, type: alertmanager, bearer: env:T}\n", `salve.yaml:2:12: "people" is the source of what people raise; give the sender another name`},
		{"an expectation that cannot be met", "sources:\n  - {name: a, type: alertmanager, bearer: env:T, expect_every: 1ms}\n", "1ms is too short to wait for a sender"},
		{"a watch without patience", "watch: {stuck: 0s}\n", "salve.yaml:1:16: 0s is too short to watch by"},
		{"a leg that may not rest", "watch: {leg_dead: 30s}\n", "a loop may rest for a minute; write 3m or more"},
		{"a disk that is never free enough", "watch: {disk_free: 80}\n", "80 is not a percentage that can be meant"},
		{"a drain without end", "drain: 1h\n", "1h is too long; write at most 5m"},
		{"a heartbeat that anybody can read", "heartbeat: {url: \"http://hc.example.com/ping\"}\n", "is not an https address or a secret reference"},
		{"a heartbeat with a password in it", "heartbeat: {url: \"https://a:hunter2@hc.example.com\"}\n", "is not an https address or a secret reference"},
		{"a heartbeat too often", "heartbeat: {every: 1ms}\n", "1ms is too often; write 1s or more"},
		{"size", "retention: {payload_size: much}\n", `"much" is not a size`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("salve.yaml", []byte(tt.src))
			require.Error(t, err)
			require.Contains(t, err.Error(), tt.want)
			_, ok := errors.AsType[config.Mistakes](err)
			require.True(t, ok)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestAllMistakesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.Parse("salve.yaml", []byte("listen: here\nlog: {level: loud, format: xml}\n"))
	ms, ok := errors.AsType[config.Mistakes](err)
	require.True(t, ok)
	require.Len(t, ms, 3)
}

func TestAFileThatIsNotThereSaysSo(t *testing.T) {
	t.Parallel()
	_, err := config.Load(filepath.Join(t.TempDir(), "none.yaml"))
	require.ErrorContains(t, err, "none.yaml: cannot be read: no such file or directory; name a file that exists")

	big := filepath.Join(t.TempDir(), "big.yaml")
	require.NoError(t, os.WriteFile(big, make([]byte, 2<<20), 0o600))
	_, err = config.Load(big)
	require.ErrorContains(t, err, "larger than 1 MiB")
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("listen: 127.0.0.1:8080\nsources:\n  - {name: a, type: alertmanager, bearer: env:T}\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := config.Parse("salve.yaml", src)
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		require.NotEmpty(t, c.DataDir)
	})
}
