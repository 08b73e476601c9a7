package ledger

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// maxPrepared bounds the statements that are kept: query texts differ by which
// filters are set, so that there are some dozens.
const maxPrepared = 256

// prepared keeps the readers' statements: parsing one costs more than most of
// them take to run. database/sql prepares each once per connection.
type prepared struct {
	mu    sync.RWMutex
	stmts map[string]*sql.Stmt
}

// query runs a statement of the readers.
func (p *prepared) query(ctx context.Context, db *sql.DB, text string, args []any) (*sql.Rows, error) {
	p.mu.RLock()
	st := p.stmts[text]
	p.mu.RUnlock()
	if st == nil {
		var err error
		if st, err = p.keep(ctx, db, text); err != nil {
			return nil, err
		}
	}
	if st == nil {
		return db.QueryContext(ctx, text, args...)
	}
	return st.QueryContext(ctx, args...)
}

// keep prepares a statement, or gives nil when enough are kept.
func (p *prepared) keep(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if st := p.stmts[text]; st != nil {
		return st, nil
	}
	if len(p.stmts) >= maxPrepared {
		return nil, nil
	}
	st, err := db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if p.stmts == nil {
		p.stmts = make(map[string]*sql.Stmt)
	}
	p.stmts[text] = st
	return st, nil
}

func (p *prepared) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, st := range p.stmts {
		errs = append(errs, st.Close())
	}
	p.stmts = nil
	return errors.Join(errs...)
}
