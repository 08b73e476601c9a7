package notary

import (
	"context"
	"fmt"
	"time"

	"salve/bot"
	"salve/bot/audit"
)

// The alert by which people learn that the log is not the one that was signed.
const (
	alertSource = "salve"
	alertName   = "SalveAuditLogAltered"
)

// tellWrong stops the signing, and tells everybody once: an incident of critical
// severity is what people look at, the Event is the record, the process log says
// it each time.
func (l *Leg) tellWrong(ctx context.Context, f audit.Fault, against audit.Against, now time.Time) error {
	text := "the audit log is not the one whose head was signed; nothing is signed any more: " + f.String()
	l.log.ErrorContext(ctx, text, "fix", "keep a copy of the database and of the heads, then see docs/audit.md")
	if l.wrong == "" {
		l.since = since(against, now)
	}
	l.set(func() { l.wrong = text })
	if l.told {
		return nil
	}
	alert := l.alert()
	alert.State, alert.ReceivedAt = bot.AlertFiring, now.UTC()
	alert.Annotations = map[string]string{
		"summary":     text,
		"description": "Somebody with access to the database changed it, or it was restored from a backup. Keep a copy of the database and of the signed heads before anything else.",
	}
	err := l.write(ctx, alert, bot.Event{At: now, Kind: bot.EventDistrusted, Actor: bot.Salve, Text: text})
	l.told = err == nil
	return err
}

// tellRight takes back what tellWrong said.
func (l *Leg) tellRight(ctx context.Context, now time.Time) error {
	if l.wrong == "" {
		return nil
	}
	alert := l.alert()
	alert.State, alert.ReceivedAt, alert.EndsAt = bot.AlertResolved, now.UTC(), now.UTC()
	if l.told {
		if err := l.write(ctx, alert, bot.Event{At: now, Kind: bot.EventTrusted, Actor: bot.Salve, Text: "the audit log is the one whose head was signed again"}); err != nil {
			l.stale = true
			return err
		}
	}
	l.told = false
	l.set(func() { l.wrong = "" })
	return nil
}

// since is the time of the newest signed head, so that several that find the
// same make one alert.
func since(against audit.Against, now time.Time) time.Time {
	var newest audit.Checkpoint
	for _, c := range against.Signed {
		if c.Size > newest.Size {
			newest = c
		}
	}
	if newest.Size == 0 {
		return now.UTC()
	}
	return newest.At.UTC()
}

func (l *Leg) alert() bot.Alert {
	return bot.Alert{
		AlertKey: bot.AlertKey{Source: alertSource, Fingerprint: alertName, StartsAt: l.since},
		GroupKey: alertName, Severity: bot.SeverityCritical, Title: "The audit log was altered",
		Labels: map[string]string{"alertname": alertName, "severity": bot.SeverityCritical.String()},
	}
}

func (l *Leg) write(ctx context.Context, a bot.Alert, e bot.Event) error {
	_, err := l.store.Commit(ctx, bot.Change{Observed: []bot.Alert{a}, By: bot.Salve, Events: []bot.Event{e}})
	if err != nil {
		return fmt.Errorf("tell people about the audit log: %w", err)
	}
	return nil
}
