package serve

import (
	"sync/atomic"

	"salve/bot"
	"salve/bot/flow/act"
	"salve/bot/flow/decide"
	"salve/bot/flow/tell"
)

// hints carries what a commit touched to whoever may want to look. Nothing rests
// on it: every leg scans by itself.
type hints struct{ to atomic.Pointer[legs] }

type legs struct {
	brake  *Brake
	decide *decide.Leg
	act    *act.Leg
	tell   *tell.Leg
}

func (h *hints) set(b *Brake, d *decide.Leg, a *act.Leg, t *tell.Leg) {
	h.to.Store(&legs{brake: b, decide: d, act: a, tell: t})
}

// committed is called by the store after each commit; it never waits.
func (h *hints) committed(t bot.Touched) {
	l := h.to.Load()
	if l == nil {
		return
	}
	if t.Halts {
		l.brake.Forget()
	}
	if len(t.Incidents) > 0 {
		l.decide.Wake()
	}
	if len(t.Runs) > 0 {
		l.act.Hint(t.Runs...)
	}
	l.tell.Publish(t)
}
