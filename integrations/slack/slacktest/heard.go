package slacktest

import (
	"encoding/json"
	"slices"
	"time"
)

// Heard is what became of something that a person did: what they saw of it at
// once. What comes later is found by its methods.
type Heard struct {
	ID          string            // of the envelope or event
	Acked       bool              // within Options.AckWithin
	Body        []byte            // of the acknowledgement
	Status      int               // of the HTTP answer; 0 over a socket
	Attempts    int               // how often it was delivered
	Took        time.Duration     // until it was acknowledged
	Trigger     string            // trigger_id
	ResponseURL string            //
	Confirm     string            // what the person was asked before it was sent
	Blocked     string            // why the person's client did not send it; "": it did
	Errors      map[string]string // by block_id: what a view showed beside its fields

	slack *Slack
	user  string
	since int // how many ephemeral messages there had been
	sent  *delivery
}

// Ephemerals are what the person alone was shown since.
func (h Heard) Ephemerals() []Ephemeral {
	h.slack.mu.Lock()
	defer h.slack.mu.Unlock()
	var out []Ephemeral
	for _, e := range h.slack.seen[min(h.since, len(h.slack.seen)):] {
		if e.To == h.user {
			out = append(out, e)
		}
	}
	return out
}

// Whispered waits for the first message that the person alone was shown since;
// ok is false when none came within 5 s.
func (h Heard) Whispered() (e Ephemeral, ok bool) {
	if !h.slack.Await(5*time.Second, func() bool { return len(h.Ephemerals()) > 0 }) {
		return Ephemeral{}, false
	}
	return h.Ephemerals()[0], true
}

// Opened waits for the view that the gesture opened; ok is false when none came
// within 5 s.
func (h Heard) Opened() (v View, ok bool) {
	found := func() bool {
		h.slack.mu.Lock()
		defer h.slack.mu.Unlock()
		for _, candidate := range h.slack.views {
			if candidate.Trigger == h.Trigger && h.Trigger != "" {
				v, ok = *candidate, true
			}
		}
		return ok
	}
	return v, h.slack.Await(5*time.Second, found)
}

// Again delivers the very same once more, as Slack does when it did not see the
// acknowledgement: over HTTP byte for byte with its signature.
func (s *Slack) Again(h Heard) Heard {
	s.tb.Helper()
	if h.sent == nil {
		s.tb.Fatal("slacktest: nothing was sent that could be sent again")
	}
	sent := *h.sent // many may send it again at once
	sent.retry++
	return s.deliver(h, &sent)
}

// View is the view as it is now.
func (s *Slack) View(id string) (v View, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.views[id]; found != nil {
		return *found, true
	}
	return View{}, false
}

// delivery is something on its way to the app.
type delivery struct {
	kind    string // slash_commands, interactive, events_api
	payload map[string]any
	id      string // of the envelope
	retry   int
	request *signed // over HTTP: what was sent
}

// begin fills in what every gesture has.
func (s *Slack) begin(user string) Heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Heard{slack: s, user: user, since: len(s.seen)}
}

const maxRetries = 3

// deliver brings it to the app, again where Slack would: events that are not
// acknowledged, and what was on a socket that ended.
func (s *Slack) deliver(h Heard, d *delivery) Heard {
	h.sent, h.Acked, h.Body, h.Status = d, false, nil, 0
	started := time.Now()
	overHTTP := s.address(d.kind) != ""
	for {
		h.Attempts++
		var again bool
		if overHTTP {
			again = s.post(&h, d)
		} else {
			again = s.push(&h, d)
		}
		if h.Acked || !again || d.retry >= maxRetries {
			h.Took = time.Since(started)
			return h
		}
		d.retry++
	}
}

// push sends it over a socket and tells whether to try again.
func (s *Slack) push(h *Heard, d *delivery) (again bool) {
	k := s.nextSocket(s.opts.AckWithin)
	if k == nil {
		return false
	}
	e := &envelope{id: d.id, acked: make(chan struct{})}
	s.mu.Lock()
	if d.id == "" {
		d.id = newUUID()
		e.id = d.id
	}
	s.envelopes[d.id] = e // an acknowledgement of an earlier attempt does not count for this one
	s.mu.Unlock()
	h.ID = d.id
	out := map[string]any{
		"envelope_id": d.id, "type": d.kind, "payload": d.payload, "accepts_response_payload": d.kind != "events_api",
	}
	if d.kind == "events_api" || d.retry > 0 {
		reason := ""
		if d.retry > 0 {
			reason = "timeout"
		}
		out["retry_attempt"], out["retry_reason"] = d.retry, reason
	}
	if k.send(out) != nil {
		return true
	}
	timer := time.NewTimer(s.opts.AckWithin)
	defer timer.Stop()
	select {
	case <-e.acked:
	case <-k.gone:
	case <-timer.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h.Acked, h.Body = e.acks > 0, slices.Clone(e.ack)
	select {
	case <-k.gone:
		return true
	default:
		return d.kind == "events_api"
	}
}

// Acks is how often the envelope was acknowledged since it was last delivered.
func (s *Slack) Acks(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.envelopes[id]; e != nil {
		return e.acks
	}
	return 0
}

func decoded(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	var out any
	_ = json.Unmarshal(raw, &out) // it was encoded here
	return out
}
