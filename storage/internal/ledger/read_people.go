package ledger

import (
	"context"
	"database/sql"

	"salve/bot"
	"salve/storage/internal/query"
)

// People reads all, by id.
func (l *Ledger) People(ctx context.Context) ([]bot.Person, error) {
	return rowsOf(ctx, l, asking("read people", query.People+" ORDER BY id"), scanPerson)
}

// Person reads one; bot.ErrNotFound if there is none.
func (l *Ledger) Person(ctx context.Context, id bot.PersonID) (bot.Person, error) {
	return rowOf(ctx, l, asking("read person "+string(id), query.Person, string(id)), scanPerson)
}

// PersonBy reads the one whom a surface knows by this identity.
func (l *Ledger) PersonBy(ctx context.Context, id bot.Identity) (bot.Person, error) {
	return rowOf(ctx, l, asking("read person by "+id.Surface+" identity", query.PersonBy, id.Surface, id.ID), scanPerson)
}

func scanPerson(rows *sql.Rows) (p bot.Person, err error) {
	var version int64
	var body sql.RawBytes
	if err := rows.Scan(&version, &body); err != nil {
		return p, err
	}
	err = decode(body, &p)
	p.Version = version
	return p, err
}

// Token reads one by the hash of its secret; bot.ErrNotFound if there is none.
func (l *Ledger) Token(ctx context.Context, hash string) (bot.Token, error) {
	return rowOf(ctx, l, asking("read token", query.Token, hash), scanToken)
}

// Tokens reads those of a person.
func (l *Ledger) Tokens(ctx context.Context, person bot.PersonID) ([]bot.Token, error) {
	return rowsOf(ctx, l, asking("read tokens of "+string(person), query.TokensOf, string(person)), scanToken)
}

func scanToken(rows *sql.Rows) (t bot.Token, err error) {
	var version int64
	var body sql.RawBytes
	if err := rows.Scan(&version, &body); err != nil {
		return t, err
	}
	err = decode(body, &t)
	t.Version = version
	return t, err
}
