package e2e_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver, to do to the database what Salve would not

	"salve/cmd/salve/demo"
)

// post is one delivery as a sender makes it.
type post struct {
	token, media string
	body         []byte
}

// delivers posts and gives status and answer.
func (h *house) delivers(t *testing.T, p post) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/v1/hooks/prod", bytes.NewReader(p.body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", p.media)
	req.Header.Set("Authorization", "Bearer "+p.token)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(answer)
}

func TestBadDeliveriesGetAClearAnswerAndNothingElseHappens(t *testing.T) {
	t.Parallel()
	h := start(t, "http://127.0.0.1:9", "http://127.0.0.1:9")
	const media = "application/json"
	for _, tt := range []struct {
		name   string
		post   post
		status int
		says   string
	}{
		{"a wrong secret", post{"guess", media, []byte(`{}`)}, http.StatusUnauthorized, "credential is missing or wrong"},
		{"a wrong media type", post{hookToken, "text/plain", []byte(`{}`)}, http.StatusUnsupportedMediaType, "Content-Type is not application/json"},
		{"a body of 10 MB", post{hookToken, media, bytes.Repeat([]byte("x"), 10_000_000)}, http.StatusRequestEntityTooLarge, "larger than"},
	} {
		status, answer := h.delivers(t, tt.post)
		require.Equal(t, tt.status, status, tt.name)
		require.Contains(t, answer, tt.says, tt.name)
		require.Contains(t, answer, `"next"`, tt.name)
	}
	require.Contains(t, h.does(t, "incidents"), "No incidents.")
	require.Contains(t, h.does(t, "quarantine"), "The quarantine is empty.")
	require.Equal(t, http.StatusOK, answers(t, h.URL+"/readyz"))
}

func TestWhatIsNotUnderstoodIsKeptUntilAPersonSays(t *testing.T) {
	t.Parallel()
	h := start(t, "http://127.0.0.1:9", "http://127.0.0.1:9")
	h.knows(t)
	for _, body := range []string{`{"version":"4","alerts":[{"status":`, `not json at all`} {
		status, answer := h.delivers(t, post{hookToken, "application/json", []byte(body)})
		require.Equal(t, http.StatusUnprocessableEntity, status)
		require.Contains(t, answer, "salve quarantine show Q-")
	}
	list := h.does(t, "quarantine")
	require.Contains(t, list, "Q-1")
	require.Contains(t, list, "Q-2")
	require.Contains(t, h.does(t, "quarantine", "show", "Q-2"), "not json at all")

	// It still cannot be understood; then it is given up.
	again := h.salve(t, "replay", "Q-1")
	require.Equal(t, 1, again.code)
	require.Contains(t, again.err, "still cannot be understood")
	require.Contains(t, h.does(t, "discard", "Q-1"), "Q-1 was discarded")
	require.NotContains(t, h.does(t, "quarantine"), "Q-1")
	require.Contains(t, h.does(t, "quarantine", "list", "--all"), "discarded")
	require.Equal(t, 1, h.salve(t, "replay", "Q-1").code)
	require.Equal(t, 1, h.salve(t, "quarantine", "show", "Q-77").code)
}

// delivery is one firing alert as Alertmanager sends it; %s: start, more labels.
const delivery = `{"version":"4","groupKey":"{}:{alertname=\"X\"}","status":"firing","receiver":"salve","truncatedAlerts":0,
"groupLabels":{},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am","alerts":[{"status":"firing","startsAt":%q,
"endsAt":"0001-01-01T00:00:00Z","generatorURL":"","fingerprint":"f00d","labels":{"alertname":"X"%s},"annotations":{}}]}`

func TestHostileDeliveriesAreKeptAndTheNextGoodOneIsTaken(t *testing.T) {
	t.Parallel()
	h := start(t, "http://127.0.0.1:9", "http://127.0.0.1:9")
	now := time.Now().UTC()
	good := fmt.Sprintf(delivery, now.Format(time.RFC3339), "")
	var many strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&many, `,"l%d":"v"`, i)
	}
	hostile := map[string]string{
		"depth bomb":         strings.Repeat("[", 100_000),
		"duplicate keys":     strings.Replace(good, `"version":"4"`, `"version":"4","version":"4"`, 1),
		"trailing data":      good + good,
		"invalid UTF-8":      strings.Replace(good, `"alertname":"X"`, "\"alertname\":\"\xff\"", 1),
		"5,000 labels":       fmt.Sprintf(delivery, now.Format(time.RFC3339), many.String()),
		"clock 10 years off": fmt.Sprintf(delivery, now.AddDate(10, 0, 0).Format(time.RFC3339), ""),
	}
	for name, body := range hostile {
		status, answer := h.delivers(t, post{hookToken, "application/json", []byte(body)})
		require.Equal(t, http.StatusUnprocessableEntity, status, "%s: %s", name, answer)
		require.Contains(t, answer, `"quarantine":"Q-`, name)
	}
	require.Contains(t, h.does(t, "incidents"), "No incidents.")
	require.Equal(t, len(hostile), strings.Count(h.does(t, "quarantine"), "held"))
	status, answer := h.delivers(t, post{hookToken, "application/json", []byte(good)})
	require.Equal(t, http.StatusOK, status, answer)
	require.Contains(t, answer, `"incident":"I-1"`)
}

func TestTheAuditLogNamesTheRowThatWasAltered(t *testing.T) {
	t.Parallel()
	h := start(t, "http://127.0.0.1:9", "http://127.0.0.1:9")
	h.knows(t)
	h.sends(t, "high", demo.AlertHang)
	h.waits(t, demo.AlertHang)
	require.Contains(t, h.does(t, "audit", "verify"), "the audit log proves")
	require.Contains(t, h.does(t, "audit", "show"), "waits for 1 of group oncall")
	require.NoError(t, h.Stop())
	require.Contains(t, h.does(t, "audit", "verify", "--data-dir", h.Process.Dir), "the audit log proves")

	db, err := sql.Open("sqlite", filepath.Join(h.Process.Dir, "salve.db"))
	require.NoError(t, err)
	_, err = db.Exec(`UPDATE events SET body = replace(body, 'oncall', 'anyone') WHERE seq = 2`)
	require.ErrorContains(t, err, "append-only")
	_, err = db.Exec(`DROP TRIGGER events_no_update`)
	require.NoError(t, err)
	var seq int64
	require.NoError(t, db.QueryRow(`SELECT seq FROM events WHERE body LIKE '%oncall%' ORDER BY seq DESC LIMIT 1`).Scan(&seq))
	_, err = db.Exec(`UPDATE events SET body = replace(body, 'oncall', 'anyone') WHERE seq = ?`, seq)
	require.NoError(t, err)
	require.NoError(t, db.Close())

	caught := h.salve(t, "audit", "verify", "--data-dir", h.Process.Dir)
	require.Equal(t, 1, caught.code)
	require.Contains(t, caught.out, fmt.Sprintf("main %d: altered", seq))
	require.Contains(t, caught.out, "DOES NOT PROVE")
}

func TestASecondSalveOnTheSameDataIsRefused(t *testing.T) {
	t.Parallel()
	h := start(t, "http://127.0.0.1:9", "http://127.0.0.1:9")
	second := h.salve(t, "serve")
	require.Equal(t, 1, second.code)
	require.Contains(t, second.err, h.Process.Dir)
	require.Equal(t, http.StatusOK, answers(t, h.URL+"/readyz"), "the first goes on")
	require.NoError(t, h.Stop())
	lost := h.salve(t, "incidents")
	require.Equal(t, 1, lost.code)
	require.Contains(t, lost.err, "salve serve")
}

func TestConfigCheckNamesLineAndCure(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "salve.yaml"), "data_dir: "+dir+"\nlisten: 0.0.0.0:8080\nsauces: []\nsources:\n  - {name: prod, type: alertmanager}\n")
	bad := run(t, dir, nil, "config", "check", "salve.yaml")
	require.Equal(t, 1, bad.code)
	require.Contains(t, bad.err, "salve.yaml:3:1")
	require.Contains(t, bad.err, "sauces")

	books := filepath.Join(dir, "books")
	require.NoError(t, os.Mkdir(books, 0o700))
	write(t, filepath.Join(books, "one.yaml"), "name: one\nowner: me\nmatch: alert.title ==\n")
	write(t, filepath.Join(dir, "salve.yaml"), "data_dir: "+dir+"\nlisten: 127.0.0.1:8080\nsources:\n  - {name: prod, type: alertmanager, anonymous: true}\nplaybooks: {dirs: [books]}\n")
	bad = run(t, dir, nil, "config", "check")
	require.Equal(t, 1, bad.code)
	require.Contains(t, bad.err, "one.yaml:3")

	require.NoError(t, os.Remove(filepath.Join(books, "one.yaml")))
	fine := run(t, dir, nil, "config", "check")
	require.Zero(t, fine.code, fine.err)
	require.Contains(t, fine.out, "is fine: 1 source")
	require.NotContains(t, strings.ToLower(fine.out), "error")
}
