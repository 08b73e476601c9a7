package slack

import (
	"encoding/json"
	"strings"

	slackgo "github.com/slack-go/slack"
)

// block is a block of Block Kit, as far as Salve uses it. The types of the
// library know more kinds and send illegal ones without a word; this one is
// small enough to be read whole, and package legal judges what comes of it.
type block struct {
	Type      string    `json:"type"`
	ID        string    `json:"block_id,omitempty"`
	Text      *text     `json:"text,omitempty"`
	Elements  []element `json:"elements,omitempty"`
	Accessory *element  `json:"accessory,omitempty"`
	Label     *text     `json:"label,omitempty"` // input, as are those below
	Hint      *text     `json:"hint,omitempty"`
	Element   *element  `json:"element,omitempty"`
	Optional  bool      `json:"optional,omitempty"`
}

// carried lets the library carry a block.
type carried struct{ block }

func (c carried) BlockType() slackgo.MessageBlockType {
	return slackgo.MessageBlockType(c.Type)
}

func (c carried) ID() string { return c.block.ID }

func (c carried) MarshalJSON() ([]byte, error) { return json.Marshal(c.block) }

func carry(blocks []block) []slackgo.Block {
	out := make([]slackgo.Block, len(blocks))
	for i, b := range blocks {
		out[i] = carried{b}
	}
	return out
}

// text is a text object. Only plain_text ever holds what others wrote: nothing
// in it is markup.
type text struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    *bool  `json:"emoji,omitempty"`
	Verbatim bool   `json:"verbatim,omitempty"`
}

// plain is a text of which nothing is read as markup, a mention or an emoji.
// Slack takes none that is empty.
func plain(s string, most int) *text {
	literally := false
	s = cut(s, most)
	if strings.TrimSpace(s) == "" {
		s = "–"
	}
	return &text{Type: "plain_text", Text: s, Emoji: &literally}
}

// element is whatever stands in a block: a button, a menu, a field of a form, a
// piece of rich text, a text of small print.
type element struct {
	Type     string    `json:"type"`
	ActionID string    `json:"action_id,omitempty"`
	Label    any       `json:"text,omitempty"` // *text of a button; string of rich text and small print
	Emoji    *bool     `json:"emoji,omitempty"`
	Verbatim bool      `json:"verbatim,omitempty"`
	Value    string    `json:"value,omitempty"`
	Style    any       `json:"style,omitempty"` // string of a button and a list; *look of rich text
	Confirm  *confirm  `json:"confirm,omitempty"`
	Elements []element `json:"elements,omitempty"` // of rich text

	Placeholder   *text    `json:"placeholder,omitempty"`
	Options       []option `json:"options,omitempty"`
	InitialOption *option  `json:"initial_option,omitempty"`
	InitialValue  string   `json:"initial_value,omitempty"`
	InitialUser   string   `json:"initial_user,omitempty"`
	Multiline     bool     `json:"multiline,omitempty"`
	MaxLength     int      `json:"max_length,omitempty"`
	Decimal       *bool    `json:"is_decimal_allowed,omitempty"`

	URL       string `json:"url,omitempty"`
	Timestamp int64  `json:"timestamp,omitempty"`
	Format    string `json:"format,omitempty"`
	Fallback  string `json:"fallback,omitempty"`
}

type look struct {
	Bold bool `json:"bold,omitempty"`
	Code bool `json:"code,omitempty"`
}

type option struct {
	Text  *text  `json:"text"`
	Value string `json:"value"`
}

type confirm struct {
	Title   *text  `json:"title"`
	Text    *text  `json:"text"`
	Confirm *text  `json:"confirm"`
	Deny    *text  `json:"deny"`
	Style   string `json:"style,omitempty"`
}

// view is a modal or a home tab.
type view struct {
	Type            string  `json:"type"`
	Title           *text   `json:"title,omitempty"`
	Blocks          []block `json:"blocks"`
	Close           *text   `json:"close,omitempty"`
	Submit          *text   `json:"submit,omitempty"`
	PrivateMetadata string  `json:"private_metadata,omitempty"`
	CallbackID      string  `json:"callback_id,omitempty"`
}
