package audit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot/audit"
)

func TestAHeadIsANoteThatOthersCanRead(t *testing.T) {
	t.Parallel()
	log := longLog(t, 5)
	s, keys := newSigner(t, "salve.example.com/audit")
	note := notesOf(t, s, log, 5)[0]
	lines := strings.Split(note, "\n")
	require.Equal(t, []string{"salve.example.com/audit", "5"}, lines[:2])
	require.Len(t, lines[2], 44)
	require.Equal(t, []string{"chain main " + log[4].Hash, "at 2026-05-04T03:00:04.000Z", ""}, lines[3:6])
	require.True(t, strings.HasPrefix(lines[6], "\u2014 salve.example.com/audit "))
	c, err := keys.Open([]byte(note))
	require.NoError(t, err)
	require.Equal(t, log[4].Hash, c.Head)
	require.Equal(t, note, notesOf(t, s, log, 5)[0], "signing again gives the same bytes")
}

func TestOnlyTrustedKeysCount(t *testing.T) {
	t.Parallel()
	log := longLog(t, 5)
	old, oldKeys := newSigner(t, "a")
	now, nowKeys := newSigner(t, "a")
	_, foreign := newSigner(t, "a")
	both := nowKeys.With(oldKeys)
	for _, note := range append(notesOf(t, old, log, 3), notesOf(t, now, log, 5)...) {
		_, err := both.Open([]byte(note))
		require.NoError(t, err, "a rotated key still counts")
		_, err = foreign.Open([]byte(note))
		require.ErrorIs(t, err, audit.ErrUnknownKey)
		_, err = audit.Keys{}.Open([]byte(note))
		require.ErrorIs(t, err, audit.ErrUnknownKey)
		_, err = both.Open([]byte(strings.Replace(note, "\nat 2026", "\nat 2025", 1)))
		require.ErrorIs(t, err, audit.ErrNotSigned)
	}
	_, err := audit.NewSigner(old.Public())
	require.Error(t, err)
	require.NotContains(t, err.Error(), old.Public())
	for _, name := range []string{"", "a b", "a+b", "a\nb", strings.Repeat("x", 201)} {
		_, _, err := audit.NewKey(zeros{}, name)
		require.Error(t, err, name)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestAHeadOfAnotherOriginIsNotOurs(t *testing.T) {
	t.Parallel()
	log := longLog(t, 3)
	a, _ := newSigner(t, "a")
	_, keys := newSigner(t, "b")
	note := notesOf(t, a, log, 3)[0]
	_, err := keys.Open([]byte(strings.Replace(note, "a\n", "b\n", 1)))
	require.ErrorIs(t, err, audit.ErrUnknownKey)
}

func TestHeadsAreReadOneAfterTheOther(t *testing.T) {
	t.Parallel()
	log := longLog(t, 9)
	s, keys := newSigner(t, "a")
	f, _ := newSigner(t, "a")
	notes := notesOf(t, s, log, 2, 4, 6)
	torn := notes[1][:40]
	file := notes[0] + "\n" + torn + "\n\n" + notes[1] + "\n" + notesOf(t, f, log, 5)[0] + "\n" + notes[2] + notes[2] + "\n\n" + torn
	h, err := audit.ReadHeads(strings.NewReader(file), keys)
	require.NoError(t, err)
	require.Equal(t, []int64{2, 4, 6}, sizes(h))
	require.Equal(t, 4, h.Read)
	require.Equal(t, 2, h.Torn)
	require.Len(t, h.Foreign, 1)
	require.Contains(t, h.Foreign[0], "line 21: it is signed by none of the keys that are trusted")
	newest, ok := h.Newest()
	require.True(t, ok)
	require.EqualValues(t, 6, newest.Size)
	_, err = audit.ReadHeads(strings.NewReader(strings.Repeat("x", 100_000)), keys)
	require.ErrorContains(t, err, "line 1 is longer than a signed head")
}

func sizes(h audit.Heads) []int64 {
	var out []int64
	for _, c := range h.List {
		out = append(out, c.Size)
	}
	return out
}

func FuzzParseCheckpoint(f *testing.F) {
	log := longLog(f, 5)
	for _, c := range headsOf(f, log, 1, 5) {
		f.Add(c.Text())
		f.Add(c.Text() + "another line\n")
	}
	f.Add("o\n01\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := audit.ParseCheckpoint(text)
		if err == nil {
			require.True(t, strings.HasPrefix(text, c.Text()), "it says what it was read from")
		}
	})
}

func FuzzReadHeads(f *testing.F) {
	log := longLog(f, 5)
	s, keys := newSigner(f, "a")
	notes := notesOf(f, s, log, 2, 5)
	f.Add(notes[0]+"\n"+notes[1], "x", 3)
	f.Fuzz(func(t *testing.T, file, more string, cut int) {
		h, err := audit.ReadHeads(strings.NewReader(file), keys)
		for _, c := range h.List {
			require.Contains(t, []int64{2, 5}, c.Size, "nothing is trusted that was not signed")
		}
		if err != nil || cut < 0 || cut > len(notes[1]) {
			return
		}
		// What was torn hides nothing that stands by itself.
		again, err := audit.ReadHeads(strings.NewReader(notes[1][:cut]+"\n\n"+notes[0]+"\n"), keys)
		require.NoError(t, err)
		require.Contains(t, sizes(again), int64(2))
	})
}
