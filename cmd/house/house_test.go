package main

import (
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheHouseStands(t *testing.T) {
	t.Parallel()
	tree, err := Read("../..")
	require.NoError(t, err)
	require.NotEmpty(t, tree)
	require.Empty(t, Check(tree))
}

func TestNothingIsLeftForLater(t *testing.T) {
	t.Parallel()
	breaches, err := CheckWords("../..")
	require.NoError(t, err)
	require.Empty(t, breaches)
}

func TestTheImportLaw(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, from, imp string
		allowed         bool
	}{
		{"nouns use the standard library", "bot", "time", true},
		{"nouns use nothing of ours", "bot", "salve/bot/expr", false},
		{"nouns use no module", "bot", "github.com/stretchr/testify/require", false},
		{"secret stands beside the nouns", "bot/secret", "salve/bot", true},
		{"expr uses cel", "bot/expr", "cel.dev/cel-go/cel", true},
		{"a stage uses the ground floor", "bot/guard", "salve/bot", true},
		{"a stage uses no other stage", "bot/guard", "salve/bot/approval", false},
		{"a stage uses no storage", "bot/guard", "salve/storage/sqlite", false},
		{"a leg uses stages", "bot/flow/decide", "salve/bot/guard", true},
		{"a leg uses no leg", "bot/flow/decide", "salve/bot/flow/act", false},
		{"a leg uses no adapter", "bot/flow/decide", "salve/integrations/console", false},
		{"an adapter uses the ground floor", "integrations/console", "salve/bot", true},
		{"an adapter uses no stage", "integrations/console", "salve/bot/chat", false},
		{"an adapter uses no other adapter", "integrations/console", "salve/integrations/control", false},
		{"an adapter uses its room's internal", "integrations/alertmanager", "salve/integrations/internal/inbound", true},
		{"an adapter uses nobody else's internal", "storage/sqlite", "salve/integrations/internal/inbound", false},
		{"storage uses its own internal", "storage/sqlite", "salve/storage/internal/query", true},
		{"nobody imports cmd", "bot/flow/act", "salve/cmd/salve", false},
		{"cmd imports all", "cmd/salve", "salve/bot/flow/act", true},
		{"a test package is for tests", "integrations/alertmanager", "salve/integrations/internal/inbound/inboundtest", false},
		{"a module that is not listed", "bot/guard", "golang.org/x/time/rate", false},
		{"a module that begins alike", "bot/expr", "cel.dev/cel-gopher/x", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			why := breach(tt.from, room(tt.from), tt.imp)
			require.Equal(t, tt.allowed, why == "", why)
		})
	}
}

func TestShapeRulesFindWhatTheyForbid(t *testing.T) {
	t.Parallel()
	src := `package guard

import (
	"os"
	clock "time"
)

type Wide interface{ A(); B(); C(); D(); E(); F() }

func many(a, b, c, d, e, f int) {}

func now() (clock.Time, string) { return clock.Now(), os.Getenv("X") }
`
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "guard.go", src, parser.ParseComments)
	require.NoError(t, err)
	p := Package{Path: "bot/guard", Files: []File{{Name: "bot/guard/guard.go", Lines: 401, AST: f, Fset: fset}}}
	got := Check([]Package{p})
	for _, want := range []string{"no package comment", "401 lines", "interface of 6 methods", "takes 6 parameters", "clock.Now", "os.Getenv"} {
		require.Condition(t, func() bool {
			for _, g := range got {
				if strings.Contains(g, want) {
					return true
				}
			}
			return false
		}, "%q not among %v", want, got)
	}
}

func TestAPackageWithoutARoomIsABreach(t *testing.T) {
	t.Parallel()
	require.Len(t, checkImports(Package{Path: "bot/somewhere"}), 1)
	require.Len(t, checkImports(Package{Path: "pkg"}), 1)
}
