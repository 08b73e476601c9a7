package bot

import (
	"fmt"
	"time"
)

// PostState is where a Post stands.
type PostState string

// The states of a Post.
const (
	PostDue    PostState = "due"    // something is to be sent
	PostShown  PostState = "shown"  // the surface shows what there is to show
	PostMoot   PostState = "moot"   // there was no more reason to send it
	PostFailed PostState = "failed" // it can never be sent; Error says why
)

// Post is one Message at one place of one surface: a row of the outbox. It holds
// no text: what is sent is made from the rows as they are when it is sent, so
// that the newest is shown and an old one never comes after it.
type Post struct {
	Key      string      `json:"key"` // of all Posts one: surface, place and what it shows, like slack/C1/card/I-142
	Version  int64       `json:"version"`
	State    PostState   `json:"state"`
	Surface  string      `json:"surface"` // slack, discord, page
	Place    string      `json:"place"`   // the channel or user; of a page: the name of the pager
	Kind     MessageKind `json:"kind"`
	Incident IncidentID  `json:"incident,omitempty"`
	Run      RunID       `json:"run,omitempty"`
	Parent   string      `json:"parent,omitempty"` // Key of the Post in whose thread it stands; "": none
	About    int64       `json:"about,omitempty"`  // notice, page: Seq of the Event that it tells
	Rank     int         `json:"rank"`             // of what is due at one place, lower goes first
	DueAt    time.Time   `json:"due_at,omitzero"`
	OpenedAt time.Time   `json:"opened_at"`
	Attempts int         `json:"attempts,omitempty"` // since it was last shown
	Error    string      `json:"error,omitempty"`    // of the last attempt; nothing secret
	Spared   int64       `json:"spared,omitempty"`   // storm: Incidents that were over before their card was posted, told here alone

	Wanted int64  `json:"wanted"`          // Seq of the newest Event that it must show
	Shown  int64  `json:"shown"`           // Seq of the newest Event that it showed
	Sum    string `json:"sum,omitempty"`   // of what was shown last, so that the same is not sent again; "": not known; while Unsure, of what may have been posted
	Mark   Mark   `json:"mark,omitzero"`   // where the surface keeps it; zero: it was not posted so far
	Nonce  string `json:"nonce,omitempty"` // sent with it, so that it can be found again
	// Unsure is when an attempt to post began whose end nobody has noted: it is
	// looked up by Nonce before it is posted again. Zero: none.
	Unsure time.Time         `json:"unsure,omitzero"`
	SentAt time.Time         `json:"sent_at,omitzero"`
	Tokens map[string]string `json:"tokens,omitempty"` // sum of a Press -> Token of its Offer, so that editing keeps buttons alive
	Moved  string            `json:"moved,omitempty"`  // why it stands here and not where it belongs: "channel C1 is archived"; page: "slack is down"
}

// Mark is where a surface keeps a Message.
type Mark struct {
	Place string `json:"place"` // the channel as the surface names it in its answer
	Ref   string `json:"ref"`   // the surface's own id; a string, never a number
}

// PostQuery selects Posts, those that go first first. Zero fields select all.
type PostQuery struct {
	Surface  string
	Place    string
	Incident IncidentID
	Due      time.Time // only those due by then; ordered by Rank, then DueAt
	Limit    int       // 0: 50
}

// Offer is what a token stands for. The token is all that a button carries;
// whoever presses is judged anew.
type Offer struct {
	Token     string    `json:"token"`
	Surface   string    `json:"surface"`
	For       string    `json:"for,omitempty"`   // the surface's id of the only user who may use it; "": anybody
	Post      string    `json:"post,omitempty"`  // Key of the Post that it stands on
	Shown     string    `json:"shown,omitempty"` // what stood there, for the record: the text that the person read
	Press     Press     `json:"press"`
	From      Mark      `json:"from,omitzero"` // of a private one: the message that led to it, which Command.Basis names
	ExpiresAt time.Time `json:"expires_at"`
}

// Cursor is how far a leg has read the Events.
type Cursor struct {
	Name    string `json:"name"`
	Version int64  `json:"version"`
	Seq     int64  `json:"seq"`
}

// Parcel is a Message on its way to a surface.
type Parcel struct {
	Place   string  // where to
	Thread  Mark    // the Message in whose thread it goes; zero: none
	Nonce   string  // to find it by, and for surfaces that know repeats by it
	Key     string  // of the Post: for a pager, what belongs to one incident
	Message Message //
}

// SendFault is why a surface did not take a Message.
type SendFault string

// The faults.
const (
	SendLater   SendFault = "later"   // too much at once: After says when
	SendDown    SendFault = "down"    // surely not taken: not reached, or it refused for reasons of its own; try again
	SendUnsure  SendFault = "unsure"  // it may have been taken: look it up before posting again
	SendGone    SendFault = "gone"    // the Message to edit is not there or cannot be edited any more: post it anew
	SendNoPlace SendFault = "noplace" // the place is closed, unknown or not open to Salve: take another
	SendRefused SendFault = "refused" // this Message is never taken: show less of it
	SendDenied  SendFault = "denied"  // the credentials are not taken, or lack a right: people must mend that
)

// SendError is a Message that was not sent.
type SendError struct {
	Fault SendFault
	After time.Duration // later: for how long to be silent
	Wide  bool          // later: for the whole surface, not for this place alone
	Why   string        // for people; nothing secret
	Cause error
}

func (e *SendError) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %v", e.Why, e.Cause)
	}
	return e.Why
}

func (e *SendError) Unwrap() error { return e.Cause }
