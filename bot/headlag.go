package bot

import "time"

// HeadLag is how far a place of signed heads is behind the audit log.
type HeadLag struct {
	Place  string
	Events int64         // that no head there covers
	For    time.Duration // since the oldest of them was written
}
