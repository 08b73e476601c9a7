package bot

import "time"

// Reading is one look at the clocks of the machine.
type Reading struct {
	Wall time.Time     // what the wall clock says; people and NTP set it
	Ran  time.Duration // for how long the process has run, by the clock that nobody sets
}

// NoEarlier is the wall time, but never less than the time of an earlier Reading
// plus what has passed since. Whatever expires is judged by it, so that setting
// the wall clock back gives no right a longer life.
func (r Reading) NoEarlier(than Reading) time.Time {
	if passed := than.Wall.Add(r.Ran - than.Ran); passed.After(r.Wall) {
		return passed
	}
	return r.Wall
}
