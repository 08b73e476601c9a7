package ledger

import "salve/bot"

// CommitQueued puts a Change into the queue and waits for no answer.
func (l *Ledger) CommitQueued(in bot.Change) error {
	enc, err := encodeChange(&in)
	if err != nil {
		return err
	}
	return l.writer.enqueue(&request{
		apply: func(t *tx) (bot.Receipt, error) { return t.apply(&in, &enc) },
		done:  make(chan result, 1),
	})
}

// Queued is how many Changes wait.
func (l *Ledger) Queued() int { return len(l.writer.queue) }

// RoundTrip encodes an alert and its Fold as they are stored, and reads both.
func RoundTrip(a bot.Alert) (bot.Alert, bot.Fold, error) {
	body := appendAlert(nil, a)
	back, err := decodeAlert(a.AlertKey, MS(a.ReceivedAt), body)
	if err != nil {
		return back, bot.Fold{}, err
	}
	var folded tallied
	f := foldAll(bot.Fold{}, []bot.Alert{a})
	err = decodeFold(appendFold(nil, &f), &folded)
	return back, folded.Fold, err
}
