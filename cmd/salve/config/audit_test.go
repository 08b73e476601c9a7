package config_test

import (
	"testing"
	"time"

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
		{"kept too short", "audit: {keep: 1h}\n", "is less than a day"},
		{"not an age", "audit: {keep: 1y}\n", "write for example 400d"},
		{"not days", "audit: {keep: -1d}\n", "is not a number of days"},
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
	for text, want := range map[string]time.Duration{"400d": 9600 * time.Hour, "36h": 36 * time.Hour, "0": 0} {
		c, err := config.Parse("salve.yaml", []byte("audit: {keep: "+text+"}\n"))
		require.NoError(t, err)
		require.Equal(t, want, c.Audit.Keep.Std())
		require.Equal(t, map[string]string{"400d": "400d", "36h": "36h", "0": "0s"}[text], c.Audit.Keep.String())
	}
	require.Equal(t, "400d", config.Default().Audit.Keep.String())
}
