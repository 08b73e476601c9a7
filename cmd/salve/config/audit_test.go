package config_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"salve/cmd/salve/config"
)

func TestPlacesForSignedHeadsAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, says string }{
		{"no place", "audit: {key: \"file:/k\"}\n", "signs heads that nobody keeps"},
		{"no key", "audit: {places: [{file: /a/b}]}\n", "have nothing to keep without a key"},
		{"a key itself", "audit: {key: PRIVATE+KEY, places: [{file: /a/b}]}\n", "is not a secret reference"},
		{"neither", "audit: {key: \"file:/k\", places: [{}]}\n", "is not one place"},
		{"both", "audit: {key: \"file:/k\", places: [{file: /a/b, url: \"https://x.example\"}]}\n", "is not one place"},
		{"in the data directory", "data_dir: /var/lib/salve\naudit: {key: \"file:/k\", places: [{file: /var/lib/salve/heads.log}]}\n", "who can alter the log can alter it too"},
		{"not absolute", "audit: {key: \"file:/k\", places: [{file: heads.log}]}\n", "is not an absolute path"},
		{"no https", "audit: {key: \"file:/k\", places: [{url: \"http://x.example/\"}]}\n", "is not an https address"},
		{"a password", "audit: {key: \"file:/k\", places: [{url: \"https://u:p@x.example/\"}]}\n", "is not an https address"},
		{"a token itself", "audit: {key: \"file:/k\", places: [{url: \"https://x.example/\", bearer: abc}]}\n", "is not a secret reference"},
		{"a file's token", "audit: {key: \"file:/k\", places: [{file: /a/b, bearer: \"env:A\"}]}\n", "is of no use for a file"},
		{"an old key", "audit: {keys: [abc]}\n", "is not a public key"},
		{"too often", "audit: {every: 1ms}\n", "is too often"},
		{"no events", "audit: {events: 0}\n", "is not a number of events"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse("salve.yaml", []byte(c.text))
			require.ErrorContains(t, err, c.says)
		})
	}
	_, err := config.Parse("salve.yaml", []byte("audit: {key: \"file:/k\", places: [{file: /a/b}, {url: \"https://x.example/heads\", bearer: \"env:A\"}]}\n"))
	require.NoError(t, err)
}
