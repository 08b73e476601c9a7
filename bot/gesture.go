package bot

import "time"

// GestureKind is what somebody did on a chat surface.
type GestureKind string

// The kinds of Gesture.
const (
	GestureSaid    GestureKind = "said"    // typed a slash command, or mentioned Salve
	GesturePressed GestureKind = "pressed" // a Button
	GestureFilled  GestureKind = "filled"  // handed in a Form
	GestureChose   GestureKind = "chose"   // the shortcut on a message: make this an incident
	GestureOpened  GestureKind = "opened"  // their own page
)

// Gesture is what somebody did on a chat surface: a row of the inbox, written
// before the surface is told that it was heard. Everything in it but Surface,
// Transport, User and ReceivedAt is hostile.
type Gesture struct {
	Key       string      `json:"key"` // the surface's own id of it: the same twice is one
	Version   int64       `json:"version"`
	Done      bool        `json:"done"`
	Attempts  int         `json:"attempts,omitempty"`
	DueAt     time.Time   `json:"due_at"` // when a process that did not hear it takes it up
	Surface   string      `json:"surface"`
	Transport string      `json:"transport"` // socket, http, gateway
	Kind      GestureKind `json:"kind"`
	User      ChatUser    `json:"user"`
	Place     string      `json:"place,omitempty"`   // the channel
	Thread    string      `json:"thread,omitempty"`  // Ref of the Message in whose thread it was said
	Message   string      `json:"message,omitempty"` // Ref of the Message that was pressed or chosen
	Text      string      `json:"text,omitempty"`    // said: without the command's own name; chose: of the message
	Token     string      `json:"token,omitempty"`   // pressed, filled
	// Fields are what was filled in, by Field.Name.
	Fields map[string]string `json:"fields,omitempty"`
	// Handles are what the surface needs to answer: response_url, trigger_id. They
	// open something for a short time and are never shown or logged.
	Handles    map[string]string `json:"handles,omitempty"`
	ReceivedAt time.Time         `json:"received_at"`
	Result     string            `json:"result,omitempty"` // what became of it, in one sentence
}

// ChatUser is a user of a chat surface as the surface vouches for it.
type ChatUser struct {
	ID   string `json:"id"` // tenant and user, like T0123/U0456: the ID of an Identity
	Name string `json:"name,omitempty"`
	// Tenant is where the gesture came from, when that is not where the user is
	// at home: somebody external.
	Tenant string `json:"tenant,omitempty"`
}

// Member is what a surface knows about a user now.
type Member struct {
	User     ChatUser
	Why      string    // why they may only read: guest, bot, external, gone; "": a full member
	Email    string    // verified by the surface
	Groups   []string  // approver groups that come of the surface's own groups
	Unread   []string  // approver groups of which the surface could not tell who is in them: nobody is
	ReadAt   time.Time // when Groups were read
	Timezone string
}
