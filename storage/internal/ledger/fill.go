package ledger

import (
	"database/sql/driver"
	"fmt"
)

// Fill reads a row into dest, of *int64 and *string; a value of another type
// means damage.
func Fill(dest []any, row []driver.Value) error {
	if len(dest) != len(row) {
		return fmt.Errorf("%w: %d columns for %d values", ErrDamaged, len(row), len(dest))
	}
	for i, v := range row {
		ok := false
		switch d := dest[i].(type) {
		case *int64:
			*d, ok = v.(int64)
		case *string:
			*d, ok = v.(string)
		}
		if !ok {
			return fmt.Errorf("%w: column %d holds %T", ErrDamaged, i+1, v)
		}
	}
	return nil
}
