package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	"salve/bot"
	"salve/storage/internal/ledger"
	"salve/storage/internal/query"
)

// Contents is what a database holds.
type Contents struct {
	Schema    int64            // version; 0: it is empty
	Epoch     int64            // of the process that wrote it last
	Rows      map[string]int64 // by table
	Head      int64            // number of the last Event; 0: there is none
	HeadHash  string           // of that Event
	LastEvent time.Time        // when it was
}

// File is a database that nobody writes: a backup. Reading it changes nothing in
// it and makes nothing beside it.
type File struct {
	conn *conn
	path string
}

// OpenFile opens a backup for reading. The context bounds everything that is done
// with it.
func OpenFile(ctx context.Context, path string) (*File, error) {
	if err := wholeByItself(path); err != nil {
		return nil, err
	}
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: "mode=ro&immutable=1&_pragma=query_only(1)&_pragma=temp_store(2)"}
	c, err := openConn(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &File{conn: c, path: path}, nil
}

// wholeByItself refuses what is no file, and a database with a log beside it.
func wholeByItself(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is not a file", path)
	}
	wal, err := os.Stat(path + "-wal")
	if err == nil && wal.Size() > 0 {
		return fmt.Errorf("%s-wal lies beside it: this is a database in use, or one that was not closed, and no backup; "+
			"make one of it: salve backup --data-dir DIR", path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Close gives the file back.
func (f *File) Close() error { return f.conn.close() }

// Check reads every page and every index, and the references between rows.
func (f *File) Check() error {
	for _, text := range []string{"PRAGMA integrity_check(1)", "PRAGMA foreign_key_check"} {
		err := f.conn.Each("check "+f.path, text, nil, func(row []driver.Value) error {
			if len(row) == 1 && row[0] == "ok" {
				return nil
			}
			return fmt.Errorf("%w: %v", ledger.ErrDamaged, row[0])
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Contents says what the file holds.
func (f *File) Contents() (Contents, error) { return contents(f.conn) }

// EachEvent calls take with every Event, in the order of the chain, until it
// fails.
func (f *File) EachEvent(take func(bot.Event) error) error {
	return f.conn.Each("read events", query.AllEvents, nil, func(row []driver.Value) error {
		e, err := eventOf(row)
		if err != nil {
			return err
		}
		return take(e)
	})
}

// eventOf is what a row of the log says, columns first: one that was altered by
// hand shows in the hash as a field would.
func eventOf(row []driver.Value) (e bot.Event, err error) {
	var seq, incident, run int64
	var body string
	if err := ledger.Fill([]any{&seq, &incident, &run, &body}, row); err != nil {
		return e, err
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		return e, fmt.Errorf("%w: event %d: %w", ledger.ErrDamaged, seq, err)
	}
	e.Seq, e.Incident, e.Run = seq, bot.IncidentID(incident), bot.RunID(run)
	return e, nil
}

// contents reads what a connection sees, of any version of the schema.
func contents(c *conn) (Contents, error) {
	held := Contents{Rows: make(map[string]int64)}
	err := c.Each("list tables", `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`, nil, func(row []driver.Value) error {
		var name string
		err := ledger.Fill([]any{&name}, row)
		held.Rows[name] = 0
		return err
	})
	for name := range held.Rows {
		if err != nil {
			return Contents{}, err
		}
		var n int64
		_, err = c.One("count rows", `SELECT COUNT(*) FROM "`+name+`"`, nil, &n)
		held.Rows[name] = n
	}
	if err != nil {
		return Contents{}, err
	}
	return held, held.marks(c)
}

// marks reads where the database stands: version, epoch, end of the log.
func (held *Contents) marks(c *conn) error {
	if _, ok := held.Rows[versionTable]; ok {
		if _, err := c.One("read the schema version", "SELECT COALESCE(MAX(version_id), 0) FROM "+versionTable, nil, &held.Schema); err != nil {
			return err
		}
	}
	if _, ok := held.Rows["meta"]; ok {
		if _, err := c.One("read the epoch", query.Epoch, nil, &held.Epoch); err != nil {
			return err
		}
	}
	if _, ok := held.Rows["events"]; !ok {
		return nil
	}
	return c.Each("read the end of the audit log", query.LastEvent, nil, func(row []driver.Value) error {
		e, err := eventOf(row)
		held.Head, held.HeadHash, held.LastEvent = e.Seq, e.Hash, e.At
		return err
	})
}
