package strict_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/playbooks/strict"
)

type inner struct {
	A string         `yaml:"a"`
	M map[string]any `yaml:"m"`
}

type outer struct {
	Name string  `yaml:"name"`
	List []inner `yaml:"list"`
}

func TestPlacesAreFoundByPath(t *testing.T) {
	t.Parallel()
	d, fault := strict.Parse([]byte("name: \"x y\"\nlist:\n  - a: plain\n    m: {k: v}\n  - a: |\n      one\n      two\n"))
	require.Nil(t, fault)
	var out outer
	require.Empty(t, d.Decode(&out))
	tests := []struct {
		path      string
		inside    [2]int
		line, col int
	}{
		{"$.name", [2]int{}, 1, 7}, {"$.name", [2]int{1, 3}, 1, 10}, {"$.list[0].a", [2]int{1, 2}, 3, 9},
		{"$.list[1].a", [2]int{2, 1}, 7, 7}, {"$.list[0].nothing", [2]int{}, 3, 5}, {"$.list[9].a", [2]int{}, 3, 3}, {"$.nothing", [2]int{}, 1, 1},
	}
	for _, tt := range tests {
		line, col := d.At(tt.path, tt.inside)
		require.Equal(t, [2]int{tt.line, tt.col}, [2]int{line, col}, tt.path)
	}
}

func TestAllUnknownKeysAreToldAtOnce(t *testing.T) {
	t.Parallel()
	d, fault := strict.Parse([]byte("nmae: x\nlist:\n  - b: 1\n  - {c: 2}\n"))
	require.Nil(t, fault)
	faults := d.Decode(&outer{})
	require.Len(t, faults, 3)
	require.Equal(t, `did you mean "name"?`, faults[0].Fix)
	require.Equal(t, `"b" is not a key in list`, faults[1].What)
}

func TestABareCarriageReturnCannotHideAKey(t *testing.T) {
	t.Parallel()
	_, fault := strict.Parse([]byte("# é\r\nname: a # kind\rlist: []\r\n"))
	require.NotNil(t, fault)
	require.Equal(t, [2]int{2, 15}, [2]int{fault.Line, fault.Column})
	require.Contains(t, fault.What, "carriage return")
	_, fault = strict.Parse([]byte("name: a\r"))
	require.NotNil(t, fault)
	_, fault = strict.Parse([]byte("name: a\r\nlist: []\r\n"))
	require.Nil(t, fault)
}

func TestMapsTakeAnyKeyButNoAlias(t *testing.T) {
	t.Parallel()
	d, fault := strict.Parse([]byte("list: [{m: {any: 1, other: [1, {x: y}]}}]\n"))
	require.Nil(t, fault)
	var out outer
	require.Empty(t, d.Decode(&out))
	require.Equal(t, map[string]any{"any": uint64(1), "other": []any{uint64(1), map[string]any{"x": "y"}}}, out.List[0].M)

	d, fault = strict.Parse([]byte("list: [{m: {a: &x 1, b: *x}}]\n"))
	require.Nil(t, fault)
	require.NotEmpty(t, d.Decode(&out))
}

func TestSuggestionsAreNearOrComplete(t *testing.T) {
	t.Parallel()
	require.Equal(t, `did you mean "listen"?`, strict.Suggest("listne", []string{"listen", "log"}))
	require.Equal(t, "known: listen, log", strict.Suggest("nothing-like-it", []string{"log", "listen"}))
	require.Empty(t, strict.Suggest("x", nil))
	require.NotPanics(t, func() { strict.Suggest(strings.Repeat("x", 1<<16), []string{"y"}) })
}

type everything struct {
	Text   string          `yaml:"text"`
	Number int             `yaml:"number"`
	Switch *bool           `yaml:"switch"`
	List   []string        `yaml:"list"`
	Keys   map[string]int  `yaml:"keys"`
	In     inner           `yaml:"in"`
	For    bot.Duration    `yaml:"for"`
	Any    map[string]any  `yaml:"any"`
	Levels []*bot.Severity `yaml:"levels"`
}

func TestAllWrongTypesAreToldAtOnce(t *testing.T) {
	t.Parallel()
	src := "text: [a]\nnumber: 1.5\nswitch: maybe\nlist: a\nkeys: {a: x}\nin: 3\nfor: {a: 1}\nany: [1]\nlevels: [low, hgih]\n"
	d, fault := strict.Parse([]byte(src))
	require.Nil(t, fault)
	var out everything
	var got []string
	for _, f := range d.Decode(&out) {
		got = append(got, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.What))
	}
	require.Equal(t, []string{
		"1:7 one value is wanted here, not a list and not keys", "2:9 a whole number is wanted here", "3:9 it is neither true nor false",
		"4:7 a list is wanted here", "5:11 a whole number is wanted here", "6:5 keys with values are wanted here",
		"7:7 one value is wanted here, not a list and not keys", "8:6 keys with values are wanted here",
		`9:15 "hgih" is not a severity; write info, low, medium, high or critical`,
	}, got)
}

func TestWhatFitsIsDecoded(t *testing.T) {
	t.Parallel()
	d, fault := strict.Parse([]byte("---\ntext: 7\nnumber: -3\nswitch: true\nlist:\nkeys: {a.b: 1}\nfor: 90s\nany: {x: 1.50, y: null}\nlevels: [low]\n"))
	require.Nil(t, fault)
	var out everything
	require.Empty(t, d.Decode(&out))
	require.Equal(t, "7", out.Text)
	require.Equal(t, -3, out.Number)
	require.True(t, *out.Switch)
	require.Empty(t, out.List)
	require.Equal(t, map[string]int{"a.b": 1}, out.Keys)
	require.Equal(t, bot.SeverityLow, *out.Levels[0])

	line, col := d.KeyAt("$.keys.a.b")
	require.Equal(t, [2]int{6, 8}, [2]int{line, col}, "a key may have dots")
	line, col = d.KeyAt("$.levels[0]")
	require.Equal(t, [2]int{9, 10}, [2]int{line, col}, "an entry of a list has no key")
	line, col = d.At("$.list", [2]int{})
	require.Equal(t, [2]int{5, 1}, [2]int{line, col}, "what is empty stands at its key")
	text, ok := d.Text("$.any.x")
	require.True(t, ok)
	require.Equal(t, "1.50", text)
	_, ok = d.Text("$.any")
	require.False(t, ok)
	require.Equal(t, "for: 90s", d.Line(7))
	require.Empty(t, d.Line(99))
}

func TestPlacesInsideTextCountWhatPeopleSee(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, find string }{
		{"plain", "name: one two HERE x\n", "one two "},
		{"plain over lines", "name: one\n  two\n  HERE x\n", "one two "},
		{"double quotes", "name: \"one\\t\\\"two\\\" HERE x\"\n", "one\t\"two\" "},
		{"single quotes", "name: 'one ''two'' HERE x'\n", "one 'two' "},
		{"folded", "name: >-\n  one\n  two\n\n  three HERE x\n", "one two\nthree "},
		{"block", "name: |\n  one\n    two\n  three HERE x\n", "one\n  two\nthree "},
		{"umlauts", "name: größe ÄÖÜ HERE x\n", "größe ÄÖÜ "},
	}
	for _, tt := range tests {
		d, fault := strict.Parse([]byte(tt.src))
		require.Nil(t, fault)
		var out outer
		require.Empty(t, d.Decode(&out), tt.name)
		require.True(t, strings.HasPrefix(out.Name, tt.find+"HERE"), "%s: %q", tt.name, out.Name)
		lines := strings.Split(tt.find, "\n")
		line, col := d.At("$.name", [2]int{len(lines), len([]rune(lines[len(lines)-1])) + 1})
		got := []rune(strings.Split(tt.src, "\n")[line-1])[col-1:]
		require.True(t, strings.HasPrefix(string(got), "HERE"), "%s: %d:%d %q", tt.name, line, col, string(got))
	}
}

func TestWhatIsNoTextFileIsRefused(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"name: \x00": "NUL", "name: \xff": "not valid UTF-8", "name: " + strings.Repeat("[", 41): "nested deeper",
		"name: x\n---\nname: y\n": "second document", "name: [x": "", "\tname: x": "",
	} {
		_, fault := strict.Parse([]byte(src))
		require.NotNil(t, fault, "%q", src)
		require.Contains(t, fault.What, want)
	}
	for _, src := range []string{"", "# only this\n", "---\n", "---\n---\n", "null\n"} {
		d, fault := strict.Parse([]byte(src))
		require.Nil(t, fault, "%q", src)
		require.True(t, d.Empty(), "%q", src)
		require.Empty(t, d.Decode(&outer{}))
		line, col := d.At("$.name", [2]int{1, 1})
		require.Equal(t, [2]int{1, 1}, [2]int{line, col})
	}
}
