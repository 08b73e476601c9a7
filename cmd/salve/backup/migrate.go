package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"salve/storage/datadir"
	"salve/storage/sqlite"
)

// Migrated is what a migration did, or would do.
type Migrated struct {
	From   int64 `json:"from"`   // schema version that the database had
	To     int64 `json:"to"`     // that this build needs
	Done   bool  `json:"done"`   // it was brought up to date now
	Backup *Made `json:"backup"` // made before; nil: none
}

// Pending reports whether there is something left to do.
func (m Migrated) Pending() bool { return m.From < m.To && !m.Done }

// Look says what there is to migrate.
func Look(ctx context.Context, dataDir string) (Migrated, error) {
	have, need, err := sqlite.Schema(ctx, dataDir)
	if errors.Is(err, fs.ErrNotExist) {
		return Migrated{}, fmt.Errorf("there is no database in %s yet; salve serve makes one that is up to date", dataDir)
	}
	if err == nil && have > need {
		err = fmt.Errorf("the database in %s was written by a newer Salve (schema version %d, this build knows %d); use that build again or restore a backup", dataDir, have, need)
	}
	return Migrated{From: have, To: need}, err
}

// Migrate brings a database up to date, after a backup unless withBackup is
// false. Salve must not run, unless there is nothing to do.
func Migrate(ctx context.Context, o Options, withBackup bool) (Migrated, error) {
	m, err := Look(ctx, o.DataDir)
	if err != nil || !m.Pending() {
		return m, err
	}
	err = sqlite.Migrate(ctx, o.DataDir, func(ctx context.Context) error {
		if !withBackup || m.From == 0 {
			return nil
		}
		made, err := Make(ctx, o)
		if err != nil {
			return fmt.Errorf("nothing was migrated, since the backup before it could not be made: %w", err)
		}
		m.Backup = &made
		return nil
	})
	if err != nil {
		return m, err
	}
	m.Done = true
	return m, sameOwner(o.DataDir, filepath.Join(o.DataDir, sqlite.FileName), filepath.Join(o.DataDir, datadir.LockName))
}
