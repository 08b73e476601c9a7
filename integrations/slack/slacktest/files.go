package slacktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

func (s *Slack) uploadURL(req *request) (answer, *refusal) {
	length, err := strconv.Atoi(req.args["length"])
	if err != nil || length <= 0 {
		return nil, refuse("invalid_arguments", "[ERROR] length must be greater than 0")
	}
	f := &File{ID: s.id("F"), Name: req.args["filename"], Alt: req.args["alt_txt"], length: length, ticket: secret()}
	s.files[f.ID] = f
	return answer{"upload_url": s.server.URL + "/upload/" + f.ID + "?ticket=" + f.ticket, "file_id": f.ID}, nil
}

const maxUpload = 16 << 20 // bytes

// serveUpload takes the bytes, raw or as the only file of a form.
func (s *Slack) serveUpload(w http.ResponseWriter, r *http.Request) {
	fault := s.takeFault(Call{Method: "upload"})
	if !s.hold(r, fault) {
		return
	}
	if fault.before() {
		fault.answer(w)
		return
	}
	body, err := uploaded(r)
	s.mu.Lock()
	f := s.files[r.PathValue("file")]
	good := err == nil && f != nil && f.ticket == r.URL.Query().Get("ticket") && !f.received && len(body) == f.length
	if good {
		f.Body, f.received = body, true
	}
	s.mu.Unlock()
	switch {
	case !good:
		http.Error(w, "upload refused", http.StatusBadRequest)
	case fault.CutAfter:
		cut(w)
	default:
		_, _ = fmt.Fprintf(w, "OK - %d", len(body)) // the other side is gone
	}
}

func uploaded(r *http.Request) ([]byte, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxUpload)
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		return io.ReadAll(r.Body)
	}
	reader, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	part, err := reader.NextPart()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(part)
}

// completeUpload shares what was uploaded: as a message of its own.
func (s *Slack) completeUpload(req *request) (answer, *refusal) {
	var wanted []struct{ ID, Title string }
	if json.Unmarshal([]byte(req.args["files"]), &wanted) != nil || len(wanted) == 0 {
		return nil, refuse("invalid_arguments", "[ERROR] files is no list of files")
	}
	var out []map[string]any
	var shared []*File
	for _, w := range wanted {
		f := s.files[w.ID]
		if f == nil || !f.received {
			return nil, refuse("file_not_found")
		}
		f.Title = w.Title
		shared = append(shared, f)
		out = append(out, map[string]any{"id": f.ID, "title": f.Title, "name": f.Name, "size": len(f.Body)})
	}
	var targets []string
	for _, id := range strings.Split(req.args["channel_id"]+","+req.args["channels"], ",") {
		if id != "" {
			targets = append(targets, id)
		}
	}
	for _, id := range targets {
		if no := s.share(id, req, shared); no != nil {
			return nil, no
		}
	}
	return answer{"files": out}, nil
}

func (s *Slack) share(channel string, req *request, files []*File) *refusal {
	c := s.channel(channel)
	switch {
	case c == nil, c.Private && !c.Member:
		return refuse("channel_not_found")
	case c.Archived:
		return refuse("posting_to_channel_denied")
	case !c.Member && c.With == "":
		return refuse("not_in_channel")
	}
	m := &Message{Channel: c.ID, TS: s.stamp(c.ID), Thread: req.args["thread_ts"], User: BotUser, Text: req.args["initial_comment"]}
	for _, f := range files {
		f.Channel, f.Thread, f.Comment, f.shared = c.ID, m.Thread, m.Text, true
		m.Files = append(m.Files, f.ID)
	}
	s.messages[c.ID] = append(s.messages[c.ID], m)
	return nil
}
