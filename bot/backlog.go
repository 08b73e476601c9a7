package bot

import "time"

// BacklogLimit is how far a Backlog counts; a count that has reached it means
// "at least".
const BacklogLimit = 10_000

// Backlog is what waits in the store at one moment, for those who watch Salve.
// To read it costs the same few steps however much is stored.
type Backlog struct {
	Decide    Queue // Incidents that are due for a look
	Undecided Queue // those among the longest due that were never looked at, nor touched by a person
	Act       Queue // Runs that are due for their next step
	Approvals Queue // questions that wait for people
	Running   Queue // active Runs, in whatever state
	Runs      map[RunState]int
	Held      int       // payloads in quarantine
	Events    int64     // Seq of the last Event; how many there are, in a chain that nobody cut
	LastEvent time.Time // when it happened
}

// Queue is what waits for one thing.
type Queue struct {
	Length int       // at most BacklogLimit
	Since  time.Time // since when the one waits that waits longest; zero: nothing waits
}

// OpenPage is a page of open Incidents, counted by severity.
type OpenPage struct {
	Count map[Severity]int
	Last  IncidentID // the next page begins after it; zero: there is no more
}

// EventPage is what happened after some Event, without the alerts that came in.
type EventPage struct {
	Events []Event // in the order of the chain, without EventAlerts
	Last   int64   // Seq up to which that is all
}
