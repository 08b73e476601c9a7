package cli

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"salve/bot"
)

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
