package legal_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheSchemaIsWhatSlacksTypesSay makes it again from the pinned package.
func TestTheSchemaIsWhatSlacksTypesSay(t *testing.T) {
	t.Parallel()
	missing := t.Skipf
	if os.Getenv("SALVE_REQUIRE_TOOLS") == "1" {
		missing = t.Fatalf
	}
	if _, err := exec.LookPath("node"); err != nil {
		missing("no node: %v", err)
	}
	if out, err := exec.Command("generate/run", "ready").CombinedOutput(); err != nil {
		missing("%s", out)
	}
	made := filepath.Join(t.TempDir(), "schema.json")
	out, err := exec.CommandContext(t.Context(), "generate/run", made).CombinedOutput()
	require.NoError(t, err, "%s", out)
	want, err := os.ReadFile(made)
	require.NoError(t, err)
	committed, err := os.ReadFile("schema.json")
	require.NoError(t, err)
	require.Equal(t, string(want), string(committed), "run generate/run")
}

// TestASentenceAboutALimitThatNobodyReadsFails leaves the list of the known ones
// out, and names one that is none.
func TestASentenceAboutALimitThatNobodyReadsFails(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("SALVE_REQUIRE_TOOLS") == "1" {
			t.Fatalf("no node: %v", err)
		}
		t.Skipf("no node: %v", err)
	}
	raw := filepath.Join(t.TempDir(), "raw.json")
	require.NoError(t, os.WriteFile(raw, []byte(`{"definitions":{"KnownBlock":{},"Thing":{"type":"object","properties":{
		"short":{"type":"string","description":"Maximum length for this field is 1,200 characters."},
		"odd":{"type":"string","description":"At most a dozen words."}}}}}`), 0o600))
	list := filepath.Join(t.TempDir(), "unread.txt")
	lift := func(unread string) (string, error) {
		require.NoError(t, os.WriteFile(list, []byte(unread), 0o600))
		out, err := exec.CommandContext(t.Context(), "node", "generate/lift.mjs", raw, list).CombinedOutput()
		return string(out), err
	}
	out, err := lift("# none\n")
	require.Error(t, err)
	require.Contains(t, out, "no rule reads the limit of Thing.odd")
	out, err = lift("Thing.odd\nThing.gone\n")
	require.Error(t, err)
	require.Contains(t, out, "unread.txt names Thing.gone")
	out, err = lift("Thing.odd\n")
	require.NoError(t, err, out)
	require.Contains(t, out, `"short":{"allOf":[{"type":"string"},{"maxLength":1200}]}`)
}
