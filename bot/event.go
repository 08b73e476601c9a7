package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// EventKind names what happened: "noun.verb".
type EventKind string

// The kinds of Event.
const (
	EventGenesis EventKind = "chain.started"

	EventAlerts      EventKind = "alerts.received"
	EventQuarantined EventKind = "payload.quarantined"
	EventReplayed    EventKind = "payload.replayed"
	EventDiscarded   EventKind = "payload.discarded"

	EventDecided   EventKind = "incident.decided"
	EventTaken     EventKind = "incident.taken"
	EventReleased  EventKind = "incident.released"
	EventAssigned  EventKind = "incident.assigned"
	EventNoted     EventKind = "incident.noted"
	EventSnoozed   EventKind = "incident.snoozed"
	EventClosed    EventKind = "incident.closed"
	EventReopened  EventKind = "incident.reopened"
	EventMerged    EventKind = "incident.merged"
	EventSplit     EventKind = "incident.split"
	EventHandover  EventKind = "incident.handed_over"
	EventAsked     EventKind = "incident.asked"
	EventEscalated EventKind = "incident.escalated"

	EventProposed  EventKind = "approval.opened"
	EventVoted     EventKind = "approval.voted"
	EventApproved  EventKind = "approval.approved"
	EventDenied    EventKind = "approval.denied"
	EventExpiring  EventKind = "approval.expiring" // its time is nearly over, and nobody has decided
	EventExpired   EventKind = "approval.expired"
	EventWithdrawn EventKind = "approval.withdrawn"
	EventRefused   EventKind = "approval.refused" // a vote that did not count, and why

	EventRunPlanned   EventKind = "run.planned"
	EventStepStarted  EventKind = "step.started"
	EventStepEnded    EventKind = "step.ended"
	EventStepUnknown  EventKind = "step.unknown"
	EventStepSettled  EventKind = "step.settled"
	EventRunVerifying EventKind = "run.verifying"
	EventRunWaiting   EventKind = "run.waiting"
	EventRunUndoing   EventKind = "run.undoing"
	EventRunEnded     EventKind = "run.ended"
	EventCancelAsked  EventKind = "run.cancel_asked"

	EventHalted  EventKind = "halt.set"
	EventResumed EventKind = "halt.lifted"

	EventClaimed   EventKind = "target.claimed"
	EventUnclaimed EventKind = "target.released"

	EventPerson  EventKind = "person.changed"
	EventToken   EventKind = "token.issued"
	EventRevoked EventKind = "token.revoked"
	EventLogin   EventKind = "session.opened"

	EventStarted  EventKind = "process.started"
	EventLoaded   EventKind = "playbooks.loaded"
	EventStopped  EventKind = "process.stopped"
	EventReminded EventKind = "owner.reminded"
	EventRestored EventKind = "database.restored"

	EventPageTested EventKind = "page.tested"
)

// Event is an audited fact. Chain, Seq, Prev and Hash are given by the store
// when it seals the Event into its chain.
type Event struct {
	Chain    string            `json:"chain"`
	Seq      int64             `json:"seq"`
	At       time.Time         `json:"at"`
	Kind     EventKind         `json:"kind"`
	Actor    Actor             `json:"actor"`
	Incident IncidentID        `json:"incident,omitempty"`
	Plan     PlanID            `json:"plan,omitempty"`
	Approval ApprovalID        `json:"approval,omitempty"`
	Run      RunID             `json:"run,omitempty"`
	Text     string            `json:"text"` // one sentence for people
	Data     map[string]string `json:"data,omitempty"`
	Prev     string            `json:"prev"` // Hash of the Event before it; the heads seen, for the first
	Hash     string            `json:"hash"`
}

// Seal puts the Event behind prev in the chain and computes its Hash: hex
// SHA-256 of the JSON of the Event with an empty Hash. At is cut to
// milliseconds, in UTC, so that it survives storage.
func (e Event) Seal(chain string, seq int64, prev string) (Event, error) {
	e, _, err := e.SealJSON(chain, seq, prev)
	return e, err
}

// SealJSON is Seal, and gives the JSON of the sealed Event too, for those who
// store it.
func (e Event) SealJSON(chain string, seq int64, prev string) (Event, []byte, error) {
	e.Chain, e.Seq, e.Prev, e.Hash = chain, seq, prev, ""
	e.At = e.At.UTC().Truncate(time.Millisecond)
	b, err := json.Marshal(e)
	if err != nil {
		return Event{}, nil, fmt.Errorf("seal event %s %d: %w", chain, seq, err)
	}
	sum := sha256.Sum256(b)
	e.Hash = hex.EncodeToString(sum[:])
	b = append(b[:len(b)-len(`"}`)], e.Hash...) // Hash is the last field
	return e, append(b, `"}`...), nil
}
