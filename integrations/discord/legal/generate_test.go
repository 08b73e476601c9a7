package legal_test

import (
	"bytes"
	"compress/gzip"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// shared is a file in the folder "shared" beside the repository, or in or beside
// the one that SALVE_SHARED names; the test is skipped where there is none.
func shared(t *testing.T, parts ...string) string {
	t.Helper()
	var roots []string
	if named := os.Getenv("SALVE_SHARED"); named != "" {
		roots = append(roots, named, filepath.Dir(named))
	}
	here, err := os.Getwd()
	require.NoError(t, err)
	for dir := here; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		roots = append(roots, filepath.Join(dir, "shared"))
	}
	for _, root := range roots {
		file := filepath.Join(append([]string{root}, parts...)...)
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	t.Skipf("no file %s at hand: SALVE_SHARED names what holds it", filepath.Join(parts...))
	return ""
}

// generate runs the command on the document.
func generate(t *testing.T, document string) (schema, complaint string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	command := exec.CommandContext(t.Context(), "go", "run", "./generate", document)
	command.Stdout, command.Stderr = &out, &errs
	err = command.Run()
	return out.String(), errs.String(), err
}

func TestTheSchemaIsWhatDiscordsDocumentSays(t *testing.T) {
	t.Parallel()
	made, complaint, err := generate(t, shared(t, "oracles", "discord", "openapi.json.gz"))
	require.NoError(t, err, complaint)
	committed, err := os.ReadFile("schema.json")
	require.NoError(t, err)
	require.Equal(t, made, string(committed), "run go generate with DISCORD_OPENAPI naming the document")
}

func TestADocumentThatLacksWhatIsSoughtFails(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "openapi.json.gz")
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(`{"components":{"schemas":{"PongInteractionCallbackRequest":{"type":"object"}}}}`))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.NoError(t, os.WriteFile(file, packed.Bytes(), 0o600))
	made, complaint, err := generate(t, file)
	require.Error(t, err)
	require.Empty(t, made)
	require.Contains(t, complaint, "the document has no ")
}
