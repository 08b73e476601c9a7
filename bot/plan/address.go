package plan

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"salve/bot/expr"
)

// compileURL makes an address whose scheme and host are literal. Each ${{ }} is
// one path segment, or part of one, or one query value, and is escaped as such;
// the result is parsed again and must be of the same shape.
func (sc scope) compileURL(v any) (renderer, error) {
	t, err := sc.template(v)
	if err != nil {
		return nil, err
	}
	want, err := t.URL()
	if err != nil {
		return nil, err
	}
	return func(vars expr.Vars) (any, error) { return renderURL(t, want, vars) }, nil
}

const maxURL = 8 << 10 // bytes; more than servers take

func renderURL(t *expr.Template, want *url.URL, vars expr.Vars) (any, error) {
	s, err := t.EvalEscaped(vars, func(part int, s string) (string, error) {
		if strings.Contains(t.TextBefore(part), "?") {
			return url.QueryEscape(s), nil
		}
		if s == "" {
			return "", errors.New("it is empty and would leave out a path segment")
		}
		return url.PathEscape(s), nil
	})
	if err != nil {
		return nil, err
	}
	if len(s) > maxURL {
		return nil, fmt.Errorf("the rendered address is longer than %d bytes", maxURL)
	}
	got, err := url.Parse(s)
	if err != nil || got.Scheme != want.Scheme || got.Host != want.Host || got.User != nil || got.Fragment != "" {
		return nil, errors.New("the rendered address does not lead where the playbook says")
	}
	segments := strings.Split(got.EscapedPath(), "/")
	if len(segments) != strings.Count(want.EscapedPath(), "/")+1 {
		return nil, errors.New("the rendered path has another number of segments than the playbook says")
	}
	for _, seg := range segments {
		if climbs(seg) {
			return nil, fmt.Errorf("the path segment %q could lead to another path", seg)
		}
	}
	if !maps.EqualFunc(got.Query(), want.Query(), func(a, b []string) bool { return len(a) == len(b) }) {
		return nil, errors.New("the rendered query has other names than the playbook says")
	}
	return s, nil
}

// climbs reports whether a server or a proxy could take a path segment for . or
// .. after decoding it, even more than once, or after taking an escaped slash
// for one that separates.
func climbs(segment string) bool {
	for range 4 {
		slash := func(r rune) bool { return r == '/' || r == '\\' }
		for _, s := range strings.FieldsFunc(segment, slash) {
			if name, _, _ := strings.Cut(s, ";"); name == "." || name == ".." {
				return true
			}
		}
		decoded, err := url.PathUnescape(segment)
		if err != nil || decoded == segment {
			return false
		}
		segment = decoded
	}
	return true // escaped again and again: nobody means that
}
