package serve_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot/secret"
	"salve/cmd/salve/config"
	"salve/cmd/salve/serve"
)

// TestAllThatIsWrongWithAnyPlaybookIsToldAtOnce: two folders, a third that is
// not there, and in each a mistake of another kind.
func TestAllThatIsWrongWithAnyPlaybookIsToldAtOnce(t *testing.T) {
	t.Parallel()
	one, two := t.TempDir(), t.TempDir()
	book := func(name, program string) string {
		return "name: " + name + "\nowner: x\nrisk: low\nmatch: \"true\"\ntarget: \"'x'\"\napprovers: [oncall]\nsteps:\n  - {id: a, uses: command, with: {argv: [" + program + "]}}\n"
	}
	for file, text := range map[string]string{
		filepath.Join(one, "a.yaml"): "name: [", filepath.Join(one, "b.yaml"): "ownr: x\n", filepath.Join(one, "c.yaml"): "",
		filepath.Join(two, "a.yaml"): book("a", "/bin/first"), filepath.Join(two, "b.yaml"): book("b", "/bin/second"), filepath.Join(two, "c.yaml"): book("log-cleanup", "/bin/true"),
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	cfg := config.Default()
	cfg.Playbooks.Dirs = []string{one, filepath.Join(one, "none"), two}
	cfg.Commands.Allow = []string{"/bin/true", "/usr/bin/find", "/usr/bin/df", "/usr/bin/systemctl"}
	redactor := secret.NewRedactor()
	_, err := serve.Load(cfg, nil, redactor)
	require.Error(t, err)
	for _, part := range []string{
		"a.yaml:1:", "b.yaml:1:1", "c.yaml: is empty", "none is not a directory", "a.yaml: a starts /bin/first", "b.yaml: b starts /bin/second",
		`there is a playbook "log-cleanup" already`,
	} {
		require.Contains(t, err.Error(), part)
	}
}
