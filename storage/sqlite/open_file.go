package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
)

// OpenReadOnlyAt is OpenReadOnly for a data directory or for one database file,
// such as a backup under another name.
func OpenReadOnlyAt(ctx context.Context, path string) (*Store, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if info.IsDir() {
		return OpenReadOnly(ctx, path)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("open database: %s is neither a directory nor a file", path)
	}
	db, err := openReaders(path, 1)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, err)
	}
	s := &Store{log: slog.New(slog.DiscardHandler), readDB: db}
	if err := s.check(ctx); err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, errors.Join(err, s.Close()))
	}
	return s, nil
}
