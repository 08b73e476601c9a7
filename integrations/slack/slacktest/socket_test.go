package slacktest_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"salve/integrations/slack/slacktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// app is a client in Socket Mode that does what handle says with each event.
func app(t *testing.T, s *slacktest.Slack, handle func(*socketmode.Client, socketmode.Event)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := socketmode.New(client(s))
	var running sync.WaitGroup
	running.Go(func() { _ = c.RunContext(ctx) })
	running.Go(func() {
		for {
			select {
			case e := <-c.Events:
				handle(c, e)
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	require.True(t, s.Await(5*time.Second, func() bool { return s.Sockets() == 1 }))
}

func TestSlackGoHearsACommandAcknowledgesItAndHearsItAgain(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{})
	s.AddUser(slacktest.User{ID: "U1", Name: "ada"})
	var mu sync.Mutex
	var heard []string
	app(t, s, func(c *socketmode.Client, e socketmode.Event) {
		if e.Type != socketmode.EventTypeSlashCommand {
			return
		}
		command := e.Data.(slack.SlashCommand)
		mu.Lock()
		heard = append(heard, e.Request.EnvelopeID+" "+command.Text+" "+command.UserName)
		mu.Unlock()
		_ = c.AckCtx(t.Context(), e.Request.EnvelopeID, map[string]any{"text": "on it"})
	})

	h := s.Slash("U1", "C0GENERAL", "approve I-1")
	require.True(t, h.Acked)
	e, ok := h.Whispered()
	require.True(t, ok)
	require.Equal(t, "on it", e.Text)
	again := s.Again(h)
	require.True(t, again.Acked)
	require.Equal(t, h.ID, again.ID)
	mu.Lock()
	defer mu.Unlock()
	require.Equal(t, []string{h.ID + " approve I-1 ada", h.ID + " approve I-1 ada"}, heard)
}

func TestSlackGoHearsEveryKindOfGesture(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{})
	s.AddUser(slacktest.User{ID: "U1", Name: "ada"})
	got := make(chan any, 8)
	app(t, s, func(c *socketmode.Client, e socketmode.Event) {
		if e.Request == nil || e.Request.EnvelopeID == "" {
			return
		}
		got <- e.Data
		_ = c.AckCtx(t.Context(), e.Request.EnvelopeID, nil)
	})
	button := slack.NewActionBlock("act:1", slack.NewButtonBlockElement("ok", "token-1", slack.NewTextBlockObject(slack.PlainTextType, "Approve", false, false)))
	_, ts, err := client(s).PostMessageContext(t.Context(), "C0GENERAL", slack.MsgOptionText("x", false), slack.MsgOptionBlocks(button))
	require.NoError(t, err)
	m, _ := s.Message("C0GENERAL", ts)

	require.True(t, s.Press("U1", m, "Approve").Acked)
	pressed := (<-got).(slack.InteractionCallback)
	require.Equal(t, slack.InteractionTypeBlockActions, pressed.Type)
	require.Equal(t, "token-1", pressed.ActionCallback.BlockActions[0].Value)
	require.Equal(t, "act:1", pressed.ActionCallback.BlockActions[0].BlockID)
	require.Equal(t, ts, pressed.Container.MessageTs)
	require.Equal(t, "U1", pressed.User.ID)

	require.True(t, s.Shortcut("U1", m, "make_incident").Acked)
	require.Equal(t, slack.InteractionTypeMessageAction, (<-got).(slack.InteractionCallback).Type)
	require.True(t, s.Mention("U1", "C0GENERAL", ts, "why").Acked)
	require.Contains(t, encode(t, <-got), `why`)
	require.True(t, s.OpenHome("U1").Acked)
	require.Contains(t, encode(t, <-got), `app_home_opened`)
}

func encode(t *testing.T, value any) string {
	t.Helper()
	out, err := json.Marshal(value)
	require.NoError(t, err)
	return string(out)
}

// dial connects as an app would that uses no library.
func dial(t *testing.T, s *slacktest.Slack) *websocket.Conn {
	t.Helper()
	_, address, err := client(s).StartSocketModeContext(t.Context())
	require.NoError(t, err)
	conn, _, err := websocket.DefaultDialer.DialContext(t.Context(), address, map[string][]string{"Origin": {"https://api.slack.com"}})
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.Equal(t, "hello", read(t, conn)["type"])
	return conn
}

func read(t *testing.T, conn *websocket.Conn) map[string]any {
	t.Helper()
	var out map[string]any
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
	require.NoError(t, conn.ReadJSON(&out))
	return out
}

func TestATicketOpensOneSocket(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{})
	_, address, err := client(s).StartSocketModeContext(t.Context())
	require.NoError(t, err)
	conn, _, err := websocket.DefaultDialer.Dial(address, nil)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, _, err = websocket.DefaultDialer.Dial(address, nil)
	require.ErrorIs(t, err, websocket.ErrBadHandshake)
}

func TestAnEventThatNobodyAcknowledgesComesAgain(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{AckWithin: 50 * time.Millisecond})
	conn := dial(t, s)
	var h slacktest.Heard
	var sent sync.WaitGroup
	sent.Go(func() { h = s.OpenHome("U1") })
	first := read(t, conn)
	second := read(t, conn)
	require.Equal(t, first["envelope_id"], second["envelope_id"])
	require.EqualValues(t, 0, first["retry_attempt"])
	require.EqualValues(t, 1, second["retry_attempt"])
	require.NoError(t, conn.WriteJSON(map[string]any{"envelope_id": second["envelope_id"]}))
	sent.Wait()
	require.True(t, h.Acked)
	require.Equal(t, 2, h.Attempts)
}

func TestACommandThatNobodyAcknowledgesFailsOnce(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{AckWithin: 30 * time.Millisecond})
	dial(t, s)
	h := s.Slash("U1", "C0GENERAL", "help")
	require.False(t, h.Acked)
	require.Equal(t, 1, h.Attempts)
}

func TestWhatWasOnASocketThatEndsComesOverAnother(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{})
	one, other := dial(t, s), dial(t, s)
	heard := make(chan map[string]any, 2)
	for _, conn := range []*websocket.Conn{one, other} {
		go func() {
			var e map[string]any
			for conn.ReadJSON(&e) == nil {
				heard <- e
				if e["retry_attempt"] == nil {
					_ = conn.Close()
					return
				}
				_ = conn.WriteJSON(map[string]any{"envelope_id": e["envelope_id"]})
			}
		}()
	}
	h := s.Slash("U1", "C0GENERAL", "help")
	require.True(t, h.Acked)
	require.Equal(t, 2, h.Attempts)
	require.Equal(t, (<-heard)["envelope_id"], (<-heard)["envelope_id"])
}

func TestAnAcknowledgementThatIsTooLargeIsDroppedSilently(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{AckWithin: 100 * time.Millisecond})
	conn := dial(t, s)
	var h slacktest.Heard
	var sent sync.WaitGroup
	sent.Go(func() { h = s.Slash("U1", "C0GENERAL", "help") })
	e := read(t, conn)
	require.NoError(t, conn.WriteJSON(map[string]any{"envelope_id": e["envelope_id"], "payload": map[string]any{"text": strings.Repeat("x", 20_000)}}))
	sent.Wait()
	require.False(t, h.Acked)
	require.Empty(t, s.Ephemerals("U1"))
}

func TestSocketsAreToldWhyTheyEnd(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{})
	conn := dial(t, s)
	s.Disconnect("warning")
	require.Equal(t, "warning", read(t, conn)["reason"])
	require.Equal(t, 1, s.Sockets())
	s.Disconnect("refresh_requested")
	require.Equal(t, "refresh_requested", read(t, conn)["reason"])
	require.True(t, s.Await(5*time.Second, func() bool { return s.Sockets() == 0 }))
}

func TestTheEleventhSocketIsOneTooMany(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{})
	for range 10 {
		dial(t, s)
	}
	require.True(t, s.Await(5*time.Second, func() bool { return s.Sockets() == 10 }))
	_, address, err := client(s).StartSocketModeContext(t.Context())
	require.NoError(t, err)
	conn, _, err := websocket.DefaultDialer.Dial(address, nil)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	require.Equal(t, "too_many_websockets", read(t, conn)["reason"])
}

func TestAClientReconnectsAfterADisconnect(t *testing.T) {
	t.Parallel()
	s := slacktest.New(t, slacktest.Options{})
	app(t, s, func(c *socketmode.Client, e socketmode.Event) {
		if e.Type == socketmode.EventTypeSlashCommand {
			_ = c.AckCtx(t.Context(), e.Request.EnvelopeID, nil)
		}
	})
	s.Disconnect("refresh_requested")
	require.True(t, s.Slash("U1", "C0GENERAL", "help").Acked)
}
