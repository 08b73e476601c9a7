package console

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"salve/bot"
)

// policy lets the browser load what this console serves and nothing else, and
// run nothing that stands in a page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func (c *Console) setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
	if c.secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// knowsHost keeps a page of another name that resolves to this machine from
// reading the console.
func (c *Console) knowsHost(host string) bool {
	if c.public != nil && strings.EqualFold(host, c.public.Host) {
		return true
	}
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	if addr, err := netip.ParseAddr(name); err == nil {
		return addr.IsLoopback()
	}
	return c.public != nil && strings.EqualFold(name, c.public.Hostname())
}

// view makes one page for somebody who may read.
type view func(w http.ResponseWriter, r *http.Request, viewer bot.Person) error

func (c *Console) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	static, err := c.staticFiles()
	if err != nil {
		return nil, err
	}
	mux.Handle("GET /static/{file}", static)
	mux.HandleFunc("GET /login", c.showLogin)
	mux.HandleFunc("POST /login", c.login)
	mux.HandleFunc("POST /logout", c.logout)
	if c.ports.SignOn != nil {
		mux.HandleFunc("GET /login/sso", c.beginSignOn)
		mux.HandleFunc("GET "+ReturnPath, c.endSignOn)
	}
	mux.HandleFunc("POST /do/{verb}", c.do)
	for pattern, v := range map[string]view{
		"GET /{$}":                        c.showIncidents,
		"GET /incidents/{id}":             c.showIncident,
		"GET /incidents/{id}/run":         c.showRunForm,
		"GET /incidents/{id}/timeline.md": c.showTimeline,
		"GET /runs":                       c.showRuns,
		"GET /runs/{id}":                  c.showRun,
		"GET /approvals":                  c.showApprovals,
		"GET /playbooks":                  c.showPlaybooks,
		"GET /quarantine":                 c.showQuarantine,
		"GET /quarantine/{id}":            c.showQuarantined,
		"GET /audit":                      c.showAudit,
		"GET /halt":                       c.showHalt,
		"GET /targets":                    c.showTargets,
		"GET /raise":                      c.showRaise,
		"GET /events":                     c.stream,
	} {
		mux.HandleFunc(pattern, c.reading(v))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c.refuse(w, r, http.StatusNotFound, bot.Refuse(bot.RefusedUnknown, "There is no such page.", "Go to the incidents and look from there."))
	})
	return c.sameOrigin(mux)
}

// sameOrigin refuses what another site makes a browser send.
func (c *Console) sameOrigin(next http.Handler) (http.Handler, error) {
	p := http.NewCrossOriginProtection()
	if c.public != nil {
		if err := p.AddTrustedOrigin(c.public.Scheme + "://" + c.public.Host); err != nil {
			return nil, fmt.Errorf("console: public_url: %w", err)
		}
	}
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.log.WarnContext(r.Context(), "request from another site refused", "path", r.URL.Path)
		c.refuse(w, r, http.StatusForbidden, bot.Refuse(bot.RefusedForbidden,
			"That came from another site, so nothing was done.", "Open this console yourself and press the button here."))
	}))
	return p.Handler(next), nil
}

// reading lets in whoever may read, and shows the others how to get in.
func (c *Console) reading(v view) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		viewer, err := c.viewer(r)
		if err != nil && r.URL.Path != "/halt" {
			c.fail(w, r, err)
			return
		}
		switch {
		case viewer.Has(bot.RoleViewer):
		case viewer.ID != "":
			c.refuse(w, r, http.StatusForbidden, bot.Refuse(bot.RefusedForbidden, viewer.Name+" has no role here.",
				"An admin gives one: salve user edit "+string(viewer.ID)+" --role viewer."))
			return
		case c.opts.AnonymousRead:
		default:
			c.askToSignIn(w, r)
			return
		}
		if err := v(w, r, viewer); err != nil {
			c.fail(w, r, err)
		}
	}
}

// askToSignIn sends a reader to the login page. A link in chat arrives without
// the strict cookie, since it comes from another site; such a page loads itself
// once more from here, and then the cookie is sent.
func (c *Console) askToSignIn(w http.ResponseWriter, r *http.Request) {
	h := r.Header
	if h.Get("Sec-Fetch-Site") == "cross-site" && h.Get("Sec-Fetch-Mode") == "navigate" {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		c.render(w, r, http.StatusOK, "again", page{Title: "One moment", Path: r.URL.RequestURI()})
		return
	}
	if r.URL.Path == "/events" {
		http.Error(w, "sign in first", http.StatusUnauthorized)
		return
	}
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
