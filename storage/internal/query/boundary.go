package query

// Where the audit log is pruned.
const (
	InsertBoundary = `INSERT INTO audit_boundaries (size, note, edge, carried) VALUES ($1, $2, $3, $4)`
	LastBoundary   = `SELECT size, note, edge, carried FROM audit_boundaries ORDER BY size DESC LIMIT 1`
	FirstEvent     = `SELECT COALESCE(MIN(seq), 0) FROM events`
	DropEvents     = `DELETE FROM events WHERE seq <= $1`
	// FirstNeeded is the first Event about an Incident that is not closed, or that
	// has a Run in hand; 0 when there is none.
	FirstNeeded = `SELECT COALESCE(MIN(first), 0) FROM (
SELECT (SELECT MIN(e.seq) FROM events e WHERE e.incident = i.id AND e.incident > 0) AS first FROM incidents i WHERE i.state IN ('open', 'resolved')
UNION ALL SELECT (SELECT MIN(e.seq) FROM events e WHERE e.incident = r.incident AND e.incident > 0) FROM runs r WHERE r.active = 1) AS needed`
)
