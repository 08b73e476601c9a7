package brief_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot/brief"
)

func TestOnALockScreenAQuestionNamesItsTargetOnce(t *testing.T) {
	t.Parallel()
	c := card(asked())
	require.Contains(t, c.Title, "db-3")
	require.Contains(t, brief.Card(c, slash).Alone, ": approve grow-disk? until ")
	c.Title = "DiskFull"
	require.Contains(t, brief.Card(c, slash).Alone, "HIGH DiskFull: approve grow-disk on db-3? until ")
}
