package discordtest_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"

	"salve/integrations/discord/discordtest"
)

// packet is what goes over the gateway.
type packet struct {
	Op   int    `json:"op"`
	Data any    `json:"d"`
	Seq  *int64 `json:"s,omitempty"`
	Type string `json:"t,omitempty"`
}

func (p packet) field(name string) any {
	fields, _ := p.Data.(map[string]any)
	return fields[name]
}

// peer is a client without a library.
type peer struct {
	t    *testing.T
	conn *websocket.Conn
	seq  int64
}

// dial connects and reads the hello.
func dial(t *testing.T, d *discordtest.Discord) *peer {
	t.Helper()
	conn, answer, err := websocket.DefaultDialer.DialContext(t.Context(), d.GatewayURL()+"?v=10&encoding=json", nil)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	t.Cleanup(func() { _ = conn.Close() })
	p := &peer{t: t, conn: conn}
	require.Equal(t, 10, p.read().Op)
	return p
}

func (p *peer) read() packet {
	p.t.Helper()
	var out packet
	require.NoError(p.t, p.conn.SetReadDeadline(time.Now().Add(5*time.Second)))
	require.NoError(p.t, p.conn.ReadJSON(&out))
	if out.Seq != nil {
		p.seq = *out.Seq
	}
	return out
}

func (p *peer) write(op int, data any) {
	p.t.Helper()
	require.NoError(p.t, p.conn.WriteJSON(packet{Op: op, Data: data}))
}

// closed is the code that it was closed with.
func (p *peer) closed() int {
	p.t.Helper()
	require.NoError(p.t, p.conn.SetReadDeadline(time.Now().Add(5*time.Second)))
	for {
		_, _, err := p.conn.ReadMessage()
		if ended, ok := errors.AsType[*websocket.CloseError](err); ok {
			return ended.Code
		}
		require.NoError(p.t, err)
	}
}

func identity(more map[string]any) map[string]any {
	out := map[string]any{"token": discordtest.BotToken, "intents": 0, "properties": map[string]any{"os": "linux"}}
	for name, value := range more {
		out[name] = value
	}
	return out
}

// identified connects and identifies, and returns the id of the session.
func identified(t *testing.T, d *discordtest.Discord) (p *peer, session string) {
	t.Helper()
	p = dial(t, d)
	p.write(2, identity(nil))
	ready := p.read()
	require.Equal(t, "READY", ready.Type)
	return p, ready.field("session_id").(string)
}

func TestTheGatewayClosesWithACode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		packet packet
		code   int
	}{
		{"a wrong token", packet{Op: 2, Data: identity(map[string]any{"token": "wrong"})}, 4004},
		{"a wrong token to resume", packet{Op: 6, Data: map[string]any{"token": "wrong"}}, 4004},
		{"no intents", packet{Op: 2, Data: identity(map[string]any{"intents": nil})}, 4013},
		{"intents that there are not", packet{Op: 2, Data: identity(map[string]any{"intents": 1 << 40})}, 4013},
		{"an intent that was not granted", packet{Op: 2, Data: identity(map[string]any{"intents": discordtest.IntentContent})}, 4014},
		{"no properties", packet{Op: 2, Data: map[string]any{"token": discordtest.BotToken, "intents": 0}}, 4002},
		{"what is no identity", packet{Op: 2, Data: "x"}, 4002},
		{"an operation that there is not", packet{Op: 77}, 4001},
		{"what only one who identified may send", packet{Op: 3, Data: map[string]any{}}, 4003},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := town(t, discordtest.Options{})
			p := dial(t, d)
			p.write(tt.packet.Op, tt.packet.Data)
			require.Equal(t, tt.code, p.closed())
			require.Zero(t, d.Identified())
		})
	}
	d := town(t, discordtest.Options{})
	p, _ := identified(t, d)
	p.write(2, identity(nil))
	require.Equal(t, 4005, p.closed(), "identified twice")
	p = dial(t, d)
	require.NoError(t, p.conn.WriteMessage(websocket.TextMessage, []byte("{")))
	require.Equal(t, 4002, p.closed())
	p, _ = identified(t, d)
	for range 121 {
		p.write(1, nil)
	}
	require.Equal(t, 4008, p.closed(), "too much in a minute")
}

func TestIntentsAreToldAndGuildsComeWithTheirs(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Privileged: discordtest.IntentContent})
	_, ok := d.Intents()
	require.False(t, ok)
	p := dial(t, d)
	p.write(2, identity(map[string]any{"intents": 1 | discordtest.IntentContent}))
	require.Equal(t, "READY", p.read().Type)
	guild := p.read()
	require.Equal(t, "GUILD_CREATE", guild.Type)
	require.Equal(t, discordtest.GuildID, guild.field("id"))
	intents, ok := d.Intents()
	require.True(t, ok)
	require.Equal(t, 1|discordtest.IntentContent, intents)
	require.Equal(t, 1, d.Sessions())
	p.write(1, p.seq)
	require.Equal(t, 11, p.read().Op)
}

// answering answers interactions that come over the gateway, by REST.
func (p *peer) answering(d *discordtest.Discord, body string) packet {
	p.t.Helper()
	heard := p.read()
	require.Equal(p.t, "INTERACTION_CREATE", heard.Type)
	path := "/interactions/" + heard.field("id").(string) + "/" + heard.field("token").(string) + "/callback"
	require.Equal(p.t, http.StatusNoContent, call(p.t, d, http.MethodPost, path, body).status)
	return heard
}

func TestWhatPeopleDoComesOverTheGatewayToOneSession(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	one, _ := identified(t, d)
	two, _ := identified(t, d)
	require.Equal(t, 2, d.Sessions())
	slash := func() <-chan discordtest.Heard {
		out := make(chan discordtest.Heard, 1)
		go func() { out <- d.Slash("1", discordtest.General, "list", nil) }()
		return out
	}
	seen := map[any]bool{}
	// They take turns, so that each of two gets one of two.
	first := slash()
	p, other := two, one
	seen[p.answering(d, ephemeralReply).field("id")] = true
	require.Equal(t, discordtest.AnswerReply, (<-first).Answer)
	second := slash()
	seen[other.answering(d, ephemeralReply).field("id")] = true
	require.Equal(t, discordtest.AnswerReply, (<-second).Answer)
	require.Len(t, seen, 2)
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{AckWithin: 20 * time.Millisecond})
	require.Equal(t, discordtest.AnswerNone, d.Slash("1", discordtest.General, "list", nil).Answer)
}

func TestWhoComesBackGetsWhatWasMissed(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	p, session := identified(t, d)
	d.DropLinks()
	require.True(t, d.Await(5*time.Second, func() bool { return d.Sessions() == 0 }))
	out := make(chan discordtest.Heard, 1)
	go func() { out <- d.Slash("1", discordtest.General, "list", nil) }()
	again := dial(t, d)
	again.write(6, map[string]any{"token": discordtest.BotToken, "session_id": session, "seq": p.seq})
	first, second := again.read(), again.read()
	if first.Type == "RESUMED" { // it came back before the person typed
		first, second = second, first
	}
	require.Equal(t, "RESUMED", second.Type)
	path := "/interactions/" + first.field("id").(string) + "/" + first.field("token").(string) + "/callback"
	require.Equal(t, http.StatusNoContent, call(t, d, http.MethodPost, path, ephemeralReply).status)
	require.Equal(t, discordtest.AnswerReply, (<-out).Answer)
	require.Equal(t, 1, d.Identified(), "the session is the same")
	require.Equal(t, 1, d.Resumed())

	behind := dial(t, d)
	behind.write(6, map[string]any{"token": discordtest.BotToken, "session_id": session, "seq": 1})
	require.Equal(t, int64(2), *behind.read().Seq, "what was not read comes again")
	ahead := dial(t, d)
	ahead.write(6, map[string]any{"token": discordtest.BotToken, "session_id": session, "seq": 99})
	require.Equal(t, 4007, ahead.closed())
}

func TestASessionThatEndedCannotBeResumed(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	p, session := identified(t, d)
	d.Invalidate()
	require.Equal(t, 9, p.read().Op)
	p.write(2, identity(nil))
	require.Equal(t, "READY", p.read().Type, "it may identify again over the same link")
	late := dial(t, d)
	late.write(6, map[string]any{"token": discordtest.BotToken, "session_id": session, "seq": 1})
	refused := late.read()
	require.Equal(t, 9, refused.Op)
	require.Equal(t, false, refused.Data)
}

func TestClientsAreAskedToComeBackOrThrownOut(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	p, _ := identified(t, d)
	d.Reconnect()
	require.Equal(t, 7, p.read().Op)
	d.CloseLinks(4000)
	require.Equal(t, 4000, p.closed())
}

func TestWhoDoesNotBeatIsThrownOutAndAZombieDoesNotAnswer(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{Heartbeat: 20 * time.Millisecond})
	p, _ := identified(t, d)
	require.Equal(t, 4009, p.closed())
	d = town(t, discordtest.Options{})
	p, _ = identified(t, d)
	d.Zombie(true)
	p.write(1, nil)
	require.NoError(t, p.conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, _, err := p.conn.ReadMessage()
	require.Error(t, err)
}

func TestOtherVersionsAndEncodingsAreRefused(t *testing.T) {
	t.Parallel()
	d := town(t, discordtest.Options{})
	for query, code := range map[string]int{"?v=6": 4012, "?v=10&encoding=etf": 4002} {
		conn, answer, err := websocket.DefaultDialer.DialContext(t.Context(), d.GatewayURL()+query, nil)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, code, (&peer{t: t, conn: conn}).closed())
		require.NoError(t, conn.Close())
	}
}
