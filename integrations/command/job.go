package command

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// job is one program to run, checked.
type job struct {
	path  string
	argv  []string
	dir   string
	env   []string
	stdin string
}

// variable is a name that an environment variable may have.
var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// job reads the arguments of a step or check. Unknown ones are errors.
func (a *Action) job(args map[string]any) (job, error) {
	for _, k := range slices.Sorted(maps.Keys(args)) {
		switch k {
		case "argv", "dir", "env", "stdin":
		default:
			return job{}, fmt.Errorf("there is no argument %q; write argv, dir, env or stdin", k)
		}
	}
	argv, err := words(args["argv"])
	if err != nil {
		return job{}, err
	}
	j := job{argv: argv, dir: "/"}
	if j.path, err = a.find(argv[0]); err != nil {
		return job{}, err
	}
	if j.env, err = a.environment(args["env"]); err != nil {
		return job{}, err
	}
	if v, ok := args["dir"]; ok {
		if j.dir, ok = v.(string); !ok || !filepath.IsAbs(j.dir) {
			return job{}, errors.New("dir must be an absolute directory")
		}
	}
	if v, ok := args["stdin"]; ok {
		if j.stdin, ok = v.(string); !ok {
			return job{}, errors.New("stdin must be text")
		}
	}
	return j, nil
}

func words(v any) ([]string, error) {
	list, ok := v.([]any)
	if !ok {
		typed, isTyped := v.([]string)
		if !isTyped {
			return nil, errors.New("argv must be a list: the program and its arguments")
		}
		for _, s := range typed {
			list = append(list, s)
		}
	}
	out := make([]string, 0, len(list))
	for i, w := range list {
		s, ok := w.(string)
		if !ok || strings.ContainsRune(s, 0) {
			return nil, fmt.Errorf("argv[%d] is not text", i)
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		return nil, errors.New("argv is empty; write the program and its arguments")
	}
	return out, nil
}

// environment is PATH and what the step gives. Variables that tell the loader
// to bring code along are refused.
func (a *Action) environment(v any) ([]string, error) {
	out := []string{"PATH=" + strings.Join(a.dirs, ":")}
	if v == nil {
		return out, nil
	}
	given, err := texts(v)
	if err != nil {
		return nil, err
	}
	for _, k := range slices.Sorted(maps.Keys(given)) {
		switch {
		case !variable.MatchString(k):
			return nil, fmt.Errorf("env: %q is not the name of a variable", k)
		case k == "PATH", strings.HasPrefix(k, "LD_"), strings.HasPrefix(k, "DYLD_"):
			return nil, fmt.Errorf("env: %s cannot be set", k)
		case strings.ContainsRune(given[k], 0):
			return nil, fmt.Errorf("env: %s is not text", k)
		}
		out = append(out, k+"="+given[k])
	}
	return out, nil
}

func texts(v any) (map[string]string, error) {
	switch m := v.(type) {
	case map[string]string:
		return m, nil
	case map[string]any:
		out := make(map[string]string, len(m))
		for k, w := range m {
			s, ok := w.(string)
			if !ok {
				return nil, fmt.Errorf("env: %s is not text; put it into quotes", k)
			}
			out[k] = s
		}
		return out, nil
	default:
		return nil, errors.New("env must map names to text")
	}
}
