-- +goose Up

-- Where the audit log was pruned: events up to size may be deleted, later ones
-- never.
CREATE TABLE audit_boundaries (
    size    BIGINT NOT NULL PRIMARY KEY,
    note    TEXT NOT NULL,
    edge    TEXT NOT NULL,
    carried TEXT NOT NULL
);

-- +goose StatementBegin
CREATE FUNCTION refuse_unpruned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.seq > (SELECT COALESCE(MAX(size), 0) FROM audit_boundaries) THEN
        RAISE EXCEPTION '%', TG_ARGV[0];
    END IF;
    RETURN OLD;
END
$$;
-- +goose StatementEnd
DROP TRIGGER events_no_change ON events;
CREATE TRIGGER events_no_change BEFORE UPDATE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the audit log is append-only');
CREATE TRIGGER events_no_delete BEFORE DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_unpruned('the audit log is append-only');
CREATE TRIGGER audit_boundaries_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_boundaries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the audit log is append-only');
