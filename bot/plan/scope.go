package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"salve/bot"
	"salve/bot/expr"
)

// scope is what the parts of one playbook may name.
type scope struct {
	params  map[string]bot.Param
	actions map[string]bot.ActionInfo
}

// text compiles a template whose params are all declared: a misspelt one is
// found here and not in the night in which it is wanted.
func (sc scope) text(src string) (*expr.Template, error) {
	t, err := expr.CompileTemplate(expr.AlertEnv, src)
	if err != nil {
		return nil, err
	}
	return t, sc.declared(t.Params())
}

func (sc scope) declared(params []string) error {
	for _, name := range params {
		if _, ok := sc.params[name]; !ok {
			return fmt.Errorf("there is no param %q; the playbook has: %s", name, listed(sc.params))
		}
	}
	return nil
}

func listed(params map[string]bot.Param) string {
	if len(params) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(maps.Keys(params)), ", ")
}

// unique refuses ids that are empty or used twice: what becomes of a step or a
// check is kept under its id.
func unique(what string, ids []string) error {
	seen := map[string]bool{}
	for i, id := range ids {
		switch {
		case id == "":
			return fmt.Errorf("%s %d has no id", what, i+1)
		case seen[id]:
			return fmt.Errorf("there are two %ss with the id %q", what, id)
		}
		seen[id] = true
	}
	return nil
}

// checkLiteral refuses what the author of a playbook cannot have meant to put
// into an argument. allowed are control characters that may stand there.
func checkLiteral(s, allowed string) error {
	if !utf8.ValidString(s) {
		return errors.New("it is not valid UTF-8")
	}
	for i, r := range s {
		if unicode.IsControl(r) && !strings.ContainsRune(allowed, r) {
			return fmt.Errorf("it has a control character at byte %d", i)
		}
	}
	return nil
}
