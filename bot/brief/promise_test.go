package brief_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/chat"
)

// texts of a Message, each with whether it may hold line breaks.
func texts(m bot.Message) map[string]bool {
	out := map[string]bool{m.Alone: false}
	lines := append([]bot.Line{{Spans: m.Title}}, m.Lines...)
	for _, r := range m.Rows {
		lines = append(lines, r.Line)
	}
	for _, l := range lines {
		for _, s := range l.Spans {
			out[s.Text] = out[s.Text] || l.Kind == bot.LineCode
		}
	}
	for _, b := range buttons(m) {
		out[b.Label], out[b.Confirm], out[b.Twin] = false, false, false
	}
	return out
}

func buttons(m bot.Message) []bot.Button {
	out := append(append([]bot.Button{}, m.Buttons...), m.More...)
	for _, r := range m.Rows {
		if r.Button != nil {
			out = append(out, *r.Button)
		}
	}
	return out
}

type failer interface {
	require.TestingT
	Helper()
}

// holds is what is true of every Message.
func holds(t failer, m bot.Message) {
	t.Helper()
	require.NotEmpty(t, strings.TrimSpace(m.Alone))
	require.LessOrEqual(t, utf8.RuneCountInString(m.Alone), bot.MaxAlone)
	for text, breaks := range texts(m) {
		require.True(t, utf8.ValidString(text))
		if breaks {
			text = strings.ReplaceAll(text, "\n", "")
		}
		for _, r := range text {
			require.False(t, unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r), "%q", text)
		}
	}
	chips := len(m.Buttons)
	if len(m.More) > 0 {
		chips++
	}
	require.LessOrEqual(t, chips, bot.MaxButtons)
	require.LessOrEqual(t, len(m.More), bot.MaxMore)
	leading := 0
	for _, b := range buttons(m) {
		require.NotEmpty(t, b.Twin, b.Label)
		require.NotEmpty(t, b.Label)
		require.LessOrEqual(t, utf8.RuneCountInString(b.Label), 30)
		require.LessOrEqual(t, utf8.RuneCountInString(b.Confirm), 300)
		require.False(t, b.Press.Kind == bot.PressForm && len(b.Press.Asks) == 0, "a form asks for something")
	}
	for _, b := range m.Buttons {
		if b.Style == "primary" {
			leading++
		}
	}
	require.LessOrEqual(t, leading, 1)
	for _, l := range m.Lines {
		for _, s := range l.Spans {
			require.Empty(t, s.URL, "there is no console to link to")
		}
	}
}

func TestACardFitsAPhoneInEveryState(t *testing.T) {
	t.Parallel()
	linked := brief.Options{Command: "/salve", PublicURL: "https://salve.a-rather-long-name.example.org/ops"}
	for _, sc := range scenes() {
		holds(t, brief.Card(card(sc.state), slash))
		require.LessOrEqual(t, brief.Height(brief.Card(card(sc.state), slash)), bot.MaxLines, sc.name)
		require.LessOrEqual(t, brief.Height(brief.Card(card(sc.state), linked)), bot.MaxLines, sc.name)
	}
}

func TestTheSameStateIsTheSameMessage(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		one := card(sc.state)
		before, err := json.Marshal(one)
		require.NoError(t, err)
		m := brief.Card(one, slash)
		after, err := json.Marshal(one)
		require.NoError(t, err)
		require.Equal(t, string(before), string(after), "the card was changed")
		two := one
		two.Revision++
		two.Timeline = append(two.Timeline, bot.CardEntry{At: now, Who: "salve", Text: "one more line"})
		require.Equal(t, m, brief.Card(two, slash), sc.name)
	}
}

func TestADecidedOrEndedCardHasNoDecisionButtons(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"denied", "expired", "closed", "merged", "resolved", "fixed", "running", "failed"} {
		for _, b := range buttons(brief.Card(in(name), slash)) {
			require.NotContains(t, []bot.Verb{bot.VerbApprove, bot.VerbDeny}, b.Press.Command.Verb, name)
		}
	}
	for _, name := range []string{"closed", "merged", "resolved", "fixed"} {
		require.Empty(t, brief.Card(in(name), slash).Buttons, name)
	}
}

func TestAVoteIsBoundToTheWholeDigest(t *testing.T) {
	t.Parallel()
	found := 0
	for _, m := range []bot.Message{brief.Card(in("asked"), slash), brief.Confirm(mine(), slash)} {
		for _, b := range m.Buttons {
			if v := b.Press.Command.Verb; v == bot.VerbApprove || v == bot.VerbDeny {
				found++
				require.Equal(t, string(digest), b.Press.Command.Digest)
				require.Equal(t, bot.ApprovalID(7), b.Press.Command.Approval)
				require.Contains(t, b.Twin, " I-142 3fa9c1d2")
			}
		}
	}
	require.Equal(t, 4, found)
	require.Equal(t, string(digest), brief.PlanForm(mine(), slash).Press.Command.Digest)
}

func TestNobodyIsOfferedWhatTheyMayNotApprove(t *testing.T) {
	t.Parallel()
	p := mine(func(a *bot.Approval) { a.Rule.Excluded = []bot.PersonID{"alice"} })
	require.Empty(t, brief.PlanForm(p, slash).Submit)
	for _, b := range brief.Confirm(p, slash).Buttons {
		require.NotEqual(t, bot.VerbApprove, b.Press.Command.Verb)
	}
}

func TestANoticeIsMootWhenTheStateHasMovedOn(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		event bot.EventKind
		scene string
	}{
		{"a question that was decided", bot.EventProposed, "denied"},
		{"a question that was withdrawn", bot.EventProposed, "taken"},
		{"a question that is nearly over, approved meanwhile", bot.EventExpiring, "running"},
		{"an expired question of an incident that somebody took", bot.EventExpired, "taken"},
		{"an expired question, asked again", bot.EventExpired, "asked"},
		{"an expired question of what is fixed", bot.EventExpired, "fixed"},
		{"an unknown step that was settled", bot.EventStepUnknown, "running"},
		{"a run that waited and goes on", bot.EventRunWaiting, "verifying"},
		{"a run that ended well", bot.EventRunEnded, "fixed"},
		{"a run that a person cancelled", bot.EventRunEnded, "cancelled"},
		{"an owner who has released it", bot.EventReminded, "just-came-in"},
		{"a closed incident", bot.EventEscalated, "closed"},
		{"what a playbook is asked for", bot.EventDecided, "asked"},
		{"what runs", bot.EventDecided, "running"},
		{"what somebody took before they were called", bot.EventDecided, "taken"},
		{"what a playbook only watches", bot.EventDecided, "observing"},
		{"what is told by its failure", bot.EventDecided, "failed"},
		{"what deserves none", bot.EventNoted, "asked"},
		{"the run behind an unknown step, which is told already", bot.EventRunWaiting, "waiting-unknown"},
	} {
		e := bot.Event{Kind: tc.event, Incident: 142, Approval: 7, Run: 88}
		_, ok := brief.Notice(in(tc.scene), e, now, slash)
		require.False(t, ok, tc.name)
		_, ok = brief.Page(in(tc.scene), e, now, slash)
		require.False(t, ok, tc.name)
	}
	_, ok := brief.Notice(in("asked"), bot.Event{Kind: bot.EventProposed, Incident: 142, Approval: 7}, began.Add(20*time.Minute), slash)
	require.False(t, ok, "a question whose time is over, although nobody has written that down")
	_, ok = brief.Progress(in("asked"), 88, now, slash)
	require.False(t, ok)
}

func TestAFailureIsToldUntilSomethingCameAfterIt(t *testing.T) {
	t.Parallel()
	e := bot.Event{Kind: bot.EventRunEnded, Incident: 142, Run: 88}
	failed := func(change func(*chat.State)) bool {
		s := with(ran(bot.RunFailed, "HTTP 500", step("snapshot", bot.StepFailed, "")), change)
		_, ok := brief.Notice(card(s), e, now, slash)
		return ok
	}
	another := func(state bot.RunState, at time.Time) func(*chat.State) {
		return func(s *chat.State) {
			r := s.Runs[0]
			r.ID, r.State, r.EndedAt = 89, state, at
			s.Runs = append(s.Runs, r)
		}
	}
	require.True(t, failed(func(*chat.State) {}))
	require.True(t, failed(func(s *chat.State) { s.Incident.Owner, s.Incident.OwnerName = "rob", "Rob" }), "to whoever took it and ran something")
	require.True(t, failed(another(bot.RunFailed, began)), "an older one")
	require.False(t, failed(another(bot.RunRunning, time.Time{})))
	require.False(t, failed(another(bot.RunFailed, now)), "the newer one is told")
	require.False(t, failed(func(s *chat.State) { s.Incident.Firing = 0 }), "nothing fires any more")
}

func TestWhoeverReadsTheLogIsToldWhichEventsMatter(t *testing.T) {
	t.Parallel()
	for _, h := range happened() {
		_, ok := brief.Notice(in(h.scene), h.event, now, slash)
		require.True(t, ok && brief.Noticed(h.event), h.name)
		_, ok = brief.Page(in(h.scene), h.event, now, slash)
		require.True(t, !ok || brief.Paged(h.event), h.name)
	}
}

func TestOnlyAFailureIsBroadcastFromTheThread(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		m, ok := brief.Progress(card(sc.state), 88, now, slash)
		if ok {
			require.Equal(t, sc.name == "failed" || sc.name == "not-fixed", m.Broadcast, sc.name)
		}
	}
}

func TestOutputIsTheLastTwentyLinesWithItsColumns(t *testing.T) {
	t.Parallel()
	s := step("grow", bot.StepStarted, "\x1b[32mone\x1b[0m\nkept   columns\n"+strings.Repeat("line\n", 18)+"bar\rbaz\x07")
	m, ok := brief.Progress(card(ran(bot.RunRunning, "", s)), 88, now, slash)
	require.True(t, ok)
	var out string
	for _, l := range m.Lines {
		if l.Kind == bot.LineCode {
			out = l.Spans[0].Text
		}
	}
	require.Len(t, strings.Split(out, "\n"), 20)
	require.NotContains(t, out, "one")
	require.Contains(t, out, "bar\nbaz⟨U+0007⟩")
	require.Contains(t, show(m), "without the first 2 lines")
}

// any text, often with what tries to hide or to break out.
func text(limit int) *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringN(0, limit, -1),
		rapid.SampledFrom([]string{"", "db-3", "\u202e", "a\nb\r\nc", strings.Repeat("W", 400), strings.Repeat("漢", 300), "\xff\xfe", strings.Repeat("x ", 4000), "<!channel>", "👩\u200d💻", strings.Repeat("e\u0301\u0302", 200)}),
	)
}

func anyCard(t *rapid.T) bot.Card {
	s := rapid.SampledFrom(scenes()).Draw(t, "scene").state
	s.Incident.Title, s.Incident.Diagnosis.Summary = text(300).Draw(t, "title"), text(300).Draw(t, "summary")
	s.Incident.Severity = bot.Severity(rapid.IntRange(-1, 7).Draw(t, "severity"))
	s.Incident.Total, s.Incident.Truncated = rapid.IntRange(0, 100000).Draw(t, "total"), rapid.IntRange(0, 5000).Draw(t, "cut")
	s.Incident.OwnerName = text(80).Draw(t, "owner")
	for i := range s.Incident.Diagnosis.Hypotheses {
		s.Incident.Diagnosis.Hypotheses = append([]bot.Hypothesis{}, s.Incident.Diagnosis.Hypotheses...)
		s.Incident.Diagnosis.Hypotheses[i].Cause = text(500).Draw(t, "cause")
		s.Incident.Diagnosis.Hypotheses[i].Confidence = rapid.Float64().Draw(t, "sure")
	}
	for i := range s.Approvals {
		a := &s.Approvals[i]
		a.Playbook, a.Target, a.Reason = text(80).Draw(t, "playbook"), text(300).Draw(t, "target"), text(300).Draw(t, "reason")
		a.Rule.Approvers = rapid.SliceOfN(text(60), 0, 4).Draw(t, "groups")
		a.Rule.Quorum = rapid.IntRange(0, 4).Draw(t, "quorum")
		for range rapid.IntRange(0, 3).Draw(t, "votes") {
			a.Votes = append(a.Votes, bot.Vote{Person: bot.PersonID(text(20).Draw(t, "person")), Name: text(60).Draw(t, "name"), Yes: true, Digest: a.Digest})
		}
	}
	for i := range s.Runs {
		r := &s.Runs[i]
		r.Playbook, r.Target, r.Reason = text(80).Draw(t, "playbook"), text(300).Draw(t, "target"), text(300).Draw(t, "why")
		r.Steps = append([]bot.Step{}, r.Steps...)
		for j := range r.Steps {
			r.Steps[j].ID, r.Steps[j].Output, r.Steps[j].Error = text(60).Draw(t, "step"), text(3000).Draw(t, "output"), text(300).Draw(t, "error")
		}
	}
	return chat.Card(s, rapid.SampledFrom([]bot.Person{unknown, alice}).Draw(t, "viewer"), now)
}

func TestWhateverItIsGivenItFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := anyCard(t)
		m := brief.Card(c, slash)
		holds(t, m)
		require.LessOrEqual(t, brief.Height(m), bot.MaxLines)
		e := bot.Event{Kind: rapid.SampledFrom(happened()).Draw(t, "event").event.Kind, Incident: c.Incident, Approval: 7, Run: 88, Text: text(400).Draw(t, "told")}
		if m, ok := brief.Notice(c, e, now, slash); ok {
			holds(t, m)
		}
		if m, ok := brief.Page(c, e, now, slash); ok {
			holds(t, m)
		}
		if m, ok := brief.Progress(c, 88, now, slash); ok {
			holds(t, m)
		}
		for _, m := range []bot.Message{
			brief.Full(c, slash), brief.Why(c, slash), brief.List([]bot.Card{c, c}, slash), brief.Mine(c.Proposals, slash),
			brief.Storm([]bot.Card{c}, brief.StormCounts{Total: 3}, now, slash),
			brief.Home(brief.HomeState{Person: alice, Mine: c.Proposals, Running: c.Runs, Held: []bot.Card{c}}, slash),
			brief.Answer(bot.Answer{Text: "x" + e.Text, Incident: c.Incident}, slash), brief.Refusal(bot.Refuse(bot.RefusedState, e.Text, e.Text), slash),
		} {
			holds(t, m)
		}
		for _, p := range c.Proposals {
			holds(t, brief.Confirm(p, slash))
			for _, f := range []bot.Form{brief.PlanForm(p, slash), brief.DenyForm(p), brief.MoreForm(c)} {
				require.LessOrEqual(t, utf8.RuneCountInString(f.Title), 24)
			}
		}
		for _, a := range c.Actions {
			f := brief.AskForm(a, []string{e.Text}, nil)
			require.LessOrEqual(t, utf8.RuneCountInString(f.Title), 24)
			require.Len(t, f.Fields, len(a.Asks))
		}
	})
}

func TestWhatHidesIsShown(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"disk 97 %":                             "disk 97 %",
		"a\u202eb":                              "a⟨U+202E⟩b",
		"a\r\nb\nc\u2028d":                      "a ↵ b ↵ c ↵ d",
		"a\t b\u00a0\u3000c ":                   "a b c",
		"\u200b\u200b\u200bx":                   "⟨U+200B×3⟩x",
		"tag\U000e0041\U000e0042":               "tag⟨U+E0041⟩⟨U+E0042⟩",
		"\x1b[31mred":                           "⟨U+001B⟩[31mred",
		"\u3164empty\u2800":                     "⟨U+3164⟩empty⟨U+2800⟩",
		"\xffbad":                               "\ufffdbad",
		"⚠\ufe0f fire":                          "⚠\ufe0f fire",
		"a\ufe0fb":                              "a⟨U+FE0F⟩b",
		"👩\u200d💻":                              "👩\u200d💻",
		"a\u200db":                              "a⟨U+200D⟩b",
		"e\u0301te\u0301":                       "e\u0301te\u0301",
		"z\u0300\u0301\u0302\u0303\u0304\u0305": "z\u0300\u0301\u0302\u0303⟨U+0304⟩⟨U+0305⟩",
		"\ue000private":                         "⟨U+E000⟩private",
	} {
		require.Equal(t, want, brief.Clean(in), "%q", in)
	}
}

func FuzzCleanTextIsSeenWhole(f *testing.F) {
	for _, seed := range []string{"disk", "a\u202e\nb", "👩\u200d💻⚠\ufe0f", "\U000e0041", "z\u0300\u0301\u0302\u0303\u0304", "\xff\x00", "a \u00a0 b", "1\ufe0f\u20e3"} {
		f.Add(seed, 10)
	}
	f.Fuzz(func(t *testing.T, in string, limit int) {
		out := brief.Clean(in)
		require.True(t, utf8.ValidString(out))
		require.Equal(t, out, brief.Clean(out), "cleaning twice is cleaning once")
		for _, r := range out {
			require.False(t, unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || unicode.Is(unicode.Zs, r) && r != ' ')
			require.True(t, unicode.IsPrint(r) || r == 0x200d, "%U", r)
		}
		short := brief.Cut(out, limit%400)
		require.LessOrEqual(t, utf8.RuneCountInString(short), max(limit%400, 0))
		require.Equal(t, short, brief.Clean(short), "what is cut is still clean")
	})
}

func TestAPlanThatDoesNotFitSaysSo(t *testing.T) {
	t.Parallel()
	const warning = "Not all of it fits here."
	long := mine()
	require.NotContains(t, show(brief.Confirm(long, slash)), warning)
	for range 30 {
		long.Plan.Steps = append(long.Plan.Steps, bot.PlanStep{ID: "wait", Action: "wait"})
	}
	require.Contains(t, show(brief.Confirm(long, slash)), warning)
	wide := mine()
	wide.Plan.Steps = []bot.PlanStep{{ID: "a", Action: "command", Args: map[string]any{"argv": []any{strings.Repeat("x", 1000)}}}}
	require.Contains(t, showForm(brief.PlanForm(wide, slash)), warning)
}
