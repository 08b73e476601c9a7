package prometheus_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/integrations/prometheus"
)

var update = flag.Bool("update", false, "write the table of metrics into docs/monitoring.md")

func TestTheTableOfMetricsIsWhatIsShown(t *testing.T) {
	t.Parallel()
	const page, begin, end = "../../docs/monitoring.md", "<!-- metrics: begin (go test ./integrations/prometheus -update) -->\n", "<!-- metrics: end -->"
	b, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(b), begin)
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	var table strings.Builder
	table.WriteString("\n| metric | labels | kind | from | meaning |\n|---|---|---|---|---|\n")
	for _, f := range prometheus.Families() {
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s |\n", f.Name, strings.Join(f.Labels, ", "), f.Kind, f.Origin, f.Help)
	}
	table.WriteString("\n")
	want := before + begin + table.String() + end + after
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o600))
		return
	}
	require.Equal(t, want, string(b), "run: go test ./integrations/prometheus -update")
}

func TestEveryFamilyIsShownAsDocumentedAndNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld()
	live(t, w, func(m *prometheus.Metrics) {
		later()
		shown, documented := map[string]string{}, map[string]string{}
		for line := range strings.Lines(text(t, m)) {
			if head, ok := strings.CutPrefix(line, "# TYPE salve_"); ok {
				name, kind, _ := strings.Cut(strings.TrimSpace(head), " ")
				shown["salve_"+name] = kind
			}
		}
		for _, f := range prometheus.Families() {
			documented[f.Name] = string(f.Kind)
		}
		require.Equal(t, documented, shown)
	})
}
