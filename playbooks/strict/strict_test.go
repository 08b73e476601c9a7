package strict_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

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
		{"$.list[1].a", [2]int{2, 1}, 7, 1}, {"$.list[0].nothing", [2]int{}, 3, 5}, {"$.list[9].a", [2]int{}, 3, 3}, {"$.nothing", [2]int{}, 1, 1},
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
