package discordtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
)

const (
	maxFile    = 10 << 20 // bytes
	maxRequest = 25 << 20
	maxFiles   = 10
)

// read reads the body: JSON alone, or beside files.
func (r *request) read() *refusal {
	body, err := io.ReadAll(io.LimitReader(r.Request.Body, maxRequest+1))
	if err != nil {
		return errNotJSON
	}
	if len(body) > maxRequest {
		return errTooLarge
	}
	declared := r.Header.Get("Content-Type")
	if len(body) == 0 {
		if declared != "" && r.Method != http.MethodGet && r.Method != http.MethodDelete {
			return errNotJSON // Discord refuses a kind of content without content
		}
		return nil
	}
	payload, files, no := unpack(declared, body)
	r.body, r.files = payload, files
	return no
}

// unpack reads what a request or an answer carries.
func unpack(declared string, body []byte) (payload json.RawMessage, files []Attachment, no *refusal) {
	kind, params, err := mime.ParseMediaType(declared)
	switch {
	case err == nil && kind == "application/json":
		payload = body
	case err == nil && kind == "multipart/form-data":
		payload, files, no = unpackParts(multipart.NewReader(strings.NewReader(string(body)), params["boundary"]))
	default:
		return nil, nil, &refusal{status: http.StatusUnsupportedMediaType, code: 50035, message: "Expected \"Content-Type\" header to be one of {'application/json'}."}
	}
	if no == nil && payload != nil && !json.Valid(payload) {
		no = errNotJSON
	}
	return payload, files, no
}

func unpackParts(parts *multipart.Reader) (payload json.RawMessage, files []Attachment, no *refusal) {
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return payload, files, nil
		}
		if err != nil {
			return nil, nil, errNotJSON
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, nil, errNotJSON
		}
		if part.FormName() == "payload_json" {
			payload = content
			continue
		}
		index := strings.TrimSuffix(strings.TrimPrefix(part.FormName(), "files["), "]")
		if "files["+index+"]" != part.FormName() || part.FileName() == "" {
			return nil, nil, formError(part.FormName(), "BASE_TYPE_BAD", "is no file")
		}
		if len(content) > maxFile || len(files) == maxFiles {
			return nil, nil, errTooLarge
		}
		files = append(files, Attachment{ID: index, Name: part.FileName(), Kind: part.Header.Get("Content-Type"), Body: content})
	}
}

func formError(field, code, message string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: 50035, message: "Invalid Form Body",
		errors: object{field: object{"_errors": []object{{"code": code, "message": message}}}}}
}

// content is what a payload says of a message; what it does not name is nil.
type content struct {
	Content     *string         `json:"content"`
	Embeds      json.RawMessage `json:"embeds"`
	Components  json.RawMessage `json:"components"`
	Attachments *[]struct {
		ID          string  `json:"id"`
		Filename    *string `json:"filename"`
		Description *string `json:"description"`
	} `json:"attachments"`
	Flags    *int64          `json:"flags"`
	Nonce    json.RawMessage `json:"nonce"`
	Enforce  bool            `json:"enforce_nonce"`
	Mentions *mentions       `json:"allowed_mentions"`
	ReplyTo  *reply          `json:"message_reference"`
}

// reply names the message that is answered, in the same channel.
type reply struct {
	Message string `json:"message_id"`
	Channel string `json:"channel_id"`
	Must    *bool  `json:"fail_if_not_exists"`
}

type mentions struct {
	Parse *[]string `json:"parse"`
	Roles []string  `json:"roles"`
	Users []string  `json:"users"`
	Reply bool      `json:"replied_user"`
}

// fill puts into the message what the payload says, with the files that came
// with it. The lock is held.
func (d *Discord) fill(m *Message, payload json.RawMessage, files []Attachment) *refusal {
	var c content
	if len(payload) > 0 {
		if err := json.Unmarshal(payload, &c); err != nil {
			return errNotJSON
		}
	}
	attachments, no := d.attach(m, &c, files)
	if no != nil {
		return no
	}
	next := *m
	next.Attachments = attachments
	if c.Content != nil {
		next.Content = strings.TrimSpace(*c.Content)
	} else if hasNull(payload, "content") {
		next.Content = ""
	}
	for field, raw := range map[*json.RawMessage]json.RawMessage{&next.Embeds: c.Embeds, &next.Components: c.Components} {
		if string(raw) == "null" {
			raw = json.RawMessage("[]")
		}
		if raw != nil {
			*field = slices.Clone(raw)
		}
	}
	if c.Flags != nil {
		next.Flags = *c.Flags
	}
	if next.Content == "" && none(next.Embeds) && none(next.Components) && len(next.Attachments) == 0 {
		return errEmpty
	}
	if m.At.IsZero() || m.Waiting {
		next.Pinged = d.pings(next.Content, c.Mentions)
		if no := d.replyTo(&next, &c); no != nil {
			return no
		}
	}
	*m = next
	return nil
}

// replyTo makes it an answer to another message, whose author it notifies unless
// allowed_mentions say otherwise.
func (d *Discord) replyTo(m *Message, c *content) *refusal {
	if c.ReplyTo == nil {
		return nil
	}
	to := d.message(m.Channel, c.ReplyTo.Message)
	switch {
	case to == nil && c.ReplyTo.Must != nil && !*c.ReplyTo.Must:
		return nil // it is a message of its own
	case to == nil, c.ReplyTo.Channel != "" && c.ReplyTo.Channel != m.Channel:
		return formError("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
	}
	m.ReplyTo = to.ID
	if c.Mentions == nil || c.Mentions.Reply {
		m.Pinged = append(m.Pinged, to.Author)
	}
	return nil
}

func hasNull(payload json.RawMessage, field string) bool {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(payload, &fields) // it was read before
	return string(fields[field]) == "null"
}

func none(list json.RawMessage) bool {
	values, _ := decoded(list).([]any)
	return len(values) == 0
}

// attach is what the message has of files afterwards: those of its own that the
// payload names, or all when it names none, and the new ones.
func (d *Discord) attach(m *Message, c *content, files []Attachment) ([]Attachment, *refusal) {
	var out []Attachment
	left := slices.Clone(files)
	if c.Attachments == nil {
		out = slices.Clone(m.Attachments)
	} else {
		for _, named := range *c.Attachments {
			i := slices.IndexFunc(left, func(f Attachment) bool { return f.ID == named.ID })
			old := slices.IndexFunc(m.Attachments, func(f Attachment) bool { return f.ID == named.ID })
			switch {
			case i >= 0:
				f := left[i]
				left = slices.Delete(left, i, i+1)
				if named.Filename != nil {
					f.Name = *named.Filename
				}
				if named.Description != nil {
					f.Description = *named.Description
				}
				f.ID = d.id()
				out = append(out, f)
			case old >= 0:
				out = append(out, m.Attachments[old])
			default:
				return nil, formError("attachments", "ATTACHMENT_NOT_FOUND", fmt.Sprintf("there is no file %q in the request", named.ID))
			}
		}
	}
	for _, f := range left {
		f.ID = d.id()
		out = append(out, f)
	}
	return out, nil
}
