package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"salve/bot"
)

func (s *Server) people(ctx context.Context, _ call) (any, error) { return s.ports.Records.People(ctx) }

func (s *Server) person(ctx context.Context, c call) (any, error) {
	p, err := s.ports.Records.Person(ctx, bot.PersonID(c.PathValue("id")))
	if errors.Is(err, bot.ErrNotFound) {
		return nil, bot.Refuse(bot.RefusedUnknown, fmt.Sprintf("There is nobody called %q.", c.PathValue("id")), "salve user list shows who there is.")
	}
	return p, err
}

func (s *Server) addPerson(ctx context.Context, c call) (any, error) {
	var p bot.Person
	if err := read(c, &p); err != nil {
		return nil, err
	}
	if err := s.ports.Registry.Add(ctx, c.who.actor(), p); err != nil {
		return nil, err
	}
	return s.ports.Records.Person(ctx, p.ID)
}

func (s *Server) updatePerson(ctx context.Context, c call) (any, error) {
	var p bot.Person
	if err := read(c, &p); err != nil {
		return nil, err
	}
	p.ID = bot.PersonID(c.PathValue("id"))
	if err := s.ports.Registry.Update(ctx, c.who.actor(), p); err != nil {
		return nil, err
	}
	return s.ports.Records.Person(ctx, p.ID)
}

func (s *Server) disablePerson(ctx context.Context, c call) (any, error) {
	id := bot.PersonID(c.PathValue("id"))
	if err := s.ports.Registry.Disable(ctx, c.who.actor(), id); err != nil {
		return nil, err
	}
	return s.ports.Records.Person(ctx, id)
}

func (s *Server) enablePerson(ctx context.Context, c call) (any, error) {
	id := bot.PersonID(c.PathValue("id"))
	if err := s.ports.Registry.Enable(ctx, c.who.actor(), id); err != nil {
		return nil, err
	}
	return s.ports.Records.Person(ctx, id)
}

// made is a secret, shown this once.
type made struct {
	Secret    string    `json:"secret,omitempty"`
	URL       string    `json:"url,omitempty"`
	ExpiresAt time.Time `json:"expires_at"`
}

func (s *Server) loginLink(ctx context.Context, c call) (any, error) {
	want := bot.Token{Person: bot.PersonID(c.PathValue("id")), Kind: bot.TokenLogin, Label: "login link"}
	secret, tok, err := s.ports.Tokens.Issue(ctx, c.who.actor(), want, 0)
	if err != nil {
		return nil, err
	}
	return made{URL: s.opts.ConsoleURL + "/login?token=" + secret, ExpiresAt: tok.ExpiresAt}, nil
}

func (s *Server) issueToken(ctx context.Context, c call) (any, error) {
	var in struct {
		Label string       `json:"label"`
		TTL   bot.Duration `json:"ttl"`
	}
	if err := read(c, &in); err != nil {
		return nil, err
	}
	want := bot.Token{Person: bot.PersonID(c.PathValue("id")), Kind: bot.TokenAPI, Label: in.Label}
	secret, tok, err := s.ports.Tokens.Issue(ctx, c.who.actor(), want, in.TTL.Std())
	if err != nil {
		return nil, err
	}
	return made{Secret: secret, ExpiresAt: tok.ExpiresAt}, nil
}

func (s *Server) listTokens(ctx context.Context, c call) (any, error) {
	return s.ports.Tokens.Tokens(ctx, bot.PersonID(c.PathValue("id")))
}

func (s *Server) revokeToken(ctx context.Context, c call) (any, error) {
	err := s.ports.Tokens.Revoke(ctx, c.who.actor(), bot.PersonID(c.PathValue("id")), c.PathValue("hash"))
	return map[string]bool{"revoked": err == nil}, err
}
