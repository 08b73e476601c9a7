package console_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/console"
)

// readable are all pages, with whether an unknown reader is let in when
// AnonymousRead is set.
var readable = []string{
	"/", "/?show=all&q=shop", "/incidents/I-142", "/incidents/I-139", "/incidents/I-142/timeline.md", "/runs", "/runs?show=active",
	"/runs/R-88", "/approvals", "/playbooks", "/quarantine", "/quarantine?show=all", "/quarantine/Q-3", "/audit", "/audit?verify=now", "/halt", "/targets",
}

func TestEveryRouteKnowsWhoMayWhat(t *testing.T) {
	t.Parallel()
	w := story()
	closed, loopback := open(t, w, console.Options{}), open(t, w, console.Options{AnonymousRead: true})
	for _, path := range readable {
		for _, tc := range []struct {
			name, session string
			c             *console.Console
			want          int
		}{
			{"nobody", "", closed, http.StatusSeeOther},
			{"a wrong session", "s-wrong", closed, http.StatusSeeOther},
			{"nobody on loopback", "", loopback, http.StatusOK},
			{"somebody without a role", "s-nina", closed, http.StatusForbidden},
			{"somebody without a role on loopback", "s-nina", loopback, http.StatusForbidden},
			{"a viewer", "s-vera", closed, http.StatusOK},
			{"a responder", "s-rob", closed, http.StatusOK},
		} {
			rec := ask(tc.c, "GET", path, tc.session, nil)
			assert.Equal(t, tc.want, rec.Code, "%s by %s", path, tc.name)
			if tc.want == http.StatusSeeOther {
				assert.Equal(t, "/login", rec.Header().Get("Location"), path)
			}
		}
	}
	require.Equal(t, http.StatusForbidden, ask(closed, "GET", "/incidents/I-142/run", "s-vera", nil).Code)
	require.Equal(t, http.StatusOK, ask(closed, "GET", "/incidents/I-142/run", "s-rob", nil).Code)
	require.Equal(t, http.StatusForbidden, ask(closed, "GET", "/raise", "s-vera", nil).Code)
	require.Equal(t, http.StatusOK, ask(closed, "GET", "/raise", "s-rob", nil).Code)
	require.Equal(t, http.StatusOK, ask(closed, "GET", "/login", "", nil).Code)
	require.Equal(t, http.StatusOK, ask(closed, "GET", "/static/console.css", "", nil).Code)
	require.Equal(t, http.StatusNotFound, ask(closed, "GET", "/static/render.go", "", nil).Code)
	require.Equal(t, http.StatusNotFound, ask(closed, "GET", "/wp-admin", "", nil).Code)
	require.Equal(t, http.StatusUnauthorized, ask(closed, "GET", "/events", "", nil).Code)
	require.Equal(t, http.StatusNotFound, ask(closed, "GET", "/incidents/I-999", "s-rob", nil).Code)
	require.Equal(t, http.StatusNotFound, ask(closed, "GET", "/incidents/nonsense", "s-rob", nil).Code)
}

func TestEveryVerbIsRefusedWithoutAnIdentityButTheHalt(t *testing.T) {
	t.Parallel()
	for _, verb := range []bot.Verb{
		bot.VerbApprove, bot.VerbDeny, bot.VerbTake, bot.VerbRelease, bot.VerbAssign, bot.VerbNote, bot.VerbClose, bot.VerbReopen,
		bot.VerbMerge, bot.VerbSplit, bot.VerbSnooze, bot.VerbHandover, bot.VerbRun, bot.VerbUndo, bot.VerbCancel, bot.VerbSettle,
		bot.VerbHalt, bot.VerbResume, bot.VerbReplay, bot.VerbDiscard, bot.VerbClaim, bot.VerbUnclaim, bot.VerbRaise,
	} {
		w := story()
		closed, loopback := open(t, w, console.Options{}), open(t, w, console.Options{AnonymousRead: true})
		form := url.Values{"incident": {"I-142"}, "back": {"/halt"}}
		require.Equal(t, http.StatusUnauthorized, ask(closed, "POST", "/do/"+string(verb), "", form).Code, verb)
		require.Empty(t, w.commands(), verb)

		rec := ask(loopback, "POST", "/do/"+string(verb), "", form)
		if verb == bot.VerbHalt {
			require.Equal(t, http.StatusSeeOther, rec.Code)
			require.Len(t, w.commands(), 1)
			require.Empty(t, w.commands()[0].By.ID)
			require.Equal(t, "browser at 192.0.2.1 (unknown)", w.commands()[0].Actor().Name)
		} else {
			require.Equal(t, http.StatusUnauthorized, rec.Code, verb)
			require.Empty(t, w.commands(), verb)
		}

		require.Equal(t, http.StatusSeeOther, ask(closed, "POST", "/do/"+string(verb), "s-rob", form).Code, verb)
		did := w.commands()
		require.Equal(t, verb, did[len(did)-1].Verb)
		require.Equal(t, bot.PersonID("rob"), did[len(did)-1].By.ID)
		require.Equal(t, "console", did[len(did)-1].Surface)
	}
}

func TestAFormBecomesACommand(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, verb string
		form       url.Values
		want       bot.Command
	}{
		{"approve is bound to a digest", "approve", url.Values{"incident": {"I-142"}, "approval": {"A-7"}, "digest": {string(digest)}},
			bot.Command{Incident: 142, Approval: 7, Digest: string(digest)}},
		{"deny carries its reason", "deny", url.Values{"approval": {"A-7"}, "digest": {"3fa9c1d2"}, "reason": {" it is peak time "}},
			bot.Command{Approval: 7, Digest: "3fa9c1d2", Reason: "it is peak time"}},
		{"snooze takes a duration", "snooze", url.Values{"incident": {"I-1"}, "for": {"4h"}}, bot.Command{Incident: 1, For: bot.Duration(4 * time.Hour)}},
		{"merge takes an incident as people type it", "merge", url.Values{"incident": {"I-2"}, "into": {"i-1"}}, bot.Command{Incident: 2, Into: 1}},
		{"split takes fingerprints as they are", "split", url.Values{"incident": {"I-2"}, "alert_escaped": {"ab%2Fc", "d+e"}}, bot.Command{Incident: 2, Alerts: []string{"ab/c", "d e"}}},
		{"handover has a person and a message", "handover", url.Values{"incident": {"I-2"}, "to": {"rob"}, "reason": {"mind the cache"}}, bot.Command{Incident: 2, To: "rob", Reason: "mind the cache"}},
		{"run has params", "run", url.Values{"incident": {"I-2"}, "playbook": {"p"}, "param.service": {"shop"}, "param.empty": {""}}, bot.Command{Incident: 2, Playbook: "p", Params: map[string]string{"service": "shop"}}},
		{"settle says what became of a step", "settle", url.Values{"run": {"R-86"}, "settle": {"done"}}, bot.Command{Run: 86, Settle: bot.SettleDone}},
		{"halt takes a typed name", "halt", url.Values{"scope": {"target"}, "name": {" shop-1 "}}, bot.Command{Scope: bot.HaltTarget, Name: "shop-1"}},
		{"halt takes a name with characters that cannot be seen", "halt", url.Values{"scope": {"target"}, "name_escaped": {url.QueryEscape("shop\u200B-1 ")}}, bot.Command{Scope: bot.HaltTarget, Name: "shop\u200B-1 "}},
		{"run takes the place of an open question", "run", url.Values{"incident": {"I-2"}, "playbook": {"p"}, "approval": {"A-7"}, "param.n": {"2"}}, bot.Command{Incident: 2, Approval: 7, Playbook: "p", Params: map[string]string{"n": "2"}}},
		{"claim takes a target and a time", "claim", url.Values{"name": {" db-3 "}, "for": {"2h"}, "reason": {"new disks"}}, bot.Command{Name: "db-3", For: bot.Duration(2 * time.Hour), Reason: "new disks"}},
		{"unclaim takes a target as it is", "unclaim", url.Values{"name_escaped": {url.QueryEscape("db-3\u202e")}}, bot.Command{Name: "db-3\u202e"}},
		{"raise takes what a person says", "raise", url.Values{"title": {"slow"}, "severity": {"high"}, "reason": {"since noon"}}, bot.Command{Title: "slow", Severity: bot.SeverityHigh, Reason: "since noon"}},
		{"replay", "replay", url.Values{"quarantine": {"Q-3"}}, bot.Command{Quarantine: 3}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			rec := ask(open(t, w, console.Options{}), "POST", "/do/"+tc.verb, "s-rob", tc.form)
			require.Equal(t, http.StatusSeeOther, rec.Code, rec.Body)
			require.Len(t, w.commands(), 1)
			got := w.commands()[0]
			tc.want.Verb, tc.want.By, tc.want.Surface, tc.want.Caller = bot.Verb(tc.verb), responder, "console", got.Caller
			require.WithinDuration(t, time.Now(), got.Basis.ReceivedAt, time.Minute)
			tc.want.Basis = bot.Basis{Transport: "console", Identity: string(responder.ID), ReceivedAt: got.Basis.ReceivedAt}
			require.Equal(t, tc.want, got)
		})
	}
}

func TestAFormThatIsNotUnderstoodDoesNothing(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, verb string
		form       url.Values
		want       int
	}{
		{"an unknown verb", "reboot", url.Values{"incident": {"I-1"}}, http.StatusBadRequest},
		{"a broken incident", "take", url.Values{"incident": {"142; drop"}}, http.StatusBadRequest},
		{"a negative duration", "snooze", url.Values{"for": {"-1h"}}, http.StatusBadRequest},
		{"a broken escape", "halt", url.Values{"name_escaped": {"%zz"}}, http.StatusBadRequest},
		{"text that is not UTF-8", "note", url.Values{"reason": {"\xff\xfe"}}, http.StatusBadRequest},
		{"a field that is too long", "note", url.Values{"reason": {strings.Repeat("x", 4001)}}, http.StatusBadRequest},
		{"a form that is too large", "note", url.Values{"reason": {strings.Repeat("x", 70<<10)}}, http.StatusRequestEntityTooLarge},
		{"too many alerts", "split", url.Values{"alert_escaped": make([]string, 501)}, http.StatusBadRequest},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			rec := ask(open(t, w, console.Options{}), "POST", "/do/"+tc.verb, "s-rob", tc.form)
			require.Equal(t, tc.want, rec.Code)
			require.Contains(t, rec.Body.String(), "Not done")
			require.Empty(t, w.commands())
		})
	}
	w := newWorld()
	r := httptest.NewRequest("POST", "http://localhost/do/halt", strings.NewReader(`{"scope":"all"}`))
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	open(t, w, console.Options{AnonymousRead: true}).ServeHTTP(rec, r)
	require.Equal(t, http.StatusUnsupportedMediaType, rec.Code)
	require.Empty(t, w.commands())
}

func TestARefusalSaysWhyAndWhatIsNext(t *testing.T) {
	t.Parallel()
	secret := errors.New("dial tcp: password=hunter2")
	for _, tc := range []struct {
		err  error
		want int
		says string
	}{
		{bot.Refuse(bot.RefusedUnknown, "No such run.", "Look at the runs."), http.StatusNotFound, "Look at the runs."},
		{bot.Refuse(bot.RefusedForbidden, "You asked for it.", "Ask Bob."), http.StatusForbidden, "Ask Bob."},
		{bot.Refuse(bot.RefusedIdentity, "Who are you?", "Sign in."), http.StatusUnauthorized, "Sign in."},
		{bot.Refuse(bot.RefusedMoved, "The plan is another one.", "Read it again."), http.StatusConflict, "Read it again."},
		{bot.Refuse(bot.RefusedState, "Alice denied it.", "Run another."), http.StatusConflict, "Alice denied it."},
		{bot.Refuse(bot.RefusedInput, "A reason is missing.", "Write one."), http.StatusBadRequest, "Write one."},
		{bot.Refuse(bot.RefusedLater, "Storage is away.", "Try again."), http.StatusServiceUnavailable, "Try again."},
		{fmt.Errorf("commit: %w", bot.ErrConflict), http.StatusConflict, "changed while you were deciding"},
		{fmt.Errorf("commit: %w", bot.ErrUnavailable), http.StatusServiceUnavailable, "nothing was recorded"},
		{fmt.Errorf("commit: %w", bot.ErrOverloaded), http.StatusServiceUnavailable, "nothing was recorded"},
		{fmt.Errorf("read: %w", bot.ErrNotFound), http.StatusNotFound, "no such thing"},
		{secret, http.StatusInternalServerError, "not known whether"},
	} {
		w := story()
		w.answer = tc.err
		rec := ask(open(t, w, console.Options{}), "POST", "/do/approve", "s-alice", url.Values{"back": {"/incidents/I-142"}})
		require.Equal(t, tc.want, rec.Code, tc.err)
		require.Contains(t, rec.Body.String(), tc.says)
		require.Contains(t, rec.Body.String(), `href="/incidents/I-142"`)
		require.NotContains(t, rec.Body.String(), "hunter2")
		require.Equal(t, tc.want == http.StatusServiceUnavailable, rec.Header().Get("Retry-After") != "")
	}
}

func TestWithTheStoreDownNothingLooksLikeSuccessAndHaltingStillWorks(t *testing.T) {
	t.Parallel()
	w := story()
	c := open(t, w, console.Options{AnonymousRead: true})
	w.down = fmt.Errorf("disk: %w", bot.ErrUnavailable)
	for _, path := range []string{"/", "/incidents/I-142", "/runs", "/approvals", "/quarantine", "/audit"} {
		require.Equal(t, http.StatusServiceUnavailable, ask(c, "GET", path, "s-rob", nil).Code, path)
	}
	rec := ask(c, "GET", "/halt", "s-rob", nil)
	require.Equal(t, http.StatusOK, rec.Code)
	require.Contains(t, rec.Body.String(), "cannot be read now")
	require.Equal(t, http.StatusServiceUnavailable, ask(c, "POST", "/do/take", "s-rob", url.Values{}).Code)
	require.Equal(t, http.StatusSeeOther, ask(c, "POST", "/do/halt", "s-rob", url.Values{"scope": {"all"}}).Code)
	require.Len(t, w.commands(), 1)
}

func TestPagesCarryAStrictPolicyAndNothingInline(t *testing.T) {
	t.Parallel()
	c := open(t, story(), console.Options{PublicURL: "https://salve.example.org"})
	for _, path := range append(readable, "/login", "/static/console.js", "/nothing-here") {
		r := httptest.NewRequest("GET", "http://localhost"+path, nil)
		r.AddCookie(&http.Cookie{Name: "__Host-salve", Value: "s-alice"})
		rec := httptest.NewRecorder()
		c.ServeHTTP(rec, r)
		h := rec.Header()
		require.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'", h.Get("Content-Security-Policy"), path)
		require.Equal(t, "no-referrer", h.Get("Referrer-Policy"))
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.NotEmpty(t, h.Get("Strict-Transport-Security"))
		require.Empty(t, h.Get("Access-Control-Allow-Origin"))
		if strings.HasPrefix(h.Get("Content-Type"), "text/html") {
			body := rec.Body.String()
			require.Equal(t, 1, strings.Count(body, "<script"), path)
			require.NotRegexp(t, `(?i)<style| style=| on[a-z]+=|javascript:`, body, path)
			require.Contains(t, body, `<html lang="en">`)
			require.Equal(t, 1, strings.Count(body, "<h1"), path)
			require.NotContains(t, body, "ZgotmplZ", path)
		}
	}
}

func TestNaughtyTextStaysText(t *testing.T) {
	t.Parallel()
	w := story()
	poison(w)
	c := open(t, w, console.Options{})
	for _, path := range append(readable, "/incidents/I-138", "/incidents/I-139/run", "/?q="+url.QueryEscape(strings.Join(naughty, " "))) {
		rec := ask(c, "GET", path, "s-alice", nil)
		require.Equal(t, http.StatusOK, rec.Code, path)
		body := rec.Body.String()
		if !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") {
			require.Equal(t, "text/plain; charset=utf-8", rec.Header().Get("Content-Type"))
			continue
		}
		require.Equal(t, 1, strings.Count(body, "<script"), path)
		for _, bad := range []string{"<script>hit", "<img src=x", "<svg onload", "<iframe", "<style", "onerror=\"hit", `href="javascript:`, "\u202E", "\u200B", "\x1b", "\x07"} {
			require.NotContains(t, body, bad, path)
		}
	}
	body := ask(c, "GET", "/incidents/I-142", "s-alice", nil).Body.String()
	require.Contains(t, body, "[U+202E]")
	require.Contains(t, body, "[U+200B]")
	require.Contains(t, body, "{{.Viewer}}")
}

func TestTheFormsOfAPageDoWhatTheySay(t *testing.T) {
	t.Parallel()
	w := story()
	c := open(t, w, console.Options{})
	body := ask(c, "GET", "/incidents/I-142", "s-alice", nil).Body.String()
	for _, want := range []string{
		`action="/do/approve"`, `name="digest" value="` + string(digest) + `"`, "Approve plan 3fa9c1d2: service-restart on shop-1.example.org.",
		`action="/do/deny"`, `salve approve I-142 3fa9c1d2`, `salve deny I-142 3fa9c1d2 REASON`, `action="/do/take"`, `action="/do/halt"`, "systemctl",
	} {
		require.Contains(t, body, want)
	}
	require.NotContains(t, ask(c, "GET", "/incidents/I-142", "s-rob", nil).Body.String(), `action="/do/approve"`)
	require.Contains(t, ask(c, "GET", "/incidents/I-142", "s-rob", nil).Body.String(), `action="/do/deny"`)
	seen := ask(c, "GET", "/incidents/I-142", "s-vera", nil).Body.String()
	require.NotContains(t, seen, `action="/do/deny"`)
	require.Contains(t, seen, `action="/do/halt"`)
	require.Contains(t, ask(c, "GET", "/runs/R-86", "s-rob", nil).Body.String(), `name="settle" value="not-done"`)
	require.Contains(t, ask(c, "GET", "/runs/R-87", "s-rob", nil).Body.String(), `action="/do/undo"`)
	require.Contains(t, ask(c, "GET", "/runs/R-88", "s-rob", nil).Body.String(), `action="/do/cancel"`)
	require.Contains(t, ask(c, "GET", "/incidents/I-139", "s-rob", nil).Body.String(), "The nearest is")
	require.Contains(t, ask(c, "GET", "/incidents/I-139/run?playbook=service-restart", "s-rob", nil).Body.String(), `name="param.service"`)
}

func TestAnAuditThatDoesNotVerifyIsSaidAloud(t *testing.T) {
	t.Parallel()
	w := story()
	w.chain = errors.New("row 17 of chain main was altered")
	c := open(t, w, console.Options{})
	require.Contains(t, ask(c, "GET", "/audit", "s-vera", nil).Body.String(), "Not verified since")
	require.Contains(t, ask(c, "GET", "/audit?verify=now", "s-vera", nil).Body.String(), "row 17 of chain main was altered")
}

func TestAPortThatIsMissingOrAnAddressThatIsNoneIsFoundAtStart(t *testing.T) {
	t.Parallel()
	_, err := console.New(console.Ports{}, console.Options{})
	require.ErrorContains(t, err, "is required")
	_, err = console.New(story().ports(), console.Options{PublicURL: "salve.example.org"})
	require.ErrorContains(t, err, "public_url")
}

func FuzzForm(f *testing.F) {
	f.Add("approve", "incident=I-142&approval=A-7&digest=3fa9c1d2")
	f.Add("halt", "scope=target&name_escaped=%252e")
	f.Add("split", "alert_escaped=%25zz&param.=x&back=//x")
	w := newWorld()
	c := open(f, w, console.Options{})
	f.Fuzz(func(t *testing.T, verb, body string) {
		before := len(w.commands())
		r := httptest.NewRequest("POST", "http://localhost/do/"+url.PathEscape(verb), strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(&http.Cookie{Name: "salve_session", Value: "s-rob"})
		rec := httptest.NewRecorder()
		c.ServeHTTP(rec, r)
		require.Less(t, rec.Code, 500)
		done := rec.Code == http.StatusSeeOther && strings.HasPrefix(rec.Header().Get("Location"), "/") && len(rec.Result().Cookies()) > 0
		require.Equal(t, done, len(w.commands()) == before+1)
	})
}

func TestWhoHoldsATargetIsShownUntilItIsOver(t *testing.T) {
	t.Parallel()
	c := open(t, story(), console.Options{})
	page := ask(c, "GET", "/targets", "s-rob", nil).Body.String()
	require.Contains(t, page, "held by Rob &lt;b&gt;")
	require.Contains(t, page, `value="db-3%E2%80%AE"`, "a name goes back as it is")
	require.NotContains(t, page, "db-4", "its time is over")
	require.Contains(t, page, `action="/do/claim"`)
	require.NotContains(t, ask(c, "GET", "/targets", "s-vera", nil).Body.String(), "/do/", "a viewer only reads")
}

func TestParametersOfAnOpenQuestionAreEditedInTheForm(t *testing.T) {
	t.Parallel()
	w := story()
	c := open(t, w, console.Options{})
	id := w.incidents[142].Approvals[0].ID.String()
	link := "/incidents/I-142/run?approval=" + id
	require.Contains(t, ask(c, "GET", "/incidents/I-142", "s-rob", nil).Body.String(), link)
	require.NotContains(t, ask(c, "GET", "/incidents/I-142", "s-vera", nil).Body.String(), link)
	form := ask(c, "GET", link, "s-rob", nil).Body.String()
	require.Contains(t, form, `name="approval" value="`+id+`"`)
	require.Contains(t, form, `name="param.service" value="shop"`)
	require.Contains(t, form, "It takes the place of "+id)
	require.Equal(t, http.StatusConflict, ask(c, "GET", "/incidents/I-142/run?approval=A-999", "s-rob", nil).Code)
	require.Equal(t, http.StatusBadRequest, ask(c, "GET", "/incidents/I-142/run?approval=nonsense", "s-rob", nil).Code)
}

func TestWhoRaisesAnIncidentIsShownIt(t *testing.T) {
	t.Parallel()
	rec := ask(open(t, story(), console.Options{}), "POST", "/do/raise", "s-rob", url.Values{"title": {"slow"}, "back": {"/"}})
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "/incidents/I-777", rec.Header().Get("Location"))
}
