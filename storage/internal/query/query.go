// Package query holds the SQL that every store runs, as text.
//
// It promises to use TEXT and BIGINT only (times as Unix milliseconds with 0
// for none, nouns as JSON), numbered placeholders, and nothing that SQLite and
// PostgreSQL read differently. It assumes the tables of the store's own
// migrations. There is nothing that can fail.
package query

// Alerts and the Incident that takes them.
const (
	AlertByKey    = `SELECT incident, received_at, sum, body FROM alerts WHERE starts_at = $1 AND fingerprint = $2 AND source = $3`
	InsertAlert   = `INSERT INTO alerts (starts_at, fingerprint, source, incident, rank, received_at, sum, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	UpdateAlert   = `UPDATE alerts SET rank = $1, received_at = $2, sum = $3 WHERE starts_at = $4 AND fingerprint = $5 AND source = $6`
	MoveAlert     = `UPDATE alerts SET incident = $1 WHERE starts_at = $2 AND fingerprint = $3 AND source = $4`
	MoveAllAlerts = `UPDATE alerts SET incident = $1 WHERE incident = $2`
	Alerts        = `SELECT a.starts_at, a.fingerprint, a.source, a.received_at, b.body FROM alerts a JOIN bodies b ON b.id = a.body WHERE a.incident = $1`
	AlertsToShow  = Alerts + ` ORDER BY a.rank, a.starts_at, a.fingerprint, a.source LIMIT $2`
	AlertsOfMany  = `SELECT a.incident, a.starts_at, a.fingerprint, a.source, a.received_at, b.body FROM alerts a JOIN bodies b ON b.id = a.body`
	Body          = `SELECT body FROM bodies WHERE id = $1`
	InsertBody    = `INSERT INTO bodies (id, body) VALUES ($1, $2)`
	UpdateBody    = `UPDATE bodies SET body = $1 WHERE id = $2`
	HighestBody   = `SELECT COALESCE(MAX(id), 0) FROM bodies`

	IncidentOfKey = `SELECT incident FROM groups WHERE key = $1`
	InsertGroup   = `INSERT INTO groups (key, incident, extra) VALUES ($1, $2, $3) ON CONFLICT (key) DO NOTHING`
	RepointHome   = `UPDATE groups SET incident = $1, extra = 1 WHERE incident = $2 AND key = $3`
	RepointExtra  = `UPDATE groups SET incident = $1 WHERE incident = $2 AND extra = 1`
	DeleteHome    = `DELETE FROM groups WHERE incident = $1 AND key = $2`
	DeleteExtra   = `DELETE FROM groups WHERE incident = $1 AND extra = 1`

	InsertDelivery = `INSERT INTO deliveries (source, received_at, alerts, size, body) VALUES ($1, $2, $3, $4, $5)`
)

// Incidents.
const (
	IncidentHead   = `SELECT version, fold_rev, due_at, state, home, fold FROM incidents WHERE id = $1`
	IncidentExists = `SELECT version FROM incidents WHERE id = $1`
	InsertIncident = `INSERT INTO incidents (id, version, fold_rev, due_at, state, source, title, title_lower, owner, home, fold, work) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	UpdateFold     = `UPDATE incidents SET fold_rev = $1, due_at = $2, state = $3, source = $4, title = $5, title_lower = $6, fold = $7 WHERE id = $8`
	UpdateWork     = `UPDATE incidents SET version = $1, due_at = $2, state = $3, owner = $4, work = $5 WHERE id = $6 AND version = $1 - 1`
	Incidents      = `SELECT id, version, fold_rev, due_at, fold, work FROM incidents`
	Incident       = Incidents + ` WHERE id = $1`
	DueIncidents   = Incidents + ` WHERE due_at > 0 AND due_at <= $1 ORDER BY due_at, id LIMIT $2`
	// A share of what is due: every $3rd from $4 on, and whatever is due since $5.
	DueShareOfIncidents = Incidents + ` WHERE due_at > 0 AND due_at <= $1 AND (id % $3 = $4 OR due_at <= $5) ORDER BY due_at, id LIMIT $2`
)

// Plans, Approvals and Runs.
const (
	InsertPlan   = `INSERT INTO plans (id, incident, body) VALUES ($1, $2, $3)`
	Plan         = `SELECT body FROM plans WHERE id = $1`
	PlansOf      = `SELECT body FROM plans WHERE incident = $1 ORDER BY id`
	PlanIncident = `SELECT incident FROM plans WHERE id = $1`

	InsertApproval  = `INSERT INTO approvals (version, incident, plan, target, state, body, id) VALUES (1, $1, $2, $3, $4, $5, $6)`
	UpdateApproval  = `UPDATE approvals SET version = version + 1, incident = $1, plan = $2, target = $3, state = $4, body = $5 WHERE id = $6 AND version = $7`
	Approvals       = `SELECT id, version, body FROM approvals`
	Approval        = Approvals + ` WHERE id = $1`
	InsertRun       = `INSERT INTO runs (version, incident, plan, playbook, target, state, active, changed, epoch, due_at, ended_at, body, id) VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`
	UpdateRun       = `UPDATE runs SET version = version + 1, incident = $1, plan = $2, playbook = $3, target = $4, state = $5, active = $6, changed = $7, epoch = $8, due_at = $9, ended_at = $10, body = $11 WHERE id = $12 AND version = $13`
	Runs            = `SELECT id, version, body FROM runs`
	Run             = Runs + ` WHERE id = $1`
	DueRuns         = Runs + ` WHERE due_at > 0 AND due_at <= $1 AND active = 1 ORDER BY due_at, id LIMIT $2`
	DueShareOfRuns  = Runs + ` WHERE due_at > 0 AND due_at <= $1 AND active = 1 AND (id % $3 = $4 OR due_at <= $5) ORDER BY due_at, id LIMIT $2`
	InterruptedRuns = Runs + ` WHERE active = 1 AND due_at = 0 AND state <> 'waiting' AND epoch < $1 ORDER BY id`
	LeftRuns        = Runs + ` WHERE active = 1 AND due_at = 0 AND state <> 'waiting' AND NOT EXISTS (SELECT 1 FROM replicas WHERE replicas.epoch = runs.epoch AND ended_at = 0) ORDER BY id`
	// History gives the active Run of a target, then the last one of a playbook
	// that changed it, then the claims on it: which of them stands in the first
	// column.
	History = `SELECT 1, id, version, body FROM runs WHERE target = $1 AND active = 1
UNION ALL SELECT 2, id, version, body FROM (SELECT id, version, body FROM runs WHERE target = $1 AND playbook = $2 AND active = 0 AND changed = 1 ORDER BY ended_at DESC, id DESC LIMIT 1) AS last
UNION ALL SELECT 3, incident, 0, body FROM claims WHERE target = $1`
)

// Claims and Halts.
const (
	PutClaim    = `INSERT INTO claims (target, incident, body) VALUES ($1, $2, $3) ON CONFLICT (target, incident) DO UPDATE SET body = excluded.body`
	DeleteClaim = `DELETE FROM claims WHERE target = $1 AND incident = $2`
	ClaimBody   = `SELECT body FROM claims WHERE target = $1 AND incident = $2`
	ClaimsOf    = `SELECT body FROM claims WHERE incident = $1 ORDER BY target`
	PutHalt     = `INSERT INTO halts (scope, name, body) VALUES ($1, $2, $3) ON CONFLICT (scope, name) DO UPDATE SET body = excluded.body`
	DeleteHalt  = `DELETE FROM halts WHERE scope = $1 AND name = $2`
	HaltBody    = `SELECT body FROM halts WHERE scope = $1 AND name = $2`
	Halts       = `SELECT body FROM halts ORDER BY scope, name`
)

// People and Tokens.
const (
	InsertPerson     = `INSERT INTO people (id, version, body) VALUES ($1, 1, $2)`
	UpdatePerson     = `UPDATE people SET version = version + 1, body = $1 WHERE id = $2 AND version = $3`
	People           = `SELECT version, body FROM people`
	Person           = People + ` WHERE id = $1`
	PersonBy         = People + ` WHERE id = (SELECT person FROM identities WHERE surface = $1 AND id = $2)`
	InsertIdentity   = `INSERT INTO identities (surface, id, person) VALUES ($1, $2, $3)`
	DeleteIdentities = `DELETE FROM identities WHERE person = $1`
	InsertToken      = `INSERT INTO tokens (person, body, hash, version) VALUES ($1, $2, $3, 1)`
	UpdateToken      = `UPDATE tokens SET version = version + 1, person = $1, body = $2 WHERE hash = $3 AND version = $4`
	Tokens           = `SELECT version, body FROM tokens`
	Token            = Tokens + ` WHERE hash = $1`
	TokensOf         = Tokens + ` WHERE person = $1 ORDER BY hash`
)

// Events.
const (
	InsertEvent = `INSERT INTO events (seq, incident, run, body) VALUES ($1, $2, $3, $4)`
	Events      = `SELECT seq, incident, run, body FROM events`
	AllEvents   = Events + ` ORDER BY seq`
	LastEvent   = Events + ` ORDER BY seq DESC LIMIT 1`
)

// Quarantined payloads.
const (
	HeldQuarantine   = `SELECT id FROM quarantined WHERE source = $1 AND sha256 = $2 AND state = 'held'`
	RepeatQuarantine = `UPDATE quarantined SET repeats = repeats + 1 WHERE id = $1`
	InsertQuarantine = `INSERT INTO quarantined (id, version, state, source, reason, received_at, size, sha256, repeats, body) VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9)`
	UpdateQuarantine = `UPDATE quarantined SET version = version + 1, state = $1, reason = $2 WHERE id = $3 AND version = $4`
	Quarantine       = `SELECT id, version, state, source, reason, received_at, size, sha256, repeats FROM quarantined`
	QuarantineItem   = `SELECT id, version, state, source, reason, received_at, size, sha256, repeats, body FROM quarantined WHERE id = $1`
)

// Bookkeeping.
const (
	TakeTick   = `INSERT INTO schedules (name, next_at) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET next_at = excluded.next_at WHERE schedules.next_at <= $3`
	RaiseEpoch = `INSERT INTO meta (key, value) VALUES ('epoch', 1) ON CONFLICT (key) DO UPDATE SET value = meta.value + 1`
	Epoch      = `SELECT value FROM meta WHERE key = 'epoch'`
	HighestIDs = `SELECT 'I', COALESCE(MAX(id), 0) FROM incidents
UNION ALL SELECT 'P', COALESCE(MAX(id), 0) FROM plans
UNION ALL SELECT 'A', COALESCE(MAX(id), 0) FROM approvals
UNION ALL SELECT 'R', COALESCE(MAX(id), 0) FROM runs
UNION ALL SELECT 'Q', COALESCE(MAX(id), 0) FROM quarantined`

	OldestDeliveries   = `SELECT id, received_at, size FROM deliveries ORDER BY id LIMIT $1`
	DeleteDelivery     = `DELETE FROM deliveries WHERE id = $1`
	DeliveredBytes     = `SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM deliveries`
	DropSettledPayload = `UPDATE quarantined SET body = NULL WHERE state <> 'held' AND received_at < $1 AND body IS NOT NULL`
)
