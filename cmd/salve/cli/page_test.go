package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhoIsOnCallSaysWhatWasLeftOut(t *testing.T) {
	t.Parallel()
	d := full()
	d.answers["GET /v1/oncall"] = []map[string]any{{"source": "icalendar", "notes": []string{`event "night" is left out: it has no DTSTART`}}}
	require.Contains(t, typed(t, d, "oncall").out, `nobody; event "night" is left out: it has no DTSTART`)
}

func TestATestPageTellsWhatBecameOfEach(t *testing.T) {
	t.Parallel()
	d := full()
	r := typed(t, d, "page", "test", "pd")
	require.Equal(t, 1, r.code, "one of them failed")
	require.Contains(t, r.err, "not every pager took the page")
	require.Contains(t, r.out, "pd           ok: it was taken and resolved\n")
	require.Contains(t, r.out, "mail         failed: refused")
	requireVisible(t, r.out)
	require.Equal(t, []string{`POST /v1/pages/test {"pager":"pd"}`}, d.sent)

	d.answers["POST /v1/pages/test"] = []map[string]any{{"pager": "pd", "ok": true, "says": "it was taken and resolved"}}
	require.Equal(t, 0, typed(t, d, "page", "test").code)
}
