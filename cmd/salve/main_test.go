package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"

	"salve/bot/secret"
	"salve/cmd/salve/config"
)

// leaves are the commands that do something.
func leaves(n *kong.Node) []*kong.Node {
	var out []*kong.Node
	for _, c := range n.Children {
		if c.Type == kong.CommandNode && len(c.Children) == 0 {
			out = append(out, c)
		}
		out = append(out, leaves(c)...)
	}
	return out
}

func TestEveryCommandAndFlagHasHelp(t *testing.T) {
	t.Parallel()
	var g grammar
	parser, err := newParser(t.Context(), &g)
	require.NoError(t, err)
	all := leaves(parser.Model.Node)
	require.Greater(t, len(all), 40)
	for _, c := range all {
		require.NotEmpty(t, c.Help, c.Path())
		require.True(t, strings.HasSuffix(c.Help, "."), "%s: %s", c.Path(), c.Help)
		if c.Hidden {
			continue
		}
		for _, f := range c.Flags {
			require.NotEmpty(t, f.Help, "%s --%s", c.Path(), f.Name)
		}
		for _, p := range c.Positional {
			require.NotEmpty(t, p.Help, "%s %s", c.Path(), p.Name)
		}
	}
}

func TestHelpOfEveryCommandIsShown(t *testing.T) {
	t.Parallel()
	var g grammar
	parser, err := newParser(t.Context(), &g)
	require.NoError(t, err)
	for _, c := range leaves(parser.Model.Node) {
		var out bytes.Buffer
		over := "over"
		func() {
			defer func() { require.Equal(t, over, recover(), c.Path()) }()
			parser.Stdout, parser.Exit = &out, func(code int) {
				require.Zero(t, code)
				panic(over)
			}
			_, _ = parser.Parse(append(strings.Fields(c.FullPath())[1:], "--help"))
		}()
		require.Contains(t, out.String(), "Usage: "+c.FullPath(), c.Path())
		for line := range strings.Lines(out.String()) {
			require.LessOrEqual(t, len(line), 132, "%s: %s", c.Path(), line)
		}
	}
}

func TestAWrongCommandLineExitsWithTwo(t *testing.T) {
	var b bytes.Buffer
	parser, err := newParser(t.Context(), &grammar{})
	require.NoError(t, err)
	for line, see := range map[string]string{
		"nonsense": "See: salve --help\n", "user edit": "See: salve user edit --help\n", "settle R-1 maybe": "See: salve settle --help\n", "incidents --odd": "See: salve incidents --help\n",
	} {
		_, err := parser.Parse(strings.Fields(line))
		require.Error(t, err)
		b.Reset()
		misunderstood(&b, err)
		require.True(t, strings.HasSuffix(b.String(), see), b.String())
	}
	require.Equal(t, 2, run([]string{"nonsense"}))
	require.Equal(t, 0, run([]string{"version"}))
	require.Equal(t, 1, run([]string{"--socket", filepath.Join(t.TempDir(), "none"), "status"}))
	require.Equal(t, 1, run([]string{"serve", "--config", filepath.Join(t.TempDir(), "none.yaml")}))
	require.Equal(t, 1, run([]string{"demo", "--listen", "0.0.0.0:0"}), "the demo stays on this machine")
}

func TestASalveIsFoundOrTheErrorSaysWhere(t *testing.T) {
	dir, err := os.MkdirTemp("", "salve") // short: a socket's path is bounded
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	t.Chdir(dir)
	t.Setenv("TMPDIR", dir)
	t.Setenv("SALVE_TOKEN", "")
	_, err = (&grammar{Server: "https://salve.example.org"}).dial()
	require.ErrorContains(t, err, "--server needs SALVE_TOKEN")
	t.Setenv("SALVE_TOKEN", "salve_api_x")
	_, err = (&grammar{Server: "https://salve.example.org"}).dial()
	require.NoError(t, err)
	_, err = (&grammar{Server: "http://salve.example.org"}).dial()
	require.ErrorContains(t, err, "is not an https address")
	require.NotContains(t, err.Error(), "salve_api_x")

	none := filepath.Join(dir, "none")
	_, err = (&grammar{Socket: none}).dial()
	require.ErrorContains(t, err, "there is no Salve at "+none)
	require.NoError(t, os.WriteFile(none, nil, 0o600))
	_, err = (&grammar{Socket: none}).dial()
	require.ErrorContains(t, err, "there is no Salve at "+none, "a file is no socket")

	ln, err := net.Listen("unix", filepath.Join(dir, "s"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ln.Close()) })
	_, err = (&grammar{Socket: filepath.Join(dir, "s")}).dial()
	require.NoError(t, err)

	require.NoError(t, os.WriteFile("salve.yaml", []byte("data_dir: /srv/x\n"), 0o600))
	found := (&grammar{}).sockets()
	require.Equal(t, "/srv/x/salve.sock", found[0])
	require.Contains(t, found, filepath.Join(demoDir(), "salve.sock"))
}

// Anybody may make a directory where the demo keeps its things.
func TestADemoOfSomebodyElseIsNotBelieved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	socket := filepath.Join(demoDir(), "salve.sock")
	require.False(t, trusted(socket), "it is not there")
	require.NoError(t, os.Mkdir(demoDir(), 0o700))
	require.True(t, trusted(socket))
	require.True(t, trusted("/var/lib/salve/salve.sock"))
	require.NoError(t, os.Remove(demoDir()))
	require.NoError(t, os.Symlink(dir, demoDir()))
	require.False(t, trusted(socket), "a link leads anywhere")
	if os.Getuid() == 0 {
		require.NoError(t, os.Remove(demoDir()))
		require.NoError(t, os.Mkdir(demoDir(), 0o700))
		require.NoError(t, os.Chown(demoDir(), 65532, 65532))
		require.False(t, trusted(socket))
	}
}

func TestASecretFileIsOneThatOthersCannotWrite(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("s3cret"), 0o600))
	b, err := readSecretFile(file)
	require.NoError(t, err)
	require.Equal(t, "s3cret", string(b))
	require.NoError(t, os.Chmod(file, 0o622))
	_, err = readSecretFile(file)
	require.ErrorContains(t, err, "chmod go-w")
	require.NotContains(t, err.Error(), "s3cret")
	_, err = readSecretFile(filepath.Dir(file))
	require.ErrorContains(t, err, "is not a file")
	require.NoError(t, os.WriteFile(file, make([]byte, maxSecretBytes+1), 0o600))
	require.NoError(t, os.Chmod(file, 0o600))
	_, err = readSecretFile(file)
	require.ErrorContains(t, err, "at most 64 KiB")
	_, err = readSecretFile(file + "x")
	require.Error(t, err)
}

func TestTheLogShowsNoSecret(t *testing.T) {
	t.Parallel()
	require.NoError(t, redactor.Add(secret.New("hunter2-hunter2")))
	var b bytes.Buffer
	n, err := secretless(&b).Write([]byte("key hunter2-hunter2 used\n"))
	require.NoError(t, err)
	require.Equal(t, 25, n)
	require.NotContains(t, b.String(), "hunter2")
	require.True(t, logger(config.Log{Level: "debug", Format: "json"}).Enabled(context.Background(), -4))
}

// The table in docs/operations.md has every command.
func TestTheManualNamesEveryCommand(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	parser, err := newParser(t.Context(), &grammar{})
	require.NoError(t, err)
	for _, c := range leaves(parser.Model.Node) {
		if c.Hidden {
			continue
		}
		words := strings.Fields(c.FullPath())[1:]
		name := strings.Join(words, " ")
		if words[0] == "user" && words[1] != "list" {
			name = words[1]
		}
		require.Regexp(t, "`"+name+"[ `]", string(manual))
	}
}

// What docs/operations.md says to type about backups can be typed. The manual is
// played by e2e.
func TestTheManualsCommandsForBackupsAreUnderstood(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	found := regexp.MustCompile(`salve ((?:backup|restore|migrate) [^\n#`+"`"+`)]*)`).FindAllStringSubmatch(string(manual), -1)
	require.GreaterOrEqual(t, len(found), 7)
	for _, line := range found {
		parser, err := newParser(t.Context(), &grammar{})
		require.NoError(t, err)
		words := strings.Fields(line[1])
		if words[0] == "restore" && strings.HasPrefix(words[1], "-") {
			words = append(words, "x.db")
		}
		_, err = parser.Parse(words)
		require.NoError(t, err, line[0])
	}
}
