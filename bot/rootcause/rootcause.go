// Package rootcause says why an Incident happened, as far as can be told from
// facts that can be looked up.
//
// It promises that the same facts give the same Diagnosis, word for word: order,
// ids and counts are fixed, text is cut to length, and every Hypothesis cites
// Evidence. It never fails: a Collector that errs, breaks down or does not answer
// in time becomes a Gap that says what was not looked at.
//
// It assumes that Collectors keep secrets out of what they return. Text from
// alerts is untrusted and stays data. A Collector that ignores its context is
// left behind, not waited for.
package rootcause

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"salve/bot"
)

const (
	collectWithin  = 2 * time.Second
	perCollector   = 8
	maxEvidence    = 40
	maxHypotheses  = 5
	maxGaps        = 10
	textRunes      = 300
	alertsToQuote  = 3
	maxSharedNamed = 6
)

// Case is what there is to explain. Alerts are those of the Incident, worst
// first; they may be the first few only.
type Case struct {
	Incident bot.Incident
	Alerts   []bot.Alert
	Now      time.Time
}

// Collector looks up facts of one kind: past incidents, and later metrics, logs
// or changes. Collect returns the most telling first, each with Text and Cites,
// and with Subject where it blames something; ids are given later. It stops
// when ctx ends.
type Collector interface {
	Name() string
	Collect(ctx context.Context, c Case) ([]bot.Evidence, error)
}

// Summarise makes the Diagnosis from the alerts themselves and from what the
// collectors find, which are asked at the same time.
func Summarise(ctx context.Context, c Case, collectors ...Collector) bot.Diagnosis {
	d := bot.Diagnosis{At: c.Now}
	d.Evidence = appendEvidence(d.Evidence, ofAlerts(c))
	for i, found := range collect(ctx, c, collectors) {
		if found.err != nil {
			d.Gaps = appendGap(d.Gaps, collectors[i].Name(), found.err)
			continue
		}
		d.Evidence = appendEvidence(d.Evidence, found.evidence)
	}
	d.Hypotheses = rank(c, d.Evidence)
	d.Summary = summary(c, d.Hypotheses)
	return d
}

type answer struct {
	evidence []bot.Evidence
	err      error
}

var errSlow = fmt.Errorf("no answer within %s", collectWithin)

// collect asks every Collector and returns their answers in their order.
func collect(ctx context.Context, c Case, collectors []Collector) []answer {
	ctx, cancel := context.WithTimeoutCause(ctx, collectWithin, errSlow)
	defer cancel()
	answers := make([]chan answer, len(collectors))
	for i, col := range collectors {
		answers[i] = make(chan answer, 1) // buffered: a late one ends without a reader
		go func() {
			answers[i] <- ask(ctx, col, c)
		}()
	}
	out := make([]answer, len(collectors))
	for i, ch := range answers {
		select {
		case out[i] = <-ch:
		case <-ctx.Done():
			out[i] = lastChance(ctx, ch)
		}
	}
	return out
}

// ask takes a Collector that breaks down for one that could not look.
func ask(ctx context.Context, col Collector, c Case) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = answer{err: errors.New("it broke down")}
		}
	}()
	e, err := col.Collect(ctx, c)
	return answer{e, err}
}

// lastChance takes an answer that came in time although the deadline has
// passed while others were waited for.
func lastChance(ctx context.Context, ch chan answer) answer {
	select {
	case a := <-ch:
		return a
	default:
		return answer{err: context.Cause(ctx)}
	}
}

func appendGap(gaps []string, name string, err error) []string {
	if len(gaps) >= maxGaps {
		return gaps
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = errSlow
	}
	return append(gaps, clean(name+": "+err.Error()))
}

// appendEvidence takes up to perCollector pieces that say something, and gives
// them their ids.
func appendEvidence(have, found []bot.Evidence) []bot.Evidence {
	taken := 0
	for _, e := range found {
		if taken == perCollector || len(have) == maxEvidence {
			break
		}
		e.Text, e.Cites, e.Subject = clean(e.Text), clean(e.Cites), clean(e.Subject)
		if e.Text == "" || e.Cites == "" {
			continue
		}
		e.ID = "E" + strconv.Itoa(len(have)+1)
		have = append(have, e)
		taken++
	}
	return have
}
