package receive

import (
	"context"
	"fmt"

	"salve/bot"
	"salve/bot/intake"
)

// Raise takes in an alert that a person makes of what they see, as any source's
// by the usual rules, with the person as who sent it.
func (d *Door) Raise(ctx context.Context, by bot.Actor, a bot.Alert) (bot.Observation, error) {
	a.Source = bot.SourcePeople
	good, problems := intake.Rules{}.Apply([]bot.Alert{a})
	if len(problems) > 0 {
		return bot.Observation{}, bot.Refuse(bot.RefusedInput, "It cannot be taken in: "+problems[0].Reason+".", "")
	}
	receipt, err := d.store.Commit(ctx, bot.Change{Observed: good, By: by})
	if err != nil {
		return bot.Observation{}, fmt.Errorf("commit what %s raised: %w", by.Name, err)
	}
	return receipt.Observed[0], nil
}
