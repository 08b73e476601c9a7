package post

import (
	"crypto/rand"
	"encoding/base64"
	"time"

	"salve/bot"
)

// secret is a name that nobody can guess: of a token, of a nonce.
func secret() string {
	b := make([]byte, 18)
	_, _ = rand.Read(b) // it never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// offers gives each Button of the Message its token, that of the same Press again
// where there was one, so that what people see in an older picture of the Message
// still works. New Offers are for before it is sent; the others say afterwards
// what stands there now.
func offers(p *bot.Post, m *bot.Message, now time.Time) (fresh, known []bot.Offer) {
	tokens := map[string]string{}
	shown := plain(*m)
	for _, b := range buttons(m) {
		sum := sumOf(b.Press)
		token, was := p.Tokens[sum]
		if !was {
			token = tokens[sum]
		}
		if token == "" {
			token = secret()
		}
		b.Token = token
		if _, twice := tokens[sum]; twice {
			continue
		}
		tokens[sum] = token
		o := bot.Offer{Token: token, Surface: p.Surface, Post: p.Key, Shown: shown, Press: b.Press, ExpiresAt: now.Add(offersFor)}
		if was {
			known = append(known, o)
		} else {
			fresh = append(fresh, o)
		}
	}
	p.Tokens = tokens
	return fresh, known
}

func buttons(m *bot.Message) []*bot.Button {
	var out []*bot.Button
	for i := range m.Buttons {
		out = append(out, &m.Buttons[i])
	}
	for i := range m.More {
		out = append(out, &m.More[i])
	}
	for i := range m.Rows {
		if m.Rows[i].Button != nil {
			out = append(out, m.Rows[i].Button)
		}
	}
	return out
}
