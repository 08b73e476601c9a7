package health

import (
	"time"

	"salve/bot"
)

// MaxJump is how far the wall clock may be moved at once, or little by little,
// before nothing may rest on it any more.
const MaxJump = time.Minute

// slew is how fast a time service moves the wall clock by running it faster or
// slower, which is no jump: a thousandth, twice of what Linux does.
const slew = 1000

// Clock compares the wall clock with the one that nobody sets. The zero value
// has seen nothing.
type Clock struct {
	seen   bool
	ran    time.Duration
	offset time.Duration // of the wall clock from the other one, as it should be
	base   time.Time
}

// See takes a Reading, and gives by how much the wall clock has jumped since the
// ones before, 0 if it has not. Many small steps add up; the slow correction of a
// time service does not. A jump is told once.
func (c Clock) See(r bot.Reading) (Clock, time.Duration) {
	if !c.seen {
		return Clock{seen: true, ran: r.Ran, base: r.Wall.Add(-r.Ran)}, 0
	}
	offset := r.Wall.Sub(c.base.Add(r.Ran))
	moved := offset - c.offset
	may := max(r.Ran-c.ran, 0) / slew
	c.ran = r.Ran
	if moved.Abs() > MaxJump+may {
		c.offset = offset
		return c, moved
	}
	c.offset += min(max(moved, -may), may)
	return c, 0
}
