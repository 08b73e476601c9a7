package people

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"salve/bot"
)

var (
	idPattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	groupPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	roles        = []bot.Role{bot.RoleViewer, bot.RoleResponder, bot.RoleAdmin}
)

const maxName = 100 // bytes of a person's name

// Add takes in somebody new.
func (p *People) Add(ctx context.Context, by bot.Actor, person bot.Person) error {
	person = tidy(person)
	person.Version, person.CreatedAt, person.Disabled = 0, p.now(), false
	if err := p.check(ctx, person); err != nil {
		return err
	}
	if _, err := p.store.Person(ctx, person.ID); err == nil {
		return taken(person.ID)
	} else if !errors.Is(err, bot.ErrNotFound) {
		return fmt.Errorf("read person %s: %w", person.ID, err)
	}
	return p.write(ctx, by, person, "added "+describe(person))
}

func taken(id bot.PersonID) *bot.Refusal {
	return bot.Refuse(bot.RefusedState, "There is a person "+string(id)+" already.", "Change them with: salve user edit "+string(id))
}

// Update changes name, roles, groups and identities. A Version other than 0 must
// be the stored one, so that nobody's change is lost. What changes nothing is not
// written.
func (p *People) Update(ctx context.Context, by bot.Actor, person bot.Person) error {
	have, err := p.known(ctx, person.ID)
	if err != nil {
		return err
	}
	if person.Version != 0 && person.Version != have.Version {
		return meanwhile(person.ID)
	}
	person = tidy(person)
	person.Version, person.CreatedAt, person.Disabled = have.Version, have.CreatedAt, have.Disabled
	if reflect.DeepEqual(person, tidy(have)) {
		return nil
	}
	if err := p.check(ctx, person); err != nil {
		return err
	}
	return p.write(ctx, by, person, "changed "+describe(person))
}

// Disable takes away everything that a person may do, at once; their record
// stays. Enable gives it back.
func (p *People) Disable(ctx context.Context, by bot.Actor, id bot.PersonID) error {
	return p.setDisabled(ctx, by, id, true)
}

// Enable undoes Disable.
func (p *People) Enable(ctx context.Context, by bot.Actor, id bot.PersonID) error {
	return p.setDisabled(ctx, by, id, false)
}

func (p *People) setDisabled(ctx context.Context, by bot.Actor, id bot.PersonID, disabled bool) error {
	person, err := p.known(ctx, id)
	if err != nil || person.Disabled == disabled {
		return err
	}
	person.Disabled = disabled
	what := "enabled "
	if disabled {
		what = "disabled "
	}
	return p.write(ctx, by, person, what+string(id))
}

func (p *People) known(ctx context.Context, id bot.PersonID) (bot.Person, error) {
	person, err := p.store.Person(ctx, id)
	if errors.Is(err, bot.ErrNotFound) {
		return bot.Person{}, bot.Refuse(bot.RefusedUnknown, fmt.Sprintf("There is nobody called %q.", id), "salve user list shows who there is.")
	}
	return person, err
}

func (p *People) write(ctx context.Context, by bot.Actor, person bot.Person, what string) error {
	_, err := p.store.Commit(ctx, bot.Change{
		People: []bot.Person{person},
		Events: []bot.Event{{At: p.now(), Kind: bot.EventPerson, Actor: by, Text: by.Name + " " + what, Data: facts(person)}},
	})
	if errors.Is(err, bot.ErrConflict) {
		return meanwhile(person.ID)
	}
	if err != nil {
		return fmt.Errorf("write person %s: %w", person.ID, err)
	}
	return nil
}

// meanwhile is for those who come at the same time as others.
func meanwhile(id bot.PersonID) *bot.Refusal {
	return bot.Refuse(bot.RefusedState, "Somebody changed "+string(id)+" meanwhile, or took the id or an identity.", "See salve user list, and try again.")
}

// facts is a person as the audit keeps them.
func facts(p bot.Person) map[string]string {
	var roles, ids []string
	for _, r := range p.Roles {
		roles = append(roles, string(r))
	}
	for _, id := range p.Identities {
		ids = append(ids, id.Surface+":"+id.ID)
	}
	return map[string]string{
		"person": string(p.ID), "name": p.Name, "roles": strings.Join(roles, " "), "groups": strings.Join(p.Groups, " "),
		"identities": strings.Join(ids, " "), "disabled": strconv.FormatBool(p.Disabled),
	}
}

// tidy puts the lists of a person in order, each thing once.
func tidy(p bot.Person) bot.Person {
	p.Name = strings.TrimSpace(p.Name)
	p.Roles = once(p.Roles, cmp.Compare[bot.Role])
	p.Groups = once(p.Groups, cmp.Compare[string])
	p.Identities = once(p.Identities, func(a, b bot.Identity) int {
		return cmp.Or(cmp.Compare(a.Surface, b.Surface), cmp.Compare(a.ID, b.ID))
	})
	return p
}

func once[T comparable](list []T, compare func(a, b T) int) []T {
	if len(list) == 0 {
		return nil
	}
	return slices.Compact(slices.SortedFunc(slices.Values(list), compare))
}

func describe(p bot.Person) string {
	text := string(p.ID)
	for _, r := range p.Roles {
		text += " " + string(r)
	}
	if len(p.Groups) > 0 {
		text += " in " + strings.Join(p.Groups, ", ")
	}
	return text
}

// check holds a person against the rules, with words for whoever typed it.
func (p *People) check(ctx context.Context, person bot.Person) error {
	bad := func(why, next string) error { return bot.Refuse(bot.RefusedInput, why, next) }
	switch {
	case !idPattern.MatchString(string(person.ID)):
		return bad(fmt.Sprintf("%q cannot be a person's id.", person.ID), "Use a-z, 0-9, dots, dashes and underscores, like alice or j.doe.")
	case person.Name == "" || len(person.Name) > maxName || !plain(person.Name):
		return bad("The name must be 1 to 100 characters that can be seen.", "Give it with --name.")
	case len(person.Roles) == 0:
		return bad(string(person.ID)+" has no role and could not even read.", "Give one with --role: viewer, responder or admin.")
	case len(person.Groups) > 50 || len(person.Identities) > 20:
		return bad("A person has at most 50 groups and 20 identities.", "")
	}
	for _, r := range person.Roles {
		if !slices.Contains(roles, r) {
			return bad(fmt.Sprintf("%q is not a role.", r), "Write viewer, responder or admin.")
		}
	}
	for _, g := range person.Groups {
		if !groupPattern.MatchString(g) {
			return bad(fmt.Sprintf("%q cannot be a group.", g), "Use a-z, 0-9, dashes and underscores, like oncall.")
		}
	}
	return p.checkIdentities(ctx, person)
}

func (p *People) checkIdentities(ctx context.Context, person bot.Person) error {
	for _, id := range person.Identities {
		if !groupPattern.MatchString(id.Surface) || id.ID == "" || len(id.ID) > maxIdentity || !plain(id.ID) {
			return bot.Refuse(bot.RefusedInput, "An identity has a surface and an id there.", "For example --uid 1000.")
		}
		if s, known := shapes[id.Surface]; known && !s.fits(id.ID) {
			return bot.Refuse(bot.RefusedInput, fmt.Sprintf("%q cannot be an identity of %s: %s.", id.ID, id.Surface, s.is), "For example"+flag(bot.Identity{Surface: id.Surface, ID: s.example})+".")
		}
		other, err := p.store.PersonBy(ctx, id)
		if errors.Is(err, bot.ErrNotFound) || err == nil && other.ID == person.ID {
			continue
		}
		if err != nil {
			return fmt.Errorf("read who %s %s is: %w", id.Surface, id.ID, err)
		}
		return bot.Refuse(bot.RefusedState, fmt.Sprintf("%s %s is %s already; one person on several surfaces counts once.", id.Surface, id.ID, other.ID),
			"Take it from them first: salve user edit "+string(other.ID)+strings.Replace(flag(id), " --", " --drop-", 1))
	}
	return nil
}

// plain reports whether every character can be seen.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// Issue makes a secret of want's Kind that stands for want's Person until ttl is
// over; it is returned this once. ttl 0 takes the kind's own.
func (p *People) Issue(ctx context.Context, by bot.Actor, want bot.Token, ttl time.Duration) (string, bot.Token, error) {
	id, kind := want.Person, want.Kind
	person, err := p.known(ctx, id)
	if err != nil {
		return "", bot.Token{}, err
	}
	if person.Disabled {
		return "", bot.Token{}, bot.Refuse(bot.RefusedState, string(id)+" is disabled.", "salve user enable "+string(id))
	}
	if ttl, err = p.lasts(want, ttl); err != nil {
		return "", bot.Token{}, err
	}
	secret, tok := p.mint(id, kind, want.Label, ttl)
	_, err = p.store.Commit(ctx, bot.Change{
		Tokens: []bot.Token{tok},
		Events: []bot.Event{{
			At: tok.CreatedAt, Kind: bot.EventToken, Actor: by, Text: fmt.Sprintf("%s made a %s token for %s", by.Name, kind, id),
			Data: map[string]string{"person": string(id), "kind": string(kind), "label": want.Label, "token": tok.Hash[:12], "expires_at": tok.ExpiresAt.Format(time.RFC3339)},
		}},
	})
	if err != nil {
		return "", bot.Token{}, fmt.Errorf("issue a token: %w", err)
	}
	return secret, tok, nil
}

// lasts is how long a token of that kind is to last.
func (p *People) lasts(want bot.Token, ttl time.Duration) (time.Duration, error) {
	longest := MaxTokenFor
	switch want.Kind {
	case bot.TokenLogin:
		ttl, longest = cmp.Or(ttl, p.opts.LinkFor), max(MaxLinkFor, p.opts.LinkFor)
	case bot.TokenSession:
		ttl = cmp.Or(ttl, p.opts.SessionFor)
	case bot.TokenAPI:
	default:
		return 0, bot.Refuse(bot.RefusedInput, fmt.Sprintf("%.20q is not a kind of token.", want.Kind), "Say api, login or session.")
	}
	if ttl <= 0 || ttl > longest || len(want.Label) > 100 || !plain(want.Label) {
		return 0, bot.Refuse(bot.RefusedInput, fmt.Sprintf("Such a token lasts more than nothing and at most %s, and its label has at most 100 bytes that can be seen.", longest), "Give --for, for example 2160h.")
	}
	return ttl, nil
}

// Tokens lists what stands for a person, without secrets.
func (p *People) Tokens(ctx context.Context, id bot.PersonID) ([]bot.Token, error) {
	if _, err := p.known(ctx, id); err != nil {
		return nil, err
	}
	return p.store.Tokens(ctx, id)
}

// Revoke ends a token, named by at least 8 characters of its hash.
func (p *People) Revoke(ctx context.Context, by bot.Actor, id bot.PersonID, hash string) error {
	toks, err := p.Tokens(ctx, id)
	if err != nil {
		return err
	}
	var found []bot.Token
	for _, t := range toks {
		if len(hash) >= 8 && strings.HasPrefix(t.Hash, strings.ToLower(hash)) {
			found = append(found, t)
		}
	}
	if len(found) != 1 {
		return bot.Refuse(bot.RefusedUnknown, fmt.Sprintf("%q names %d tokens of %s.", hash, len(found), id), "Name at least 8 characters: salve user tokens "+string(id))
	}
	if !found[0].RevokedAt.IsZero() {
		return nil
	}
	return p.revoke(ctx, by, found[0])
}

// revoke ends a token. One that has changed meanwhile, as a session in use does,
// is read again: it must not stay open.
func (p *People) revoke(ctx context.Context, by bot.Actor, tok bot.Token) error {
	for try := 0; ; try++ {
		tok.RevokedAt = p.now()
		_, err := p.store.Commit(ctx, bot.Change{
			Tokens: []bot.Token{tok},
			Events: []bot.Event{{
				At: tok.RevokedAt, Kind: bot.EventRevoked, Actor: by, Text: fmt.Sprintf("%s revoked a %s token of %s", by.Name, tok.Kind, tok.Person),
				Data: map[string]string{"person": string(tok.Person), "token": tok.Hash[:12]},
			}},
		})
		if errors.Is(err, bot.ErrConflict) && try < maxRevokes {
			if tok, err = p.store.Token(ctx, tok.Hash); err == nil && tok.RevokedAt.IsZero() {
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("revoke a token: %w", err)
		}
		return nil
	}
}

// maxRevokes is how often a token may change under whoever revokes it; a session
// does once a minute.
const maxRevokes = 5
