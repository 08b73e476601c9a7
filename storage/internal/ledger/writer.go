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
	session    Session
	log        *slog.Logger
	ids        IDs
	packing    *packing
	committed  func(bot.Touched)
	wrote      func(rows int)
	head       head
	book       *book
	bodies     Counter        // ids of alert bodies
	next       bot.IncidentID // of the next new Incident, when ids are handed out within a turn; 0: they are not
	unsure     bool           // the head must be read again
	failed     int            // Changes that could not be written since that was logged
	complained time.Time      // when it was logged
	spare      bot.IncidentID // set aside for the next new Incident; 0: none

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

// complain logs that nothing can be written: at once, and while that lasts now
// and then, since senders and legs come again and again.
func (w *writer) complain(changes int, err error) {
	w.failed += changes
	if time.Since(w.complained) < 5*time.Second {
		return
	}
	w.log.Error("commit", "changes", w.failed, "error", err)
	w.complained, w.failed = time.Now(), 0
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
			w.complain(len(group), err)
		}
		for i := range results {
			results[i] = result{err: err}
		}
	} else if touched.Any() {
		w.committed(touched)
	}
	for i, r := range group {
		r.done <- results[i]
	}
}
