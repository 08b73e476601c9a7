package cli_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/serve"
	"salve/integrations/slack"
	"salve/integrations/slack/slacktest"
)

// clinic is a directory with a configuration, and the Slack that it names.
type clinic struct {
	dir  string
	fake *slacktest.Slack
}

func newClinic(t *testing.T) clinic {
	t.Helper()
	var scopes []string
	for _, s := range slack.Scopes {
		scopes = append(scopes, s.Name)
	}
	c := clinic{dir: t.TempDir(), fake: slacktest.New(t, slacktest.Options{Unlimited: true, Scopes: scopes})}
	c.fake.AddChannel(slacktest.Channel{ID: "C0OPS00001", Name: "ops", Member: true})
	c.fake.AddChannel(slacktest.Channel{ID: "C0OLD00001", Name: "old", Archived: true})
	c.fake.AddChannel(slacktest.Channel{ID: "G0SECRET01", Name: "secret", Private: true})
	c.fake.AddUser(slacktest.User{ID: "U1", Name: "olga"})
	c.fake.AddGroup(slacktest.Group{ID: "S0ONCALL01", Handle: "oncall", Users: []string{"U1"}})
	c.fake.AddGroup(slacktest.Group{ID: "S0EMPTY001", Handle: "empty"})
	return c
}

// slack is the part of a configuration that names it.
func (c clinic) slack(more string) string {
	return fmt.Sprintf("slack:\n  {bot_token: env:BOT, app_token: env:APP, default_channel: C0OPS00001, api_url: %q, groups: {oncall: {user_group: S0ONCALL01}}%s}\n", c.fake.APIURL(), more)
}

// write puts a file into the directory.
func (c clinic) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(c.dir, name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// looks runs the doctor and gives what a person sees, without what differs from
// one run to the next.
func (c clinic) looks(t *testing.T, src string, args ...string) string {
	t.Helper()
	path := c.write(t, "salve.yaml", "data_dir: "+filepath.Join(c.dir, "data")+"\n"+src)
	r := ticking(t, nil, append([]string{"doctor", "--config", path}, args...)...)
	for _, secret := range tokens {
		require.NotContains(t, r.out+r.err, secret)
	}
	text := fmt.Sprintf("%s%s(exit %d)\n", r.out, r.err, r.code)
	text = regexp.MustCompile(`127\.0\.0\.1:\d+`).ReplaceAllString(text, "127.0.0.1:PORT")
	return strings.ReplaceAll(text, c.dir, "DIR")
}

// certificate writes a key pair for so long and gives the configuration.
func (c clinic) certificate(t *testing.T, from, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: until, DNSNames: []string{"salve.example.com"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	cert := c.write(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	return fmt.Sprintf("tls: {cert: %q, key: %q}\n", cert, c.write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw}))))
}

// calendar has somebody on call all the time.
const calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20200101T000000Z\r\nDTEND:20200102T000000Z\r\nRRULE:FREQ=DAILY\r\nSUMMARY:Olga\r\nATTENDEE;CN=Olga:mailto:olga@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"

func TestTheDoctorFindsAllInOrder(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	pager, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = pager.Close() })
	src := c.slack("") + c.certificate(t, time.Now().Add(-time.Hour), time.Date(2099, 1, 2, 0, 0, 0, 0, time.UTC)) +
		fmt.Sprintf("page: [{type: webhook, url: 'http://%s/page?key=abc', secret: env:KEY}]\n", pager.Addr()) +
		fmt.Sprintf("oncall: {sources: [{type: icalendar, file: %q}, {type: slack, user_group: S0ONCALL01}]}\n", c.write(t, "oncall.ics", calendar)) +
		fmt.Sprintf("catalog: {files: [%q]}\n", c.write(t, "catalog-info.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: shop}\nspec: {type: service, owner: team-a, lifecycle: production}\n"))
	golden(t, "doctor", c.looks(t, src))
}

func TestTheDoctorSaysWhatIsWrongAndHowToMendIt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault slacktest.Fault
		src   func(t *testing.T, c clinic) string
	}{
		{"slack-token", slacktest.Fault{}, func(_ *testing.T, c clinic) string { return strings.Replace(c.slack(""), "env:BOT", "env:STALE", 1) }},
		{"slack-unset", slacktest.Fault{}, func(_ *testing.T, c clinic) string { return strings.Replace(c.slack(""), "env:BOT", "env:NOBODY", 1) }},
		{"slack-down", slacktest.Fault{CutBefore: true}, nil},
		{"slack-page", slacktest.Fault{Status: 502}, nil},
		{"slack-pause", slacktest.Fault{Status: 429, RetryAfter: "1"}, nil},
		{"slack-removed", slacktest.Fault{Method: "auth.test", Error: "account_inactive"}, nil},
		{"slack-socket", slacktest.Fault{Method: "apps.connections.open", Error: "not_allowed_token_type"}, nil},
		{"slack-plan", slacktest.Fault{Method: "usergroups.users.list", Error: "plan_upgrade_required"}, nil},
		{"slack-places", slacktest.Fault{}, func(_ *testing.T, c clinic) string {
			return strings.Replace(c.slack(", routes: [{when: 'true', channel: C0OLD00001}, {when: 'true', channel: G0SECRET01}, {when: 'true', channel: C0NOWHERE1}]"),
				"oncall: {user_group: S0ONCALL01}", "oncall: {user_group: S0ONCALL01}, dba: {user_group: S0EMPTY001}, sre: {user_group: S0GONE0001}", 1)
		}},
		{"outside", slacktest.Fault{}, func(t *testing.T, c clinic) string {
			gone, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			require.NoError(t, gone.Close())
			require.NoError(t, os.Mkdir(filepath.Join(c.dir, "data"), 0o755))
			return c.certificate(t, time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC), time.Date(2021, 1, 2, 0, 0, 0, 0, time.UTC)) +
				fmt.Sprintf("page: [{type: webhook, url: 'http://%s/page?key=abc', secret: env:KEY}, {type: pagerduty, routing_key: env:NOBODY}]\n", gone.Addr()) +
				fmt.Sprintf("oncall: {sources: [{type: icalendar, file: %q}]}\n", c.dir+"/none.ics") +
				fmt.Sprintf("catalog: {files: [%q]}\n", c.write(t, "catalog-info.yaml", "apiVersion: backstage.io/v1alpha1\nkind: Rocket\nmetadata: {name: shop}\n")) +
				fmt.Sprintf("prometheus: {url: 'http://%s'}\n", gone.Addr()) +
				fmt.Sprintf("login: {oidc: {issuer: 'http://%s', client_id: salve}}\n", gone.Addr())
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newClinic(t)
			if tt.fault != (slacktest.Fault{}) {
				tt.fault.Times = -1
				c.fake.Fail(tt.fault)
			}
			src := c.slack("")
			if tt.src != nil {
				src = tt.src(t, c)
			}
			golden(t, "doctor-"+tt.name, c.looks(t, src))
		})
	}
}

func TestTheDoctorSpeaksToPrograms(t *testing.T) {
	t.Parallel()
	c := newClinic(t)
	path := c.write(t, "salve.yaml", "data_dir: "+c.dir+"/data\n"+strings.Replace(c.slack(""), "env:BOT", "env:STALE", 1))
	r := ticking(t, nil, "doctor", "--config", path, "--json")
	require.Equal(t, 1, r.code)
	var said struct {
		OK       bool
		Findings []serve.Finding
	}
	require.NoError(t, json.Unmarshal([]byte(r.out), &said))
	require.False(t, said.OK)
	last := said.Findings[len(said.Findings)-1]
	require.Equal(t, "slack token", last.What)
	require.NotEmpty(t, last.Mend)
}
