// Package health says what is wrong with Salve itself: facts in, Conditions out,
// each with a name, a sentence, and what a person does about it.
//
// It is pure: the same facts give the same Conditions, in the same order, worst
// for readiness first. A sentence holds nothing internal and nothing that changes
// while its Condition lasts, so that it can be shown to anybody and compared. A
// fact that is not known is no Condition, unless not knowing it is what is wrong.
package health

import (
	"fmt"
	"slices"
	"time"

	"salve/bot"
)

// The names of the Conditions of the process.
const (
	Draining     = "draining"
	DatabaseRead = "database-read"
	DatabaseWait = "database-slow"
	DatabaseDown = "database-write"
	Audit        = "audit-write"
	DiskFull     = "disk-full"
	DiskLow      = "disk-low"
	HaltsUnknown = "halts-unknown"
	LegStuck     = "leg-stuck"
	ClockJumped  = "clock-jumped"
	Certificate  = "certificate"
)

// Facts are how the process finds things. A zero field is a fact that is not
// known, or fine.
type Facts struct {
	Now         time.Time
	Draining    bool
	Read        error // why the database cannot be read
	Write       error // why it cannot be written
	Busy        bool  // it takes no more just now
	Audit       error // why the audit log cannot be continued
	Halts       error // why it cannot be told what is halted
	Legs        []Leg
	Disk        Disk
	Clock       *bot.Halt // the halt of a clock that jumped
	Uncontained bool      // which stands in the memory of the process only
	Certificate time.Time // when the one of the web listener ends
}

// Leg is a loop of the process.
type Leg struct {
	Name string
	Idle time.Duration // since it turned last
}

// Disk is where the data lies.
type Disk struct{ Free, Total uint64 }

// Limits are where a fact becomes a Condition.
type Limits struct {
	LegSlow      time.Duration // a leg that has not turned for so long is stuck
	LegDead      time.Duration // and after so long only a new process helps
	DiskFree     float64       // percent that should be free
	DiskLeast    uint64        // bytes without which nothing can be relied on
	Certificates time.Duration // before a certificate ends
}

// Judge makes Conditions of the facts.
func Judge(f Facts, l Limits) []bot.Condition {
	var out []bot.Condition
	out = append(out, ofProcess(f, l)...)
	out = append(out, ofStore(f)...)
	out = append(out, ofDisk(f.Disk, l)...)
	out = append(out, ofClock(f)...)
	out = append(out, ofCertificate(f, l)...)
	slices.SortStableFunc(out, func(a, b bot.Condition) int {
		switch {
		case a.Unready == b.Unready:
			return 0
		case a.Unready:
			return -1
		default:
			return 1
		}
	})
	return out
}

// Ready reports whether none of the Conditions stands in the way.
func Ready(cs []bot.Condition) bool {
	return !slices.ContainsFunc(cs, func(c bot.Condition) bool { return c.Unready })
}

// Dead names the legs that only a new process can help.
func Dead(legs []Leg, l Limits) []string {
	var out []string
	for _, leg := range legs {
		if leg.Idle > l.LegDead {
			out = append(out, leg.Name)
		}
	}
	return out
}

// Since lets Conditions that have no beginning of their own begin now, unless
// they were there before: then they go on.
func Since(before, cs []bot.Condition, now time.Time) []bot.Condition {
	known := make(map[string]time.Time, len(before))
	for _, c := range before {
		known[c.Key()] = c.Since
	}
	for i, c := range cs {
		if !c.Since.IsZero() {
			continue
		}
		cs[i].Since = now.UTC().Truncate(time.Millisecond)
		if at, ok := known[c.Key()]; ok {
			cs[i].Since = at
		}
	}
	return cs
}

func ofProcess(f Facts, l Limits) []bot.Condition {
	var out []bot.Condition
	if f.Draining {
		out = append(out, bot.Condition{Name: Draining, Unready: true, Severity: bot.SeverityInfo,
			Says: "Salve is stopping", Do: "Nothing: what was taken in is on disk, and goes on at the next start."})
	}
	for _, leg := range f.Legs {
		if leg.Idle <= l.LegSlow {
			continue
		}
		out = append(out, bot.Condition{Name: LegStuck, Subject: leg.Name, Unready: true, Severity: bot.SeverityCritical,
			Says: "the " + leg.Name + " loop does not turn",
			Do:   "Look at the disk and the log. If it does not come back by itself, restart Salve: nothing is lost and nothing is done twice.",
		})
	}
	return out
}

func ofStore(f Facts) []bot.Condition {
	var out []bot.Condition
	add := func(err error, c bot.Condition) {
		if err != nil {
			c.Unready, c.Severity, c.Detail = true, bot.SeverityCritical, err.Error()
			out = append(out, c)
		}
	}
	add(f.Read, bot.Condition{Name: DatabaseRead, Says: "the database cannot be read",
		Do: "`salve status` and the log have the cause. Nothing runs meanwhile; senders are told to come again."})
	add(f.Write, bot.Condition{Name: DatabaseDown, Says: "the database cannot be written",
		Do: "Look for a full or read-only disk and at who owns the data directory; `salve status` and the log have the cause. Nothing runs meanwhile; senders are told to come again."})
	add(f.Audit, bot.Condition{Name: Audit, Says: "the audit log cannot be continued",
		Do: "Stop Salve, keep a copy of the data directory, and run `salve audit verify --data-dir DIR`; then restore a backup. Nothing runs meanwhile."})
	add(f.Halts, bot.Condition{Name: HaltsUnknown, Says: "what is halted cannot be read, so nothing runs",
		Do: "`salve status` and the log have the cause; look at the data directory and the file HALT in it."})
	if f.Busy {
		out = append(out, bot.Condition{Name: DatabaseWait, Severity: bot.SeverityMedium, Says: "more comes in than the database can take",
			Do: "Senders are told to come again, and nothing is lost. If it stays, use a faster disk or group alerts at the sender."})
	}
	return out
}

func ofDisk(d Disk, l Limits) []bot.Condition {
	switch {
	case d.Total == 0:
		return nil
	case d.Free < l.DiskLeast:
		return []bot.Condition{{Name: DiskFull, Unready: true, Severity: bot.SeverityCritical,
			Says: "the disk of the data directory is full", Do: freeSpace,
			Detail: fmt.Sprintf("%d bytes are free, at least %d are needed", d.Free, l.DiskLeast)}}
	case float64(d.Free)*100 < l.DiskFree*float64(d.Total):
		return []bot.Condition{{Name: DiskLow, Severity: bot.SeverityHigh,
			Says: fmt.Sprintf("less than %g %% of the disk of the data directory is free", l.DiskFree), Do: freeSpace,
			Detail: fmt.Sprintf("%d of %d bytes are free", d.Free, d.Total)}}
	default:
		return nil
	}
}

const freeSpace = "Free some space, or make retention.payload_age and retention.payload_size smaller. What Salve cannot write it does not acknowledge and does not run."

// ofClock: while the halt is on record, Salve is safe and may take alerts in.
func ofClock(f Facts) []bot.Condition {
	if f.Clock == nil {
		return nil
	}
	return []bot.Condition{{Name: ClockJumped, Unready: f.Uncontained, Severity: bot.SeverityHigh, Since: f.Clock.At,
		Says: f.Clock.Reason + "; nothing runs until a person lifts the halt",
		Do:   "See that the clock is right now (timedatectl), look at what waits, then `salve resume`.",
	}}
}

func ofCertificate(f Facts, l Limits) []bot.Condition {
	left := f.Certificate.Sub(f.Now)
	if f.Certificate.IsZero() || left > l.Certificates {
		return nil
	}
	c := bot.Condition{Name: Certificate, Severity: bot.SeverityMedium,
		Says: "the certificate of the web listener ends on " + f.Certificate.UTC().Format("2006-01-02 15:04 UTC"),
		Do:   "Put a new one into the files of tls.cert and tls.key; it is used from the next connection on.",
	}
	if left < l.Certificates/4 {
		c.Severity = bot.SeverityHigh
	}
	return []bot.Condition{c}
}
