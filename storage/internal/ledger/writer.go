package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"salve/bot"
	"salve/storage/internal/query"
)

const (
	groupLimit  = 256  // requests in one transaction
	alertsLimit = 4096 // observed alerts in one transaction, but for a larger first request
)

// request is one piece of work for the writer.
type request struct {
	apply func(*tx) (bot.Receipt, error)
	size  int // observed alerts
	needs Needs
	done  chan result
}

type result struct {
	receipt bot.Receipt
	err     error
}

// writer is the one goroutine that writes. What it keeps in memory (the head of
// the chain) changes only when a transaction has been committed.
type writer struct {
	session   Session
	log       *slog.Logger
	ids       IDs
	packing   *packing
	committed func(bot.Touched)
	wrote     func(rows int)
	head      head
	book      *book
	bodies    Counter        // ids of alert bodies
	next      bot.IncidentID // of the next new Incident, when ids are handed out within a turn; 0: they are not
	unsure    bool           // the head must be read again
	spare     bot.IncidentID // set aside for the next new Incident; 0: none

	mu      sync.RWMutex // guards closed; held for reading while a request is queued
	closed  bool
	queue   chan *request
	running sync.WaitGroup
	held    *request // taken from the queue, for the next group
}

func newWriter(p *packing, w Writing) *writer {
	limit := w.QueueLimit
	if limit <= 0 {
		limit = 4096
	}
	committed, wrote := w.Committed, w.Wrote
	if committed == nil {
		committed = func(bot.Touched) {}
	}
	if wrote == nil {
		wrote = func(int) {}
	}
	return &writer{
		session: w.Session, log: w.Log, ids: w.IDs, packing: p, committed: committed, wrote: wrote, book: newBook(),
		queue: make(chan *request, limit),
	}
}

// spareID is the id of the next new Incident. It is taken from the counter when
// it is first asked for, and kept until a row has it.
func (w *writer) spareID() bot.IncidentID {
	if w.next != 0 {
		return w.next
	}
	if w.spare == 0 {
		w.spare = bot.IncidentID(w.ids.Next(bot.KindIncident))
	}
	return w.spare
}

// spent notes that a row has the spare id.
func (w *writer) spent(id bot.IncidentID) {
	if w.next != 0 {
		w.next = id + 1
	}
	w.spare = 0
}

// given notes that a row has an id that was taken before.
func (w *writer) given(id bot.IncidentID) error {
	if w.next != 0 {
		w.next = max(w.next, id+1)
		return nil
	}
	if w.spare == id {
		w.spare = 0
	}
	return w.ids.Reach(bot.KindIncident, int64(id))
}

// begin starts the chain, or takes it up at its head.
func (w *writer) begin() error {
	w.unsure = true
	_, err := w.together([]*request{{apply: func(t *tx) (bot.Receipt, error) {
		var highest int64
		if _, err := t.session.One("read the highest id", query.HighestBody, nil, &highest); err != nil {
			return bot.Receipt{}, err
		}
		w.bodies.Reach(highest)
		return bot.Receipt{}, nil
	}}}, make([]result, 1))
	return err
}

func (w *writer) start() { w.running.Go(w.run) }

// stop lets the writer finish what is queued; nothing is taken any more.
func (w *writer) stop() {
	w.mu.Lock()
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	w.running.Wait()
}

// submit queues a request and waits for its answer, or for the caller to leave.
func (w *writer) submit(ctx context.Context, r *request) (bot.Receipt, error) {
	if err := ctx.Err(); err != nil {
		return bot.Receipt{}, context.Cause(ctx)
	}
	if err := w.enqueue(r); err != nil {
		return bot.Receipt{}, err
	}
	select {
	case res := <-r.done:
		return res.receipt, res.err
	case <-ctx.Done():
		return bot.Receipt{}, fmt.Errorf("the change may still be written: %w", context.Cause(ctx))
	}
}

func (w *writer) enqueue(r *request) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return fmt.Errorf("%w: it is closed", bot.ErrUnavailable)
	}
	select {
	case w.queue <- r:
		return nil
	default:
		return fmt.Errorf("%w: %d changes wait for the database", bot.ErrOverloaded, cap(w.queue))
	}
}

func (w *writer) run() {
	var group []*request
	for {
		group = w.collect(group[:0])
		if len(group) == 0 {
			return
		}
		w.commit(group)
		w.wrote(rowsIn(group))
	}
}

func rowsIn(group []*request) int {
	rows := len(group)
	for _, r := range group {
		rows += r.size
	}
	return rows
}

// collect takes what waits; it blocks for the first request only. It returns
// nothing when the queue is closed and empty.
func (w *writer) collect(group []*request) []*request {
	first := w.held
	w.held = nil
	if first == nil {
		first = <-w.queue
	}
	if first == nil {
		return group
	}
	group = append(group, first)
	for alerts, before := first.size, 0; len(group) > before && w.held == nil; {
		before = len(group)
		group, alerts = w.drain(group, alerts)
		// Those whose answers have just been sent are about to ask again: let
		// them, so that a group is all who are at work and not half of them.
		runtime.Gosched()
	}
	return group
}

// drain takes what waits now.
func (w *writer) drain(group []*request, alerts int) ([]*request, int) {
	for len(group) < groupLimit {
		select {
		case r := <-w.queue:
			if r == nil {
				return group, alerts
			}
			if alerts += r.size; alerts > alertsLimit {
				w.held = r
				return group, alerts
			}
			group = append(group, r)
		default:
			return group, alerts
		}
	}
	return group, alerts
}

// commit writes a group in one transaction. When one of them fails in a way
// that leaves the transaction unclean, all are rolled back and written again,
// each behind a savepoint of its own.
func (w *writer) commit(group []*request) {
	results := make([]result, len(group))
	touched, err := w.together(group, results)
	if isUnclean(err) && len(group) > 1 {
		clear(results)
		touched, err = w.apart(group, results)
	}
	if err != nil {
		if errors.Is(err, bot.ErrUnavailable) {
			w.log.Error("commit", "changes", len(group), "error", err)
		}
		for i := range results {
			results[i] = result{err: err}
		}
	} else if hint, any := touched.hint(); any {
		w.committed(hint)
	}
	for i, r := range group {
		r.done <- results[i]
	}
}

// unclean tells that a request failed after it had written something, so that
// the transaction is no good for the others.
type unclean struct{ error }

func (u unclean) Unwrap() error { return u.error }

func isUnclean(err error) bool {
	_, ok := errors.AsType[unclean](err)
	return ok
}

// Statements that set one request apart from those before it.
const (
	SetApart = "SAVEPOINT one"
	UndoOne  = "ROLLBACK TO one"
	keepOne  = "RELEASE one"
)

// together is the fast way: no savepoints. A request that fails before it has
// written anything fails alone.
func (w *writer) together(group []*request, results []result) (touched, error) {
	return w.transact(group, func(t *tx) error {
		for i, r := range group {
			t.half = false
			results[i].receipt, results[i].err = r.apply(t)
			switch err := results[i].err; {
			case err == nil:
			case errors.Is(err, bot.ErrUnavailable):
				return err
			case t.half:
				return unclean{err}
			}
		}
		return soil(t.flush())
	})
}

// soil makes an error that is not the store's one of the transaction.
func soil(err error) error {
	if err == nil || errors.Is(err, bot.ErrUnavailable) {
		return err
	}
	return unclean{err}
}

// apart writes each request behind a savepoint.
func (w *writer) apart(group []*request, results []result) (touched, error) {
	return w.transact(group, func(t *tx) error {
		for i, r := range group {
			before := t.mark()
			if err := t.control(SetApart); err != nil {
				return err
			}
			results[i].receipt, results[i].err = r.apply(t)
			if results[i].err == nil {
				results[i].err = t.flush()
			}
			if results[i].err == nil {
				results[i].err = t.session.Flush()
			}
			if err := results[i].err; err != nil {
				if errors.Is(err, bot.ErrUnavailable) {
					return err
				}
				results[i].receipt = bot.Receipt{}
				t.reset(before)
				t.book.forget()
				if err := t.control(UndoOne); err != nil {
					return err
				}
			}
			if err := t.control(keepOne); err != nil {
				return err
			}
		}
		return nil
	})
}

// transact runs f in a transaction of the writer's own and takes over what it
// left in memory once it is on disk. A transaction that wrote nothing ends
// without a flush.
func (w *writer) transact(group []*request, f func(*tx) error) (touched, error) {
	t := &tx{session: w.session, writer: w, book: w.book}
	err := w.takeTurn(t, group)
	if err == nil {
		err = f(t)
	}
	if err == nil && t.wrote {
		err = soil(w.session.Commit(Counters{Incident: int64(w.next) - 1, Body: w.bodies.last.Load()}))
	}
	if err != nil {
		w.book.forget()
		w.unsure = true
	}
	if err != nil || !t.wrote {
		if rerr := w.session.Rollback(); rerr != nil && err == nil {
			err = rerr
		}
		return touched{}, err
	}
	w.head = t.head
	w.book.trim()
	return t.touched, nil
}

// takeTurn begins a transaction and takes over what the session read for it.
func (w *writer) takeTurn(t *tx, group []*request) error {
	found, err := w.session.Begin(needsOf(group))
	if err != nil {
		return err
	}
	if found.Counted {
		w.next = bot.IncidentID(found.Last.Incident + 1)
		w.bodies.last.Store(found.Last.Body)
	}
	w.unsure = w.unsure || found.Shared
	if err := w.book.take(found); err != nil {
		return err
	}
	t.head = w.head
	return w.sure(t)
}

// needsOf is what a group is about to read.
func needsOf(group []*request) Needs {
	if len(group) == 1 {
		return group[0].needs
	}
	var all Needs
	for _, r := range group {
		all.Alerts = append(all.Alerts, r.needs.Alerts...)
		all.Incidents = append(all.Incidents, r.needs.Incidents...)
	}
	return all
}

// sure reads the head of the chain again after a failure, or when others have
// written: whether a commit that failed is on disk after all, only the database
// can tell.
func (w *writer) sure(t *tx) error {
	if !w.unsure {
		return nil
	}
	if err := t.takeUpChain(time.Now()); err != nil {
		return err
	}
	if !t.wrote {
		w.head = t.head
	}
	w.unsure = false
	return nil
}
