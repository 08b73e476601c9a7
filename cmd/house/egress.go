package main

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
)

// dials are what opens a connection to somewhere, by package and name.
var dials = map[string][]string{
	"net":        {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialUnix", "DialIP", "Dialer"},
	"net/http":   {"DefaultClient", "DefaultTransport", "Get", "Head", "Post", "PostForm", "Client", "Transport"},
	"crypto/tls": {"Dial", "DialWithDialer", "Dialer", "Client"},
	"net/smtp":   {"Dial", "SendMail", "NewClient"},
	"net/rpc":    {"Dial", "DialHTTP", "DialHTTPPath"},
}

// callers are the packages and files that may open connections by themselves,
// and why. Everybody else calls through integrations/internal/outbound, which
// judges the address that is really dialled.
var callers = map[string]string{
	"integrations/internal/outbound": "this is where addresses are judged",
	"integrations/control/client.go": "the command line calls its own Salve, as the person who typed it says",
	"cmd/salve/cli/alert.go":         "likewise",
	"storage/postgres/connect.go":    "the database that the operator names",
	"cmd/salve/democmd.go":           "the demo looks for its own socket",
	"cmd/salve/demo":                 "the demo's shop and what watches it, on loopback",
	"cmd/internal/trial":             "looks at the binary from outside, on loopback",
	"cmd/bench":                      "likewise",
	"cmd/torture":                    "likewise",
}

// checkEgress reports connections that are opened past outbound.
func checkEgress(p Package, f File) []string {
	if callers[p.Path] != "" || callers[f.Name] != "" {
		return nil
	}
	var out []string
	pointed := map[ast.Node]bool{} // *http.Client is one that somebody else has made
	ast.Inspect(f.AST, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.StarExpr:
			pointed[n.X] = true
		case *ast.SelectorExpr:
			if what := dialled(f, n); what != "" && !pointed[n] {
				out = append(out, fmt.Sprintf("%s: %s opens connections past the rule of egress; call through integrations/internal/outbound", f.at(n), what))
			}
		}
		return true
	})
	for _, imp := range f.AST.Imports {
		if imp.Name != nil && imp.Name.Name == "." && dials[strings.Trim(imp.Path.Value, `"`)] != nil {
			out = append(out, fmt.Sprintf("%s: imports %s without a name, which hides what it opens", f.Name, imp.Path.Value))
		}
	}
	return out
}

// dialled names what of dials a selector is; "" when it is none.
func dialled(f File, sel *ast.SelectorExpr) string {
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return ""
	}
	for _, imp := range f.AST.Imports {
		path := strings.Trim(imp.Path.Value, `"`)
		name := path[strings.LastIndexByte(path, '/')+1:]
		if imp.Name != nil {
			name = imp.Name.Name
		}
		if name == id.Name && slices.Contains(dials[path], sel.Sel.Name) {
			return path + "." + sel.Sel.Name
		}
	}
	return ""
}
