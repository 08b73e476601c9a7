package serve_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
)

func TestEveryTypeOfSourceThatCanBeWrittenIsRead(t *testing.T) {
	t.Parallel()
	require.Equal(t, config.SourceTypes(), serve.SourceTypes())
}
