package discord_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/phrase"
	"salve/bot/secret"
	"salve/integrations/discord"
	"salve/integrations/discord/discordtest"
)

func found(all []discord.Finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "%v %s: %s | %s\n", f.OK, f.What, f.Says, f.Mend)
	}
	return b.String()
}

func TestEverythingInOrderIsSaidToBe(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{})
	require.NoError(t, c.Register(t.Context()))
	all := c.Check(t.Context(), discord.Checks{Channels: []string{discordtest.General}, Gateway: true})
	for _, f := range all {
		require.True(t, f.OK, found(all))
		require.Empty(t, f.Mend)
	}
	require.Len(t, all, 6)
	require.Zero(t, fake.Identified(), "no session is begun")
}

func TestWhatIsWrongIsNamedWithWhatToDo(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true})
	fake.AddChannel(discordtest.Channel{ID: "1100000000000000077", Name: "quiet", Denied: discordtest.PermissionSend | discordtest.PermissionCreateThreads})
	c := client(t, fake, discord.Options{Groups: map[string]string{"all": discordtest.GuildID, "none": "1300000000000000099"}})
	all := found(c.Check(t.Context(), discord.Checks{Channels: []string{"1100000000000000077", "1100000000000000078"}, HTTP: "https://salve.example.com/v1/discord"}))
	for _, want := range []string{
		"false interactions: the app calls  and not https://salve.example.com/v1/discord | start Salve, then write",
		"false commands: salve is not registered | type: salve discord register",
		"false group all: its role is @everyone",
		"false group none: nobody is in it",
		"false channel 1100000000000000077: Salve lacks in #quiet: Send Messages, Create Public Threads | allow it",
		"false channel 1100000000000000078: the channel is not there",
	} {
		require.Contains(t, all, want)
	}
	fake.OverHTTP("https://salve.example.com/v1/discord")
	all = found(c.Check(t.Context(), discord.Checks{}))
	require.Contains(t, all, "so that none come over the gateway")

	bad, err := discord.New(secret.New("canary"), discordtest.AppID, discordtest.GuildID, discord.Options{API: fake.URL() + "/api/v10", Allow: loopback})
	require.NoError(t, err)
	t.Cleanup(bad.Close)
	require.Regexp(t, `^false token: Discord does not know the token`, found(bad.Check(t.Context(), discord.Checks{})))
}

func TestTheCommandsAreRegisteredAndHidden(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{Completer: offers{}})
	require.NoError(t, c.Register(t.Context()))
	require.Equal(t, []string{"Make this an incident", "salve"}, fake.Commands())
	var sent any
	require.NoError(t, json.Unmarshal(fake.Calls("PUT /applications/{app}/guilds/{guild}/commands")[0].Body, &sent))
	golden(t, "commands", sent)
	fake.AddUser(discordtest.User{ID: bob, Name: "bob"})
	require.NotEmpty(t, fake.Slash(bob, discordtest.General, "list", nil).Blocked, "until an administrator gives it to a role")
	require.Equal(t, bot.SendRefused, fault(t, client(t, fake, discord.Options{Usages: []discord.Usage{}}).Register(t.Context())).Fault)
}

// all are the commands that people type, the last of them in a group: there are
// more of them than Discord takes in one place.
func all() []discord.Usage {
	var out []discord.Usage
	for i, u := range phrase.Usages() {
		usage := discord.UsageOf(u.Word, u.Args, u.Says)
		if i >= 20 {
			usage.Group = "more"
		}
		out = append(out, usage)
	}
	return out
}

func TestEveryCommandThatCanBeTypedCanBeGivenInOptions(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"incident": "I-142", "incident-or-run": "R-88", "into": "I-7", "run": "R-88", "digest": "3fa9c1d2", "reason": `it's "late" -- really`, "text": "a note",
		"message": "see the note", "title": "the checkout is slow", "playbook": "service-restart", "target": "db 3", "parameters": "service=nginx size=4", "person": bob,
		"time": "30m", "severity": "high", "fingerprints": "9f2c11d0 aa", "command": "deny",
	}
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{Usages: all(), Completer: offers{}})
	require.NoError(t, c.Register(t.Context()))
	heard := newEar()
	heard.work = done(t, c)
	t.Cleanup(heard.hands.Wait)
	overHTTP(t, fake, c, heard)
	for _, u := range all() {
		word := strings.TrimSpace(u.Group + " " + u.Word)
		for _, full := range []bool{false, true} {
			given := map[string]string{}
			for _, o := range u.Options {
				if u.Word == "resume" && o.Flag == "--playbook" {
					continue // it takes a target or a playbook
				}
				if o.Required || full {
					given[o.Name] = values[o.Name]
					if len(o.Values) > 0 {
						given[o.Name] = o.Values[len(o.Values)-1]
					}
					require.NotEmpty(t, given[o.Name], "%s %s", u.Word, o.Name)
				}
			}
			h := fake.Slash(ada, discordtest.General, word, given)
			require.Empty(t, h.Blocked, "%s %v", word, given)
			text := heard.last(t).Text
			p, err := phrase.Parse(text, phrase.Here{})
			require.NoError(t, err, text)
			require.NotEmpty(t, p.Kind, text)
			if u.Word == "halt" && full {
				require.Equal(t, bot.HaltAll, p.Command.Scope, "of a target and a playbook: all")
			}
			if u.Word == "deny" && full {
				require.Equal(t, bot.Command{Verb: bot.VerbDeny, Incident: 142, Digest: "3fa9c1d2", Reason: values["reason"]}, p.Command)
			}
			if u.Word == "run" && full {
				require.Equal(t, map[string]string{"service": "nginx", "size": "4"}, p.Command.Params)
			}
		}
	}
}

func TestMoreCommandsThanDiscordTakesAreRefusedBefore(t *testing.T) {
	t.Parallel()
	var many []discord.Usage
	for _, u := range all() {
		u.Group = ""
		many = append(many, u)
	}
	for name, usages := range map[string][]discord.Usage{
		"many": many, "twice": {{Word: "a"}, {Word: "a"}}, "name": {{Word: "A B"}}, "option": {{Word: "a", Options: []discord.Option{{Name: "X"}}}},
	} {
		_, err := discord.New(secretToken(), "1", "2", discord.Options{Usages: usages})
		require.ErrorContains(t, err, "discord: ", name)
	}
}

func TestAFormLooksAsItShouldAndIsLegal(t *testing.T) {
	t.Parallel()
	form := denyForm()
	form.Fields = append(form.Fields, bot.Field{Name: "param.more", Label: "More", Value: "x"}, bot.Field{Name: "param.other", Label: "Other", Optional: true})
	golden(t, "form", opened(t, form))
	for name, s := range hostile() {
		f := bot.Form{Title: s, Token: "t", Submit: s, Lines: []bot.Line{{Spans: words(s)}, {Kind: bot.LineCode, Spans: words(s)}}}
		for i, kind := range []bot.FieldKind{bot.FieldText, bot.FieldLong, bot.FieldChoice, bot.FieldPerson} {
			f.Fields = append(f.Fields, bot.Field{Name: fmt.Sprint("param.", i), Label: s, Hint: s, Kind: kind, Value: s, Choices: []bot.Choice{{Value: s, Label: s}}})
		}
		require.NotNil(t, opened(t, f), name)
	}
}

// opened is a form as it opens, after it went to Discord.
func opened(t *testing.T, f bot.Form) any {
	t.Helper()
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{})
	require.NoError(t, c.Register(t.Context()))
	heard := newEar()
	defer heard.hands.Wait()
	heard.work = func(g bot.Gesture) {
		if _, err := c.Open(t.Context(), g, f); err != nil {
			t.Errorf("%v", err)
		}
	}
	overHTTP(t, fake, c, heard)
	h := fake.Slash(ada, discordtest.General, "list", nil)
	require.NotNil(t, h.Modal, h.Refused)
	var out any
	require.NoError(t, json.Unmarshal(h.Modal.Body, &out))
	return out
}
