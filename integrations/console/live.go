package console

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"salve/bot"
)

// The shortest time between two events of a stream: a page about one thing is
// cheap to make, a list is not.
const (
	gapOne  = 300 * time.Millisecond
	gapList = 2 * time.Second
)

// stream tells a page by server-sent events that it should be fetched again.
// An event carries no data, so that it cannot show anything to anybody.
func (c *Console) stream(w http.ResponseWriter, r *http.Request, _ bot.Person) error {
	incident, err := bot.ParseIncidentID(r.URL.Query().Get("incident"))
	if err != nil {
		return bot.Refuse(bot.RefusedInput, sentence(err.Error()), "")
	}
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
	default:
		w.Header().Set("Retry-After", "30")
		http.Error(w, "too many pages are open; this one stays as it is until it is loaded again", http.StatusServiceUnavailable)
		return nil
	}
	s := &stream{w: w, out: http.NewResponseController(w), beat: c.opts.Heartbeat}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	touched := c.ports.Live.Subscribe(r.Context())
	if s.write("retry: 2000\n\n") != nil {
		return nil
	}
	c.pump(r, s, touched, incident)
	return nil // whatever broke, the browser connects again
}

// pump writes events until the browser goes, the session ends or the console
// drains.
func (c *Console) pump(r *http.Request, s *stream, touched <-chan bot.Touched, incident bot.IncidentID) {
	beat := time.NewTicker(s.beat)
	defer beat.Stop()
	gap := gapList
	if incident != 0 {
		gap = gapOne
	}
	var quiet <-chan time.Time // set while the gap after an event lasts
	source := touched
	for {
		select {
		case <-r.Context().Done():
			return
		case <-c.drained:
			return
		case <-beat.C:
			if !c.mayStillRead(r) || s.write(": still here\n\n") != nil {
				return
			}
		case <-quiet:
			quiet, source = nil, touched
		case t, open := <-source:
			if !open {
				return
			}
			if !c.concerns(r, t, incident) {
				continue
			}
			if s.write("event: changed\ndata: 1\n\n") != nil {
				return
			}
			quiet, source = time.After(gap), nil // what comes meanwhile is merged by the hub
		}
	}
}

func (c *Console) mayStillRead(r *http.Request) bool {
	p, err := c.viewer(r)
	return err == nil && (p.Has(bot.RoleViewer) || p.ID == "" && c.opts.AnonymousRead)
}

// maxLookups is how many Runs of a hint are looked up before it counts as one
// that concerns everybody.
const maxLookups = 16

// concerns reports whether a page about the Incident (0: about many) changes.
func (c *Console) concerns(r *http.Request, t bot.Touched, incident bot.IncidentID) bool {
	anything := len(t.Incidents)+len(t.Runs)+len(t.Approvals) == 0
	if incident == 0 || anything || t.Halts || len(t.Approvals) > 0 || len(t.Runs) > maxLookups ||
		slices.Contains(t.Incidents, incident) {
		return true
	}
	for _, id := range t.Runs {
		run, err := c.ports.Lists.Run(r.Context(), id)
		if err != nil || run.Incident == incident {
			return true
		}
	}
	return false
}

type stream struct {
	w    http.ResponseWriter
	out  *http.ResponseController
	beat time.Duration
}

// write sends at once. The deadline of the server for whole answers does not
// suit a stream, so each write has its own.
func (s *stream) write(text string) error {
	if err := s.out.SetWriteDeadline(time.Now().Add(s.beat + 5*time.Second)); err != nil {
		return fmt.Errorf("stream deadline: %w", err)
	}
	if _, err := fmt.Fprint(s.w, text); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return s.out.Flush()
}
