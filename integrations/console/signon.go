package console

import (
	"context"
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
		c.refuse(w, r, http.StatusBadGateway, bot.Refuse(bot.RefusedLater, "The identity provider does not answer.", "Try again in a moment, or sign in by a link: salve user login-link NAME."))
		return
	}
	http.SetCookie(w, c.flowCookie(kept))
	http.Redirect(w, r, address, http.StatusSeeOther)
}

func (c *Console) endSignOn(w http.ResponseWriter, r *http.Request) {
	kept, err := r.Cookie(c.flowCookie("").Name)
	if err != nil {
		kept = &http.Cookie{}
	}
	http.SetCookie(w, c.flowCookie(""))
	session, person, err := c.ports.SignOn.Finish(r.Context(), kept.Value, r.URL.Query())
	if err != nil {
		if !opensNothing(err) {
			c.log.WarnContext(r.Context(), "a sign-in did not come to its end", "err", err)
			err = bot.Refuse(bot.RefusedLater, "Signing in with the identity provider did not work.", "Try again; if it stays so, whoever runs Salve finds the cause in its log.")
		}
		c.fail(w, r, err)
		return
	}
	c.setCookie(w, session)
	c.flash(w, "Signed in as "+person.Name+".")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
