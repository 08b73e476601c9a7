package discord_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/discord"
	"salve/integrations/discord/discordtest"
)

// overHTTP lets the fake's people be heard at an address of ours.
func overHTTP(t testing.TB, fake *discordtest.Discord, c *discord.Client, heard discord.Ear) {
	t.Helper()
	h, err := discord.NewHandler(c, discordtest.PublicKey(), heard)
	require.NoError(t, err)
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	fake.OverHTTP(srv.URL + discord.Path)
}

// listen runs the gateway until the test ends.
func listen(t testing.TB, fake *discordtest.Discord, c *discord.Client, heard discord.Ear) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx, heard) }) // it ends with ctx, and with nothing else
	stop = func() { cancel(); running.Wait() }
	t.Cleanup(stop)
	require.Eventually(t, func() bool { return fake.Sessions() == 1 && c.Gateway().Connected }, 10*time.Second, 5*time.Millisecond)
	return stop
}

type way func(testing.TB, *discordtest.Discord, *discord.Client, discord.Ear)

// ways are both in which an interaction comes.
var ways = map[string]way{
	"http":    overHTTP,
	"gateway": func(t testing.TB, f *discordtest.Discord, c *discord.Client, e discord.Ear) { listen(t, f, c, e) },
}

// each runs a test for both ways; the commands are registered.
func each(t *testing.T, opts discord.Options, run func(t *testing.T, fake *discordtest.Discord, c *discord.Client, heard *ear)) {
	t.Helper()
	for name, connect := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := open(t, discordtest.Options{Unlimited: true})
			c := client(t, fake, opts)
			require.NoError(t, c.Register(t.Context()))
			heard := newEar()
			t.Cleanup(heard.hands.Wait)
			connect(t, fake, c, heard)
			run(t, fake, c, heard)
		})
	}
}

// done answers at once.
func done(t testing.TB, c *discord.Client) func(bot.Gesture) {
	return func(g bot.Gesture) {
		assert.NoError(t, c.Whisper(context.WithoutCancel(t.Context()), g, bot.Message{Kind: bot.MessageReply, Alone: "Done.", Lines: lines("Done.")}))
	}
}

func TestEverythingThatPeopleDoIsHeard(t *testing.T) {
	t.Parallel()
	each(t, discord.Options{}, func(t *testing.T, fake *discordtest.Discord, c *discord.Client, heard *ear) {
		heard.work = done(t, c)
		mark := general(t, c, approval())
		card, _ := fake.Message(mark.Place, mark.Ref)
		thread, err := c.Post(t.Context(), bot.Parcel{Place: mark.Place, Thread: mark, Nonce: "p", Message: messages()["progress"]})
		require.NoError(t, err)
		said := fake.Say(ada, discordtest.General, "checkout is **slow** @everyone")

		h := fake.Slash(ada, discordtest.General, "deny", map[string]string{"incident": "I-142", "digest": "3fa9c1d2", "reason": `wrong "host" -- I think`})
		require.Equal(t, discordtest.AnswerReply, h.Answer)
		require.True(t, h.Ephemeral)
		g := heard.last(t)
		require.Equal(t, "discord/"+h.ID, g.Key)
		require.Equal(t, bot.GestureSaid, g.Kind)
		require.Equal(t, bot.ChatUser{ID: adaID, Name: "Ada"}, g.User)
		require.Equal(t, `deny I-142 3fa9c1d2 wrong "host" -- I think`, g.Text)
		require.Equal(t, discordtest.General, g.Place)

		fake.Slash(ada, thread.Place, "halt", map[string]string{"target": "db 3", "reason": "deploy"})
		g = heard.last(t)
		require.Equal(t, `halt --target "db 3" deploy`, g.Text)
		require.Equal(t, mark, bot.Mark{Place: g.Place, Ref: g.Thread}, "a thread is named by the message that it hangs on")

		fake.Slash(ada, discordtest.General, "more whoami", nil)
		require.Equal(t, "whoami", heard.last(t).Text)
		fake.Slash(ada, discordtest.General, "handover", map[string]string{"incident": "I-1", "person": bob, "message": "see the note"})
		require.Equal(t, "handover I-1 @"+bob+" see the note", heard.last(t).Text)

		fake.Press(ada, card, "Deny…")
		g = heard.last(t)
		require.Equal(t, bot.GesturePressed, g.Kind)
		require.Equal(t, "tok-deny", g.Token)
		require.Equal(t, mark, bot.Mark{Place: g.Place, Ref: g.Message})

		fake.Choose(ada, card, "More", "Why")
		require.Equal(t, "tok-why", heard.last(t).Token)
		n := len(heard.all())
		require.Equal(t, discordtest.AnswerDeferUpdate, fake.Choose(ada, card, "More").Answer, "what was chosen is taken back")
		require.Len(t, heard.all(), n)

		inside, _ := fake.Message(thread.Place, thread.Ref)
		h = fake.Press(ada, inside, "Cancel and undo")
		q, ok := h.Whispered()
		require.True(t, ok)
		require.Len(t, heard.all(), n, "a question is no gesture")
		fake.Press(ada, q, "Yes, do it")
		g = heard.last(t)
		require.Equal(t, "tok-cancel", g.Token)
		require.Equal(t, thread, bot.Mark{Place: g.Place, Ref: g.Message}, "it stands on the message, and not on the question")

		fake.Context(ada, said, "Make this an incident")
		g = heard.last(t)
		require.Equal(t, bot.GestureChose, g.Kind)
		require.Equal(t, "checkout is **slow** @everyone", g.Text)
		require.Equal(t, said.ID, g.Message)
	})
}

func TestAButtonThatAsksFirstAsks(t *testing.T) {
	t.Parallel()
	each(t, discord.Options{}, func(t *testing.T, fake *discordtest.Discord, c *discord.Client, heard *ear) {
		mark := general(t, c, approval())
		card, _ := fake.Message(mark.Place, mark.Ref)
		q, ok := fake.Press(ada, card, "Approve").Whispered()
		require.True(t, ok)
		require.Contains(t, q.Content, "Run grow-disk (3fa9c1d2) on host/db-3?")
		h := fake.Press(ada, q, "Go back")
		require.Equal(t, discordtest.AnswerUpdate, h.Answer)
		back, _ := h.Original()
		require.Equal(t, "Nothing was done.", strings.ReplaceAll(back.Content, `\`, ""))
		require.Empty(t, heard.all())

		// Another process, or this one after a restart, quotes the message instead.
		other := client(t, fake, discord.Options{})
		overHTTP(t, fake, other, heard)
		q, ok = fake.Press(ada, card, "Approve").Whispered()
		require.True(t, ok)
		require.Contains(t, string(q.Embeds), "3fa9c1d2")
		require.Empty(t, heard.all())
		heard.work = func(g bot.Gesture) {
			require.NoError(t, other.Whisper(context.WithoutCancel(t.Context()), g, bot.Message{Kind: bot.MessageReply, Alone: "Approved.", Lines: lines("Approved.")}))
		}
		h = fake.Press(ada, q, "Yes, do it")
		require.Equal(t, discordtest.AnswerUpdate, h.Answer, "the answer takes the place of the question")
		done, _ := h.Original()
		require.Contains(t, string(done.Embeds), "Approved.")
		require.Empty(t, string(done.Components[1:len(done.Components)-1]), "it cannot be said twice")
	})
}

func TestWhoeverAnswersSoonIsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	reply := bot.Message{Kind: bot.MessageReply, Alone: "Done.", Lines: lines("Done.")}
	each(t, discord.Options{}, func(t *testing.T, fake *discordtest.Discord, c *discord.Client, heard *ear) {
		ctx := context.WithoutCancel(t.Context())
		heard.work = done(t, c)
		h := fake.Slash(ada, discordtest.General, "list", nil)
		require.Equal(t, discordtest.AnswerReply, h.Answer)
		require.True(t, h.Ephemeral)
		require.Less(t, h.Took, time.Second)
		said, _ := h.Original()
		require.Contains(t, string(said.Embeds), "Done.")

		heard.work = func(g bot.Gesture) {
			time.Sleep(2300 * time.Millisecond)
			require.NoError(t, c.Whisper(ctx, g, reply))
			require.NoError(t, c.Whisper(ctx, g, reply))
		}
		h = fake.Slash(ada, discordtest.General, "list", nil)
		require.Equal(t, discordtest.AnswerDefer, h.Answer, "in time it is told to wait")
		require.Less(t, h.Took, 3*time.Second)
		said, ok := h.Replied()
		require.True(t, ok)
		require.Contains(t, string(said.Embeds), "Done.")
		require.True(t, fake.Await(5*time.Second, func() bool { return len(h.FollowUps()) == 1 }))
		require.True(t, h.FollowUps()[0].Ephemeral())
	})
}

func TestAnotherProcessAnswersWhatItDidNotHear(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{})
	require.NoError(t, c.Register(t.Context()))
	heard := newEar()
	overHTTP(t, fake, c, heard)
	h := fake.Slash(ada, discordtest.General, "list", nil)
	require.Equal(t, discordtest.AnswerDefer, h.Answer)
	other := client(t, fake, discord.Options{})
	g := heard.last(t)
	require.NoError(t, other.Whisper(t.Context(), g, hello()))
	said, ok := h.Replied()
	require.True(t, ok)
	require.True(t, said.Ephemeral())

	fake.Advance(16 * time.Minute)
	require.NoError(t, other.Whisper(t.Context(), g, hello()), "after that it is a direct message")
	require.Len(t, fake.Calls("POST /users/@me/channels"), 1)
}

func TestAFormOpensAsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	form := denyForm()
	each(t, discord.Options{}, func(t *testing.T, fake *discordtest.Discord, c *discord.Client, heard *ear) {
		ctx := context.WithoutCancel(t.Context())
		mark := general(t, c, approval())
		card, _ := fake.Message(mark.Place, mark.Ref)
		heard.work = func(g bot.Gesture) {
			if g.Kind == bot.GestureFilled {
				require.NoError(t, c.Whisper(ctx, g, bot.Message{Kind: bot.MessageReply, Alone: "Denied.", Lines: lines("Denied.")}))
				return
			}
			opened, err := c.Open(ctx, g, bot.Form{Title: "Deny", Lines: lines("One moment ...")})
			require.NoError(t, err)
			_, err = c.Refill(ctx, opened, form)
			require.NoError(t, err)
		}
		h := fake.Press(ada, card, "Deny…")
		require.Equal(t, discordtest.AnswerModal, h.Answer)
		h = fake.Submit(h.Modal, map[string]string{"Why?": "the wrong host", "Who takes it": bob})
		require.Empty(t, h.Blocked)
		require.Equal(t, discordtest.AnswerReply, h.Answer)
		g := heard.last(t)
		require.Equal(t, bot.GestureFilled, g.Kind)
		require.Equal(t, "form-token", g.Token)
		require.Equal(t, map[string]string{
			"reason": "the wrong host", "param.size": "40", "to": discordtest.GuildID + "/" + bob, "severity": "high", "title": "",
		}, g.Fields)
	})
}

func TestAFormThatComesLateIsBehindAButton(t *testing.T) {
	t.Parallel()
	each(t, discord.Options{}, func(t *testing.T, fake *discordtest.Discord, c *discord.Client, heard *ear) {
		ctx := context.WithoutCancel(t.Context())
		heard.work = func(g bot.Gesture) {
			opened, err := c.Open(ctx, g, bot.Form{Title: "Deny", Lines: lines("One moment ...")})
			require.NoError(t, err)
			time.Sleep(2300 * time.Millisecond)
			_, err = c.Refill(ctx, opened, denyForm())
			require.NoError(t, err)
		}
		h := fake.Slash(ada, discordtest.General, "deny", map[string]string{"incident": "I-1", "reason": "x"})
		require.Equal(t, discordtest.AnswerReply, h.Answer)
		said, _ := h.Original()
		require.Contains(t, string(said.Embeds), "One moment")
		heard.hands.Wait()
		said, _ = h.Original()
		require.Empty(t, h.FollowUps(), "it takes the place of what was shown")
		heard.work = done(t, c)
		h = fake.Press(ada, said, "Fill in…")
		require.Equal(t, discordtest.AnswerModal, h.Answer)
		require.Equal(t, bot.GestureSaid, heard.last(t).Kind, "to open it is no gesture")
		h = fake.Submit(h.Modal, map[string]string{"Why?": "no"})
		require.Empty(t, h.Blocked)
		require.Equal(t, "no", heard.last(t).Fields["reason"])
	})
}

func TestAFormThatOnlyShowsIsAPrivateMessage(t *testing.T) {
	t.Parallel()
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{})
	heard := newEar()
	t.Cleanup(heard.hands.Wait)
	overHTTP(t, fake, c, heard)
	mark := general(t, c, approval())
	card, _ := fake.Message(mark.Place, mark.Ref)
	ctx := context.WithoutCancel(t.Context())
	heard.work = func(g bot.Gesture) {
		opened, err := c.Open(ctx, g, bot.Form{Title: "Plan", Lines: lines("One moment ...")})
		require.NoError(t, err)
		_, err = c.Refill(ctx, opened, bot.Form{
			Title: "Plan 3fa9c1d2", Lines: lines("step 1"), Submit: "Approve", Token: "form-token",
			Rows: []bot.Row{{Line: bot.Line{Spans: words("Say no")}, Button: &bot.Button{Label: "Deny", Token: "tok-no"}}},
		})
		require.NoError(t, err)
	}
	said, ok := fake.Choose(ada, card, "More", "Show plan").Whispered()
	require.True(t, ok)
	require.Contains(t, string(said.Embeds), "step 1")
	heard.work = done(t, c)
	fake.Press(ada, said, "Approve")
	require.Equal(t, "form-token", heard.last(t).Token)
	fake.Press(ada, said, "1 · Deny")
	require.Equal(t, "tok-no", heard.last(t).Token)
}

func denyForm() bot.Form {
	return bot.Form{
		Title: "Deny grow-disk on a host with a name that is very long", Token: "form-token", Submit: "Deny", Lines: approval().Lines,
		Fields: []bot.Field{
			{Name: "reason", Label: "Why?", Hint: "The person who asked reads this.", Kind: bot.FieldLong, Max: 500},
			{Name: "to", Label: "Who takes it", Kind: bot.FieldPerson, Value: adaID, Optional: true},
			{Name: "severity", Label: "Severity", Kind: bot.FieldChoice, Value: "high", Choices: []bot.Choice{{Value: "high", Label: "High"}, {Value: "low", Label: "Low"}}},
			{Name: "param.size", Label: "Size in GB", Kind: bot.FieldWhole, Value: "40"},
			{Name: "title", Label: "Title", Kind: bot.FieldText, Optional: true},
		},
	}
}

func TestWhatWasNotRecordedIsSaid(t *testing.T) {
	t.Parallel()
	each(t, discord.Options{}, func(t *testing.T, fake *discordtest.Discord, c *discord.Client, heard *ear) {
		mark := general(t, c, approval())
		card, _ := fake.Message(mark.Place, mark.Ref)
		heard.set(errDisk)
		for _, do := range []func() discordtest.Heard{
			func() discordtest.Heard { return fake.Slash(ada, discordtest.General, "list", nil) },
			func() discordtest.Heard { return fake.Press(ada, card, "I take it") },
		} {
			h := do()
			require.Equal(t, discordtest.AnswerReply, h.Answer)
			said, ok := h.Whispered()
			require.True(t, ok)
			require.Contains(t, said.Content, "could not write that down")
		}
		require.Empty(t, heard.all())
	})
}

func TestABlockedDatabaseIsToldWithinDiscordsThreeSeconds(t *testing.T) {
	t.Parallel()
	each(t, discord.Options{}, func(t *testing.T, fake *discordtest.Discord, _ *discord.Client, heard *ear) {
		heard.mu.Lock()
		heard.block = make(chan struct{})
		heard.mu.Unlock()
		h := fake.Slash(ada, discordtest.General, "list", nil)
		require.Equal(t, discordtest.AnswerReply, h.Answer)
		require.Less(t, h.Took, 3*time.Second)
		said, _ := h.Original()
		require.Contains(t, said.Content, "could not write that down")
	})
}

func TestDirectMessagesStrangersAndBotsAreRefused(t *testing.T) {
	t.Parallel()
	each(t, discord.Options{}, func(t *testing.T, fake *discordtest.Discord, c *discord.Client, heard *ear) {
		mark, err := c.Post(t.Context(), bot.Parcel{Place: adaID, Message: approval()})
		require.NoError(t, err)
		require.NoError(t, c.Edit(t.Context(), mark, bot.Parcel{Message: approval()}), "as it must not be")
		direct, _ := fake.Message(mark.Place, mark.Ref)
		h := fake.Press(ada, direct, "I take it")
		require.Equal(t, discordtest.AnswerReply, h.Answer)
		said, _ := h.Original()
		require.Contains(t, said.Content, "direct messages")

		card := general(t, c, approval())
		shown, _ := fake.Message(card.Place, card.Ref)
		fake.AddUser(discordtest.User{ID: bob, Name: "robot", Bot: true})
		said, _ = fake.Press(bob, shown, "I take it").Original()
		require.Contains(t, said.Content, "bots")
		require.Empty(t, heard.all())
	})
	fake := open(t, discordtest.Options{Unlimited: true})
	other := client(t, fake, discord.Options{})
	mark := general(t, other, approval())
	shown, _ := fake.Message(mark.Place, mark.Ref)
	foreign, err := discord.New(secretToken(), discordtest.AppID, "999", discord.Options{API: fake.URL() + "/api/v10", Allow: loopback})
	require.NoError(t, err)
	t.Cleanup(foreign.Close)
	heard := newEar()
	overHTTP(t, fake, foreign, heard)
	said, _ := fake.Press(ada, shown, "I take it").Original()
	require.Contains(t, said.Content, "another server")
	require.Empty(t, heard.all())
}

type offers struct{ block chan struct{} }

func (o offers) Complete(ctx context.Context, verb, option, typed string) []bot.Choice {
	if o.block != nil {
		select {
		case <-o.block:
		case <-ctx.Done():
			return nil
		}
	}
	out := []bot.Choice{{Value: "I-142", Label: verb + " " + option + " " + typed}, {Value: "I-142", Label: verb + " " + option + " " + typed}, {Value: ""}}
	for range 40 {
		out = append(out, bot.Choice{Value: strings.Repeat("x", 101)})
	}
	return append(out, bot.Choice{Value: "I-7"})
}

func TestValuesAreOfferedAndNeverKept(t *testing.T) {
	t.Parallel()
	each(t, discord.Options{Completer: offers{}}, func(t *testing.T, fake *discordtest.Discord, _ *discord.Client, heard *ear) {
		h := fake.Autocomplete(ada, discordtest.General, "deny", "incident", map[string]string{"incident": "I-1"})
		require.Equal(t, discordtest.AnswerSuggestions, h.Answer)
		require.Equal(t, []discordtest.Choice{{Name: "deny incident I-1", Value: "I-142"}, {Name: "I-7", Value: "I-7"}}, h.Choices)
		require.Empty(t, heard.all())
	})
	fake := open(t, discordtest.Options{Unlimited: true})
	c := client(t, fake, discord.Options{Completer: offers{block: make(chan struct{})}})
	require.NoError(t, c.Register(t.Context()))
	overHTTP(t, fake, c, newEar())
	h := fake.Autocomplete(ada, discordtest.General, "deny", "incident", map[string]string{"incident": ""})
	require.Equal(t, discordtest.AnswerSuggestions, h.Answer, "nothing is offered in time, rather than something late")
	require.Empty(t, h.Choices)
}

func TestAStormOfClicksIsHeardAndAnsweredEachOnce(t *testing.T) {
	t.Parallel()
	each(t, discord.Options{}, func(t *testing.T, fake *discordtest.Discord, c *discord.Client, heard *ear) {
		heard.work = done(t, c)
		mark := general(t, c, approval())
		card, _ := fake.Message(mark.Place, mark.Ref)
		var crew sync.WaitGroup
		direct, err := c.Post(t.Context(), bot.Parcel{Place: adaID, Message: hello()})
		require.NoError(t, err)
		const clicks = 25
		for range clicks {
			crew.Go(func() {
				fake.Again(fake.Press(ada, card, "I take it"))
			})
		}
		crew.Wait()
		require.Eventually(t, func() bool { heard.mu.Lock(); defer heard.mu.Unlock(); return heard.times == 2*clicks }, 10*time.Second, 5*time.Millisecond)
		require.Len(t, heard.all(), clicks)
		heard.hands.Wait()
		late := len(fake.Messages(direct.Place)) - 1 // on a busy machine it takes more than three seconds
		require.Equal(t, clicks, len(fake.Ephemerals(ada))+late)
	})
}
