package paper_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/audit"
	"salve/bot/report"
	"salve/cmd/salve/paper"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// hostile is text from outside: markup, a formula, a hidden direction.
const hostile = `<script>alert(1)</script> =HYPERLINK("http://x") & "quoted"`

// story is a log with rows beside it.
type story struct {
	events []bot.Event
	plans  map[bot.PlanID]bot.Plan
	now    time.Time
}

func (s *story) add(e bot.Event) {
	s.now = s.now.Add(time.Minute)
	prev := ""
	if n := len(s.events); n > 0 {
		prev = s.events[n-1].Hash
	}
	e.At = s.now
	e, err := e.Seal("main", int64(len(s.events)+1), prev)
	if err != nil {
		panic(err)
	}
	s.events = append(s.events, e)
}

func (s *story) plan(p bot.Plan) map[string]string {
	d, err := p.ComputeDigest()
	if err != nil {
		panic(err)
	}
	p.Digest = d
	s.plans[p.ID] = p
	return map[string]string{"playbook": p.Playbook, "target": p.Target, "digest": string(d)}
}

func (s *story) Events(_ context.Context, q bot.EventQuery) ([]bot.Event, error) {
	var out []bot.Event
	for _, e := range s.events {
		if e.Seq > q.After && (q.Incident == 0 || e.Incident == q.Incident) && len(out) < q.Limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (s *story) Plan(_ context.Context, id bot.PlanID) (bot.Plan, error) {
	if p, ok := s.plans[id]; ok {
		return p, nil
	}
	return bot.Plan{}, bot.ErrNotFound
}

func (s *story) Incident(_ context.Context, id bot.IncidentID) (bot.Incident, error) {
	return bot.Incident{ID: id, Fold: bot.Fold{Title: "shop " + hostile, Severity: bot.SeverityHigh, Source: "prod", Total: 7}}, nil
}

func (s *story) Alerts(context.Context, bot.IncidentID, int) ([]bot.Alert, error) {
	return []bot.Alert{{AlertKey: bot.AlertKey{Source: "prod", StartsAt: time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC)}, Title: "+1+1", Severity: bot.SeverityHigh}}, nil
}

var (
	ann  = bot.Actor{Person: "p-ann", Name: "ann", Surface: "console"}
	bob  = bot.Actor{Person: "p-bob", Name: "bob", Surface: "cli"}
	root = bot.Actor{Name: "root", Surface: "cli"}
)

func person(id, name, groups, disabled string) map[string]string {
	return map[string]string{"person": id, "name": name, "roles": "responder", "groups": groups, "identities": "unix:1000", "disabled": disabled}
}

// tell is a month of a small shop.
func tell() *story {
	s := &story{now: time.Date(2026, 1, 31, 23, 30, 0, 0, time.UTC), plans: map[bot.PlanID]bot.Plan{}}
	rule := `{"mode":"auto","auto_below":"medium","approvers":["oncall"],"quorum":1}`
	s.add(bot.Event{Kind: bot.EventGenesis, Actor: bot.Salve, Text: "the audit log begins"})
	s.add(bot.Event{Kind: bot.EventStarted, Actor: bot.Salve, Text: "salve 1 started", Data: map[string]string{"version": "1"}})
	s.add(bot.Event{Kind: bot.EventLoaded, Actor: bot.Salve, Text: "2 playbooks are in force", Data: map[string]string{"all": "a1", "restart": "11aa", "restart rule": rule, "old": "00ff"}})
	s.add(bot.Event{Kind: bot.EventPerson, Actor: root, Text: "root added ann", Data: person("p-ann", "ann", "oncall dba", "false")})
	s.add(bot.Event{Kind: bot.EventPerson, Actor: root, Text: "root added bob", Data: person("p-bob", "bob", "", "false")})

	s.now = time.Date(2026, 2, 10, 3, 0, 0, 0, time.UTC) // the span begins before this
	s.add(bot.Event{Kind: bot.EventAlerts, Actor: bot.Actor{Name: "prod", Surface: "webhook"}, Incident: 1, Text: "1 new alert"})
	undo := bot.PlanStep{ID: "restart", Title: "Start it again", Action: "command", Args: map[string]any{"argv": []any{"systemctl", "start", "shop"}}, Effect: bot.EffectChanges}
	p := bot.Plan{
		ID: 1, Incident: 1, Kind: bot.PlanRespond, Playbook: "restart", PlaybookHash: "11aa", Title: "Restart", Target: "=shop", Risk: bot.RiskMedium, Mode: bot.ModeAuto,
		Steps:  []bot.PlanStep{{ID: "restart", Title: "Restart it", Action: "http", Args: map[string]any{"url": "https://x/?a=1&b=<2>", "token": "env:SHOP"}, Effect: bot.EffectChanges, Repeat: bot.RepeatSafe, Undo: &undo}},
		Verify: &bot.PlanVerify{Within: bot.Duration(time.Minute), Checks: []bot.PlanCheck{{ID: "healthy", Probe: "http", Expect: "status == 200"}}},
		Rule:   bot.ApprovalRule{Approvers: []string{"oncall"}, Quorum: 1, Excluded: []bot.PersonID{"p-bob"}}, AskedBy: bob,
	}
	told := s.plan(p)
	on := bot.Event{Actor: bot.Salve, Incident: 1, Plan: 1, Approval: 1}
	with := func(kind bot.EventKind, by bot.Actor, text string, data map[string]string) bot.Event {
		e := on
		e.Kind, e.Actor, e.Text, e.Data = kind, by, text, data
		return e
	}
	s.add(with(bot.EventProposed, bot.Salve, "restart on =shop waits for 1 of group oncall", told))
	s.add(with(bot.EventVoted, bob, "bob said yes", map[string]string{"digest": told["digest"], "vote": "yes"}))
	s.add(with(bot.EventVoted, ann, "ann said yes", map[string]string{"digest": told["digest"], "vote": "yes", "reason": "looks right"}))
	s.add(with(bot.EventApproved, ann, "ann approved plan", told))
	on.Run = 1
	s.add(with(bot.EventRunPlanned, ann, "ann started R-1", nil))
	s.add(with(bot.EventStepStarted, bot.Salve, "started step restart", map[string]string{"step": "restart", "digest": told["digest"]}))
	s.add(with(bot.EventStepUnknown, bot.Salve, "nobody knows", map[string]string{"step": "restart"}))
	s.add(with(bot.EventStepSettled, bob, "bob settled R-1 as done", nil))
	s.add(with(bot.EventRunEnded, bot.Salve, "ended: fixed", map[string]string{"state": "fixed", "fix": "fixed", "check healthy": "fixed: " + hostile}))

	// A change whose plan was altered afterwards.
	q := p
	q.ID, q.Incident, q.Target, q.AskedBy = 2, 2, "web-2", bot.Actor{}
	told = s.plan(q)
	q.Steps = []bot.PlanStep{{ID: "restart", Title: "Do nothing", Action: "http", Args: map[string]any{}}}
	s.plans[2] = q
	on = bot.Event{Incident: 2, Plan: 2, Run: 2}
	s.add(with(bot.EventRunPlanned, bot.Salve, "restart on web-2 runs by itself", told))
	s.add(with(bot.EventStepStarted, bot.Salve, "started step restart", map[string]string{"step": "restart"}))

	s.add(bot.Event{Kind: bot.EventHalted, Actor: ann, Text: "ann halted everything: " + hostile, Data: map[string]string{"scope": "all"}})
	s.add(bot.Event{Kind: bot.EventHalted, Actor: ann, Text: "ann halted target web-2"}) // an older log says it in words
	s.now = s.now.Add(50 * time.Hour)
	s.add(bot.Event{Kind: bot.EventResumed, Actor: bob, Text: "bob lifted the halt of everything", Data: map[string]string{"scope": "all"}})
	s.add(bot.Event{Kind: bot.EventPerson, Actor: root, Text: "root disabled ann", Data: person("p-ann", "ann", "oncall dba", "true")})
	s.add(bot.Event{Kind: bot.EventStarted, Actor: bot.Salve, Text: "salve 2 started", Data: map[string]string{"version": "2"}})
	s.add(bot.Event{Kind: bot.EventLoaded, Actor: bot.Salve, Text: "1 playbook is in force", Data: map[string]string{"all": "a2", "restart": "22bb", "restart rule": rule}})
	s.add(bot.Event{Kind: bot.EventStopped, Actor: bot.Salve, Text: "salve stopped"})
	return s
}

var february = report.Span{From: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}

func (s *story) each() iter.Seq2[bot.Event, error] {
	return func(yield func(bot.Event, error) bool) {
		for _, e := range s.events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (s *story) book(t require.TestingT, heads *audit.Heads) paper.Book {
	x := report.NewIndex(february)
	for e := range s.each() {
		x.Take(e)
	}
	var against audit.Against
	if heads != nil {
		against.Signed = heads.List
	}
	found, err := audit.Prove(s.each(), against)
	require.NoError(t, err)
	r := x.Report()
	return paper.Book{Report: r, Proof: paper.Prove(r, found, heads), Incidents: func() iter.Seq2[report.Incident, error] { return x.Incidents(context.Background(), s) }}
}

// zeros makes the same key each time.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func (s *story) heads(t require.TestingT, sizes ...int) *audit.Heads {
	secret, public, err := audit.NewKey(zeros{}, "salve.example.com/audit")
	require.NoError(t, err)
	signer, err := audit.NewSigner(secret)
	require.NoError(t, err)
	keys, err := audit.ParseKeys(public)
	require.NoError(t, err)
	var file bytes.Buffer
	var edge audit.Edge
	for i, e := range s.events {
		edge.Add(e.Hash)
		if slices.Contains(sizes, i+1) {
			note, err := signer.Sign(audit.Checkpoint{Size: edge.Size(), Root: edge.Root(), Chain: e.Chain, Head: e.Hash, At: e.At})
			require.NoError(t, err)
			file.Write(note)
		}
	}
	h, err := audit.ReadHeads(&file, keys)
	require.NoError(t, err)
	return &h
}

func written(t *testing.T, b paper.Book, f paper.Format) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, b.Write(&out, f))
	return out.String()
}

func TestTheReportReadsAsIsKept(t *testing.T) {
	t.Parallel()
	s := tell()
	b := s.book(t, s.heads(t, 4, len(s.events)))
	for _, f := range []paper.Format{paper.HTML, paper.CSV, paper.JSON} {
		got := written(t, b, f)
		require.Equal(t, got, written(t, s.book(t, s.heads(t, 4, len(s.events))), f), "the same bytes for the same log")
		file := filepath.Join("testdata", "february."+string(f)+".golden")
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
		}
		want, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, string(want), got)
	}
	require.ErrorContains(t, b.Write(io.Discard, "pdf"), "write html, csv or json")
}

func TestWhatIsWrittenLaterDoesNotChangeAReportOfThePast(t *testing.T) {
	t.Parallel()
	s := tell()
	heads := s.heads(t, 4, len(s.events))
	before := written(t, s.book(t, heads), paper.JSON)
	s.now = february.To
	s.add(bot.Event{Kind: bot.EventVoted, Actor: ann, Incident: 1, Plan: 1, Text: "ann said yes"})
	s.add(bot.Event{Kind: bot.EventRunEnded, Actor: ann, Incident: 2, Plan: 2, Run: 2, Text: "ended", Data: map[string]string{"state": "failed"}})
	s.add(bot.Event{Kind: bot.EventPerson, Actor: root, Data: person("p-ann", "ann", "", "false")})
	s.add(bot.Event{Kind: bot.EventResumed, Actor: bob, Text: "bob lifted the halt of target web-2"})
	require.Equal(t, before, written(t, s.book(t, heads), paper.JSON))
}

func TestTextFromOutsideIsTextOnly(t *testing.T) {
	t.Parallel()
	b := tell().book(t, nil)
	html := written(t, b, paper.HTML)
	require.NotContains(t, html, "<script")
	require.Contains(t, html, "&lt;script&gt;")
	require.NotContains(t, html, "http-equiv=\"refresh\"")
	require.Equal(t, 1, strings.Count(html, "</html>"))
	records, err := csv.NewReader(strings.NewReader(written(t, b, paper.CSV))).ReadAll()
	require.NoError(t, err)
	for _, r := range records {
		require.Len(t, r, len(records[0]))
		for _, cell := range r {
			if cell != "" {
				require.NotContains(t, "=+-@\t\r", cell[:1])
			}
		}
	}
	require.Contains(t, written(t, b, paper.CSV), "'=shop")
	require.True(t, json.Valid([]byte(written(t, b, paper.JSON))))
}

func TestALogThatDoesNotProveSaysSoAtTheTop(t *testing.T) {
	t.Parallel()
	s := tell()
	heads := s.heads(t, 4, len(s.events))
	s.events[10].Text = "nothing"
	b := s.book(t, heads)
	html := written(t, b, paper.HTML)
	require.Contains(t, html[:strings.Index(html, "<h2>1.")], "The audit log does not prove")
	require.Contains(t, html, "main 11: altered")
	require.Contains(t, written(t, b, paper.CSV), "THE LOG DOES NOT PROVE")
	s = tell()
	require.Contains(t, written(t, s.book(t, nil), paper.HTML), "No signed head was given")
	require.Contains(t, written(t, s.book(t, s.heads(t, 8)), paper.HTML), "The newest signed head covers the events up to 8")
}

func TestAnEmptySpanIsAReportToo(t *testing.T) {
	t.Parallel()
	x := report.NewIndex(report.Span{From: february.To, To: february.To.Add(time.Hour)})
	s := tell()
	for e := range s.each() {
		x.Take(e)
	}
	b := paper.Book{Report: x.Report(), Incidents: func() iter.Seq2[report.Incident, error] { return x.Incidents(t.Context(), s) }}
	require.Contains(t, written(t, b, paper.HTML), "Nothing was planned, decided or done in this span.")
	require.Empty(t, b.Report.Last)
}

func TestMemoryDoesNotGrowWithTheChanges(t *testing.T) {
	s := &story{now: february.From, plans: map[bot.PlanID]bot.Plan{}}
	const incidents = 3000
	for i := range incidents {
		id := int64(i + 1)
		told := s.plan(bot.Plan{ID: bot.PlanID(id), Incident: bot.IncidentID(id), Playbook: "p", Target: strings.Repeat("t", 1000), Mode: bot.ModeAuto})
		s.now = february.From
		s.add(bot.Event{Kind: bot.EventRunPlanned, Actor: bot.Salve, Incident: bot.IncidentID(id), Plan: bot.PlanID(id), Run: bot.RunID(id), Text: strings.Repeat("x", 2000), Data: told})
	}
	x := report.NewIndex(february)
	for e := range s.each() {
		x.Take(e)
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	peak := uint64(0)
	n := 0
	b := paper.Book{Report: x.Report(), Incidents: func() iter.Seq2[report.Incident, error] {
		return func(yield func(report.Incident, error) bool) {
			for inc, err := range x.Incidents(context.Background(), byIncident(s)) {
				if n++; n%1000 == 0 {
					runtime.GC()
					runtime.ReadMemStats(&now)
					peak = max(peak, now.HeapAlloc)
				}
				if !yield(inc, err) {
					return
				}
			}
		}
	}}
	require.NoError(t, b.Write(io.Discard, paper.HTML))
	require.Equal(t, 2*incidents, n)
	require.Less(t, int64(peak)-int64(before.HeapAlloc), int64(4<<20), fmt.Sprint(before.HeapAlloc, " to ", peak))
}

// byIncident answers by incident from an index, as a store does.
func byIncident(s *story) report.Rows { return quick{s} }

type quick struct{ *story }

func (q quick) Events(_ context.Context, query bot.EventQuery) ([]bot.Event, error) {
	if query.After >= int64(query.Incident) {
		return nil, nil
	}
	return q.events[query.Incident-1 : query.Incident], nil
}
