package query

// What Salve looks at to see whether it is well. Rows of schedules are a name and
// a number: here how often writing was tried, and when somebody was heard last.
const (
	TryWrite = `INSERT INTO schedules (name, next_at) VALUES ('try to write', 1) ON CONFLICT (name) DO UPDATE SET next_at = schedules.next_at + 1`
	// NoteHeard keeps the later of two times.
	NoteHeard   = `INSERT INTO schedules (name, next_at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at WHERE schedules.next_at < excluded.next_at`
	ForgetHeard = `DELETE FROM schedules WHERE name LIKE 'heard/%' AND next_at < $1`
	LastHeard   = `SELECT name, next_at FROM schedules WHERE name LIKE 'heard/%' ORDER BY name`
	// RunsInHand is for the oldest first: the ones that may be stuck.
	RunsInHand = Runs + ` WHERE active = 1 AND id > $1 ORDER BY id LIMIT $2`
	// OpenAlertsOf gives the alerts of one source in its open Incidents.
	OpenAlertsOf = `SELECT i.id, a.starts_at, a.fingerprint, a.source, a.received_at, b.body
FROM incidents i JOIN alerts a ON a.incident = i.id JOIN bodies b ON b.id = a.body
WHERE i.state = 'open' AND i.source = $1 AND a.source = $1 ORDER BY i.id, a.starts_at, a.fingerprint LIMIT $2`
)
