package discord

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"salve/bot"
)

// Completer offers values for an option while somebody types it. verb is the word
// of the subcommand. It must be quick: Discord shows nothing after three seconds.
// What it offers is seen by whoever may see the command.
type Completer interface {
	Complete(ctx context.Context, verb, option, typed string) []bot.Choice
}

// completion is what somebody is typing. It is never kept.
type completion struct{ verb, option, typed string }

func (c *Client) completing(in interaction) (heard, error) {
	word, options := subcommand(in.Data.Options)
	u, ok := c.usage(word)
	i := slices.IndexFunc(options, func(g given) bool { return g.Focused })
	if !ok || i < 0 || !slices.ContainsFunc(u.Options, func(o Option) bool { return o.Name == options[i].Name && o.Offered }) {
		return heard{answer: &answer{Type: answerChoices, Data: choices{[]choiceOf{}}}}, nil
	}
	return heard{complete: &completion{verb: word, option: options[i].Name, typed: cut(options[i].text(), 100)}}, nil
}

var errOffering = errors.New("values to offer were not found in time")

// offer asks the Completer. What it does not say in time is not offered.
func (c *Client) offer(ctx context.Context, what completion) answer {
	out := []choiceOf{}
	if c.asks != nil {
		ctx, cancel := context.WithTimeoutCause(ctx, offersTimeout, errOffering)
		defer cancel()
		seen := map[string]bool{}
		for _, v := range c.asks.Complete(ctx, what.verb, what.option, what.typed) {
			name := label(cmp.Or(plain(v.Label, 100), v.Value), 100)
			if len(out) < maxOptions && !seen[name] && utf8.ValidString(v.Value) && v.Value != "" && utf8.RuneCountInString(v.Value) <= 100 {
				seen[name] = true
				out = append(out, choiceOf{Name: name, Value: v.Value})
			}
		}
	}
	return answer{Type: answerChoices, Data: choices{out}}
}
