-- +goose Up

-- Who writes holds this row, whatever the process: so there is one turn at a
-- time. incident and body are the highest ids in use; turn rises with each.
CREATE TABLE turn (
    id       BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    turn     BIGINT NOT NULL,
    incident BIGINT NOT NULL,
    body     BIGINT NOT NULL
);
INSERT INTO turn (id, turn, incident, body) VALUES (1, 0, 0, 0);

-- The processes that share the database. A lease ends at until_at, on the clock
-- of the database; ended_at tells that it was taken away or given back.
CREATE TABLE replicas (
    epoch      BIGINT NOT NULL PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name       TEXT COLLATE "C" NOT NULL,
    version    TEXT COLLATE "C" NOT NULL,
    started_at BIGINT NOT NULL,
    until_at   BIGINT NOT NULL,
    ended_at   BIGINT NOT NULL
);
CREATE INDEX replicas_alive ON replicas (until_at) WHERE ended_at = 0;

CREATE SEQUENCE plan_ids;
CREATE SEQUENCE approval_ids;
CREATE SEQUENCE run_ids;
CREATE SEQUENCE quarantine_ids;

-- state, source, title and owner repeat what fold and work say, for the indexes.
CREATE TABLE incidents (
    id          BIGINT PRIMARY KEY,
    version     BIGINT NOT NULL,
    fold_rev    BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    source      TEXT COLLATE "C" NOT NULL,
    title       TEXT COLLATE "C" NOT NULL,
    title_lower TEXT COLLATE "C" NOT NULL,
    owner       TEXT COLLATE "C" NOT NULL,
    home        TEXT COLLATE "C" NOT NULL,
    fold        TEXT COLLATE "C" NOT NULL,
    work        TEXT COLLATE "C" NOT NULL
);
CREATE INDEX incidents_due ON incidents (due_at) WHERE due_at > 0;
CREATE INDEX incidents_state ON incidents (state, id);
CREATE INDEX incidents_owner ON incidents (owner, id) WHERE owner <> '';
-- Only what is over is asked for by title, and leaving the open ones out keeps a
-- write to a random page off the way of every new alert.
CREATE INDEX incidents_like ON incidents USING hash (title) WHERE state <> 'open';

-- Which Incident takes the alerts of a source and group key; the key is a hash
-- of both, since group keys are long. extra is 1 when the Incident was not made
-- for the group but got it by a merge: its own is found by incidents.home.
CREATE TABLE groups (
    key      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    incident BIGINT NOT NULL,
    extra    BIGINT NOT NULL
);
CREATE INDEX groups_extra ON groups (incident) WHERE extra = 1;

-- The key begins with the time, so that new alerts touch the same few pages.
-- Rows are small and bodies lie apart, so that a repeat, which is told by its
-- sum, is found without reading a body.
CREATE TABLE alerts (
    starts_at   BIGINT NOT NULL,
    fingerprint TEXT COLLATE "C" NOT NULL,
    source      TEXT COLLATE "C" NOT NULL,
    incident    BIGINT NOT NULL,
    rank        BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    sum         BIGINT NOT NULL,
    body        BIGINT NOT NULL,
    PRIMARY KEY (starts_at, fingerprint, source)
);
CREATE INDEX alerts_incident ON alerts (incident);

CREATE TABLE bodies (
    id   BIGINT PRIMARY KEY,
    body TEXT COLLATE "C" NOT NULL
);

CREATE TABLE deliveries (
    id          BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    source      TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    alerts      BIGINT NOT NULL,
    size        BIGINT NOT NULL,
    body        BYTEA NOT NULL
);

CREATE TABLE quarantined (
    id          BIGINT PRIMARY KEY,
    version     BIGINT NOT NULL,
    state       TEXT COLLATE "C" NOT NULL,
    source      TEXT COLLATE "C" NOT NULL,
    reason      TEXT COLLATE "C" NOT NULL,
    received_at BIGINT NOT NULL,
    size        BIGINT NOT NULL,
    sha256      TEXT COLLATE "C" NOT NULL,
    repeats     BIGINT NOT NULL,
    body        BYTEA
);
CREATE UNIQUE INDEX quarantined_held ON quarantined (source, sha256) WHERE state = 'held';
CREATE INDEX quarantined_state ON quarantined (state, id);

CREATE TABLE plans (
    id       BIGINT PRIMARY KEY,
    incident BIGINT NOT NULL,
    body     TEXT COLLATE "C" NOT NULL
);
CREATE INDEX plans_incident ON plans (incident, id);

CREATE TABLE approvals (
    id       BIGINT PRIMARY KEY,
    version  BIGINT NOT NULL,
    incident BIGINT NOT NULL,
    plan     BIGINT NOT NULL REFERENCES plans (id),
    target   TEXT COLLATE "C" NOT NULL,
    state    TEXT COLLATE "C" NOT NULL,
    body     TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX approvals_pending ON approvals (incident, target) WHERE state = 'pending';
CREATE INDEX approvals_incident ON approvals (incident, id);
CREATE INDEX approvals_state ON approvals (state, id);

CREATE TABLE runs (
    id       BIGINT PRIMARY KEY,
    version  BIGINT NOT NULL,
    incident BIGINT NOT NULL,
    plan     BIGINT NOT NULL REFERENCES plans (id),
    playbook TEXT COLLATE "C" NOT NULL,
    target   TEXT COLLATE "C" NOT NULL,
    state    TEXT COLLATE "C" NOT NULL,
    active   BIGINT NOT NULL,
    changed  BIGINT NOT NULL,
    epoch    BIGINT NOT NULL,
    due_at   BIGINT NOT NULL,
    ended_at BIGINT NOT NULL,
    body     TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX runs_active ON runs (target) WHERE active = 1;
CREATE INDEX runs_in_hand ON runs (active, id) WHERE active = 1;
CREATE INDEX runs_due ON runs (due_at) WHERE due_at > 0;
CREATE INDEX runs_incident ON runs (incident, id);
CREATE INDEX runs_target ON runs (target, playbook, ended_at);
CREATE INDEX runs_playbook ON runs (playbook, id);

CREATE TABLE claims (
    target   TEXT COLLATE "C" NOT NULL,
    incident BIGINT NOT NULL,
    body     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (target, incident)
);
CREATE INDEX claims_incident ON claims (incident);

CREATE TABLE halts (
    scope TEXT COLLATE "C" NOT NULL,
    name  TEXT COLLATE "C" NOT NULL,
    body  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (scope, name)
);

CREATE TABLE people (
    id      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    body    TEXT COLLATE "C" NOT NULL
);

CREATE TABLE identities (
    surface TEXT COLLATE "C" NOT NULL,
    id      TEXT COLLATE "C" NOT NULL,
    person  TEXT COLLATE "C" NOT NULL REFERENCES people (id),
    PRIMARY KEY (surface, id)
);
CREATE INDEX identities_person ON identities (person);

CREATE TABLE tokens (
    hash    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    person  TEXT COLLATE "C" NOT NULL,
    body    TEXT COLLATE "C" NOT NULL
);
CREATE INDEX tokens_person ON tokens (person);

-- When what is done now and then is to be done next: whoever moves next_at does it.
CREATE TABLE schedules (
    name    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    next_at BIGINT NOT NULL
);

-- body is the sealed Event; seq, incident and run repeat it for the indexes.
CREATE TABLE events (
    seq      BIGINT PRIMARY KEY,
    incident BIGINT NOT NULL,
    run      BIGINT NOT NULL,
    body     TEXT COLLATE "C" NOT NULL
);
CREATE INDEX events_incident ON events (incident, seq) WHERE incident > 0;
CREATE INDEX events_run ON events (run, seq) WHERE run > 0;

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END
$$;
-- +goose StatementEnd
CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the audit log is append-only');
CREATE TRIGGER plans_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON plans
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('a plan is written once');
