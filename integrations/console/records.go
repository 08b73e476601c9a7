package console

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"salve/bot"
)

// maxShownBody is how much of a payload a page shows; the rest is in the store.
const maxShownBody = 64 << 10

type quarantinePage struct {
	Items []bot.Quarantined
	All   bool
	May   bool // the viewer may replay and discard
}

func (c *Console) showQuarantine(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	m := quarantinePage{All: r.URL.Query().Get("show") == "all", May: viewer.Has(bot.RoleResponder)}
	q := bot.QuarantineQuery{States: []bot.QuarantineState{bot.QuarantineHeld}, Limit: 100}
	if m.All {
		q.States = nil
	}
	var err error
	if m.Items, err = c.ports.Records.QuarantineList(r.Context(), q); err != nil {
		return err
	}
	c.render(w, r, http.StatusOK, "quarantine", page{Title: "Quarantine", Section: "quarantine", Viewer: viewer, Main: m})
	return nil
}

type quarantinedPage struct {
	bot.Quarantined
	May  bool
	Text string
	Cut  bool
}

func (c *Console) showQuarantined(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	id, err := bot.ParseQuarantineID(r.PathValue("id"))
	if err != nil {
		return bot.Refuse(bot.RefusedUnknown, sentence(err.Error()), "Go to the quarantine and look from there.")
	}
	item, err := c.ports.Records.QuarantineItem(r.Context(), id)
	if err != nil {
		return err
	}
	body := item.Body
	m := quarantinedPage{Quarantined: item, May: viewer.Has(bot.RoleResponder) && item.State == bot.QuarantineHeld, Cut: len(body) > maxShownBody}
	if m.Cut {
		body = body[:maxShownBody]
	}
	m.Text = strings.ToValidUTF8(string(body), string(utf8.RuneError))
	c.render(w, r, http.StatusOK, "quarantined", page{Title: id.String(), Section: "quarantine", Viewer: viewer, Main: m})
	return nil
}

// auditResult is what the last verification said. One runs at a time: it reads
// every Event.
type auditResult struct {
	mu     sync.Mutex
	At     time.Time
	Events int64
	Fault  string
}

type auditPage struct {
	Events []bot.Event
	At     time.Time
	Count  int64
	Fault  string
	Older  string
	Newest bool
}

func (c *Console) showAudit(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	q := bot.EventQuery{Last: true, Limit: perPage}
	before, _ := strconv.ParseInt(r.URL.Query().Get("before"), 10, 64)
	if before > 1 {
		q = bot.EventQuery{After: max(0, before-1-perPage), Limit: int(min(perPage, before-1))}
	}
	events, err := c.ports.Records.Events(r.Context(), q)
	if err != nil {
		return err
	}
	m := auditPage{Newest: before <= 1}
	for i := len(events) - 1; i >= 0; i-- {
		m.Events = append(m.Events, events[i])
	}
	if n := len(m.Events); n > 0 && m.Events[n-1].Seq > 1 {
		m.Older = "/audit?before=" + strconv.FormatInt(m.Events[n-1].Seq, 10)
	}
	if r.URL.Query().Has("verify") {
		c.verify(r)
	}
	c.audit.mu.Lock()
	m.At, m.Count, m.Fault = c.audit.At, c.audit.Events, c.audit.Fault
	c.audit.mu.Unlock()
	c.render(w, r, http.StatusOK, "audit", page{Title: "Audit", Section: "audit", Viewer: viewer, Main: m})
	return nil
}

// verify reads the whole chain, unless that was done a moment ago.
func (c *Console) verify(r *http.Request) {
	c.audit.mu.Lock()
	defer c.audit.mu.Unlock()
	if time.Since(c.audit.At) < 5*time.Second {
		return
	}
	n, err := c.ports.Auditor.VerifyAudit(r.Context())
	if r.Context().Err() != nil {
		return // whoever asked has left; that says nothing about the chain
	}
	c.audit.At, c.audit.Events, c.audit.Fault = time.Now(), n, ""
	if err != nil {
		c.audit.Fault = err.Error()
		c.log.ErrorContext(r.Context(), "the audit chain does not verify", "error", err)
	}
}

type haltPage struct {
	Halts     []bot.Halt
	Fault     bool // what is halted could not be read
	Playbooks []bot.Playbook
}

func (c *Console) showHalt(w http.ResponseWriter, r *http.Request, viewer bot.Person) error {
	m := haltPage{Playbooks: c.ports.Playbooks}
	var err error
	if m.Halts, err = c.ports.Brake.Halts(r.Context()); err != nil {
		c.log.WarnContext(r.Context(), "what is halted could not be read", "error", err)
		m.Fault = true
	}
	c.render(w, r, http.StatusOK, "halt", page{Title: "Halt", Section: "halt", Viewer: viewer, Watch: "/events", Main: m})
	return nil
}
