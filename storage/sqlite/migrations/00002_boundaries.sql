-- +goose Up

-- Where the audit log was pruned: events up to size may be deleted, later ones
-- never.
CREATE TABLE audit_boundaries (
    size    INTEGER PRIMARY KEY,
    note    TEXT NOT NULL,
    edge    TEXT NOT NULL,
    carried TEXT NOT NULL
);

DROP TRIGGER events_no_delete;
-- +goose StatementBegin
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
WHEN OLD.seq > COALESCE((SELECT MAX(size) FROM audit_boundaries), 0)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_boundaries_no_update BEFORE UPDATE ON audit_boundaries
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_boundaries_no_delete BEFORE DELETE ON audit_boundaries
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;
-- +goose StatementEnd
