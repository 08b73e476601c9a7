package e2e_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/cmd/salve/demo"
)

// sends posts an alert by the command line and gives its incident.
func (h *house) sends(t *testing.T, severity, name string) string {
	t.Helper()
	out := h.does(t, "alert", "send", "--severity", severity, "-l", "service=demo-shop", name)
	id, _, found := strings.Cut(out, ":")
	require.True(t, found, out)
	return id
}

func TestAPersonDecidesAtTheCommandLine(t *testing.T) {
	t.Parallel()
	shop := shop(t)
	h := start(t, shop.ShopURL, shop.URL)

	// Nobody is known yet; the owner of the machine takes somebody in.
	require.Contains(t, h.does(t, "whoami"), "Salve does not know you")
	require.Contains(t, h.does(t, "user", "list"), "Nobody yet.")
	h.knows(t)
	require.Contains(t, h.does(t, "whoami"), "alice (Alice), roles responder, groups oncall,resumers")
	require.Contains(t, h.does(t, "status"), "ready")
	require.Contains(t, h.does(t, "incidents"), "No incidents.")

	// The shop hangs, and somebody says so.
	require.NoError(t, shop.Break(t.Context(), "hang"))
	id := h.sends(t, "high", demo.AlertHang)
	require.Equal(t, "I-1", id)
	digest := h.waits(t, demo.AlertHang).Proposals[0].Plan.Digest.Short()

	// What a person reads before deciding.
	var list []bot.Incident
	require.NoError(t, json.Unmarshal([]byte(h.does(t, "incidents", "--json")), &list))
	require.Len(t, list, 1)
	require.Equal(t, bot.SeverityHigh, list[0].Severity)
	shown := h.does(t, "show", id)
	for _, part := range []string{"Waiting for approval until", "demo-shop", "digest " + digest, "risk medium", "/restart?service=demo-shop", "1 of group oncall", "salve approve I-1 " + digest} {
		require.Contains(t, shown, part)
	}
	require.Contains(t, h.does(t, "why", id), "ask severity")
	require.Contains(t, h.does(t, "why", id), "demo-flush-cache does not match")
	require.Contains(t, h.does(t, "approvals"), digest)

	// Words that do not do.
	none := h.salve(t, "deny", id)
	require.Equal(t, 2, none.code, "a reason is asked")
	require.Contains(t, none.err, "say why")
	require.Equal(t, 2, h.salve(t, "approve", id).code, "a digest is asked")
	wrong := h.salve(t, "approve", id, "deadbeef")
	require.Equal(t, 1, wrong.code)
	require.Contains(t, wrong.err, "salve: refused:")
	require.Equal(t, bot.ApprovalPending, h.card(t, 1).Proposals[0].Approval.State)

	// The word that does.
	require.Contains(t, h.does(t, "approve", id, digest), "Approved. R-1 runs demo-restart on demo-shop")
	h.sees(t, demo.AlertHang, "is fixed", fixed)
	require.Equal(t, http.StatusOK, answers(t, shop.ShopURL+"/healthz"))
	require.Contains(t, h.does(t, "show", "R-1"), "fixed")
	require.Contains(t, h.does(t, "runs"), "demo-restart")
	require.Contains(t, h.does(t, "timeline", id, "--md"), "Alice approved plan "+digest)
	late := h.salve(t, "approve", id, digest)
	require.NotContains(t, late.out, "R-2", "one approval is one run")
}

func TestAPersonDeniesAtTheCommandLine(t *testing.T) {
	t.Parallel()
	h := start(t, "http://127.0.0.1:9", "http://127.0.0.1:9")
	h.knows(t)
	id := h.sends(t, "high", demo.AlertHang)
	digest := h.waits(t, demo.AlertHang).Proposals[0].Plan.Digest.Short()
	require.Contains(t, h.does(t, "deny", id, digest, "wrong", "host"), "Denied.")
	card := h.card(t, 1)
	require.Equal(t, bot.IncidentOpen, card.State)
	require.Contains(t, card.Headline, "wrong host")
	require.Contains(t, h.does(t, "note", id, "the deploy of noon is suspected"), "Noted on I-1.")

	// What was sent by hand is over by hand.
	sent := h.does(t, "alert", "send", "-l", "service=demo-shop", "SomethingElse")
	_, over, found := strings.Cut(strings.TrimSpace(sent), "send the same with: ")
	require.True(t, found, sent)
	again := append([]string{"alert", "send", "-l", "service=demo-shop", "SomethingElse"}, strings.Fields(over)...)
	require.Contains(t, h.does(t, again...), "I-2: resolved")
	require.Equal(t, bot.IncidentResolved, h.card(t, 2).State)
	require.Contains(t, h.does(t, "take", id), "yours")
	require.Contains(t, h.does(t, "incidents", "--mine"), id)
	require.Contains(t, h.does(t, "close", id, "rolled back"), "closed")
	require.Contains(t, h.does(t, "timeline", id), "the deploy of noon is suspected")
}

// lifts resumes and wants nothing halted after it.
func (h *house) lifts(t *testing.T) {
	t.Helper()
	h.does(t, "resume")
	require.Contains(t, h.does(t, "halts"), "Nothing is halted.")
}

func TestEverybodyCanHaltInThreeWaysAndNothingRunsMeanwhile(t *testing.T) {
	t.Parallel()
	shop := shop(t)
	h := start(t, shop.ShopURL, shop.URL)

	// By a word, from somebody whom Salve does not know.
	require.Contains(t, h.does(t, "halt", "-r", "deploy going on"), "halted")
	require.Contains(t, h.does(t, "halts"), "deploy going on")
	stranger := h.salve(t, "resume")
	require.Equal(t, 1, stranger.code, "to halt is for everybody, to resume is not")
	require.NotEmpty(t, stranger.err)
	h.knows(t)

	// What would heal by itself does not, and says why.
	h.sends(t, "low", demo.AlertLeak)
	card := h.sees(t, demo.AlertLeak, "is held by the halt", func(c bot.Card) bool { return len(c.Candidates) > 0 })
	require.Empty(t, card.Runs)
	require.Contains(t, h.does(t, "why", card.Incident.String()), "deploy going on")
	h.lifts(t)

	// Afterwards it does not go on by itself either: a person starts it.
	card = h.waits(t, demo.AlertLeak)
	h.does(t, "approve", card.Incident.String(), card.Proposals[0].Plan.Digest.Short())
	h.sees(t, demo.AlertLeak, "is healed", fixed)

	// By a signal to the process.
	require.NoError(t, h.Signal(syscall.SIGUSR1))
	until(t, "the signal halts", func() bool { return strings.Contains(h.does(t, "halts"), "signal SIGUSR1") })
	h.lifts(t)

	// By a file, which needs nothing of Salve.
	flag := filepath.Join(h.Process.Dir, "HALT")
	require.NoError(t, os.WriteFile(flag, []byte("the pager is on fire\n"), 0o600))
	require.Contains(t, h.does(t, "halts"), "the pager is on fire")
	require.Contains(t, h.does(t, "status"), "halts: 1")
	h.lifts(t)
	require.NoFileExists(t, flag)
	require.Contains(t, h.does(t, "halt", "--data-dir", h.Process.Dir, "-r", "by hand"), "Everything is halted")
	require.Contains(t, h.does(t, "halts"), "by hand")
	h.lifts(t)
}

func TestATokenSpeaksForAPersonFromElsewhere(t *testing.T) {
	t.Parallel()
	h := start(t, "http://127.0.0.1:9", "http://127.0.0.1:9")
	h.knows(t)
	out := h.does(t, "user", "token", "alice", "--label", "laptop")
	token, _, _ := strings.Cut(out, "\n")
	elsewhere := t.TempDir()
	env := []string{"SALVE_SERVER=" + h.URL, "SALVE_TOKEN=" + token}

	me := run(t, elsewhere, env, "whoami")
	require.Zero(t, me.code, me.err)
	require.Contains(t, me.out, "alice (Alice)")
	id := h.sends(t, "high", demo.AlertHang)
	digest := h.waits(t, demo.AlertHang).Proposals[0].Plan.Digest.Short()
	denied := run(t, elsewhere, env, "deny", id, digest, "--reason", "not from the train")
	require.Zero(t, denied.code, denied.err)
	require.Contains(t, h.does(t, "timeline", id), "not from the train")

	// A token that is made up, none, and one that was revoked.
	stranger := run(t, elsewhere, []string{"SALVE_SERVER=" + h.URL, "SALVE_TOKEN=" + token[:len(token)-4] + "AAAA"}, "note", id, "hello")
	require.Equal(t, 1, stranger.code)
	require.NotContains(t, stranger.err, token[:24])
	none := run(t, elsewhere, []string{"SALVE_SERVER=" + h.URL, "SALVE_TOKEN="}, "whoami")
	require.Equal(t, 1, none.code)
	require.Contains(t, none.err, "salve user token")
	var tokens []bot.Token
	require.NoError(t, json.Unmarshal([]byte(h.does(t, "user", "tokens", "alice", "--json")), &tokens))
	require.Len(t, tokens, 1)
	h.does(t, "user", "revoke", "alice", tokens[0].Hash[:12])
	require.Equal(t, 1, run(t, elsewhere, env, "note", id, "hello").code)
	require.NotContains(t, h.Logs(), token)
}
