package expr_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot/expr"
)

func TestWhereATemplateMayStand(t *testing.T) {
	t.Parallel()
	url := func(t *expr.Template) error { _, err := t.URL(); return err }
	program := func(t *expr.Template) error { _, err := t.Program(); return err }
	const part = "${{ alert.title }}"
	for _, tt := range []struct {
		rule  func(*expr.Template) error
		text  string
		wrong string
	}{
		{url, "https://a.example/x/" + part + "?q=" + part + "&r=1" + part, ""},
		{url, "http://a.example?q=" + part, ""},
		{url, "http://a.example", ""},
		{url, "https://" + part + "/x", "scheme and host"},
		{url, "https://a." + part + "/x", "scheme and host"},
		{url, "https://a.example" + part, "scheme and host"},
		{url, "https://a.example:" + part + "/", "is not an address"},
		{url, part + "://a.example/", "is not an address"},
		{url, part, "is not an address"},
		{url, "https://u:p@a.example/", "is not an address"},
		{url, "https://a.example/#x", "is not an address"},
		{url, "ftp://a.example/", "is not an address"},
		{url, "/x", "is not an address"},
		{url, "https://a.example/?" + part + "=1", "names in the query"},
		{url, "https://a.example/?a=1&" + part + "=1", "names in the query"},
		{program, "/usr/bin/systemctl", ""},
		{program, "systemctl", ""},
		{program, part, "must be literal"},
		{program, "/bin/" + part, "must be literal"},
		{program, "-x", "is not a program"},
		{program, " ", "is not a program"},
		{program, "", "is not a program"},
		{program, "../x", "depends on where"},
		{program, "/bin/../x", "depends on where"},
		{program, "bin/x", "depends on where"},
	} {
		tmpl, err := expr.CompileTemplate(expr.AlertEnv, tt.text)
		require.NoError(t, err, tt.text)
		err = tt.rule(tmpl)
		if tt.wrong == "" {
			require.NoError(t, err, tt.text)
			continue
		}
		m, ok := errors.AsType[*expr.Misplaced](err)
		require.True(t, ok, "%s: %v", tt.text, err)
		require.Contains(t, m.Message, tt.wrong)
		require.NotEmpty(t, m.Hint)
	}
}
