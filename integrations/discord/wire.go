package discord

import "encoding/json"

// The types below are what Salve sends, and no more: small enough to be read
// whole, and judged by package legal.

// message is what is posted, edited and answered with. Content, embeds and
// components are always there: an edit leaves nothing of what stood there.
type message struct {
	Content     string       `json:"content"`
	Embeds      []embed      `json:"embeds"`
	Components  []component  `json:"components"`
	Mentions    mentions     `json:"allowed_mentions"`
	Flags       int          `json:"flags,omitempty"`
	Nonce       string       `json:"nonce,omitempty"`
	Enforce     bool         `json:"enforce_nonce,omitempty"`
	Reference   *reference   `json:"message_reference,omitempty"`
	Attachments []attachment `json:"attachments,omitempty"`
}

// ephemeral is the flag of what one person alone sees.
const ephemeral = 1 << 6

// mentions say who may be woken: nobody but those named.
type mentions struct {
	Parse []string `json:"parse"`
	Users []string `json:"users"`
	Roles []string `json:"roles"`
}

func nobody() mentions { return mentions{Parse: []string{}, Users: []string{}, Roles: []string{}} }

// embed is the framed part of a message. Its title is not used: nothing in a
// title can be a link or an instant.
type embed struct {
	Description string `json:"description"`
	Color       int    `json:"color"`
	URL         string `json:"url,omitempty"` // what the message is found by; without a title nothing shows it
}

// reference makes a message an answer to another.
type reference struct {
	Message  string `json:"message_id"`
	MustHave bool   `json:"fail_if_not_exists"`
}

type attachment struct {
	ID          string `json:"id"`
	Filename    string `json:"filename"`
	Description string `json:"description,omitempty"`
}

// The types of component.
const (
	kindRow    = 1
	kindButton = 2
	kindSelect = 3
	kindInput  = 4
	kindUser   = 5
	kindText   = 10
	kindLabel  = 18
)

// The styles of a button and of an input.
const (
	stylePrimary   = 1
	styleSecondary = 2
	styleSuccess   = 3
	styleDanger    = 4

	styleShort = 1
	styleLong  = 2
)

// component is a row, a button, a menu, or a part of a form.
type component struct {
	Type        int         `json:"type"`
	CustomID    string      `json:"custom_id,omitempty"`
	Style       int         `json:"style,omitempty"`
	Label       string      `json:"label,omitempty"`
	Placeholder string      `json:"placeholder,omitempty"`
	Options     []option    `json:"options,omitempty"`
	Min         *int        `json:"min_values,omitempty"`
	Max         int         `json:"max_values,omitempty"`
	Components  []component `json:"components,omitempty"` // of a row
	Component   *component  `json:"component,omitempty"`  // of a label
	Description string      `json:"description,omitempty"`
	Content     string      `json:"content,omitempty"` // of a text
	Value       string      `json:"value,omitempty"`
	MaxLength   int         `json:"max_length,omitempty"`
	Required    *bool       `json:"required,omitempty"`
	Defaults    []standing  `json:"default_values,omitempty"`
}

type option struct {
	Label       string `json:"label"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
	Default     bool   `json:"default,omitempty"`
}

type standing struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// modal is a form above everything else.
type modal struct {
	CustomID   string      `json:"custom_id"`
	Title      string      `json:"title"`
	Components []component `json:"components"`
}

// The types of a first answer.
const (
	answerPong     = 1
	answerMessage  = 4
	answerWait     = 5 // a message comes later
	answerWaitEdit = 6 // the message with the button is edited later
	answerEdit     = 7
	answerChoices  = 8
	answerModal    = 9
)

// answer is the first answer to an interaction.
type answer struct {
	Type int `json:"type"`
	Data any `json:"data,omitempty"`
}

type choices struct {
	Choices []choiceOf `json:"choices"`
}

type choiceOf struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// said is a message of Discord as far as it is read.
type said struct {
	ID      string          `json:"id"`
	Channel string          `json:"channel_id"`
	Content string          `json:"content"`
	Nonce   json.RawMessage `json:"nonce"`
	Embeds  []struct {
		URL         string `json:"url"`
		Description string `json:"description"`
	} `json:"embeds"`
	Author struct {
		ID string `json:"id"`
	} `json:"author"`
}
