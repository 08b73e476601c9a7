package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"salve/bot"
)

// User is everything about people.
type User struct {
	List      UserList  `cmd:"" default:"withargs" help:"List people."`
	Show      UserShow  `cmd:"" help:"Show a person whole."`
	Add       UserAdd   `cmd:"" help:"Add a person."`
	Edit      UserEdit  `cmd:"" help:"Change a person's name, roles, groups or identities."`
	Disable   UserOff   `cmd:"" help:"Take away everything a person may do; their record stays."`
	Enable    UserOn    `cmd:"" help:"Give it back."`
	LoginLink UserLink  `cmd:"" help:"Make a link that signs one person in to the console, once."`
	Token     UserToken `cmd:"" help:"Make a token for the command line over HTTPS."`
	Tokens    UserHas   `cmd:"" help:"List a person's tokens."`
	Revoke    UserStop  `cmd:"" help:"Revoke a token."`
}

// UserList lists people.
type UserList struct{}

// Run lists.
func (UserList) Run(ctx context.Context, e *Env) error {
	return list(ctx, e, listing{path: "/v1/people", head: []string{"ID", "NAME", "ROLES", "GROUPS", "IDENTITIES", ""}, empty: "Nobody yet. Add yourself: salve user add alice --role responder --group oncall --uid $(id -u)"}, func(s screen, p bot.Person) []string {
		state := ""
		if p.Disabled {
			state = "disabled"
		}
		return []string{string(p.ID), p.Name, joinRoles(p.Roles), strings.Join(p.Groups, ","), joinIdentities(p.Identities), state}
	})
}

func joinRoles(roles []bot.Role) string {
	out := make([]string, 0, len(roles))
	for _, r := range roles {
		out = append(out, string(r))
	}
	return strings.Join(out, ",")
}

func joinIdentities(ids []bot.Identity) string {
	out := make([]string, 0, len(ids))
	for _, i := range ids {
		out = append(out, i.Surface+":"+i.ID)
	}
	return strings.Join(out, ",")
}

// PersonFlags describe a person.
type PersonFlags struct {
	Name  string   `help:"Name that people see." placeholder:"NAME"`
	Role  []string `help:"viewer, responder, admin; may be repeated." enum:"viewer,responder,admin" placeholder:"ROLE"`
	Group []string `help:"Approver group, or the group that may resume; may be repeated." placeholder:"GROUP"`
	IdentityFlags
}

// onto adds what the flags name to what the person has.
func (f PersonFlags) onto(p bot.Person) bot.Person {
	if f.Name != "" {
		p.Name = f.Name
	}
	for _, r := range f.Role {
		p.Roles = with(p.Roles, bot.Role(r))
	}
	for _, g := range f.Group {
		p.Groups = with(p.Groups, g)
	}
	for _, id := range f.identities() {
		p.Identities = with(p.Identities, id)
	}
	return p
}

func with[T comparable](list []T, v T) []T {
	if slices.Contains(list, v) {
		return list
	}
	return append(list, v)
}

// UserAdd adds a person.
type UserAdd struct {
	ID string `arg:"" help:"Short, lower case, for ever: alice."`
	PersonFlags
}

// Help is shown by --help.
func (UserAdd) Help() string {
	return "The user that runs Salve may always manage people; else a person with the role admin.\n\nExamples:\n  salve user add alice --role responder --group oncall --uid 1000\n  salve user add bob --role responder --slack T0123/U0456"
}

// Run adds.
func (c UserAdd) Run(ctx context.Context, e *Env) error {
	p := c.onto(bot.Person{ID: bot.PersonID(c.ID), Name: c.ID})
	return e.sendPerson(ctx, edit{http.MethodPost, "/v1/people", p, c.ID + " was added."})
}

// edit is a change of people.
type edit struct {
	method, path string
	in           any
	done         string // what a person reads when it is done
}

// send makes a change of people and says that it was done.
func (e *Env) send(ctx context.Context, c edit) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	var out any
	if err := door.Send(ctx, c.method, c.path, c.in, &out); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(out)
	}
	s.line("%s", plain(c.done))
	return nil
}

// sendPerson is send for a change that answers with the person as they now are.
func (e *Env) sendPerson(ctx context.Context, c edit) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	var p bot.Person
	if err := door.Send(ctx, c.method, c.path, c.in, &p); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(p)
	}
	s.line("%s", plain(c.done))
	s.person(p)
	return nil
}

// person is what somebody is, in one line.
func (s screen) person(p bot.Person) {
	line := fmt.Sprintf("%s (%s), roles %s", plain(string(p.ID)), plain(p.Name), plain(joinRoles(p.Roles)))
	if len(p.Groups) > 0 {
		line += ", groups " + plain(strings.Join(p.Groups, ","))
	}
	if len(p.Identities) > 0 {
		line += ", " + plain(joinIdentities(p.Identities))
	}
	if p.Disabled {
		line += ", disabled"
	}
	s.line("%s", line)
}

// UserEdit changes a person.
type UserEdit struct {
	ID string `arg:"" help:"The person."`
	PersonFlags
	DropRole  []string          `help:"Take this role away; may be repeated." placeholder:"ROLE"`
	DropGroup []string          `help:"Take out of this group; may be repeated." placeholder:"GROUP"`
	Drop      DropIdentityFlags `embed:""`
}

// Help is shown by --help.
func (UserEdit) Help() string {
	return "--role, --group, --uid, --slack, --oidc and --email add to what the person has; --drop-... take away.\n\nExamples:\n  salve user edit alice --group sre\n  salve user edit alice --oidc 'https://login.example.com#248289761001'\n  salve user edit alice --role admin --drop-group oncall"
}

// Run changes what the flags name and leaves the rest.
func (c UserEdit) Run(ctx context.Context, e *Env) error {
	named := len(c.Role) + len(c.Group) + len(c.DropRole) + len(c.DropGroup) + len(c.identities()) + len(c.Drop.identities())
	if c.Name == "" && named == 0 {
		return usage("say what to change, for example: salve user edit %s --group oncall", c.ID)
	}
	door, err := e.Door()
	if err != nil {
		return err
	}
	var p bot.Person
	if err := door.Get(ctx, "/v1/people/"+url.PathEscape(c.ID), nil, &p); err != nil {
		return err
	}
	if p, err = c.without(p); err != nil {
		return err
	}
	return e.sendPerson(ctx, edit{http.MethodPut, "/v1/people/" + url.PathEscape(c.ID), c.onto(p), c.ID + " was changed."})
}

// without takes away what --drop-... names. To take away what is not there is a
// mistake in the name, most likely.
func (c UserEdit) without(p bot.Person) (bot.Person, error) {
	for _, r := range c.DropRole {
		if !slices.Contains(p.Roles, bot.Role(r)) {
			return p, usage("%s has no role %s, but %s", c.ID, r, joinRoles(p.Roles))
		}
		p.Roles = slices.DeleteFunc(p.Roles, func(have bot.Role) bool { return have == bot.Role(r) })
	}
	for _, g := range c.DropGroup {
		if !slices.Contains(p.Groups, g) {
			return p, usage("%s is not in group %s, but in: %s", c.ID, g, strings.Join(p.Groups, ","))
		}
		p.Groups = slices.DeleteFunc(p.Groups, func(have string) bool { return have == g })
	}
	for _, id := range c.Drop.identities() {
		if !slices.Contains(p.Identities, id) {
			return p, usage("%s is not %s, but: %s", c.ID, joinIdentities([]bot.Identity{id}), joinIdentities(p.Identities))
		}
		p.Identities = slices.DeleteFunc(p.Identities, func(have bot.Identity) bool { return have == id })
	}
	return p, nil
}

// UserOff disables a person.
type UserOff struct {
	ID string `arg:"" help:"The person."`
}

// Run disables.
func (c UserOff) Run(ctx context.Context, e *Env) error {
	return e.send(ctx, edit{http.MethodPost, "/v1/people/" + url.PathEscape(c.ID) + "/disable", nil, c.ID + " may do nothing any more."})
}

// UserOn enables a person again.
type UserOn struct {
	ID string `arg:"" help:"The person."`
}

// Run enables.
func (c UserOn) Run(ctx context.Context, e *Env) error {
	return e.send(ctx, edit{http.MethodPost, "/v1/people/" + url.PathEscape(c.ID) + "/enable", nil, c.ID + " may do again what their roles and groups allow."})
}
