package console_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/console"
)

// traced gives each card a trace.
type traced struct {
	*world
	url string
}

func (c traced) Card(ctx context.Context, id bot.IncidentID, viewer bot.Person) (bot.Card, error) {
	card, err := c.world.Card(ctx, id, viewer)
	card.TraceID, card.TraceURL = "29bc7cc2cf9c81b7a38230cdfd32598f", c.url
	return card, err
}

func TestThePageOfAnIncidentLeadsToItsTrace(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://jaeger.example.com/trace/29bc7cc2":       `<a href="https://jaeger.example.com/trace/29bc7cc2" rel="noreferrer noopener external" target="_blank">jaeger.example.com`,
		`https://tempo.example.com/?q="><script>&id=29bc`: `<a href="https://tempo.example.com/?q=%22%3e%3cscript%3e&amp;id=29bc"`,
		"":                    `<code>29bc7cc2cf9c81b7a38230cdfd32598f</code></dd>`,
		"javascript:alert(1)": `<code>29bc7cc2cf9c81b7a38230cdfd32598f</code></dd>`,
	} {
		w := story()
		ports := w.ports()
		ports.Cards = traced{w, url}
		c, err := console.New(ports, console.Options{AnonymousRead: true})
		require.NoError(t, err)
		page := ask(c, "GET", "/incidents/I-142", "", nil).Body.String()
		require.Contains(t, page, "<dt>Trace</dt><dd><code>29bc7cc2cf9c81b7a38230cdfd32598f</code>")
		require.Contains(t, page, want, url)
		require.NotContains(t, page, "<script>&amp;id")
	}
	require.NotContains(t, ask(open(t, story(), console.Options{AnonymousRead: true}), "GET", "/incidents/I-142", "", nil).Body.String(), "<dt>Trace</dt>")
}
