package serve_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/slack/slacktest"
)

// BenchmarkChatClicksDecided is what becomes of many people who approve at once,
// each a question of its own: how long Slack waits for its acknowledgement, how
// long it takes until the decision is committed, and how many are a second. What
// was approved runs meanwhile.
func BenchmarkChatClicksDecided(b *testing.B) {
	for _, transport := range []string{"socket", "http"} {
		b.Run(transport, func(b *testing.B) {
			channels, people := size(4, 200), size(4, 20)
			clicks := 2 * channels * b.N
			c := newCrowd(b, transport, channels, people)
			c.ask(clicks)
			began, seq := time.Now(), c.last()
			acks := make([]time.Duration, clicks)
			pressed := make([]time.Time, clicks)
			var crowd sync.WaitGroup
			b.ResetTimer()
			for who := range people {
				crowd.Go(func() {
					for n := who; n < clicks; n += people {
						pressed[n] = time.Now()
						h := c.fake.Press(member(who), c.cards[n], "Approve")
						if acks[n] = h.Took; !h.Acked {
							b.Errorf("click %d was not acknowledged", n)
						}
					}
				})
			}
			decided := c.decided(seq, clicks)
			crowd.Wait()
			b.StopTimer()
			last := began
			var took []time.Duration
			for n := range clicks {
				at := decided[c.about[n]]
				took = append(took, at.Sub(pressed[n]))
				if at.After(last) {
					last = at
				}
			}
			report(b, "ack-", acks)
			report(b, "decided-", took)
			b.ReportMetric(float64(clicks)/last.Sub(began).Seconds(), "clicks/s")
			b.ReportMetric(0, "ns/op")
			require.NoError(b, c.end())
		})
	}
}

// crowd is a Salve with questions in many channels, and people who may answer.
type crowd struct {
	*running
	b     *testing.B
	fake  *slacktest.Slack
	where []string
	cards []slacktest.Message
	about []bot.IncidentID // of the cards
}

func member(n int) string { return fmt.Sprintf("U0CROWD%03d", n) }

func newCrowd(b *testing.B, transport string, channels, people int) *crowd {
	b.Helper()
	clinic := newClinic(b)
	c := &crowd{b: b, fake: newSlack(b, slacktest.Options{Unlimited: true})}
	cfg := withSlack(setUp(b, &shop{Server: clinic.Server}), c.fake)
	cfg.Sources[0].GroupBy = []string{"service"}
	book := fmt.Appendf(nil, clinicPlaybook, clinic.URL, "1h")
	require.NoError(b, os.WriteFile(filepath.Join(cfg.Playbooks.Dirs[0], "heal.yaml"), book, 0o600))
	if transport == "http" {
		httpTransport(&cfg)
	}
	c.where = teams(&cfg, channels)
	open(c.fake, c.where)
	var all []string
	for n := range people {
		all = append(all, member(n))
		c.fake.AddUser(slacktest.User{ID: member(n), Name: strings.ToLower(member(n))})
	}
	c.fake.AddGroup(slacktest.Group{ID: oncallIDs, Handle: "oncall", Users: all})
	c.running = run(b, cfg)
	if cfg.Slack.Socket() {
		require.True(b, c.fake.Await(waiting, func() bool { return c.fake.Sockets() == 1 }))
		return c
	}
	address, err := url.JoinPath(c.URL(), "/v1/slack")
	require.NoError(b, err)
	c.fake.OverHTTP(slacktest.Endpoints{Commands: address, Interactions: address, Events: address})
	return c
}

// ask makes so many questions and waits until all cards ask them.
func (c *crowd) ask(n int) {
	c.b.Helper()
	for i := range n {
		firing(c.b, c.URL(), "Ill", []int{i % len(c.where)}, i)
	}
	for i := range n {
		require.Eventually(c.b, func() bool {
			m, ok := c.asking(c.where[i%len(c.where)], nth(i))
			row, err := c.Rows().PostAt(c.b.Context(), "slack", bot.Mark{Place: m.Channel, Ref: m.TS})
			if ok = ok && err == nil; ok {
				c.cards, c.about = append(c.cards, m), append(c.about, row.Incident)
			}
			return ok
		}, 2*time.Minute, 10*time.Millisecond, "no card asks about %s", nth(i))
	}
}

func (c *crowd) asking(channel, service string) (slacktest.Message, bool) {
	for _, m := range c.fake.Messages(channel) {
		if strings.Contains(m.Text, service) && strings.Contains(string(m.Blocks), `"Approve"`) {
			return m, true
		}
	}
	return slacktest.Message{}, false
}

func (c *crowd) last() int64 {
	events, err := c.Rows().Events(c.b.Context(), bot.EventQuery{Last: true, Limit: 1})
	require.NoError(c.b, err)
	return events[0].Seq
}

// decided follows the log until so many incidents have their decision, and gives
// when each was there to be read.
func (c *crowd) decided(after int64, n int) map[bot.IncidentID]time.Time {
	out := map[bot.IncidentID]time.Time{}
	for end := time.Now().Add(2 * time.Minute); len(out) < n; time.Sleep(time.Millisecond) {
		require.True(c.b, time.Now().Before(end), "%d of %d are decided", len(out), n)
		events, err := c.Rows().Events(c.b.Context(), bot.EventQuery{After: after, Limit: 500})
		require.NoError(c.b, err)
		for _, e := range events {
			after = e.Seq
			if e.Kind == bot.EventApproved {
				out[e.Incident] = time.Now()
			}
		}
	}
	return out
}
