package bot

import "time"

// Replica is one of several processes that share a database.
type Replica struct {
	Name    string    `json:"name"`
	Epoch   int64     `json:"epoch"` // of its lease
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
	Until   time.Time `json:"until"` // end of its lease, unless it is renewed; on the database's clock
	Late    bool      `json:"late"`  // it has not renewed its lease in time
	Leads   bool      `json:"leads"` // it looks after the queue of hints
}
