package config

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"salve/bot/secret"
)

// DatabaseURL is the address that `storage` names, itself or by reference.
func DatabaseURL(ctx context.Context, storage string, secrets secret.Resolver) (string, error) {
	ref, err := secret.ParseRef(storage)
	if err != nil {
		return storage, nil
	}
	value, err := secrets.Resolve(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("storage: %w", err)
	}
	if value.IsZero() {
		return "", errors.New("storage: the reference leads to nothing; write postgres://USER:PASSWORD@HOST:PORT/DATABASE there")
	}
	return value.Reveal(), nil
}

// CheckStorage says what is wrong with `storage`, and what to write instead; both
// are empty when nothing is.
func CheckStorage(storage string) (what, fix string) {
	if _, err := secret.ParseRef(storage); err == nil {
		return "", ""
	}
	u, err := url.Parse(storage)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Host == "" || len(u.Path) < 2 {
		return "is not the URL of a PostgreSQL database", "write postgres://USER@HOST:PORT/DATABASE or env:NAME"
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		return "holds a password", "put the whole URL where env:NAME or file:/path leads to; the secret itself never stands here"
	}
	return "", ""
}

func (r *reader) checkStorage(c *Config) {
	if c.Replica != "" && !namePattern.MatchString(c.Replica) {
		r.atPath("$.replica", fmt.Sprintf("%q is not a name", c.Replica), "use a-z, 0-9 and dashes")
	}
	if c.Storage == "" {
		return
	}
	if what, fix := CheckStorage(c.Storage); what != "" {
		r.atPath("$.storage", what, fix+"; leave it out for SQLite in data_dir")
	}
}
