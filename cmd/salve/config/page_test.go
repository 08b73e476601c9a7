package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/config"
)

func TestTheExamplePagesAndRoutes(t *testing.T) {
	t.Parallel()
	c, err := config.Load("../../../docs/salve.example.yaml")
	require.NoError(t, err)
	var names []string
	for _, p := range c.Page {
		names = append(names, p.Title())
	}
	require.Equal(t, []string{"pd", "opsgenie", "mail", "webhook"}, names)
	require.Len(t, c.OnCall.Sources, 4)
	require.Equal(t, "S0123456789", c.OnCall.Fallback["slack"])
	require.NotEmpty(t, c.Catalog.Files)
}

const chat = "slack:\n  bot_token: env:B\n  app_token: env:A\n  default_channel: C0123456789\n"

func TestEveryMistakeInPagingHasItsPlaceAndItsCure(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, want string }{
		{"no type", "page:\n  - {name: a}\n", `salve.yaml:2:6: "" is not a type of pager; write type: mail, opsgenie, pagerduty, webhook`},
		{"a type that is nearly one", "page:\n  - {type: pagerdty, routing_key: env:K}\n", `salve.yaml:2:12: "pagerdty" is not a type of pager; did you mean "pagerduty"?`},
		{"no key", "page:\n  - {type: pagerduty}\n", "salve.yaml:2:6: the pagerduty has no routing_key; add routing_key"},
		{"a key in the file", "page:\n  - {type: pagerduty, routing_key: hunter2}\n", "salve.yaml:2:36: is not a secret reference"},
		{"a key of another type", "page:\n  - {type: opsgenie, api_key: env:K, smtp: \"a:1\"}\n", `"smtp" is not a key of type opsgenie; its keys are api_key, url`},
		{"twice", "page:\n  - {type: pagerduty, routing_key: env:K}\n  - {type: pagerduty, routing_key: env:K}\n", `salve.yaml:3:6: the pager "pagerduty" is there twice`},
		{"a name that is none", "page:\n  - {name: A B, type: opsgenie, api_key: env:K}\n", `"A B" is not a name`},
		{"no recipients", "page:\n  - {type: mail, from: a@example.com, smtp: \"a:587\"}\n", "the mail has no to"},
		{"two recipients in one", "page:\n  - {type: mail, from: a@example.com, to: [\"a@example.com, b@example.com\"], smtp: \"a:587\"}\n", "is not an e-mail address; write for example oncall@example.com"},
		{"a sender that is none", "page:\n  - {type: mail, from: salve, to: [a@example.com], smtp: \"a:587\"}\n", `"salve" is not an e-mail address`},
		{"half of a sign-in", "page:\n  - {type: mail, from: a@example.com, to: [a@example.com], smtp: \"a:587\", user: u}\n", "has only one of user and password"},
		{"a server without port", "page:\n  - {type: mail, from: a@example.com, to: [a@example.com], smtp: smtp.example.com}\n", "write host:port, for example smtp.example.com:587"},
		{"mail in clear to elsewhere", "page:\n  - {type: mail, from: a@example.com, to: [a@example.com], smtp: \"smtp.example.com:25\", plain: true}\n", "would send pages without encryption to another machine"},
		{"a webhook in clear", "page:\n  - {type: webhook, url: \"http://hook.example.com\", secret: env:S}\n", "is not an https address or a secret reference"},
		{"another region in clear", "page:\n  - {type: opsgenie, api_key: env:K, url: \"http://api.example.com\"}\n", "is not an https address"},
		{"a source that is none", "oncall:\n  sources:\n    - {type: ical, file: a.ics}\n", `"ical" is not a type of on-call source; known: icalendar, opsgenie, pagerduty, slack`},
		{"no schedule", "oncall:\n  sources:\n    - {type: pagerduty, token: env:T}\n", "give one of schedule and policy"},
		{"two calendars", "oncall:\n  sources:\n    - {type: icalendar, file: a, url: \"https://a.example\"}\n", "give one of file and url"},
		{"a user group without Slack", "oncall:\n  sources:\n    - {type: slack, user_group: S0123456789}\n", "asks Slack, which is not configured"},
		{"a user group by name", chat + "oncall:\n  sources:\n    - {type: slack, user_group: \"@oncall\"}\n", `"@oncall" is not a user group of Slack`},
		{"a fallback by name", "oncall:\n  fallback: {slack: oncall}\n", `salve.yaml:2:21: "oncall" is not a user group of Slack`},
		{"a fallback elsewhere", "oncall:\n  fallback: {irc: S0123456789}\n", `"irc" is not a chat`},
		{"a pattern that is none", "catalog:\n  files: [\"[a\"]\n", `"[a" is not a file, folder or pattern`},
		{"a route that does not compile", chat + "  routes:\n    - when: |\n        true &&\n          service.ownr == \"x\"\n      channel: C0123456789\n", "salve.yaml:8:18: undeclared reference to 'service.ownr' (did you mean 'service.owner'?)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("salve.yaml", []byte(tt.src))
			require.Error(t, err)
			require.Contains(t, err.Error(), tt.want)
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestTheExamplesOfThePageOnPagingAreValid(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../../docs/paging.md")
	require.NoError(t, err)
	blocks := strings.Split(string(doc), "```yaml\n")[1:]
	require.Len(t, blocks, 2)
	for _, b := range blocks {
		src, _, _ := strings.Cut(b, "```")
		src = strings.Replace(src, "slack:\n", chat, 1) // what the page on Slack tells
		_, err := config.Parse("paging.yaml", []byte(src))
		require.NoError(t, err, src)
	}
}
