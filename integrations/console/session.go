package console

import (
	"errors"
	"net"
	"net/http"

	"salve/bot"
)

// cookieName is the session cookie. Over https the prefix keeps other hosts of
// the domain from setting it.
func (c *Console) cookieName() string {
	if c.secure {
		return "__Host-salve"
	}
	return "salve_session"
}

// viewer is who sent the request; zero when nobody knows. It fails only when
// the store does not answer. That a session in use could not be noted is no
// reason to turn its person away: they may be here to see why nothing is written.
func (c *Console) viewer(r *http.Request) (bot.Person, error) {
	secret := c.secret(r)
	if secret == "" {
		return bot.Person{}, nil
	}
	p, err := c.ports.People.Authenticate(r.Context(), secret, bot.TokenSession)
	if err == nil && !p.Disabled && attended(r) {
		if err = c.ports.People.Seen(r.Context(), secret); err != nil && !opensNothing(err) {
			c.log.WarnContext(r.Context(), "a session in use could not be noted", "err", err)
			err = nil
		}
	}
	switch {
	case err == nil && !p.Disabled:
		return p, nil
	case err == nil || opensNothing(err):
		return bot.Person{}, nil
	default:
		return bot.Person{}, err
	}
}

// attended tells what a person does from what an open page does by itself: the
// live stream, and the page that it makes load again.
func attended(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return (mode == "" || mode == "navigate") && r.URL.Path != "/events"
}

// opensNothing tells a secret that is wrong from a store that does not answer.
func opensNothing(err error) bool {
	_, refused := errors.AsType[*bot.Refusal](err)
	return refused || errors.Is(err, bot.ErrNotFound)
}

func (c *Console) secret(r *http.Request) string {
	k, err := r.Cookie(c.cookieName())
	if err != nil || len(k.Value) > 512 {
		return ""
	}
	return k.Value
}

func (c *Console) setCookie(w http.ResponseWriter, value string) {
	k := &http.Cookie{
		Name: c.cookieName(), Value: value, Path: "/",
		HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteStrictMode,
	}
	if value == "" {
		k.MaxAge = -1
	}
	http.SetCookie(w, k)
}

// showLogin names the person of a login link and waits for a press of a button,
// so that a preview of the link does not use it up.
func (c *Console) showLogin(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	viewer, _ := c.viewer(r) // the page says who is signed in, and works when that is not known
	p := page{Title: "Sign in", Viewer: viewer}
	if token == "" {
		c.render(w, r, http.StatusOK, "login", p)
		return
	}
	person, err := c.ports.People.Authenticate(r.Context(), token, bot.TokenLogin)
	switch {
	case err == nil && !person.Disabled:
		p.Main = loginPage{Person: person, Token: token}
		c.render(w, r, http.StatusOK, "login", p)
	case err == nil || opensNothing(err):
		p.Main = loginPage{Stale: true}
		c.render(w, r, http.StatusForbidden, "login", p)
	default:
		c.fail(w, r, err)
	}
}

type loginPage struct {
	Person bot.Person
	Token  string
	Stale  bool
}

// login uses up the link and opens a session.
func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	if err := readForm(w, r); err != nil {
		c.fail(w, r, err)
		return
	}
	session, person, err := c.ports.People.Redeem(r.Context(), r.PostForm.Get("token"))
	if err != nil {
		if opensNothing(err) {
			c.render(w, r, http.StatusForbidden, "login", page{Title: "Sign in", Main: loginPage{Stale: true}})
			return
		}
		c.fail(w, r, err)
		return
	}
	c.setCookie(w, session)
	c.flash(w, "Signed in as "+person.Name+".")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	if secret := c.secret(r); secret != "" {
		if err := c.ports.People.SignOut(r.Context(), secret); err != nil && !opensNothing(err) {
			c.fail(w, r, err)
			return
		}
	}
	c.setCookie(w, "")
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// caller is how somebody unknown is written down.
func caller(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || host == "" {
		return "browser"
	}
	return "browser at " + host
}
