package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConnectionsAreOpenedByOutboundOnly(t *testing.T) {
	t.Parallel()
	for code, bad := range map[string]string{
		`var c = http.DefaultClient`:                                   "net/http.DefaultClient",
		`func f() { _, _ = http.Get("x") }`:                            "net/http.Get",
		`var c = &http.Client{}`:                                       "net/http.Client",
		`var c http.Client`:                                            "net/http.Client",
		`var c = new(http.Client)`:                                     "net/http.Client",
		`type t struct{ http.Client }`:                                 "net/http.Client",
		`var c = []http.Transport{{}}`:                                 "net/http.Transport",
		`func f() { _, _ = dial.Dial("tcp", "x") }`:                    "net.Dial",
		`var d = dial.Dialer{}`:                                        "net.Dialer",
		`func f() { _, _ = tls.Dial("tcp", "x", nil) }`:                "crypto/tls.Dial",
		`func f(c *http.Client, r *http.Request) { _, _ = c.Do(r) }`:   "",
		`func f(w http.ResponseWriter, c dial.Conn) { _ = c.Close() }`: "",
		`func f() { l, _ := dial.Listen("tcp", "x"); _ = l }`:          "",
	} {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, "x.go", "package x\nimport (\n dial \"net\"\n \"net/http\"\n \"crypto/tls\"\n)\n"+code, parser.ParseComments)
		require.NoError(t, err)
		got := checkEgress(Package{Path: "integrations/x"}, File{Name: "integrations/x/x.go", AST: f, Fset: fset})
		if bad == "" {
			require.Empty(t, got, code)
			continue
		}
		require.Len(t, got, 1, code)
		require.Contains(t, got[0], bad+" opens", code)
		require.Empty(t, checkEgress(Package{Path: "integrations/internal/outbound"}, File{Name: "y.go", AST: f, Fset: fset}))
	}
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, "x.go", "package x\nimport . \"net/http\"\nvar c = DefaultClient", 0)
	require.NoError(t, err)
	require.Len(t, checkEgress(Package{Path: "bot/x"}, File{Name: "bot/x/x.go", AST: f, Fset: fset}), 1)
}

// TestEveryCallerOfTheListIsThere keeps the list short: who has left is taken off.
func TestEveryCallerOfTheListIsThere(t *testing.T) {
	t.Parallel()
	tree, err := Read("../..")
	require.NoError(t, err)
	for name, why := range callers {
		require.NotEmpty(t, why)
		_, err := os.Stat(filepath.Join("../..", name))
		require.NoError(t, err)
		found := 0
		for _, p := range tree {
			for _, f := range p.Files {
				if !f.Test && (p.Path == name || f.Name == name) {
					found += len(checkEgress(Package{Path: "elsewhere"}, File{Name: "elsewhere.go", AST: f.AST, Fset: f.Fset}))
				}
			}
		}
		require.NotZero(t, found, "%s opens no connection any more; take it off the list", strings.TrimSpace(name))
	}
}
