package query

// What waits. Each count ends at $2 and each minimum stands on an index, so that
// the whole takes a bounded number of steps.
const (
	Backlog = `SELECT 'decide', COUNT(*), COALESCE(MIN(due_at), 0) FROM (SELECT due_at FROM incidents WHERE due_at > 0 AND due_at <= $1 ORDER BY due_at LIMIT $2) AS q
UNION ALL SELECT 'undecided', COUNT(*), COALESCE(MIN(due_at), 0) FROM (SELECT due_at, version FROM incidents WHERE due_at > 0 AND due_at <= $1 ORDER BY due_at LIMIT $3) AS q WHERE version = 1
UNION ALL SELECT 'act', COUNT(*), COALESCE(MIN(due_at), 0) FROM (SELECT due_at FROM runs WHERE due_at > 0 AND due_at <= $1 AND active = 1 ORDER BY due_at LIMIT $2) AS q
UNION ALL SELECT 'approvals', COUNT(*), 0 FROM (SELECT id FROM approvals WHERE state = 'pending' LIMIT $2) AS q
UNION ALL SELECT 'held', COUNT(*), 0 FROM (SELECT id FROM quarantined WHERE state = 'held' LIMIT $2) AS q
UNION ALL SELECT 'run ' || state, COUNT(*), 0 FROM (SELECT state FROM runs WHERE active = 1 LIMIT $2) AS q GROUP BY state`

	OldestActiveRun = Runs + ` WHERE active = 1 ORDER BY id LIMIT 1`
	OldestPending   = Approvals + ` WHERE state = 'pending' ORDER BY id LIMIT 1`
	OpenFolds       = `SELECT id, fold FROM incidents WHERE state = 'open' AND id > $1 ORDER BY id LIMIT $2`

	// EventsButAlerts knows alerts that came in by the beginning of the body,
	// without decoding it: the fields of an Event have a fixed order, quotes in
	// texts are escaped, and no Event has data by the name of kind.
	EventsButAlerts = Events + ` WHERE seq > $1 AND seq <= $2 AND body NOT LIKE '{"chain":"%","seq":%,"at":"%","kind":"alerts.received",%' ORDER BY seq`
	LastSeq         = `SELECT COALESCE(MAX(seq), 0) FROM events`
)
