package playbooks

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

// checkURL holds scheme and host to be literal, and templates to be where they
// can be escaped.
func (c *checker) checkURL(at string, v any) {
	t := c.text(at, v)
	if t == nil {
		return
	}
	shape, err := t.EvalShape("x")
	if err != nil {
		c.bad(at, err.Error(), "")
		return
	}
	u, err := url.Parse(shape)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.Fragment != "" {
		c.bad(at, "is not an address", "write http:// or https://, a host, and a path; no user and no fragment")
		return
	}
	origin := u.Scheme + "://" + u.Host
	if t.Parts() > 0 && !strings.HasPrefix(t.Prefix(), origin+"/") && !strings.HasPrefix(t.Prefix(), origin+"?") {
		c.bad(at, "scheme and host must be literal", "use ${{ }} in the path and in query values only")
		return
	}
	for part := range t.Parts() {
		if _, query, ok := strings.Cut(t.TextBefore(part), "?"); ok && !strings.Contains(query[strings.LastIndexByte(query, '&')+1:], "=") {
			c.bad(at, "the names in the query must be literal", "use ${{ }} after the = only")
			return
		}
	}
}

func (c *checker) checkArgv(at string, v any) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		c.bad(at, "it is a list: the program, then one entry an argument", "write argv: [/usr/bin/systemctl, restart, nginx]; there is no shell")
		return
	}
	for i, e := range list {
		t := c.scalar(fmt.Sprintf("%s[%d]", at, i), e)
		if i > 0 || t == nil {
			continue
		}
		name, isLit := t.Literal()
		switch first := at + "[0]"; {
		case !isLit:
			c.bad(first, "the program must be literal", "choose between playbooks instead of between programs")
		case strings.HasPrefix(name, "-"), strings.TrimSpace(name) == "":
			c.bad(first, fmt.Sprintf("%q is not a program", name), "write its absolute path")
		case strings.Contains(name, "/") && (!path.IsAbs(name) || path.Clean(name) != name):
			c.bad(first, fmt.Sprintf("%q depends on where it is run from", name), "write the absolute path, without . and ..")
		}
	}
}
