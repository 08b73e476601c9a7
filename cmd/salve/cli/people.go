package cli

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"salve/bot"
)

// User is everything about people.
type User struct {
	List      UserList  `cmd:"" default:"withargs" help:"List people."`
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
	door, err := e.Door()
	if err != nil {
		return err
	}
	var list []bot.Person
	if err := door.Get(ctx, "/v1/people", nil, &list); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(list)
	}
	rows := make([][]string, 0, len(list))
	for _, p := range list {
		state := ""
		if p.Disabled {
			state = "disabled"
		}
		rows = append(rows, []string{string(p.ID), p.Name, joinRoles(p.Roles), strings.Join(p.Groups, ","), joinIdentities(p.Identities), state})
	}
	return s.table([]string{"ID", "NAME", "ROLES", "GROUPS", "IDENTITIES", ""}, rows, "Nobody yet. Add yourself: salve user add alice --role responder --group oncall --uid $(id -u)")
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
	UID   []int    `help:"Unix user id on this machine; may be repeated." placeholder:"UID"`
}

func (f PersonFlags) onto(p bot.Person) bot.Person {
	if f.Name != "" {
		p.Name = f.Name
	}
	if len(f.Role) > 0 {
		p.Roles = nil
		for _, r := range f.Role {
			p.Roles = append(p.Roles, bot.Role(r))
		}
	}
	if len(f.Group) > 0 {
		p.Groups = f.Group
	}
	if len(f.UID) > 0 {
		p.Identities = nil
		for _, u := range f.UID {
			p.Identities = append(p.Identities, bot.Identity{Surface: "unix", ID: strconv.Itoa(u)})
		}
	}
	return p
}

// UserAdd adds a person.
type UserAdd struct {
	ID string `arg:"" help:"Short, lower case, for ever: alice."`
	PersonFlags
}

// Help is shown by --help.
func (UserAdd) Help() string {
	return "The user that runs Salve may always manage people; else a person with the role admin.\n\nExample:\n  salve user add alice --role responder --group oncall --uid 1000"
}

// Run adds.
func (c UserAdd) Run(ctx context.Context, e *Env) error {
	p := c.onto(bot.Person{ID: bot.PersonID(c.ID), Name: c.ID})
	return e.send(ctx, edit{http.MethodPost, "/v1/people", p, c.ID + " was added."})
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
	s.line("%s", c.done)
	return nil
}

// UserEdit changes a person.
type UserEdit struct {
	ID string `arg:"" help:"The person."`
	PersonFlags
}

// Run changes what the flags name and leaves the rest.
func (c UserEdit) Run(ctx context.Context, e *Env) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	var p bot.Person
	if err := door.Get(ctx, "/v1/people/"+url.PathEscape(c.ID), nil, &p); err != nil {
		return err
	}
	return e.send(ctx, edit{http.MethodPut, "/v1/people/" + url.PathEscape(c.ID), c.onto(p), c.ID + " was changed."})
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

// secretAnswer is what comes back when a token or a link is made; it is shown once.
type secretAnswer struct {
	Secret    string    `json:"secret,omitempty"`
	URL       string    `json:"url,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// UserLink makes a login link.
type UserLink struct {
	ID string `arg:"" help:"The person."`
}

// Run makes and prints it.
func (c UserLink) Run(ctx context.Context, e *Env) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	var got secretAnswer
	if err := door.Send(ctx, http.MethodPost, "/v1/people/"+url.PathEscape(c.ID)+"/login-link", nil, &got); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(got)
	}
	s.line("%s", got.URL)
	s.line("It signs %s in once, until %s.", c.ID, got.ExpiresAt.Local().Format(time.DateTime))
	return nil
}

// UserToken makes a token.
type UserToken struct {
	ID    string `arg:"" help:"The person."`
	Label string `help:"What it is for." required:""`
	For   string `help:"How long it lives." default:"2160h"`
}

// Run makes and prints it.
func (c UserToken) Run(ctx context.Context, e *Env) error {
	var ttl bot.Duration
	if err := ttl.UnmarshalText([]byte(c.For)); err != nil {
		return usage("%s", err)
	}
	door, err := e.Door()
	if err != nil {
		return err
	}
	var got secretAnswer
	in := map[string]any{"label": c.Label, "ttl": ttl}
	if err := door.Send(ctx, http.MethodPost, "/v1/people/"+url.PathEscape(c.ID)+"/tokens", in, &got); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(got)
	}
	s.line("%s", got.Secret)
	s.line("It is shown this once. Use it as SALVE_TOKEN with SALVE_SERVER. It ends %s.", got.ExpiresAt.Local().Format(time.DateOnly))
	return nil
}

// UserHas lists tokens.
type UserHas struct {
	ID string `arg:"" help:"The person."`
}

// Run lists.
func (c UserHas) Run(ctx context.Context, e *Env) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	var list []bot.Token
	if err := door.Get(ctx, "/v1/people/"+url.PathEscape(c.ID)+"/tokens", nil, &list); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(list)
	}
	rows := make([][]string, 0, len(list))
	for _, t := range list {
		state := "until " + t.ExpiresAt.Local().Format(time.DateTime)
		if !t.Valid(s.now) {
			state = "over"
		}
		rows = append(rows, []string{t.Hash[:min(12, len(t.Hash))], string(t.Kind), t.Label, state})
	}
	return s.table([]string{"TOKEN", "KIND", "LABEL", "STATE"}, rows, "No tokens.")
}

// UserStop revokes a token.
type UserStop struct {
	ID    string `arg:"" help:"The person."`
	Token string `arg:"" help:"The first characters of it, as salve user tokens shows them."`
}

// Run revokes.
func (c UserStop) Run(ctx context.Context, e *Env) error {
	path := "/v1/people/" + url.PathEscape(c.ID) + "/tokens/" + url.PathEscape(c.Token)
	return e.send(ctx, edit{http.MethodDelete, path, nil, "The token was revoked."})
}

// Whoami says who Salve takes me for.
type Whoami struct{}

// Run prints it.
func (Whoami) Run(ctx context.Context, e *Env) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	var p bot.Person
	if err := door.Get(ctx, "/v1/whoami", nil, &p); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(p)
	}
	if p.ID == "" {
		s.line("Salve does not know you: you may read and halt. Somebody who manages people can run:\n  salve user add NAME --role responder --group oncall --uid $(id -u)")
		return nil
	}
	s.line("%s (%s), roles %s, groups %s", p.ID, plain(p.Name), joinRoles(p.Roles), strings.Join(p.Groups, ","))
	return nil
}
