// Package people answers who somebody is: by a session, a token, a login link,
// or the user id that the kernel vouches for.
//
// It promises that only SHA-256 sums of secrets are kept, that a login link
// opens one session and no more, that whoever is disabled is nobody, that two
// people never share an identity, and that every change is written together with
// its Event, in which no secret stands.
//
// It assumes that the caller may do what it asks for; who may manage people is
// judged where commands come in. Sessions end at a fixed time, and sooner when
// nobody has used them for a while. On failure it returns a *bot.Refusal for what
// a person can mend, and the store's error for the rest.
package people

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"salve/bot"
)

// Store keeps people and their tokens.
type Store interface {
	Commit(ctx context.Context, change bot.Change) (bot.Receipt, error)
	Person(ctx context.Context, id bot.PersonID) (bot.Person, error)
	PersonBy(ctx context.Context, identity bot.Identity) (bot.Person, error)
	Token(ctx context.Context, hash string) (bot.Token, error)
	Tokens(ctx context.Context, person bot.PersonID) ([]bot.Token, error)
}

// Options tune how long things last; the zero value is ready for production.
type Options struct {
	SessionFor  time.Duration // a session in the console; 0: 12 hours
	SessionIdle time.Duration // a session that nobody uses; 0: 2 hours
	LinkFor     time.Duration // a login link; 0: 15 minutes
	// Expiry is the time by which tokens begin and end; nil: the wall clock. It
	// should not go back, or what has ended would open again.
	Expiry func() time.Time
}

// MaxTokenFor is the longest that a token may last.
const MaxTokenFor = 366 * 24 * time.Hour

// MaxLinkFor is the longest that a login link may wait to be used, unless
// Options say more.
const MaxLinkFor = 24 * time.Hour

// People knows people. It is safe for use by many at once.
type People struct {
	store Store
	opts  Options
}

// New makes it over a store.
func New(store Store, opts Options) (*People, error) {
	if store == nil {
		return nil, errors.New("people: a store is needed")
	}
	opts.SessionFor = cmp.Or(opts.SessionFor, 12*time.Hour)
	opts.SessionIdle = cmp.Or(opts.SessionIdle, 2*time.Hour)
	opts.LinkFor = cmp.Or(opts.LinkFor, 15*time.Minute)
	if opts.Expiry == nil {
		opts.Expiry = time.Now
	}
	return &People{store: store, opts: opts}, nil
}

func (p *People) now() time.Time { return p.opts.Expiry().UTC().Truncate(time.Millisecond) }

var errNobody = bot.Refuse(bot.RefusedIdentity, "This opens nothing: it is unknown, used up, revoked or has expired.",
	"Get a new one: salve user login-link NAME, or salve user token NAME.")

// Authenticate names the person of a secret of that kind and does not use it up.
func (p *People) Authenticate(ctx context.Context, secret string, kind bot.TokenKind) (bot.Person, error) {
	tok, err := p.token(ctx, secret, kind)
	if err != nil {
		return bot.Person{}, err
	}
	return p.holder(ctx, tok)
}

func (p *People) token(ctx context.Context, secret string, kind bot.TokenKind) (bot.Token, error) {
	if len(secret) > 256 {
		return bot.Token{}, errNobody
	}
	tok, err := p.store.Token(ctx, Hash(secret))
	if errors.Is(err, bot.ErrNotFound) {
		return bot.Token{}, errNobody
	}
	if err != nil {
		return bot.Token{}, fmt.Errorf("read a token: %w", err)
	}
	if at := p.now(); tok.Kind != kind || !tok.Valid(at) || p.idle(tok, at) {
		return bot.Token{}, errNobody
	}
	return tok, nil
}

func (p *People) holder(ctx context.Context, tok bot.Token) (bot.Person, error) {
	person, err := p.store.Person(ctx, tok.Person)
	if errors.Is(err, bot.ErrNotFound) || err == nil && person.Disabled {
		return bot.Person{}, errNobody
	}
	if err != nil {
		return bot.Person{}, fmt.Errorf("read person %s: %w", tok.Person, err)
	}
	return person, nil
}

// ByIdentity names the person whom a surface knows by this identity; false: it
// is nobody's, or of somebody disabled.
func (p *People) ByIdentity(ctx context.Context, id bot.Identity) (bot.Person, bool, error) {
	person, err := p.store.PersonBy(ctx, id)
	if errors.Is(err, bot.ErrNotFound) {
		return bot.Person{}, false, nil
	}
	if err != nil {
		return bot.Person{}, false, fmt.Errorf("read who %s %s is: %w", id.Surface, id.ID, err)
	}
	return person, !person.Disabled, nil
}

// Redeem uses up a login link and opens a session. Of several who try at once
// one gets it.
func (p *People) Redeem(ctx context.Context, loginSecret string) (string, bot.Person, error) {
	link, err := p.token(ctx, loginSecret, bot.TokenLogin)
	if err != nil {
		return "", bot.Person{}, err
	}
	person, err := p.holder(ctx, link)
	if err != nil {
		return "", bot.Person{}, err
	}
	secret, session := p.mint(person.ID, bot.TokenSession, "console", p.opts.SessionFor)
	link.RevokedAt = session.CreatedAt
	_, err = p.store.Commit(ctx, bot.Change{
		Tokens: []bot.Token{link, session},
		Events: []bot.Event{{
			At: session.CreatedAt, Kind: bot.EventLogin, Text: person.Name + " signed in to the console",
			Actor: bot.Actor{Person: person.ID, Name: person.Name, Surface: "console"},
		}},
	})
	if errors.Is(err, bot.ErrConflict) {
		return "", bot.Person{}, errNobody
	}
	if err != nil {
		return "", bot.Person{}, fmt.Errorf("open a session: %w", err)
	}
	return secret, person, nil
}

// SignOut ends a session. One that is over already is left as it is.
func (p *People) SignOut(ctx context.Context, sessionSecret string) error {
	tok, err := p.token(ctx, sessionSecret, bot.TokenSession)
	if errors.Is(err, errNobody) {
		return nil
	}
	if err != nil {
		return err
	}
	return p.revoke(ctx, bot.Actor{Person: tok.Person, Name: string(tok.Person), Surface: "console"}, tok)
}

// Hash is what is kept of a secret: hex SHA-256. Secrets are 256 random bits, so
// that nothing slower is needed.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// mint makes a secret and its token.
func (p *People) mint(person bot.PersonID, kind bot.TokenKind, label string, ttl time.Duration) (string, bot.Token) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // crypto/rand never fails: it ends the process instead
	secret := "salve_" + string(kind) + "_" + base64.RawURLEncoding.EncodeToString(raw)
	at := p.now()
	return secret, bot.Token{Hash: Hash(secret), Kind: kind, Person: person, Label: label, CreatedAt: at, ExpiresAt: at.Add(ttl)}
}
