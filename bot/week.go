package bot

import "time"

// Week is what became of the Incidents and Runs of a span of time, usually seven
// days.
type Week struct {
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Incidents int       `json:"incidents"` // that began
	Resolved  int       `json:"resolved"`  // of them, without a Run of Salve's that fixed it
	Alone     int       `json:"alone"`     // Runs that fixed it by themselves
	Agreed    int       `json:"agreed"`    // Runs that fixed it after people said yes
	Approved  int       `json:"approved"`  // questions that people said yes to
	Denied    int       `json:"denied"`
	Expired   int       `json:"expired"`
	Undone    int       `json:"undone"`   // Runs that were undone, by themselves or later
	Failed    int       `json:"failed"`   // Runs that failed, or did not help
	Unclear   int       `json:"unclear"`  // Runs of which nobody can tell whether they helped
	Saved     *Saved    `json:"saved"`    // nil: too little to compare with
	Noisiest  []Noise   `json:"noisiest"` // three at most, the noisiest first
}

// Saved is the time that Runs saved, against what the same alerts took to
// recover without one.
type Saved struct {
	Time      Duration `json:"time"`      // of all Runs that are counted, together; 0: none was saved
	Runs      int      `json:"runs"`      // that fixed it, and whose alert can be compared
	Untreated int      `json:"untreated"` // recoveries that it is compared with
}

// Noise is an alert that came often.
type Noise struct {
	Alert     string     `json:"alert"`
	Source    string     `json:"source"`
	Alerts    int        `json:"alerts"`
	Incidents int        `json:"incidents"`
	Last      IncidentID `json:"last"` // the newest of them
}
