package heads_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/heads"
)

// note has the shape of a signed head; places check no signature.
func note(size int64, text string) []byte {
	return fmt.Appendf(nil, "origin\n%d\n%s\n\n\u2014 origin c2ln\n", size, text)
}

func file(t *testing.T) (*heads.File, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "heads.log")
	f, err := heads.NewFile(path)
	require.NoError(t, err)
	return f, path
}

func TestAFileGrowsByOneHeadAtATime(t *testing.T) {
	t.Parallel()
	f, path := file(t)
	got, err := f.Newest(t.Context(), 0)
	require.NoError(t, err)
	require.Nil(t, got)
	for size := int64(1); size <= 3; size++ {
		for range 2 { // a repeat changes nothing
			require.NoError(t, f.Put(t.Context(), size, note(size, "r")))
		}
		got, err = f.Newest(t.Context(), 0)
		require.NoError(t, err)
		require.Equal(t, string(note(size, "r")), string(got))
	}
	require.NoError(t, f.Put(t.Context(), 2, note(2, "another")), "an older one is not written")
	require.ErrorIs(t, f.Put(t.Context(), 3, note(3, "another")), bot.ErrConflict)
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(note(1, "r"))+"\n"+string(note(2, "r"))+"\n"+string(note(3, "r"))+"\n", string(text))
	st, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
}

func TestAWriteThatWasCutOffAnywhereHidesNothing(t *testing.T) {
	t.Parallel()
	second := string(note(2, "r")) + "\n"
	for cut := range len(second) {
		f, path := file(t)
		require.NoError(t, f.Put(t.Context(), 1, note(1, "r")))
		whole, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, append(whole, second[:cut]...), 0o600))
		require.NoError(t, f.Put(t.Context(), 2, note(2, "r")))
		require.NoError(t, f.Put(t.Context(), 3, note(3, "r")))
		got, err := f.Newest(t.Context(), 0)
		require.NoError(t, err)
		require.Equal(t, string(note(3, "r")), string(got), "cut at %d", cut)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(text), "\n"+string(note(3, "r"))+"\n")
		require.Contains(t, string(text), "\n"+string(note(2, "r")))
	}
}

func TestManyWritersAppendWholeHeads(t *testing.T) {
	t.Parallel()
	f, path := file(t)
	var wg sync.WaitGroup
	for size := int64(1); size <= 40; size++ {
		for range 3 {
			wg.Go(func() { require.NoError(t, f.Put(context.Background(), size, note(size, "r"))) })
		}
	}
	wg.Wait()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	last := int64(0)
	for _, entry := range strings.Split(strings.TrimSuffix(string(text), "\n\n"), "\n\n\u2014 origin c2ln\n\n") {
		var size int64
		_, err := fmt.Sscanf(strings.TrimPrefix(entry, "origin\n"), "%d", &size)
		require.NoError(t, err)
		require.Greater(t, size, last, "each is whole, once, and newer")
		last = size
	}
	require.EqualValues(t, 40, last)
}

func TestAFileThatOthersCouldHaveMadeIsRefused(t *testing.T) {
	t.Parallel()
	f, path := file(t)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Chmod(path, 0o666))
	require.ErrorContains(t, f.Put(t.Context(), 1, note(1, "r")), "chmod 600")
	_, err := f.Newest(t.Context(), 0)
	require.ErrorContains(t, err, "chmod 600")
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Symlink("/dev/null", path))
	require.Error(t, f.Put(t.Context(), 1, note(1, "r")))
	require.NoError(t, os.Remove(path))
	require.NoError(t, os.Mkdir(path, 0o700))
	require.Error(t, f.Put(t.Context(), 1, note(1, "r")))
	_, err = heads.NewFile("heads.log")
	require.ErrorContains(t, err, "absolute")
	gone, err := heads.NewFile(filepath.Join(t.TempDir(), "none", "heads.log"))
	require.NoError(t, err)
	require.ErrorIs(t, gone.Put(t.Context(), 1, note(1, "r")), os.ErrNotExist)
}

// bucket keeps objects; it can be told to fail, and not to know If-None-Match.
type bucket struct {
	mu      sync.Mutex
	objects map[string][]byte
	status  int
	careful bool
	puts    int
}

func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	old, there := b.objects[r.URL.Path]
	switch {
	case b.status != 0:
		w.WriteHeader(b.status)
		fmt.Fprint(w, "secret of the far end")
	case r.Header.Get("Authorization") != "Bearer open-sesame":
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodGet && there:
		_, _ = w.Write(old) // the client is in this process
	case r.Method == http.MethodGet:
		w.WriteHeader(http.StatusNotFound)
	case there && b.careful:
		w.WriteHeader(http.StatusPreconditionFailed)
	default:
		b.puts++
		b.objects[r.URL.Path], _ = io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
	}
}

func folder(t *testing.T, b *bucket, bearer string) *heads.URL {
	t.Helper()
	b.objects = map[string][]byte{}
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	at, err := url.Parse(srv.URL)
	require.NoError(t, err)
	u, err := heads.NewURL(srv.URL+"/salve/", heads.URLOptions{Allow: []string{at.Host}, Bearer: secret.New(bearer)})
	require.NoError(t, err)
	t.Cleanup(u.Close)
	return u
}

func TestAnObjectIsMadeOnceAndNeverOverwritten(t *testing.T) {
	t.Parallel()
	for _, careful := range []bool{true, false} {
		b := &bucket{careful: careful}
		u := folder(t, b, "open-sesame")
		for range 2 {
			require.NoError(t, u.Put(t.Context(), 7, note(7, "r")))
		}
		require.Equal(t, 1, b.puts)
		require.Equal(t, string(note(7, "r")), string(b.objects["/salve/0000000000000000007.head"]))
		require.ErrorIs(t, u.Put(t.Context(), 7, note(7, "another")), bot.ErrConflict)
		require.Equal(t, string(note(7, "r")), string(b.objects["/salve/0000000000000000007.head"]))
		got, err := u.Newest(t.Context(), 7)
		require.NoError(t, err)
		require.Equal(t, string(note(7, "r")), string(got))
		for _, hint := range []int64{0, 8} {
			got, err = u.Newest(t.Context(), hint)
			require.NoError(t, err)
			require.Nil(t, got)
		}
	}
}

func TestAFarEndThatRefusesIsAnErrorWithoutSecrets(t *testing.T) {
	t.Parallel()
	b := &bucket{}
	u := folder(t, b, "wrong")
	require.ErrorContains(t, u.Put(t.Context(), 1, note(1, "r")), "the answer was 403")
	for _, status := range []int{301, 429, 500, 507} {
		b.status = status
		err := u.Put(t.Context(), 1, note(1, "r"))
		require.ErrorContains(t, err, fmt.Sprint("the answer was ", status))
		require.NotContains(t, err.Error(), "secret")
		_, err = u.Newest(t.Context(), 1)
		require.Error(t, err)
	}
	for _, bad := range []string{"ftp://a/b", "https://", "https://u:p@a/", "https://a/?x=1", "https://a/#x", ":"} {
		_, err := heads.NewURL(bad, heads.URLOptions{})
		require.Error(t, err, bad)
	}
	closed, err := heads.NewURL("http://127.0.0.1:1/", heads.URLOptions{})
	require.NoError(t, err)
	require.Error(t, closed.Put(t.Context(), 1, note(1, "r")), "loopback is not public")
}
