CREATE TRIGGER audit_boundaries_no_delete BEFORE DELETE ON audit_boundaries
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_boundaries_no_update BEFORE UPDATE ON audit_boundaries
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER events_no_delete BEFORE DELETE ON events
WHEN OLD.seq > COALESCE((SELECT MAX(size) FROM audit_boundaries), 0)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER events_no_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER plans_no_delete BEFORE DELETE ON plans
BEGIN
    SELECT RAISE(ABORT, 'a plan is written once');
END;

CREATE TRIGGER plans_no_update BEFORE UPDATE ON plans
BEGIN
    SELECT RAISE(ABORT, 'a plan is written once');
END;

CREATE TABLE alerts (
    starts_at   BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    source      TEXT NOT NULL,
    incident    BIGINT NOT NULL,
    rank        BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    sum         BIGINT NOT NULL,
    body        BIGINT NOT NULL,
    PRIMARY KEY (starts_at, fingerprint, source)
) WITHOUT ROWID;

CREATE TABLE approvals (
    id       INTEGER PRIMARY KEY,
    version  BIGINT NOT NULL,
    incident BIGINT NOT NULL,
    plan     BIGINT NOT NULL REFERENCES plans (id),
    target   TEXT NOT NULL,
    state    TEXT NOT NULL,
    body     TEXT NOT NULL
);

CREATE TABLE audit_boundaries (
    size    INTEGER PRIMARY KEY,
    note    TEXT NOT NULL,
    edge    TEXT NOT NULL,
    carried TEXT NOT NULL
);

CREATE TABLE bodies (
    id   INTEGER PRIMARY KEY,
    body TEXT NOT NULL
);

CREATE TABLE claims (
    target   TEXT NOT NULL,
    incident BIGINT NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (target, incident)
) WITHOUT ROWID;

CREATE TABLE cursors (
    name    TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seq     BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE deliveries (
    id          INTEGER PRIMARY KEY,
    source      TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    alerts      BIGINT NOT NULL,
    size        BIGINT NOT NULL,
    body        BLOB NOT NULL
);

CREATE TABLE events (
    seq      INTEGER PRIMARY KEY,
    incident BIGINT NOT NULL,
    run      BIGINT NOT NULL,
    body     TEXT NOT NULL
);

CREATE TABLE gestures (
    key         TEXT NOT NULL PRIMARY KEY,
    version     BIGINT NOT NULL,
    done        BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT NOT NULL
);

CREATE TABLE groups (
    key      TEXT NOT NULL PRIMARY KEY,
    incident BIGINT NOT NULL,
    extra    BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE halts (
    scope TEXT NOT NULL,
    name  TEXT NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;

CREATE TABLE identities (
    surface TEXT NOT NULL,
    id      TEXT NOT NULL,
    person  TEXT NOT NULL REFERENCES people (id),
    PRIMARY KEY (surface, id)
) WITHOUT ROWID;

CREATE TABLE incidents (
    id          INTEGER PRIMARY KEY,
    version     BIGINT NOT NULL,
    fold_rev    BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    state       TEXT NOT NULL,
    source      TEXT NOT NULL,
    title       TEXT NOT NULL,
    title_lower TEXT NOT NULL,
    owner       TEXT NOT NULL,
    home        TEXT NOT NULL,
    fold        TEXT NOT NULL,
    work        TEXT NOT NULL
);

CREATE TABLE meta (
    key   TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE offers (
    token      TEXT NOT NULL PRIMARY KEY,
    surface    TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    body       TEXT NOT NULL
);

CREATE TABLE people (
    id      TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    body    TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE plans (
    id       INTEGER PRIMARY KEY,
    incident BIGINT NOT NULL,
    body     TEXT NOT NULL
);

CREATE TABLE posts (
    key        TEXT NOT NULL PRIMARY KEY,
    version    BIGINT NOT NULL,
    surface    TEXT NOT NULL,
    place      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    incident   BIGINT NOT NULL,
    run        BIGINT NOT NULL,
    parent     TEXT NOT NULL,
    state      TEXT NOT NULL,
    rank       BIGINT NOT NULL,
    due_at     BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    mark_place TEXT NOT NULL,
    mark_ref   TEXT NOT NULL,
    body       TEXT NOT NULL
);

CREATE TABLE quarantined (
    id          INTEGER PRIMARY KEY,
    version     BIGINT NOT NULL,
    state       TEXT NOT NULL,
    source      TEXT NOT NULL,
    reason      TEXT NOT NULL,
    received_at BIGINT NOT NULL,
    size        BIGINT NOT NULL,
    sha256      TEXT NOT NULL,
    repeats     BIGINT NOT NULL,
    body        BLOB
);

CREATE TABLE runs (
    id       INTEGER PRIMARY KEY,
    version  BIGINT NOT NULL,
    incident BIGINT NOT NULL,
    plan     BIGINT NOT NULL REFERENCES plans (id),
    playbook TEXT NOT NULL,
    target   TEXT NOT NULL,
    state    TEXT NOT NULL,
    active   BIGINT NOT NULL,
    changed  BIGINT NOT NULL,
    epoch    BIGINT NOT NULL,
    due_at   BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    body     TEXT NOT NULL
);

CREATE TABLE schedules (
    name    TEXT NOT NULL PRIMARY KEY,
    next_at BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE tokens (
    hash    TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    person  TEXT NOT NULL,
    body    TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX alerts_incident ON alerts (incident);

CREATE INDEX approvals_incident ON approvals (incident, id);

CREATE UNIQUE INDEX approvals_pending ON approvals (incident, target) WHERE state = 'pending';

CREATE INDEX approvals_state ON approvals (state, id);

CREATE INDEX claims_incident ON claims (incident);

CREATE INDEX events_incident ON events (incident, seq) WHERE incident > 0;

CREATE INDEX events_run ON events (run, seq) WHERE run > 0;

CREATE INDEX gestures_due ON gestures (due_at, received_at) WHERE done = 0;

CREATE INDEX gestures_over ON gestures (received_at) WHERE done = 1;

CREATE INDEX groups_extra ON groups (incident) WHERE extra = 1;

CREATE INDEX identities_person ON identities (person);

CREATE INDEX incidents_due ON incidents (due_at) WHERE due_at > 0;

CREATE INDEX incidents_like ON incidents (title, source, id) WHERE state <> 'open';

CREATE INDEX incidents_owner ON incidents (owner, id) WHERE owner <> '';

CREATE INDEX incidents_state ON incidents (state, id);

CREATE INDEX offers_expire ON offers (expires_at);

CREATE INDEX plans_incident ON plans (incident, id);

CREATE INDEX posts_awaited ON posts (parent) WHERE state = 'due' AND parent <> '';

CREATE INDEX posts_due ON posts (surface, rank, due_at) WHERE state = 'due';

CREATE INDEX posts_due_at_place ON posts (surface, place, rank, due_at) WHERE state = 'due';

CREATE INDEX posts_incident ON posts (incident) WHERE incident > 0;

CREATE INDEX posts_mark ON posts (surface, mark_place, mark_ref) WHERE mark_ref <> '';

CREATE INDEX posts_over ON posts (last_at) WHERE state <> 'due';

CREATE UNIQUE INDEX quarantined_held ON quarantined (source, sha256) WHERE state = 'held';

CREATE INDEX quarantined_state ON quarantined (state, id);

CREATE UNIQUE INDEX runs_active ON runs (target) WHERE active = 1;

CREATE INDEX runs_due ON runs (due_at) WHERE due_at > 0;

CREATE INDEX runs_in_hand ON runs (active, id) WHERE active = 1;

CREATE INDEX runs_incident ON runs (incident, id);

CREATE INDEX runs_playbook ON runs (playbook, id);

CREATE INDEX runs_target ON runs (target, playbook, ended_at);

CREATE INDEX tokens_person ON tokens (person);
