package postgres

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"salve/bot"
	"salve/storage/internal/ledger"
)

// session is the writing connection. What it puts off is sent together, and a
// turn begins and ends with one exchange each.
type session struct {
	ctx     context.Context // ends only with the store
	cfg     *pgx.ConnConfig
	epoch   func() int64
	conn    *pgx.Conn // nil: there is none
	queue   []ledger.Put
	last    int64     // the turn that this session had last; 0: nothing remembered is good
	turn    int64     // the turn at work
	tried   time.Time // when connecting failed last
	failing error     // how
}

const tryAgain = time.Second // after connecting failed

// ready makes sure that there is a connection.
func (s *session) ready() error {
	if s.conn != nil && !s.conn.IsClosed() {
		return nil
	}
	if s.failing != nil && time.Since(s.tried) < tryAgain {
		return s.failing
	}
	s.conn, s.last = nil, 0
	conn, err := connect(s.ctx, s.cfg)
	if err != nil {
		s.tried, s.failing = time.Now(), err
		return err
	}
	s.conn, s.failing = conn, nil
	return nil
}

// answer bounds the wait for one answer.
func (s *session) answer() (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(s.ctx, patience, errSlow)
}

// told is failure, with the reason why a context ended.
func told(ctx context.Context, doing string, err error) error {
	if err != nil && ctx.Err() != nil {
		err = errors.Join(context.Cause(ctx), err)
	}
	return failure(doing, err)
}

// Exec runs a statement at once.
func (s *session) Exec(doing, text string, args ...any) (int64, error) {
	if text == ledger.UndoOne {
		s.queue = s.queue[:0]
	}
	if err := s.Flush(); err != nil {
		return 0, err
	}
	ctx, cancel := s.answer()
	defer cancel()
	tag, err := s.conn.Exec(ctx, text, clean(args)...)
	if err != nil {
		return 0, told(ctx, doing, err)
	}
	return tag.RowsAffected(), nil
}

// Put puts the statement off.
func (s *session) Put(p ledger.Put) error {
	s.queue = append(s.queue, p)
	return nil
}

// One reads a single row.
func (s *session) One(doing, text string, args []any, dest ...any) (found bool, err error) {
	err = s.Each(doing, text, args, func(row []driver.Value) error {
		found = true
		return ledger.Fill(dest, row)
	})
	return found && err == nil, err
}

// Each reads rows.
func (s *session) Each(doing, text string, args []any, scan func(row []driver.Value) error) error {
	if err := s.Flush(); err != nil {
		return err
	}
	ctx, cancel := s.answer()
	defer cancel()
	rows, err := s.conn.Query(ctx, text, clean(args)...)
	if err != nil {
		return told(ctx, doing, err)
	}
	return told(ctx, doing, scanAll(rows, scan))
}

func scanAll(rows pgx.Rows, scan func(row []driver.Value) error) error {
	defer rows.Close()
	var row []driver.Value
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return err
		}
		row = row[:0]
		for _, v := range values {
			row = append(row, v)
		}
		if err := scan(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Flush sends what was put off.
func (s *session) Flush() error {
	if len(s.queue) == 0 {
		return nil
	}
	return s.send(nil)
}

// send sends what was put off, and then the last statement if there is one.
func (s *session) send(last *ledger.Put) error {
	sent := gather(s.queue)
	s.queue = s.queue[:0]
	if last != nil {
		sent = append(sent, *last, ledger.Put{Doing: "commit", Text: "COMMIT"})
	}
	batch := &pgx.Batch{}
	for _, p := range sent {
		text := p.Text
		if p.Hit {
			text = mustHit(text)
		}
		batch.Queue(text, clean(p.Args)...)
	}
	ctx, cancel := s.answer()
	defer cancel()
	results := s.conn.SendBatch(ctx, batch)
	for _, p := range sent {
		_, err := results.Exec()
		if p.Hit && missed(err) {
			err = bot.ErrConflict
		}
		if err != nil {
			return errors.Join(told(ctx, p.Doing, err), ignore(results.Close()))
		}
	}
	return told(ctx, "write", results.Close())
}

// mustHit makes a statement that hits no row fail in the database, so that the
// COMMIT which follows in the same exchange commits nothing.
func mustHit(text string) string {
	return "WITH hit AS (" + text + " RETURNING 1) SELECT 1 / COUNT(*) FROM hit"
}

// missed reports whether that is how a statement failed.
func missed(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "22012"
}

// ignore is for the errors that follow from one that is told already.
func ignore(error) error { return nil }

// Commit ends the turn; the answer comes when all is on disk. Other processes
// are told what it touched.
func (s *session) Commit(used ledger.Counters, t bot.Touched) error {
	if t.Any() {
		s.queue = append(s.queue, ledger.Put{Doing: "tell the others", Text: tellOthers, Args: []any{wordFor(s.epoch(), t)}})
	}
	err := s.send(&ledger.Put{
		Doing: "end the turn", Text: "UPDATE turn SET turn = $1, incident = $2, body = $3 WHERE id = 1",
		Args: []any{s.turn, used.Incident, used.Body}, Hit: true,
	})
	if err != nil {
		s.last = 0
		return err
	}
	s.last = s.turn
	return nil
}

// Rollback gives the turn back.
func (s *session) Rollback() error {
	s.queue = s.queue[:0]
	if s.conn == nil || s.conn.IsClosed() {
		return nil
	}
	ctx, cancel := s.answer()
	defer cancel()
	_, err := s.conn.Exec(ctx, "ROLLBACK")
	return told(ctx, "roll back", err)
}

func (s *session) close() error {
	if s.conn == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), time.Second)
	defer cancel()
	return s.conn.Close(ctx)
}

// clean replaces what PostgreSQL cannot keep in text.
func clean(args []any) []any {
	for i, a := range args {
		if text, ok := a.(string); ok {
			args[i] = cleanText(text)
		}
	}
	return args
}

func cleanText(s string) string {
	if strings.IndexByte(s, 0) < 0 && utf8.ValidString(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// errTurn: the row that says whose turn it is is not there.
var errTurn = fmt.Errorf("%w: the turn is missing; restore a backup", ledger.ErrDamaged)
