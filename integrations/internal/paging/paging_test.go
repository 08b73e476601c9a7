package paging_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/internal/paging"
)

func TestTextIsPlain(t *testing.T) {
	t.Parallel()
	m := bot.Message{
		Title: []bot.Span{{Text: "I-142", URL: "https://salve.example.com/i/142"}, {Text: " disk\r\nBcc: x"}},
		Lines: []bot.Line{
			{Kind: bot.LineItem, Spans: []bot.Span{{Text: "a\u202eb", Style: bot.SpanStrong}, {At: time.Date(2026, 5, 4, 3, 0, 0, 0, time.UTC)}}},
			{Kind: bot.LineCode, Spans: []bot.Span{{Text: "one\ntwo"}}},
			{Kind: bot.LineHead, Spans: []bot.Span{{Text: "Head"}}},
			{Spans: []bot.Span{{Text: "trap", URL: "javascript:alert(1)"}}},
		},
		Rows: []bot.Row{{Line: bot.Line{Spans: []bot.Span{{Text: "row"}}}}},
	}
	require.Equal(t, "I-142 (https://salve.example.com/i/142) disk  Bcc: x\n- a\\u202eb2026-05-04T03:00:00Z\n    one\n    two\n\nHead\ntrap\n- row", paging.Text(m, 1000))
	require.Equal(t, []paging.Link{{Text: "I-142", URL: "https://salve.example.com/i/142"}}, paging.Links(m, 5))
	require.Equal(t, "all of it", paging.Text(bot.Message{Alone: "all of it"}, 100))
}

func TestTextIsCutByRunes(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 3000)
	require.Equal(t, 1024, utf8.RuneCountInString(paging.Line(long, 1024)))
	require.True(t, strings.HasSuffix(paging.Line(long, 10), "…"))
	require.Equal(t, "a\uFFFDb", paging.Cut("a\xffb", 10))
	require.Equal(t, `a\u0000\u200bb`, paging.Line("a\x00\u200bb", 100))
}

func TestKeys(t *testing.T) {
	t.Parallel()
	require.Equal(t, "page/x/I-1", paging.Key("page/x/I-1", 255))
	for _, key := range []string{"", strings.Repeat("k", 300), "with space", "ünlike", "a\nb"} {
		got := paging.Key(key, 255)
		require.Len(t, got, 46, key)
		require.Equal(t, got, paging.Key(key, 255))
	}
	require.NotEqual(t, paging.Key("a b", 255), paging.Key("a  b", 255))
	require.Len(t, paging.Key("a b", 20), 20)
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"https://a.example/x": true, "http://a": true, "ftp://a": false, "https://": false, "https://u:p@a": false, "javascript:x": false, "": false, "::": false,
	} {
		require.Equal(t, want, paging.Address(text), text)
	}
}
