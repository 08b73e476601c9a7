package bot

import "time"

// MessageKind says what a Message is about.
type MessageKind string

// The kinds of Message.
const (
	MessageCard     MessageKind = "card"     // an Incident, edited in place
	MessageProgress MessageKind = "progress" // a Run, edited in place while it goes on, and its result
	MessageNotice   MessageKind = "notice"   // something that people must hear of now
	MessagePlot     MessageKind = "plot"     // a picture in the thread of a card, posted once
	MessageOutput   MessageKind = "output"   // the whole output of a Run that is over, as a file in its thread, posted once
	MessageStorm    MessageKind = "storm"    // many Incidents at once, edited in place
	MessageWeekly   MessageKind = "weekly"   // what became of a week
	MessageReply    MessageKind = "reply"    // to one person, seen by nobody else
	MessageHome     MessageKind = "home"     // a person's own page
	MessagePage     MessageKind = "page"     // wakes somebody by other means than chat
)

// Tone is how much a Message needs people; surfaces show it as a colour and a
// symbol.
type Tone string

// The tones.
const (
	ToneUrgent Tone = "urgent" // something failed, or nobody knows
	ToneAsking Tone = "asking" // people are asked
	ToneBusy   Tone = "busy"   // something runs
	ToneGood   Tone = "good"   // fixed, resolved
	ToneQuiet  Tone = "quiet"  // the rest
)

// What a Message may hold; a surface may cut more, and says so.
const (
	MaxLines   = 10  // of a card, at phone width
	MaxButtons = 4   // beside each other, "More" included
	MaxMore    = 5   // behind "More"
	MaxAlone   = 180 // runes of Message.Alone
)

// Message is what chat shows at one place. It knows no vendor: each surface
// renders it in its own native form. All text is plain and untrusted; surfaces
// escape it, and nothing in it mentions anybody or becomes a link.
type Message struct {
	Kind      MessageKind `json:"kind"`
	Alone     string      `json:"alone"` // says it all by itself, in one line: on a lock screen, to a screen reader
	Tone      Tone        `json:"tone"`
	Title     []Span      `json:"title,omitempty"`
	Lines     []Line      `json:"lines,omitempty"`
	Buttons   []Button    `json:"buttons,omitempty"`   // the likeliest first
	More      []Button    `json:"more,omitempty"`      // behind "More"; a surface without menus shows a form
	Rows      []Row       `json:"rows,omitempty"`      // a list, each with its own button: replies and homes
	Wakes     []Mention   `json:"wakes,omitempty"`     // who is mentioned; nobody else ever is
	Broadcast bool        `json:"broadcast,omitempty"` // of what stands in a thread: it shows in the channel too
	Files     []File      `json:"files,omitempty"`     // beside a Message that is posted; never edited
}

// Line is one line of a Message.
type Line struct {
	Kind  LineKind `json:"kind,omitempty"`
	Spans []Span   `json:"spans"`
}

// LineKind is how a Line looks.
type LineKind string

// The kinds of Line.
const (
	LineText  LineKind = ""
	LineQuiet LineKind = "quiet" // small print
	LineItem  LineKind = "item"  // of a list
	LineHead  LineKind = "head"  // of a section
	LineCode  LineKind = "code"  // kept as it is, in fixed width; may hold line breaks
)

// Span is a piece of a Line. One of Text and At is shown.
type Span struct {
	Text  string    `json:"text,omitempty"`
	At    time.Time `json:"at,omitzero"` // an instant, in the reader's own zone
	Style SpanStyle `json:"style,omitempty"`
	URL   string    `json:"url,omitempty"` // http or https; Text is its label, and the host is shown beside it
}

// SpanStyle is how a Span looks.
type SpanStyle string

// The styles of a Span.
const (
	SpanPlain  SpanStyle = ""
	SpanStrong SpanStyle = "strong"
	SpanCode   SpanStyle = "code"
)

// Row is an entry of a list with a Button of its own.
type Row struct {
	Line   Line    `json:"line"`
	Button *Button `json:"button,omitempty"`
}

// Mention names whom a Message wakes.
type Mention struct {
	Kind MentionKind `json:"kind"`
	ID   string      `json:"id"` // the surface's own id of the user or group
	Name string      `json:"name,omitempty"`
}

// MentionKind tells whom a Mention names.
type MentionKind string

// The kinds of Mention.
const (
	MentionUser  MentionKind = "user"
	MentionGroup MentionKind = "group"
)

// File goes beside a Message.
type File struct {
	Name  string `json:"name"`
	Media string `json:"media"` // image/png, text/csv, text/plain
	Alt   string `json:"alt"`   // what it shows, for those who cannot see it
	Body  []byte `json:"-"`
}

// Button is pressed by whoever may; what it leads to is judged then.
type Button struct {
	Label   string `json:"label"`
	Style   string `json:"style,omitempty"` // primary, danger or empty
	Press   Press  `json:"press"`
	Confirm string `json:"confirm,omitempty"` // asked before it is sent: digest and target, 300 runes at most
	Twin    string `json:"twin,omitempty"`    // the slash command that does the same, without the slash
	Token   string `json:"token,omitempty"`   // opaque; stands for the Offer of Press
}

// PressKind is what pressing a Button, or handing in a Form, leads to.
type PressKind string

// The kinds of Press.
const (
	PressCommand PressKind = "command" // Command is carried out
	PressForm    PressKind = "form"    // a Form asks for what Command lacks
	PressShow    PressKind = "show"    // something is shown to whoever pressed, and nothing else happens
)

// Press is what a Button stands for.
type Press struct {
	Kind    PressKind `json:"kind"`
	Command Command   `json:"command"`        // for show: what it is about
	Asks    []string  `json:"asks,omitempty"` // form: the fields of Command that the person fills in
	Show    Show      `json:"show,omitempty"`
}

// Show is what a Press of that kind shows.
type Show string

// What can be shown.
const (
	ShowCard   Show = "card"   // an incident, whole
	ShowPlan   Show = "plan"   // a plan: what would run, on what, with which undo
	ShowWhy    Show = "why"    // the verdicts
	ShowOutput Show = "output" // of a run
	ShowList   Show = "list"   // open incidents
	ShowMine   Show = "mine"   // what the person may approve
	ShowWhoami Show = "whoami"
	ShowHelp   Show = "help"
	ShowMore   Show = "more" // everything else that whoever pressed may do with an incident
)

// Form asks a person for what a Command lacks, or shows what is too long for a
// Message.
type Form struct {
	Title  string  `json:"title"` // 24 runes at most
	Lines  []Line  `json:"lines,omitempty"`
	Rows   []Row   `json:"rows,omitempty"` // after Lines; their buttons lead on to other Forms
	Fields []Field `json:"fields,omitempty"`
	Submit string  `json:"submit,omitempty"` // "": it only shows
	Press  Press   `json:"press"`            // what handing in leads to, with Fields filled in
	Token  string  `json:"token,omitempty"`
}

// FieldKind is what a Field takes.
type FieldKind string

// The kinds of Field.
const (
	FieldText   FieldKind = "text"
	FieldLong   FieldKind = "long" // several lines
	FieldChoice FieldKind = "choice"
	FieldPerson FieldKind = "person" // one of the surface's users
	FieldWhole  FieldKind = "whole"  // an integer
)

// Field is one thing that a Form asks for. Name is a field of Command ("reason",
// "to", "for", "into", "playbook", "severity", "title"), or "param." and the name
// of a parameter.
type Field struct {
	Name     string    `json:"name"`
	Label    string    `json:"label"`
	Hint     string    `json:"hint,omitempty"`
	Kind     FieldKind `json:"kind"`
	Value    string    `json:"value,omitempty"`
	Choices  []Choice  `json:"choices,omitempty"`
	Optional bool      `json:"optional,omitempty"`
	Max      int       `json:"max,omitempty"` // runes; 0: the surface's own limit
}

// Choice is one value of a Field.
type Choice struct {
	Value string `json:"value"`
	Label string `json:"label"`
}
