package bot

import "time"

// Delivery is one payload as it came in, kept so that it can be read and
// replayed. Body is the raw bytes; the store compresses them and drops them
// after the retention by age and size.
type Delivery struct {
	Source     string    `json:"source"`
	ReceivedAt time.Time `json:"received_at"`
	Alerts     int       `json:"alerts"`
	Body       []byte    `json:"-"`
}

// QuarantineState is what became of a payload that could not be understood.
type QuarantineState string

// The states of a Quarantined payload.
const (
	QuarantineHeld      QuarantineState = "held"
	QuarantineReplayed  QuarantineState = "replayed"
	QuarantineDiscarded QuarantineState = "discarded"
)

// Quarantined is a payload that was authentic but could not be understood. It
// is kept whole (up to the body limit) until a person replays or discards it.
type Quarantined struct {
	ID         QuarantineID    `json:"id"`
	Version    int64           `json:"version"`
	State      QuarantineState `json:"state"`
	Source     string          `json:"source"`
	Reason     string          `json:"reason"` // what could not be understood, with the place in the body
	ReceivedAt time.Time       `json:"received_at"`
	Size       int             `json:"size"`   // bytes
	SHA256     string          `json:"sha256"` // hex, of Body; one row per source and body while held
	Repeats    int             `json:"repeats"`
	Body       []byte          `json:"-"`
}

// Outcome says what became of one observed Alert.
type Outcome string

// The outcomes of an observation.
const (
	OutcomeNew      Outcome = "new"      // a new row
	OutcomeRepeat   Outcome = "repeat"   // already known, nothing changed
	OutcomeUpdated  Outcome = "updated"  // known, something changed
	OutcomeResolved Outcome = "resolved" // known and firing, now resolved
	OutcomeStale    Outcome = "stale"    // older than what is known: a firing after its own resolved
)

// Observation is what the store did with one observed Alert.
type Observation struct {
	Key      AlertKey   `json:"key"`
	Incident IncidentID `json:"incident"`
	Outcome  Outcome    `json:"outcome"`
	Because  string     `json:"because"` // one sentence for people: "merged because ..."
}

// Receipt is the answer to a Commit.
type Receipt struct {
	Observed    []Observation  `json:"observed,omitempty"`    // in the order of Change.Observed
	Quarantined []QuarantineID `json:"quarantined,omitempty"` // in the order of Change.Quarantined: the row that holds each
}
