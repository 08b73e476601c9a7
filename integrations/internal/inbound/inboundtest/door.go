package inboundtest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/internal/inbound"
)

// Delivered is one call of Receive.
type Delivered struct {
	bot.Delivery
	Alerts []bot.Alert
}

// Door is an inbound.Door in memory that can be told to fail, to panic and to
// wait.
type Door struct {
	mu       sync.Mutex
	received []Delivered
	held     []bot.Quarantined
	calls    int
	fail     error
	panics   bool
	entered  chan struct{}
	leave    chan struct{}
}

// NewDoor makes a Door that takes everything.
func NewDoor() *Door { return &Door{} }

// Fail makes every call answer err; nil ends that.
func (d *Door) Fail(err error) { d.mu.Lock(); defer d.mu.Unlock(); d.fail = err }

// Panic makes every call panic.
func (d *Door) Panic(on bool) { d.mu.Lock(); defer d.mu.Unlock(); d.panics = on }

// Hold makes every call tell that it has begun and wait until leave is closed
// or its context ends.
func (d *Door) Hold() (entered <-chan struct{}, leave chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.entered, d.leave = make(chan struct{}, 64), make(chan struct{})
	return d.entered, d.leave
}

// Received is what came through, in order.
func (d *Door) Received() []Delivered {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Delivered(nil), d.received...)
}

// Held is what is in quarantine.
func (d *Door) Held() []bot.Quarantined {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]bot.Quarantined(nil), d.held...)
}

// Calls counts the calls that went through.
func (d *Door) Calls() int { d.mu.Lock(); defer d.mu.Unlock(); return d.calls }

// Receive takes the alerts.
func (d *Door) Receive(ctx context.Context, del bot.Delivery, alerts []bot.Alert) (bot.Receipt, error) {
	if err := d.enter(ctx); err != nil {
		return bot.Receipt{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.received = append(d.received, Delivered{del, alerts})
	var r bot.Receipt
	for _, a := range alerts {
		r.Observed = append(r.Observed, bot.Observation{Key: a.AlertKey, Incident: 1, Outcome: bot.OutcomeNew, Because: "it was not known"})
	}
	return r, nil
}

// Quarantine keeps the body, one row for equal ones.
func (d *Door) Quarantine(ctx context.Context, del bot.Delivery, reason string) (bot.QuarantineID, error) {
	if err := d.enter(ctx); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.held {
		if bytes.Equal(d.held[i].Body, del.Body) {
			d.held[i].Repeats++
			return d.held[i].ID, nil
		}
	}
	id := bot.QuarantineID(len(d.held) + 1)
	d.held = append(d.held, bot.Quarantined{ID: id, Source: del.Source, Reason: reason, Body: del.Body, State: bot.QuarantineHeld})
	return id, nil
}

func (d *Door) enter(ctx context.Context) error {
	d.mu.Lock()
	d.calls++
	fail, panics, entered, leave := d.fail, d.panics, d.entered, d.leave
	d.mu.Unlock()
	if panics {
		panic("the door was told to")
	}
	if leave != nil {
		entered <- struct{}{}
		select {
		case <-leave:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return fail
}

// Answer reads the Reply of a handler.
func Answer(t *testing.T, w *httptest.ResponseRecorder) inbound.Reply {
	t.Helper()
	var reply inbound.Reply
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &reply), w.Body)
	return reply
}
