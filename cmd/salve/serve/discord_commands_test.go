package serve_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/serve"
	"salve/integrations/discord/discordtest"
)

func TestEveryCommandCanBeRegisteredInDiscord(t *testing.T) {
	t.Parallel()
	fake := newDiscord(t, discordtest.Options{})
	resolver, _ := secrets(t)
	client, err := serve.OpenDiscord(t.Context(), withDiscord(setUp(t, newShop(t)), fake), resolver, nil, nil)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	require.NoError(t, client.Register(t.Context()))
	require.Equal(t, []string{"Make this an incident", "salve"}, fake.Commands())
}
