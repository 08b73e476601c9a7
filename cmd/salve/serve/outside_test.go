package serve_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/serve"
	"salve/integrations/slack/slacktest"
)

func TestTheDoctorLooksBesideASalveThatRuns(t *testing.T) {
	t.Parallel()
	fake := newSlack(t, slacktest.Options{})
	cfg := withSlack(setUp(t, newShop(t)), fake)
	resolver, _ := secrets(t)
	look := func() (found map[string]serve.Finding, at []string) {
		found = map[string]serve.Finding{}
		serve.Examine(t.Context(), cfg, resolver, serve.Examination{
			At:    func(what string) { at = append(at, what) },
			Found: func(f serve.Finding) { found[f.What] = f },
		})
		return found, at
	}
	before, at := look()
	require.Contains(t, before["salve"].Says, "none runs on "+cfg.DataDir)
	require.Equal(t, "opens", before["slack socket"].Says)
	require.Equal(t, "a Salve that runs", at[0])

	r := run(t, cfg)
	require.True(t, fake.Await(20*time.Second, func() bool { return fake.Sockets() == 1 }))
	now, _ := look()
	require.Contains(t, now["salve"].Says, "one runs since ")
	require.True(t, now["salve"].OK)
	require.Equal(t, "may be opened; the Salve that runs has its own", now["slack socket"].Says)
	require.Equal(t, 1, fake.Sockets())
	require.NoError(t, r.end())
}
