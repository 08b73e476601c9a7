package ledger

import (
	"database/sql/driver"

	"salve/bot"
)

// Session is one writing connection of a database. Only the writer uses it, so
// it need not be safe for concurrent use. Its errors say what was being done,
// and are those of the bot package: a taken key is bot.ErrConflict, a reference
// to nothing bot.ErrNotFound, and what is not the Change's own fault
// bot.ErrUnavailable.
type Session interface {
	Conn
	Turn
}

// Conn runs statements within the transaction at work.
type Conn interface {
	// Exec runs a statement at once and says how many rows it wrote.
	Exec(doing, text string, args ...any) (int64, error)
	// Put runs a statement now or later, but before the next read, Flush or end
	// of the transaction.
	Put(p Put) error
	// One reads a single row into dest, of *int64 and *string; there may be none.
	One(doing, text string, args []any, dest ...any) (found bool, err error)
	// Each calls scan with every row, which is good until scan returns; scan must
	// not use the connection.
	Each(doing, text string, args []any, scan func(row []driver.Value) error) error
	// Flush runs what was put off.
	Flush() error
}

// Put is a statement that writes. Its arguments are int64, string, []byte or nil.
type Put struct {
	Doing string // for the error
	Text  string
	Args  []any
	Hit   bool // it must write a row: else bot.ErrConflict
}

// Turn begins and ends transactions. Who has the turn is the only one who
// writes, in all processes that share the database.
type Turn interface {
	Begin(n Needs) (Found, error)
	Commit(used Counters, t bot.Touched) error
	Rollback() error
}

// Needs is what a group of Changes is about to read.
type Needs struct {
	Alerts    []Sight
	Incidents []bot.IncidentID
}

// Sight is one observed alert: its key, the sum of its body and the key of its
// group.
type Sight struct {
	Key   bot.AlertKey
	Sum   int64
	Group string
}

// Found is what Begin read beforehand. A session that reads nothing beforehand
// leaves the maps nil: then each row is read when it is needed.
type Found struct {
	Shared    bool // others may have written since the last turn: nothing remembered is good
	Counted   bool // Last is given: ids of new Incidents and bodies go on above it
	Last      Counters
	End       *EventRow                 // the last row of the log, if it was read
	Alerts    map[bot.AlertKey]AlertRow // every needed one; a zero row where there is none
	Groups    map[string]bot.IncidentID // every needed one; 0 where no Incident takes its alerts
	Incidents []IncidentRow
}

// Counters are the highest ids in use of those that are handed out within a turn.
type Counters struct{ Incident, Body int64 }

// AlertRow is the small row of an alert. Text is its body, if it was read.
type AlertRow struct {
	Incident   bot.IncidentID
	ReceivedAt int64
	Sum        int64
	Body       int64 // id in bodies
	Text       string
}

// IncidentRow is what the writer wants of an Incident.
type IncidentRow struct {
	ID          bot.IncidentID
	Version     int64
	FoldRev     int64
	Due         int64
	State, Home string
	Fold        string
}

// EventRow is a row of the log as it is stored.
type EventRow struct {
	Seq      int64
	Incident bot.IncidentID
	Run      bot.RunID
	Body     string
}
