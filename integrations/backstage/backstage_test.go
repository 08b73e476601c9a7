package backstage_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/backstage"
)

const shop = `# The shop.
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: shop
  title: The shop
  annotations:
    salve/tier: 1
    backstage.io/techdocs-ref: dir:.
  labels: {region: eu}
  links:
    - {url: "https://dash.example.com", title: Dashboard}
    - {url: "https://runbooks.example.com/shop", title: Runbook of the shop}
spec:
  type: service
  lifecycle: production
  owner: group:default/team-shop
  system: store
  dependsOn: [resource:default/db, component:mail]
---
kind: Group
metadata: {name: team-shop}
---
kind: Template
metadata: {name: new-service}
---
kind: Component
metadata: {name: broken
---
kind: Resource
metadata: {name: db, annotations: {runbook: "javascript:alert(1)"}}
spec: {owner: dba}
`

func TestACatalogueBecomesServices(t *testing.T) {
	t.Parallel()
	got, notes := backstage.Parse("catalog-info.yaml", []byte(shop))
	require.Equal(t, []bot.Service{
		{
			Name: "shop", Title: "The shop", Owner: "team-shop", System: "store", Tier: "1",
			Labels:  map[string]string{"salve/tier": "1", "backstage.io/techdocs-ref": "dir:.", "region": "eu", "lifecycle": "production"},
			Runbook: "https://runbooks.example.com/shop", Needs: []string{"db", "mail"},
		},
		{Name: "db", Owner: "dba", Labels: map[string]string{"runbook": "javascript:alert(1)"}},
	}, got)
	require.Len(t, notes, 2)
	require.Equal(t, `catalog-info.yaml:24: this document is left out: the kind "Template" is not one that Salve looks at`, notes[0].String())
	require.True(t, strings.HasPrefix(notes[1].String(), "catalog-info.yaml:28: this document is left out: "), notes[1].String())
}

func TestWhatCannotBeReadIsNoted(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, src, want string }{
		{"aliases", "kind: &a [x]\nb: *a\n", "anchors, aliases and tags are not read"},
		{"a bomb", "a: &a [x,x]\nb: &b [*a,*a]\nkind: Component\n", "anchors, aliases"},
		{"nested", "kind: " + strings.Repeat("[", 5000) + "\n", "nested deeper"},
		{"dashes", strings.Repeat("- ", 5000) + "x\n", "nested deeper"},
		{"no kind", "metadata: {name: x}\n", "it has no kind"},
		{"no name", "kind: API\n", "it has no metadata.name"},
		{"large", "kind: API\n#" + strings.Repeat("x", 70<<10), "larger than 64 KiB"},
		{"words", "kind: [" + strings.Repeat("a,", 6000) + "]\n", "words and signs"},
		{"a list", "- a\n- b\n", "left out"},
		{"binary", "\x00\xff", "not text in UTF-8"},
		{"documents", strings.Repeat("kind: Group\n---\n", 2001), "more than 2000 documents"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			got, notes := backstage.Parse("f.yaml", []byte(tt.src))
			require.Empty(t, got)
			require.NotEmpty(t, notes)
			require.Contains(t, notes[len(notes)-1].String(), tt.want)
			require.Less(t, time.Since(began), 10*time.Second)
		})
	}
	got, notes := backstage.Parse("f.yaml", []byte("# nothing\n---\n---\n"))
	require.Empty(t, got)
	require.Empty(t, notes)
}

func names(c *backstage.Catalog) string {
	var out []string
	for _, s := range c.Services() {
		out = append(out, s.Name+"/"+s.Owner)
	}
	return strings.Join(out, " ")
}

func write(t *testing.T, path, src string, age time.Duration) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(t, os.WriteFile(path, []byte(src), 0o600))
	at := time.Now().Add(-age)
	require.NoError(t, os.Chtimes(path, at, at))
}

func TestFilesAreReadAgainWhenTheyChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	component := func(name, owner string) string {
		return "kind: Component\nmetadata: {name: " + name + "}\nspec: {owner: " + owner + "}\n"
	}
	write(t, filepath.Join(dir, "repos/a/catalog-info.yaml"), component("a", "x"), time.Hour)
	write(t, filepath.Join(dir, "repos/b/deep/catalog-info.yml"), component("b", "x"), time.Hour)
	write(t, filepath.Join(dir, "repos/b/.git/catalog-info.yaml"), component("hidden", "x"), time.Hour)
	write(t, filepath.Join(dir, "repos/b/other.yaml"), component("other", "x"), time.Hour)
	write(t, filepath.Join(dir, "more/c.yaml"), component("c", "x"), time.Hour)
	write(t, filepath.Join(dir, "more/d.yaml"), component("A", "second"), time.Hour)
	c, err := backstage.New([]string{filepath.Join(dir, "repos"), filepath.Join(dir, "more/*.yaml"), filepath.Join(dir, "gone.yaml")})
	require.NoError(t, err)
	require.ErrorContains(t, c.Load(t.Context()), "gone.yaml is not there")
	require.Equal(t, "A/second b/x c/x", names(c), "of one name the first file counts")
	require.Len(t, c.Notes(), 1)

	write(t, filepath.Join(dir, "more/c.yaml"), component("c", "y"), time.Hour-time.Minute)
	require.NoError(t, os.Remove(filepath.Join(dir, "more/d.yaml")))
	require.Error(t, c.Load(t.Context()))
	require.Equal(t, "a/x b/x c/y", names(c))

	write(t, filepath.Join(dir, "more/c.yaml"), "broken: [", time.Minute)
	require.Error(t, c.Load(t.Context()))
	require.Equal(t, "a/x b/x", names(c))
	require.Contains(t, c.Notes()[0].String(), "more/c.yaml:1: this document is left out")

	_, err = backstage.New([]string{"[a"})
	require.ErrorContains(t, err, "is not a file, folder or pattern")
}

func FuzzParse(f *testing.F) {
	f.Add(shop)
	f.Add("kind: API\nmetadata: {name: [x]}\nspec: 7\n")
	f.Fuzz(func(t *testing.T, src string) {
		services, notes := backstage.Parse("f.yaml", []byte(src))
		for _, s := range services {
			require.NotEmpty(t, s.Name)
			require.NotContains(t, s.Name+s.Owner+s.Tier, "\n")
		}
		for _, n := range notes {
			require.NotContains(t, n.String(), "\n")
		}
	})
}
