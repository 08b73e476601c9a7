package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"time"

	"salve/bot"
)

const surface = "console"

// do turns one form into one Command and shows what became of it on the page
// where it was pressed.
func (c *Console) do(w http.ResponseWriter, r *http.Request) {
	verb := bot.Verb(r.PathValue("verb"))
	who, err := c.viewer(r)
	if err != nil && verb != bot.VerbHalt {
		c.fail(w, r, err)
		return
	}
	if who.ID == "" && !c.allowsUnknown(verb) {
		c.refuse(w, r, http.StatusUnauthorized, bot.Refuse(bot.RefusedIdentity,
			"Nobody knows who you are, so nothing was done.", "Sign in first: salve user login-link NAME makes a link."))
		return
	}
	if err := readForm(w, r); err != nil {
		c.fail(w, r, err)
		return
	}
	cmd, err := command(verb, r.PostForm)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	cmd.By, cmd.Surface, cmd.Caller = who, surface, caller(r)
	cmd.Basis = bot.Basis{Transport: surface, Identity: string(who.ID), ReceivedAt: time.Now()}
	answer, err := c.ports.Commander.Do(r.Context(), cmd)
	if err != nil {
		c.fail(w, r, err)
		return
	}
	c.flash(w, answer.Text)
	to := back(r.PostForm)
	if verb == bot.VerbRaise && answer.Incident != 0 {
		to = "/incidents/" + answer.Incident.String()
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// allowsUnknown: without an identity only halting is possible, and only where
// reading without one is.
func (c *Console) allowsUnknown(verb bot.Verb) bool {
	return c.opts.AnonymousRead && verb == bot.VerbHalt
}

// back is the page that a form was on; only a path of this console.
func back(form url.Values) string {
	u, err := url.Parse(form.Get("back"))
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil ||
		!strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return "/"
	}
	return u.RequestURI()
}

const flashCookie = "salve_message"

// flash keeps a message for the next page, signed so that nobody else can put
// words into the console's mouth.
func (c *Console) flash(w http.ResponseWriter, text string) {
	if len(text) > 1000 {
		text = strings.ToValidUTF8(text[:1000], "") + " ..."
	}
	http.SetCookie(w, &http.Cookie{
		Name: flashCookie, Value: base64.RawURLEncoding.EncodeToString(append(c.sign(text), text...)), Path: "/",
		MaxAge: 60, HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteStrictMode,
	})
}

// takeFlash reads the message and forgets it.
func (c *Console) takeFlash(w http.ResponseWriter, r *http.Request) string {
	k, err := r.Cookie(flashCookie)
	if err != nil {
		return ""
	}
	http.SetCookie(w, &http.Cookie{Name: flashCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteStrictMode})
	raw, err := base64.RawURLEncoding.DecodeString(k.Value)
	if err != nil || len(raw) < sha256.Size {
		return ""
	}
	text := string(raw[sha256.Size:])
	if !hmac.Equal(raw[:sha256.Size], c.sign(text)) {
		return ""
	}
	return text
}

func (c *Console) sign(text string) []byte {
	m := hmac.New(sha256.New, c.flashKey)
	m.Write([]byte(text))
	return m.Sum(nil)
}
