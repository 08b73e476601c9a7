-- +goose Up

-- The outbox of chat: what is shown where. What stands beside body repeats it
-- for the indexes; last_at is when the Post was sent last, or else opened, and
-- mark_place and mark_ref are where the surface keeps it, empty if it does not.
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
CREATE INDEX posts_due ON posts (surface, rank, due_at) WHERE state = 'due';
CREATE INDEX posts_due_at_place ON posts (surface, place, rank, due_at) WHERE state = 'due';
CREATE INDEX posts_awaited ON posts (parent) WHERE state = 'due' AND parent <> '';
CREATE INDEX posts_incident ON posts (incident) WHERE incident > 0;
CREATE INDEX posts_mark ON posts (surface, mark_place, mark_ref) WHERE mark_ref <> '';
CREATE INDEX posts_over ON posts (last_at) WHERE state <> 'due';

-- What the tokens on buttons stand for.
CREATE TABLE offers (
    token      TEXT NOT NULL PRIMARY KEY,
    surface    TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    body       TEXT NOT NULL
);
CREATE INDEX offers_expire ON offers (expires_at);

-- The inbox of chat: what people did there. done is 1 when nothing is left to do
-- about it.
CREATE TABLE gestures (
    key         TEXT NOT NULL PRIMARY KEY,
    version     BIGINT NOT NULL,
    done        BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    body        TEXT NOT NULL
);
CREATE INDEX gestures_due ON gestures (due_at, received_at) WHERE done = 0;
CREATE INDEX gestures_over ON gestures (received_at) WHERE done = 1;

-- How far a leg has read the events.
CREATE TABLE cursors (
    name    TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    seq     BIGINT NOT NULL
) WITHOUT ROWID;
