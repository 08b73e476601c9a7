package playbooks

import (
	"errors"
	"fmt"

	"salve/bot/expr"
)

// checkURL holds scheme and host to be literal, and templates to be where they
// can be escaped.
func (c *checker) checkURL(at string, v any) {
	if t := c.text(at, v); t != nil {
		_, err := t.URL()
		c.placed(at, err)
	}
}

func (c *checker) checkArgv(at string, v any) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		c.bad(at, "it is a list: the program, then one entry an argument", "write argv: [/usr/bin/systemctl, restart, nginx]; there is no shell")
		return
	}
	for i, e := range list {
		entry := fmt.Sprintf("%s[%d]", at, i)
		if t := c.scalar(entry, e); i == 0 && t != nil {
			_, err := t.Program()
			c.placed(entry, err)
		}
	}
}

// placed notes why a template may not stand where it stands.
func (c *checker) placed(at string, err error) {
	if m, ok := errors.AsType[*expr.Misplaced](err); ok {
		c.bad(at, m.Message, m.Hint)
	} else if err != nil {
		c.bad(at, err.Error(), "")
	}
}
