package post_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
)

var seeds = flag.Int("seeds", 12, "how many random days the simulation lives through")

// day is one random day: incidents come, change and end, people are asked and
// answer, runs go on; and the surface, the store and the process fail.
type day struct {
	*house
	rng  *rand.Rand
	sky  *rand.Rand // of the weather
	mu   sync.Mutex // of the sky
	next bot.IncidentID
	asks map[bot.ApprovalID]bool
	runs map[bot.RunID]bot.IncidentID
}

func (d *day) happen() {
	id := 1 + bot.IncidentID(d.rng.IntN(int(d.next)))
	switch n := d.rng.IntN(12); {
	case n < 3 && d.next < 40 || d.next == 1:
		d.w.open(d.next, bot.Severity(1+d.rng.IntN(5)))
		d.next++
	case id >= d.next:
	case n < 6:
		d.w.grow(id)
	case n == 6:
		d.w.resolve(id)
	case n == 7:
		d.asks[d.w.ask(id, time.Hour)] = true
	case n == 8:
		for a := range d.asks {
			d.w.answer(a, bot.ApprovalDenied, bot.EventDenied)
			delete(d.asks, a)
			break
		}
	case n == 9:
		r := bot.RunID(len(d.runs) + 1)
		d.runs[r] = id
		d.w.move(r, id, bot.RunPlanned, bot.StepPlanned)
	default:
		if len(d.runs) > 0 {
			r := bot.RunID(1 + d.rng.IntN(len(d.runs)))
			s := []bot.RunState{bot.RunRunning, bot.RunVerifying, bot.RunFixed, bot.RunFailed, bot.RunWaiting}[d.rng.IntN(5)]
			d.w.move(r, d.runs[r], s, bot.StepSucceeded)
		}
	}
}

// weather is what the surface does to one call in four.
func (d *day) weather(op string, p bot.Parcel) (bool, error) {
	d.mu.Lock()
	n, lost, after := d.sky.IntN(32), d.sky.IntN(2) == 0, time.Duration(d.sky.IntN(5000))*time.Millisecond
	d.mu.Unlock()
	fault := map[int]bot.SendFault{0: bot.SendLater, 1: bot.SendDown, 2: bot.SendUnsure, 3: bot.SendUnsure, 4: bot.SendDenied, 5: bot.SendDown, 6: bot.SendLater}[n]
	if n == 7 {
		return lost, errCut
	}
	if fault == "" {
		return false, nil
	}
	return lost && fault == bot.SendUnsure, &bot.SendError{Fault: fault, After: after, Wide: lost, Why: "the weather"}
}

func (d *day) live() {
	stops := []func(){}
	begin := func() {
		d.start()
		stops = append(stops, d.stop)
	}
	begin()
	for range 120 {
		for range d.rng.IntN(4) {
			d.happen()
		}
		d.leg.Wake()
		time.Sleep(time.Duration(d.rng.IntN(4000)) * time.Millisecond)
		switch d.rng.IntN(12) {
		case 0: // the process dies at one of its next writes
			d.w.mu.Lock()
			n, before := d.w.commits+1+d.rng.IntN(4), d.rng.IntN(2) == 0
			if dies := func(i int) bool { return i >= n }; before {
				d.w.before = dies
			} else {
				d.w.after = dies
			}
			d.w.mu.Unlock()
			time.Sleep(5 * time.Second)
			for _, stop := range stops {
				stop()
			}
			d.w.revive()
			stops = nil
			begin()
		case 1: // another process joins
			if len(stops) < 3 {
				begin()
			}
		}
	}
	d.s.fail(nil)
	d.settle(time.Hour)
	for _, stop := range stops {
		stop()
	}
}

func TestAfterARandomDayEachPlaceShowsTheNewestStateOfEachIncidentOnce(t *testing.T) {
	t.Parallel()
	for seed := range *seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := &day{
					house: newHouse(t, "C1", "C2"), next: 1,
					rng: rand.New(rand.NewPCG(uint64(seed), 4)), sky: rand.New(rand.NewPCG(uint64(seed), 5)),
					asks: map[bot.ApprovalID]bool{}, runs: map[bot.RunID]bot.IncidentID{},
				}
				d.s.fail(d.weather)
				d.live()
				for _, place := range []string{"C1", "C2"} {
					var ids []bot.IncidentID
					for id := bot.IncidentID(1); id < d.next; id++ {
						if row := d.w.post("slack/" + place + "/card/" + id.String()); row.State != bot.PostMoot {
							ids = append(ids, id)
						}
					}
					d.living(place, ids...)
					for _, kind := range []bot.MessageKind{bot.MessageNotice, bot.MessageProgress} {
						seen := map[string]bool{}
						for _, m := range d.s.of(place, kind) {
							require.False(t, seen[m.key], "%s stands twice", m.key)
							seen[m.key] = true
							require.NotNil(t, d.s.find(m.thread), "%s stands alone", m.key)
						}
					}
				}
				for key, p := range d.w.posts {
					require.NotEqual(t, bot.PostFailed, p.State, key)
				}
			})
		})
	}
}
