package backup

import (
	"context"
	"errors"
	"fmt"

	"salve/bot/audit"
	"salve/storage/sqlite"
)

// proof is what was found in a file that proves.
type proof struct {
	held   sqlite.Contents
	report audit.Report
}

// prove reads a file whole: its pages, its schema version, and its audit chain
// against itself and the heads that were noted.
func prove(ctx context.Context, path string, noted ...audit.Head) (p proof, err error) {
	f, err := sqlite.OpenFile(ctx, path)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if p.held, err = f.Contents(); err != nil {
		return p, err
	}
	if err := known(p.held); err != nil {
		return p, err
	}
	if err := f.Check(); err != nil {
		return p, err
	}
	if p.report, err = audit.Verify(audit.From(f.EachEvent), noted...); err != nil {
		return p, err
	}
	if !p.report.OK() {
		return p, fmt.Errorf("its audit log does not prove: %s", p.report.Faults[0])
	}
	return p, nil
}

// known refuses what is no database of Salve's, or a newer one's.
func known(held sqlite.Contents) error {
	need, err := sqlite.NeedsSchema()
	switch {
	case err != nil:
		return err
	case held.Schema == 0:
		return errors.New("it is no database of Salve")
	case held.Schema > need:
		return fmt.Errorf("it was written by a newer Salve (schema version %d, this build knows %d); restore it with that build", held.Schema, need)
	}
	return nil
}
