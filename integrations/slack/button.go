package slack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"salve/bot"
)

const (
	maxElements = 25 // of an actions block
	maxOverflow = 5
	maxOptions  = 100 // of a menu
	maxValue    = 150 // of an option
	maxConfirm  = 300
	maxPressed  = 2000 // value of a button
)

// moreAction is the action_id of the menu behind "More".
const moreAction = "more"

// actions are the buttons of a Message, and its menu. A choice that asks before
// it is carried out is a button even if it belongs behind "More": a menu of
// Slack asks the same for all of its entries, or nothing.
func actions(buttons, more []bot.Button) []block {
	var elements []element
	for i, b := range buttons {
		elements = append(elements, button(b, fmt.Sprintf("b%d", i)))
	}
	var rest []bot.Button
	for i, b := range more {
		if b.Confirm != "" && len(elements) < maxElements-1 {
			elements = append(elements, button(b, fmt.Sprintf("m%d", i)))
			continue
		}
		rest = append(rest, b)
	}
	if len(elements) > maxElements-1 {
		elements = elements[:maxElements-1]
	}
	if len(rest) > 0 {
		elements = append(elements, menu(rest))
	}
	if len(elements) == 0 {
		return nil
	}
	return []block{{Type: "actions", ID: "act." + sum(elements), Elements: elements}}
}

// sum makes another block_id whenever the buttons are others, so that a menu
// does not keep what was chosen in an older one.
func sum(elements []element) string {
	h := sha256.New()
	for _, e := range elements {
		fmt.Fprintf(h, "%s\n%s\n", e.ActionID, e.Value)
		for _, o := range e.Options {
			fmt.Fprintln(h, o.Value)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func button(b bot.Button, action string) element {
	e := element{Type: "button", ActionID: action, Label: plain(b.Label, maxLabel), Value: short(b.Token, maxPressed)}
	if b.Style == "primary" || b.Style == "danger" {
		e.Style = b.Style
	}
	if b.Confirm != "" {
		e.Confirm = &confirm{
			Title: plain("Are you sure?", 100), Text: plain(b.Confirm, maxConfirm),
			Confirm: plain(b.Label, 30), Deny: plain("Go back", 30),
		}
		if b.Style == "danger" {
			e.Confirm.Style = b.Style
		}
	}
	return e
}

// menu is what hangs behind "More": an overflow menu, or where that is too
// small a select, which takes a hundred.
func menu(rest []bot.Button) element {
	var options []option
	for _, b := range rest {
		if len(options) < maxOptions && len(b.Token) <= maxValue {
			options = append(options, option{Text: plain(b.Label, maxLabel), Value: b.Token})
		}
	}
	if len(options) <= maxOverflow {
		return element{Type: "overflow", ActionID: moreAction, Options: options}
	}
	return element{Type: "static_select", ActionID: moreAction, Placeholder: plain("More", maxLabel), Options: options}
}
