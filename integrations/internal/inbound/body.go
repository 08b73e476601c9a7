package inbound

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	firstBuffer = 128 << 10 // what a Content-Length alone is trusted with
	maxDrain    = 16 << 20  // read and thrown away, so that a sender in mid-sentence hears the answer
)

// checkHeader holds the media type and the encoding to the one that is read.
func (g *Gate) checkHeader(r *http.Request) *refusal {
	if len(r.Header.Values("Content-Encoding")) > 0 {
		return &encoded
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || len(r.Header.Values("Content-Type")) != 1 || kind != g.opts.MediaType {
		return g.wrongMedia()
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return g.wrongMedia()
		}
	}
	return nil
}

// readBody reads the body whole, up to the limit and within the time.
func (g *Gate) readBody(w http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	control := http.NewResponseController(w)
	// A writer without deadlines (in tests) reads from memory.
	_ = control.SetReadDeadline(time.Now().Add(g.opts.ReadTimeout))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	if r.ContentLength > g.opts.MaxBody {
		_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
		return nil, g.tooLarge()
	}
	buf := bytes.NewBuffer(make([]byte, 0, g.firstSize(r.ContentLength)))
	n, err := buf.ReadFrom(io.LimitReader(r.Body, g.opts.MaxBody+1))
	switch {
	case n > g.opts.MaxBody:
		_, _ = io.CopyN(io.Discard, r.Body, maxDrain)
		return nil, g.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &slow
	case err != nil:
		return nil, &cutOff
	default:
		return buf.Bytes(), nil
	}
}

// firstSize leaves the spare room with which a read finds the end without
// growing the buffer.
func (g *Gate) firstSize(length int64) int64 {
	return max(0, min(length, g.opts.MaxBody, firstBuffer)) + bytes.MinRead
}
