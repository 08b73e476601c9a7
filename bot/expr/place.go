package expr

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

// Misplaced says why a template may not stand where it stands, and what to write
// instead.
type Misplaced struct{ Message, Hint string }

func (m *Misplaced) Error() string { return m.Message + "; " + m.Hint }

// URL is the shape of an address: scheme and host are literal, each ${{ }} is in
// the path or after the = of a query value. The error is a *Misplaced, or says
// that the text is too long.
func (t *Template) URL() (*url.URL, error) {
	shape, err := t.EvalShape("x")
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(shape)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, &Misplaced{"is not an address", "write http:// or https://, a host, and a path; no user and no fragment"}
	}
	origin := u.Scheme + "://" + u.Host
	if t.Parts() > 0 && !strings.HasPrefix(t.Prefix(), origin+"/") && !strings.HasPrefix(t.Prefix(), origin+"?") {
		return nil, &Misplaced{"scheme and host must be literal", "use ${{ }} in the path and in query values only"}
	}
	for part := range t.Parts() {
		if _, query, ok := strings.Cut(t.TextBefore(part), "?"); ok && !strings.Contains(query[strings.LastIndexByte(query, '&')+1:], "=") {
			return nil, &Misplaced{"the names in the query must be literal", "use ${{ }} after the = only"}
		}
	}
	return u, nil
}

// Program is the one fixed program that the first entry of an argument list
// names: an absolute path, or a plain name, which does not depend on where it is
// run from. The error is a *Misplaced.
func (t *Template) Program() (string, error) {
	name, isLit := t.Literal()
	switch {
	case !isLit:
		return "", &Misplaced{"the program must be literal", "choose between playbooks instead of between programs"}
	case strings.HasPrefix(name, "-"), strings.TrimSpace(name) == "":
		return "", &Misplaced{fmt.Sprintf("%q is not a program", name), "write its absolute path"}
	case strings.Contains(name, "/") && (!path.IsAbs(name) || path.Clean(name) != name):
		return "", &Misplaced{fmt.Sprintf("%q depends on where it is run from", name), "write the absolute path, without . and .."}
	}
	return name, nil
}
