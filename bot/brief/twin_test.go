package brief_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/brief"
	"salve/bot/chat"
	"salve/bot/phrase"
)

// filled puts something in place of what a person has to write in a twin.
var filled = strings.NewReplacer("PERSON", "rob", "I-OTHER", "I-7", "PLAYBOOK", "grow-disk", "NAME=VALUE", "percent=30", "FINGERPRINT ...", "a1b2")

func TestWhatAButtonDoesCanBeTyped(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		c := chat.Card(sc.state, alice, now)
		list := append(buttons(brief.Card(c, slash)), buttons(brief.Full(c, slash))...)
		for _, r := range brief.MoreForm(c).Rows {
			list = append(list, *r.Button)
		}
		for _, p := range c.Proposals {
			for _, r := range brief.PlanForm(p, slash).Rows {
				list = append(list, *r.Button)
			}
		}
		list = append(list, buttons(brief.Home(brief.HomeState{Person: alice, Mine: c.Proposals, Running: c.Runs}, slash))...)
		for _, b := range list {
			if sc.name == "hostile" && strings.Contains(b.Twin, "⟨") {
				continue // what hides is shown in a twin too, which is not to be copied then
			}
			typed, err := phrase.Parse(filled.Replace(b.Twin), phrase.Here{})
			require.NoError(t, err, "%s: %s", sc.name, b.Twin)
			require.Equal(t, b.Press.Command.Verb, typed.Command.Verb, b.Twin)
			if d := b.Press.Command.Digest; d != "" {
				require.True(t, bot.Digest(d).Matches(typed.Command.Digest), b.Twin)
			}
			if b.Press.Command.Verb != "" && b.Press.Command.Verb != bot.VerbCancel && b.Press.Command.Verb != bot.VerbSettle && b.Press.Command.Verb != bot.VerbUndo {
				require.Equal(t, b.Press.Command.Incident, typed.Command.Incident, b.Twin)
			}
			if b.Press.Command.Verb != "" {
				require.Equal(t, b.Press.Command.Run, typed.Command.Run, b.Twin)
				require.Equal(t, b.Press.Command.Settle, typed.Command.Settle, b.Twin)
				require.Equal(t, b.Press.Command.Name, typed.Command.Name, b.Twin)
			}
		}
	}
}
