package serve_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack/slacktest"
)

func TestTheOutputOfAStepIsSharedAsAFileWhereThePlaybookSaysSo(t *testing.T) {
	t.Parallel()
	fake := newSlack(t, slacktest.Options{})
	cfg := setUp(t, newShop(t))
	book := filepath.Join(cfg.Playbooks.Dirs[0], "heal.yaml")
	text, err := os.ReadFile(book)
	require.NoError(t, err)
	text = []byte(strings.Replace(string(text), "    uses: http\n", "    uses: http\n    share_output: true\n", 1))
	require.NoError(t, os.WriteFile(book, text, 0o600))
	salve := run(t, withSlack(cfg, fake))
	code, body := alert(t, salve.URL(), "ShopIll", "low")
	require.Equal(t, 200, code, body)
	salve.until(t, bot.RunFixed)
	require.True(t, fake.Await(20*time.Second, func() bool { return len(fake.Files()) > 0 }), seen(fake))
	require.NoError(t, salve.end())
	files := fake.Files()
	require.Len(t, files, 1)
	require.Equal(t, "R-1-output.txt", files[0].Name)
	require.Contains(t, string(files[0].Body), "== heal ==")
}
