package cli

import (
	"context"
	"net/url"
)

// listing is a list that Salve gives, and how it reads as a table.
type listing struct {
	path  string
	query url.Values
	head  []string
	empty string // what is said when there is nothing
}

// list asks for a list and writes it: as JSON, or one row for each.
func list[T any](ctx context.Context, e *Env, l listing, row func(screen, T) []string) error {
	door, err := e.Door()
	if err != nil {
		return err
	}
	var all []T
	if err := door.Get(ctx, l.path, l.query, &all); err != nil {
		return err
	}
	s := e.screen()
	if s.asJSON {
		return s.json(all)
	}
	rows := make([][]string, 0, len(all))
	for _, v := range all {
		rows = append(rows, row(s, v))
	}
	return s.table(l.head, rows, l.empty)
}
