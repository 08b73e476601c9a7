package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"

	"salve/bot"
)

// SignOn signs people in with an identity provider elsewhere.
type SignOn interface {
	// Begin gives the address to send the browser to, and what it keeps until it
	// comes back.
	Begin(ctx context.Context) (address, kept string, err error)
	// Finish opens a session for whom the provider has vouched for. Whoever is
	// not known gets a *bot.Refusal.
	Finish(ctx context.Context, kept string, back url.Values) (sessionSecret string, person bot.Person, err error)
}

// ReturnPath is where the provider sends the browser back to.
const ReturnPath = "/login/sso/return"

// flowCookie holds what the browser keeps while it is at the provider. It is sent
// along when the provider sends the browser back, so it cannot be as strict as
// the session's.
func (c *Console) flowCookie(value string) *http.Cookie {
	name := "salve_flow"
	if c.secure {
		name = "__Host-salve_flow"
	}
	k := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: 600, HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode}
	if value == "" {
		k.MaxAge = -1
	}
	return k
}

func (c *Console) beginSignOn(w http.ResponseWriter, r *http.Request) {
	address, kept, err := c.ports.SignOn.Begin(r.Context())
	if err != nil {
		c.log.WarnContext(r.Context(), "the identity provider cannot be asked", "err", err)
		c.notIn(w, r, http.StatusBadGateway, bot.Refuse(bot.RefusedLater, "The identity provider does not answer.", "Try again in a moment, or sign in by a link: salve user login-link NAME"))
		return
	}
	http.SetCookie(w, c.flowCookie(kept))
	http.Redirect(w, r, address, http.StatusSeeOther)
}

// endSignOn opens the session. The browser comes from another site, so that it
// would not send the strict cookie along with a redirect: the page that it gets
// goes on to the incidents from here.
func (c *Console) endSignOn(w http.ResponseWriter, r *http.Request) {
	kept := ""
	if k, err := r.Cookie(c.flowCookie("").Name); err == nil {
		kept = k.Value
	}
	http.SetCookie(w, c.flowCookie(""))
	session, person, err := c.ports.SignOn.Finish(r.Context(), kept, r.URL.Query())
	if err != nil {
		c.notSignedIn(w, r, err)
		return
	}
	c.setCookie(w, session)
	c.flash(w, "Signed in as "+person.Name+".")
	c.render(w, r, http.StatusOK, "again", page{Title: "One moment", Path: "/", Viewer: person})
}

// notSignedIn says why somebody is not.
func (c *Console) notSignedIn(w http.ResponseWriter, r *http.Request, err error) {
	refusal, refused := errors.AsType[*bot.Refusal](err)
	status := http.StatusForbidden
	switch {
	case refused:
		status = cmp.Or(statuses[refusal.Code], status)
	case errors.Is(err, bot.ErrOverloaded), errors.Is(err, bot.ErrUnavailable), r.Context().Err() != nil:
		c.fail(w, r, err)
		return
	default:
		c.log.WarnContext(r.Context(), "a sign-in did not come to its end", "err", err)
		status, refusal = http.StatusBadGateway, bot.Refuse(bot.RefusedLater, "Signing in with the identity provider did not work.", "Begin again; if it stays so, the log of Salve has the cause.")
	}
	c.notIn(w, r, status, refusal)
}

// notIn leads back to the sign-in page.
func (c *Console) notIn(w http.ResponseWriter, r *http.Request, status int, refusal *bot.Refusal) {
	viewer, _ := c.viewer(r) // who it is only decides what the frame of the page shows
	c.render(w, r, status, "refusal", page{Title: "Not signed in", Viewer: viewer, Main: refusalPage{Refusal: refusal, Status: status, Back: "/login"}})
}
