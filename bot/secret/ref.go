package secret

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Scheme is where a Ref points.
type Scheme string

// The schemes.
const (
	Env  Scheme = "env"  // an environment variable of the process
	File Scheme = "file" // a file, by absolute path; one newline at its end is not part of the value
)

// Ref names a secret: env:NAME or file:/path. It is safe to show. The zero Ref
// names nothing.
type Ref struct {
	scheme Scheme
	name   string
}

// Resolver gives the secret that a Ref names, at the moment of use. Errors name
// the Ref and never the value.
type Resolver interface {
	Resolve(ctx context.Context, ref Ref) (Secret, error)
}

const maxRef = 1024

var (
	envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

	errNotRef = errors.New("this is not a secret reference; write env:NAME or file:/absolute/path" +
		" (what stands there is not repeated, it may be the secret itself)")
)

// ParseRef reads env:NAME or file:/path strictly: no spaces, no expansion, and
// a path that is absolute and clean.
func ParseRef(s string) (Ref, error) {
	scheme, name, ok := strings.Cut(s, ":")
	if !ok || len(s) > maxRef {
		return Ref{}, errNotRef
	}
	switch Scheme(scheme) {
	case Env:
		if !envName.MatchString(name) {
			return Ref{}, errors.New("env: wants the name of an environment variable: letters, digits and _, like env:SHOP_TOKEN")
		}
	case File:
		if !cleanPath(name) {
			return Ref{}, errors.New("file: wants an absolute path without . or .. parts, like file:/etc/salve/shop-token")
		}
	default:
		return Ref{}, errNotRef
	}
	return Ref{scheme: Scheme(scheme), name: name}, nil
}

func cleanPath(p string) bool {
	control := strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f })
	return !control && len(p) > 1 && p[0] == '/' && path.Clean(p) == p
}

// Scheme tells where the Ref points.
func (r Ref) Scheme() Scheme { return r.scheme }

// Name is the variable's name or the file's path.
func (r Ref) Name() string { return r.name }

// IsZero reports whether the Ref names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

// String is the Ref as it is written; "" for the zero Ref.
func (r Ref) String() string {
	if r.IsZero() {
		return ""
	}
	return string(r.scheme) + ":" + r.name
}

// MarshalText is String.
func (r Ref) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText is ParseRef; "" is the zero Ref.
func (r *Ref) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*r = Ref{}
		return nil
	}
	ref, err := ParseRef(string(b))
	if err != nil {
		return err
	}
	*r = ref
	return nil
}

// EnvFile resolves references through the lookups that it was given, and makes
// each value known to a Redactor before anybody has it.
type EnvFile struct {
	env      func(name string) (string, bool)
	file     func(path string) ([]byte, error)
	redactor *Redactor
}

// NewEnvFile takes the lookup of variables (os.LookupEnv) and the reader of
// files (os.ReadFile, or one that checks owner and mode), and the Redactor that
// learns every value.
func NewEnvFile(env func(string) (string, bool), file func(string) ([]byte, error), redactor *Redactor) (*EnvFile, error) {
	if env == nil || file == nil || redactor == nil {
		return nil, errors.New("secret.NewEnvFile: a lookup for variables, one for files and a redactor are required")
	}
	return &EnvFile{env: env, file: file, redactor: redactor}, nil
}

// Resolve looks the reference up anew each time, so that a rotated secret is
// used at once. A missing, empty or very short value is an error.
func (e *EnvFile) Resolve(ctx context.Context, ref Ref) (Secret, error) {
	if err := context.Cause(ctx); err != nil {
		return Secret{}, fmt.Errorf("resolve %s: %w", ref, err)
	}
	value, err := e.read(ref)
	if err != nil {
		return Secret{}, fmt.Errorf("resolve %s: %w", ref, err)
	}
	s := New(value)
	if err := e.redactor.Add(s); err != nil {
		return Secret{}, fmt.Errorf("resolve %s: %w", ref, err)
	}
	return s, nil
}

func (e *EnvFile) read(ref Ref) (string, error) {
	switch ref.scheme {
	case Env:
		v, ok := e.env(ref.name)
		if !ok {
			return "", errors.New("the environment has no such variable; set it where salve is started")
		}
		return v, nil
	case File:
		b, err := e.file(ref.name)
		if err != nil {
			return "", err
		}
		return strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r"), nil
	default:
		return "", errors.New("an empty reference names no secret; write env:NAME or file:/path")
	}
}
