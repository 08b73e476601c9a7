package secret_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"text/template"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"salve/bot/secret"
)

const canary = "c4n4ry-Zürich/+&?=\"x'"

type config struct {
	Token  secret.Secret
	hidden secret.Secret
	more   []secret.Secret
}

// login has a name, which XML wants.
type login struct{ Token secret.Secret }

func TestASecretPrintsItsMaskByEveryRoad(t *testing.T) {
	t.Parallel()
	s := secret.New(canary)
	whole := config{Token: s, hidden: s, more: []secret.Secret{s}}
	roads := map[string]string{"String": s.String(), "GoString": s.GoString(), "log value": s.LogValue().String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%p", "%T %v"} {
		for name, value := range map[string]any{"value": s, "pointer": &s, "struct": whole, "slice": []any{s}, "map": map[string]any{"k": s}} {
			roads[verb+" "+name] = fmt.Sprintf(verb, value)
		}
	}
	roads["error"] = fmt.Errorf("login with %v: %w", s, errors.New("no")).Error()
	for name, marshal := range map[string]func(any) ([]byte, error){
		"json": json.Marshal, "xml": xml.Marshal, "yaml": yaml.Marshal, "json v2": func(v any) ([]byte, error) { return jsonv2.Marshal(v) },
	} {
		b, err := marshal(login{Token: s})
		require.NoError(t, err)
		require.Contains(t, string(b), secret.Mask)
		roads[name] = string(b)
	}
	var gobbed, logged bytes.Buffer
	require.NoError(t, gob.NewEncoder(&gobbed).Encode(&s))
	roads["gob"] = gobbed.String()
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("login", "token", s, "pointer", &s, "config", whole)
	}
	roads["slog"] = logged.String()
	key, err := json.Marshal(map[secret.Secret]int{s: 1})
	require.NoError(t, err)
	roads["key of JSON"] = string(key)
	roads["errors"] = errors.Join(fmt.Errorf("with %w", fmt.Errorf("%v", whole)), fmt.Errorf("%+v %#v", &whole, &whole)).Error()
	roads["print"] = fmt.Sprint(s, &s, whole) + fmt.Sprintln(s, whole)
	roads["text/template"] = executes(t, template.Must(template.New("").Parse(`{{.}} {{.Token}} {{printf "%q" .Token}}`)), whole)
	roads["html/template"] = executes(t, htmltemplate.Must(htmltemplate.New("").Parse(`<a href="{{.Token}}" title={{.Token}}>{{.}}</a><script>{{.Token}}</script>`)), whole)
	for road, text := range roads {
		require.NotContains(t, text, "c4n4ry", road)
	}
	require.Equal(t, secret.Mask, fmt.Sprintf("%x", s))
	require.Equal(t, canary, s.Reveal())
}

func executes(t *testing.T, tmpl interface{ Execute(io.Writer, any) error }, data any) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, tmpl.Execute(&out, data))
	return out.String()
}

// TestAPanicShowsNoSecret panics with one in a process of its own.
func TestAPanicShowsNoSecret(t *testing.T) {
	s := secret.New("c4n4ry" + os.Getenv("SALVE_TEST_PANIC"))
	switch os.Getenv("SALVE_TEST_PANIC") {
	case "value":
		panic(s)
	case "struct":
		panic(config{Token: s, hidden: s})
	case "error":
		panic(fmt.Errorf("login %v", config{Token: s, hidden: s}))
	}
	for _, kind := range []string{"value", "struct", "error"} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAPanicShowsNoSecret$")
		cmd.Env = append(os.Environ(), "SALVE_TEST_PANIC="+kind)
		out, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Contains(t, string(out), "panic:")
		require.NotContains(t, string(out), "c4n4ry", kind)
	}
}

func TestAnEmptySecretEqualsNothing(t *testing.T) {
	t.Parallel()
	require.True(t, secret.New("abcd").Equal(secret.New("abcd")))
	require.False(t, secret.New("abcd").Equal(secret.New("abce")))
	require.False(t, secret.New("").Equal(secret.Secret{}))
	require.True(t, secret.New("").IsZero())
	require.Empty(t, secret.Secret{}.Reveal())
}

func TestASecretIsNotReadFromAFile(t *testing.T) {
	t.Parallel()
	var c struct{ Token secret.Secret }
	err := json.Unmarshal([]byte(`{"Token":"hunter2hunter2"}`), &c)
	require.ErrorContains(t, err, "write a reference")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestParseRefIsStrict(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"env:SHOP_TOKEN", "env:_x1", "file:/etc/salve/token", "file:/a b/c"} {
		ref, err := secret.ParseRef(s)
		require.NoError(t, err, s)
		require.Equal(t, s, ref.String())
		var again secret.Ref
		text, err := ref.MarshalText()
		require.NoError(t, err)
		require.NoError(t, again.UnmarshalText(text))
		require.Equal(t, ref, again)
		require.Equal(t, s, string(ref.Scheme())+":"+ref.Name())
	}
	for _, s := range []string{
		"", "hunter2hunter2", "env:", "env:1X", "env:A B", "env: A", " env:A", "ENV:A", "env:A\n", "env:hunter2-hunter2",
		"file:", "file:/", "file:hunter2/x", "file:/a/../hunter2", "file:/a//hunter2", "file:/hunter2/", "file:/hunter2\x00",
		"file://hunter2/x", "vault:hunter2", "https://hunter2", "file:/" + strings.Repeat("hunter2", 1000),
	} {
		_, err := secret.ParseRef(s)
		require.Error(t, err, s)
		require.NotContains(t, err.Error(), "hunter2", "the input may be the secret")
	}
	var zero secret.Ref
	require.NoError(t, zero.UnmarshalText(nil))
	require.True(t, zero.IsZero())
	require.Empty(t, zero.String())
}

func TestEnvFileResolvesAndTeachesTheRedactor(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"TOKEN": "correct horse", "SHORT": "abc", "EMPTY": ""}
	files := map[string]string{"/run/token": "battery staple\r\n", "/run/two": "line one\n\n"}
	masked := secret.NewRedactor()
	resolver, err := secret.NewEnvFile(
		func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		func(path string) ([]byte, error) {
			if v, ok := files[path]; ok {
				return []byte(v), nil
			}
			return nil, fmt.Errorf("open %s: no such file", path)
		}, masked)
	require.NoError(t, err)
	var _ secret.Resolver = resolver

	for _, tc := range []struct{ ref, value, err string }{
		{ref: "env:TOKEN", value: "correct horse"},
		{ref: "file:/run/token", value: "battery staple"},
		{ref: "file:/run/two", value: "line one\n"},
		{ref: "env:NONE", err: "resolve env:NONE: the environment has no such variable; set it where salve is started"},
		{ref: "env:EMPTY", err: "resolve env:EMPTY: the secret is empty"},
		{ref: "env:SHORT", err: "resolve env:SHORT: the secret is shorter than 4 bytes and cannot be masked in output; use a longer one"},
		{ref: "file:/run/none", err: "resolve file:/run/none: open /run/none: no such file"},
	} {
		ref, err := secret.ParseRef(tc.ref)
		require.NoError(t, err)
		s, err := resolver.Resolve(t.Context(), ref)
		if tc.err != "" {
			require.EqualError(t, err, tc.err)
			require.True(t, s.IsZero())
			continue
		}
		require.NoError(t, err)
		require.Equal(t, tc.value, s.Reveal())
		require.Equal(t, "<[secret]>", masked.String("<"+tc.value+">"))
	}
	_, err = resolver.Resolve(t.Context(), secret.Ref{})
	require.ErrorContains(t, err, "names no secret")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = resolver.Resolve(ctx, secret.Ref{})
	require.ErrorIs(t, err, context.Canceled)
	_, err = secret.NewEnvFile(nil, nil, nil)
	require.Error(t, err)
}
