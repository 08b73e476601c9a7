package plan

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxTarget = 256 // bytes

// anchored compiles a pattern that must match a whole text. It is compiled by
// itself first: `a)|(b` would else close the group that holds it.
func anchored(pattern string) (*regexp.Regexp, error) {
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, err
	}
	return regexp.Compile(`^(?:` + pattern + `)$`)
}

// checkTarget holds a rendered target to be a name that people can read, and
// one that the playbook may touch. Two targets that look alike would be two
// locks on one thing.
func (b *book) checkTarget(t string) error {
	switch {
	case t == "":
		return errors.New("target: it is empty")
	case len(t) > maxTarget:
		return fmt.Errorf("target: it is longer than %d bytes", maxTarget)
	case !utf8.ValidString(t):
		return errors.New("target: it is not valid UTF-8")
	case strings.ContainsFunc(t, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("target: it has characters that cannot be seen")
	case strings.TrimSpace(t) != t:
		return errors.New("target: it begins or ends with a space")
	}
	if len(b.allowed) > 0 && !slices.ContainsFunc(b.allowed, func(re *regexp.Regexp) bool { return re.MatchString(t) }) {
		return fmt.Errorf("target: %q is not among the targets that the playbook may touch: %s", t, strings.Join(b.Targets, ", "))
	}
	return nil
}
