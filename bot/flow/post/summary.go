package post

import (
	"context"
	"errors"
	"fmt"

	"salve/bot"
	"salve/bot/brief"
)

// worstCards are those that a summary names.
const worstCards = 5

// raging is the summary of a storm that goes on.
func (l *Leg) raging(ctx context.Context, p bot.Post, waiting []bot.Post) (bot.Message, error) {
	counts := brief.StormCounts{Since: p.OpenedAt, Total: len(waiting), BySeverity: map[bot.Severity]int{}}
	var worst []bot.Card
	for i, w := range waiting {
		counts.BySeverity[severityOf(w.Rank)]++
		if i >= worstCards {
			continue
		}
		c, err := l.cards.Card(ctx, w.Incident, bot.Person{})
		if errors.Is(err, bot.ErrNotFound) {
			continue
		}
		if err != nil {
			return bot.Message{}, fmt.Errorf("read %s: %w", w.Incident, err)
		}
		worst = append(worst, c)
	}
	m := brief.Storm(worst, counts, l.now(), l.opts.Brief[p.Surface])
	text := "Their cards follow here, the most urgent first, one after the other."
	if len(waiting) == stormCount {
		text = fmt.Sprintf("There are more than %d. %s", stormCount, text)
	}
	m.Lines = append(m.Lines, quiet(text))
	return spared(m, p), nil
}

// calm is what stays of a storm that is over.
func calm(p bot.Post) bot.Message {
	m := bot.Message{Kind: bot.MessageStorm, Tone: bot.ToneQuiet, Alone: "Many incidents came at once; each that goes on has its card now."}
	m.Title = []bot.Span{{Text: m.Alone, Style: bot.SpanStrong}}
	return spared(m, p)
}

// spared adds what has no card and is told here alone.
func spared(m bot.Message, p bot.Post) bot.Message {
	switch p.Spared {
	case 0:
	case 1:
		m.Lines = append(m.Lines, quiet("1 incident was over before its card was posted, and nobody had to do anything; it is in the list."))
	default:
		m.Lines = append(m.Lines, quiet(fmt.Sprintf("%d incidents were over before their cards were posted, and nobody had to do anything; they are in the list.", p.Spared)))
	}
	return m
}
