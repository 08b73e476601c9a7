package ledger

import (
	"cmp"
	"fmt"

	"salve/bot"
	"salve/storage/internal/query"
)

// chat encodes what chat keeps.
func (enc *encoded) chat(in *bot.Change) (err error) {
	if enc.posts, err = encodeEach(in.Posts, "post", func(p *bot.Post) any { return p }); err != nil {
		return err
	}
	if enc.offers, err = encodeEach(in.Offers, "offer", func(o *bot.Offer) any { return o }); err != nil {
		return err
	}
	enc.gestures, err = encodeEach(in.Gestures, "gesture", func(g *bot.Gesture) any { return g })
	return err
}

// chat writes the outbox and the inbox of chat. What may be in conflict comes
// before what may not. A row that exists is not written over and is found
// without an error of the database, so that a Gesture that a surface sends twice
// spoils nothing for the Changes beside it.
func (c *change) chat() error {
	for i := range c.in.Cursors {
		if err := c.putCursor(&c.in.Cursors[i]); err != nil {
			return err
		}
	}
	for i := range c.in.Gestures {
		if err := c.putGesture(&c.in.Gestures[i], c.encoded.gestures[i]); err != nil {
			return err
		}
	}
	for i := range c.in.Posts {
		if err := c.putPost(&c.in.Posts[i], c.encoded.posts[i]); err != nil {
			return err
		}
	}
	for i := range c.in.Offers {
		if err := c.putOffer(&c.in.Offers[i], c.encoded.offers[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) putCursor(p *bot.Cursor) error {
	doing := "move cursor " + p.Name
	if p.Name == "" {
		return fmt.Errorf("a cursor has no name")
	}
	if p.Version == 0 {
		return c.writeOne(doing, query.InsertCursor, p.Seq, p.Name)
	}
	return c.writeOne(doing, query.UpdateCursor, p.Seq, p.Name, p.Version)
}

func (c *change) putGesture(g *bot.Gesture, body string) error {
	doing := "write gesture " + g.Key
	if g.Key == "" {
		return fmt.Errorf("a gesture has no key")
	}
	args := []any{flag(g.Done), MS(g.DueAt), MS(g.ReceivedAt), body, g.Key}
	if g.Version == 0 {
		return c.writeOne(doing, query.InsertGesture, args...)
	}
	return c.writeOne(doing, query.UpdateGesture, append(args, g.Version)...)
}

func (c *change) putPost(p *bot.Post, body string) error {
	doing := "write post " + p.Key
	if p.Key == "" {
		return fmt.Errorf("a post has no key")
	}
	args := []any{p.Surface, p.Place, string(p.Kind), int64(p.Incident), int64(p.Run), p.Parent, string(p.State), int64(p.Rank),
		MS(p.DueAt), cmp.Or(MS(p.SentAt), MS(p.OpenedAt)), p.Mark.Place, p.Mark.Ref, body, p.Key}
	if p.Version == 0 {
		return c.writeOne(doing, query.InsertPost, args...)
	}
	return c.writeOne(doing, query.UpdatePost, append(args, p.Version)...)
}

func (c *change) putOffer(o *bot.Offer, body string) error {
	if o.Token == "" {
		return fmt.Errorf("an offer has no token")
	}
	// The token is in no error: who has it may press.
	return c.write("write offer", query.PutOffer, o.Token, o.Surface, MS(o.ExpiresAt), body)
}
