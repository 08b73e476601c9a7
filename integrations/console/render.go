package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"salve/bot"
)

//go:embed templates/*.html assets/*
var files embed.FS

// pages are the parsed templates by name, each with the frame around it.
type pages map[string]*template.Template

// page is what every template gets; Main differs.
type page struct {
	Title    string
	Section  string // the entry of the navigation
	Path     string // where this page is; forms come back to it
	Watch    string // address of the event stream; empty: the page is not live
	Headline string // what is read aloud when it changes
	Viewer   bot.Person
	MayRead  bool
	Flash    string
	Halts    []bot.Halt
	Unwell   []bot.Condition
	Assets   string // version of the static files
	SignOn   bool   // an identity provider signs people in
	Main     any
}

// Known reports whether somebody is signed in.
func (p page) Known() bool { return p.Viewer.ID != "" }

// assetVersion changes with the static files, so that they can be kept by
// browsers for ever.
var assetVersion = hashAssets()

func hashAssets() string {
	h := sha256.New()
	for _, name := range []string{"console.css", "console.js", "icon.svg"} {
		b, err := files.ReadFile("assets/" + name)
		if err != nil {
			panic("console: asset " + name + " is not embedded")
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}

func parsePages() (pages, error) {
	frame, err := template.New("frame").Funcs(funcs).ParseFS(files, "templates/frame.html", "templates/part_*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	names, err := fs.Glob(files, "templates/page_*.html")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	out := pages{}
	for _, name := range names {
		t, err := frame.Clone()
		if err == nil {
			t, err = t.ParseFS(files, name)
		}
		if err != nil {
			return nil, fmt.Errorf("template %s: %w", name, err)
		}
		out[strings.TrimSuffix(strings.TrimPrefix(path.Base(name), "page_"), ".html")] = t
	}
	return out, nil
}

// render writes a page whole, or not at all.
func (c *Console) render(w http.ResponseWriter, r *http.Request, status int, name string, p page) {
	p.Assets, p.SignOn = assetVersion, c.ports.SignOn != nil
	if p.Path == "" {
		p.Path = r.URL.RequestURI()
	}
	if r.Method == http.MethodGet {
		p.Flash = c.takeFlash(w, r)
	}
	p.MayRead = p.Known() || c.opts.AnonymousRead
	if p.MayRead {
		p.Halts, _ = c.ports.Brake.Halts(r.Context()) // the banner is a help; the halt page shows the error
		if c.ports.Health != nil {
			p.Unwell = c.ports.Health.Conditions()
		}
	}
	var b bytes.Buffer
	if err := c.pages[name].ExecuteTemplate(&b, "frame", p); err != nil {
		c.log.ErrorContext(r.Context(), "console template failed", "page", name, "error", err)
		http.Error(w, "This page could not be made. The log of Salve has the cause.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(visible(b.Bytes()))
	}
}

// visible replaces characters that cannot be seen, or that turn text around, by
// their names: alert text must not pretend to be other text. Templates hold
// none, so the whole page is safe to pass through.
func visible(html []byte) []byte {
	if !bytes.ContainsFunc(html, hidden) {
		return html
	}
	var b bytes.Buffer
	for _, r := range string(html) {
		if hidden(r) {
			fmt.Fprintf(&b, "[U+%04X]", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.Bytes()
}

func hidden(r rune) bool {
	switch {
	case r < ' ':
		return r != '\n' && r != '\t' && r != '\r'
	case r >= 0x7F && r <= 0x9F, r == 0xAD, r == 0x61C, r == 0x115F, r == 0x1160, r == 0x180E, r == 0x3164:
		return true
	case r >= 0x200B && r <= 0x200F, r >= 0x2028 && r <= 0x202E, r >= 0x2060 && r <= 0x206F:
		return true
	case r == 0xFEFF, r == 0xFFA0, r >= 0xFFF9 && r <= 0xFFFB, r >= 0xE0000 && r <= 0xE0FFF:
		return true
	default:
		return false
	}
}

// staticFiles serves the embedded files. Their address has their version in it.
func (c *Console) staticFiles() (http.Handler, error) {
	sub, err := fs.Sub(files, "assets")
	if err != nil {
		return nil, fmt.Errorf("console: assets: %w", err)
	}
	server := http.StripPrefix("/static/", http.FileServerFS(sub))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := fs.Stat(sub, r.PathValue("file")); err != nil {
			c.fail(w, r, bot.ErrNotFound)
			return
		}
		if r.URL.Query().Get("v") == assetVersion {
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		}
		server.ServeHTTP(w, r)
	}), nil
}

// span writes a length of time as people say it.
func span(d time.Duration) string {
	switch d = d.Abs(); {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours())/24)
	}
}
