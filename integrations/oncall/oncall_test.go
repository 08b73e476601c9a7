package oncall_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/integrations/oncall"
)

// source answers as it is told and counts.
type source struct {
	contacts []bot.Contact
	err      error
	hangs    bool
	asked    atomic.Int32
}

func (s *source) OnCall(ctx context.Context, _ time.Time) ([]bot.Contact, error) {
	s.asked.Add(1)
	if s.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.contacts, s.err
}

func lookup(_ context.Context, surface, email string) (string, bool, error) {
	switch email {
	case "ann@example.com":
		return surface + "-U1", true, nil
	case "down@example.com":
		return "", false, errors.New("slack is down")
	default:
		return "", false, nil
	}
}

var (
	ann      = bot.Contact{Name: "Ann", Email: "ann@example.com"}
	stranger = bot.Contact{Name: "Who", Email: "who@example.com"}
	fallback = []oncall.Group{{Surface: "slack", ID: "S0"}}
)

func rota(t *testing.T, sources ...oncall.Entry) *oncall.Rota {
	t.Helper()
	r, err := oncall.New(oncall.Options{Sources: sources, Fallback: fallback, Lookup: lookup})
	require.NoError(t, err)
	return r
}

func from(s *source) oncall.Entry { return oncall.Entry{Name: "x", Source: s} }

func TestWhomAMessageMentions(t *testing.T) {
	t.Parallel()
	group := oncall.Entry{Name: "slack", Group: &oncall.Group{Surface: "slack", ID: "S1"}}
	annThere := bot.Mention{Kind: bot.MentionUser, ID: "slack-U1", Name: "Ann"}
	fell := bot.Mention{Kind: bot.MentionGroup, ID: "S0"}
	tests := []struct {
		name    string
		sources []oncall.Entry
		want    bot.Mention
	}{
		{"nobody asked", nil, fell},
		{"by e-mail address", []oncall.Entry{from(&source{contacts: []bot.Contact{ann, ann}})}, annThere},
		{"by a user that the source knows", []oncall.Entry{from(&source{contacts: []bot.Contact{{Name: "Bob", Slack: "U7", Email: "ann@example.com"}}})}, bot.Mention{Kind: bot.MentionUser, ID: "U7", Name: "Bob"}},
		{"one that fails is passed over", []oncall.Entry{from(&source{err: errors.New("no")}), from(&source{contacts: []bot.Contact{ann}})}, annThere},
		{"one that knows nobody is passed over", []oncall.Entry{from(&source{}), from(&source{contacts: []bot.Contact{ann}})}, annThere},
		{"somebody whom chat does not know is nobody", []oncall.Entry{from(&source{contacts: []bot.Contact{stranger}}), group}, bot.Mention{Kind: bot.MentionGroup, ID: "S1"}},
		{"the first decides", []oncall.Entry{group, from(&source{contacts: []bot.Contact{ann}})}, bot.Mention{Kind: bot.MentionGroup, ID: "S1"}},
		{"chat is down: the fallback", []oncall.Entry{from(&source{contacts: []bot.Contact{{Email: "down@example.com"}}})}, fell},
		{"a failing source and its people", []oncall.Entry{from(&source{contacts: []bot.Contact{ann}, err: errors.New("half")})}, fell},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, []bot.Mention{tt.want}, rota(t, tt.sources...).Wakes(t.Context(), "slack", bot.Incident{}))
		})
	}
	require.Empty(t, rota(t, group).Wakes(t.Context(), "discord", bot.Incident{}), "a group of one chat is none of another")
	require.Equal(t, "discord-U1", rota(t, from(&source{contacts: []bot.Contact{{Slack: "U7", Email: ann.Email}}})).Wakes(t.Context(), "discord", bot.Incident{})[0].ID)
}

func TestASourceIsAskedOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good, bad := &source{contacts: []bot.Contact{ann}}, &source{err: errors.New("no")}
		r := rota(t, from(bad), from(good))
		for range 10 {
			require.Len(t, r.Wakes(t.Context(), "slack", bot.Incident{}), 1)
			time.Sleep(5 * time.Second)
		}
		require.EqualValues(t, 1, good.asked.Load())
		require.EqualValues(t, 1, bad.asked.Load(), "one that fails too")
		time.Sleep(15 * time.Second)
		r.Wakes(t.Context(), "slack", bot.Incident{})
		require.EqualValues(t, 2, good.asked.Load())
	})
}

func TestASourceThatHangsHoldsNothingUpForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hung := &source{hangs: true}
		r := rota(t, from(hung))
		began := time.Now()
		require.Equal(t, "S0", r.Wakes(t.Context(), "slack", bot.Incident{})[0].ID)
		require.Equal(t, 5*time.Second, time.Since(began))
		require.Equal(t, "S0", r.Wakes(t.Context(), "slack", bot.Incident{})[0].ID)
		require.Equal(t, 5*time.Second, time.Since(began))
		require.Equal(t, "it did not answer in time", r.Look(t.Context())[0].Error)
	})
}

func TestLookTellsWhichSourceDecides(t *testing.T) {
	t.Parallel()
	r := rota(t,
		oncall.Entry{Name: "pagerduty", Source: &source{err: errors.New("it answers 500")}},
		oncall.Entry{Name: "icalendar", Source: &source{contacts: []bot.Contact{ann}}},
		oncall.Entry{Name: "slack", Group: &oncall.Group{Surface: "slack", ID: "S1"}},
	)
	require.Equal(t, []oncall.Duty{
		{Source: "pagerduty", Error: "it answers 500"},
		{Source: "icalendar", People: []bot.Contact{ann}, Decides: true},
		{Source: "slack", Group: "S1"},
		{Source: "fallback of slack", Group: "S0"},
	}, r.Look(t.Context()))
}

// picky leaves something out.
type picky struct{ source }

func (*picky) Notes() []string { return []string{`event "night" is left out: it has no DTSTART`} }

func TestLookTellsWhatASourceLeftOut(t *testing.T) {
	t.Parallel()
	r := rota(t, oncall.Entry{Name: "icalendar", Source: &picky{}})
	require.Equal(t, oncall.Duty{Source: "icalendar", Notes: []string{`event "night" is left out: it has no DTSTART`}}, r.Look(t.Context())[0])
}

func TestAnEntryIsASourceOrAGroup(t *testing.T) {
	t.Parallel()
	_, err := oncall.New(oncall.Options{Sources: []oncall.Entry{{Name: "x"}}})
	require.ErrorContains(t, err, "source 1 is neither")
}
