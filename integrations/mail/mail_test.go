package mail_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/mail"
	"salve/integrations/mail/mailtest"
)

const from = "Salve <salve@ops.example.com>"

func pager(t *testing.T, s *mailtest.Server, change func(*mail.Server, *mail.Options), to ...string) *mail.Pager {
	t.Helper()
	if len(to) == 0 {
		to = []string{"ann@example.com"}
	}
	server, opts := mail.Server{Addr: s.Addr}, mail.Options{Allow: []string{s.Addr}, Roots: s.Roots}
	if change != nil {
		change(&server, &opts)
	}
	p, err := mail.New(server, from, to, opts)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func parcel(nonce string) bot.Parcel {
	return bot.Parcel{Place: "mail", Key: "page/mail/I-142", Nonce: nonce, Message: bot.Message{
		Kind: bot.MessagePage, Tone: bot.ToneUrgent, Alone: "CRITICAL db-3: the undo failed, I-142",
		Lines: []bot.Line{{Spans: []bot.Span{{Text: "grow-disk left db-3 half done: Größe"}}}, {Spans: []bot.Span{{Text: "."}}}},
	}}
}

func fault(t *testing.T, err error, want bot.SendFault) {
	t.Helper()
	var failed *bot.SendError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, want, failed.Fault, "%v", err)
	require.NotContains(t, err.Error(), mailtest.Password)
	require.NotContains(t, err.Error(), "its own words")
}

func TestAMailLeavesOverTLS(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{SignIn: true})
	p := pager(t, s, func(srv *mail.Server, _ *mail.Options) {
		srv.User, srv.Password = mailtest.User, secret.New(mailtest.Password)
	}, "ann@example.com", "Bob <bob@example.com>")
	mark, err := p.Post(t.Context(), parcel("n-1"))
	require.NoError(t, err)
	require.Equal(t, "mail", mark.Place)
	got := s.Mails()
	require.Len(t, got, 1)
	require.True(t, got[0].TLS)
	require.Equal(t, mailtest.User, got[0].User)
	require.Equal(t, "salve@ops.example.com", got[0].From)
	require.Equal(t, []string{"ann@example.com", "bob@example.com"}, got[0].To)
	h, body, err := got[0].Header()
	require.NoError(t, err)
	require.Equal(t, "<"+mark.Ref+">", h.Get("Message-Id"))
	require.Equal(t, "CRITICAL db-3: the undo failed, I-142", h.Get("Subject"))
	require.Equal(t, "auto-generated", h.Get("Auto-Submitted"))
	require.Contains(t, h.Get("Content-Type"), "text/plain; charset=UTF-8")
	text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(body)))
	require.NoError(t, err)
	require.Equal(t, "CRITICAL db-3: the undo failed, I-142\n\ngrow-disk left db-3 half done: Größe\n.", strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
}

func TestAServerIsReachedWithoutAMail(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{SignIn: true})
	p := pager(t, s, nil)
	require.NoError(t, p.Reach(t.Context()))
	require.Empty(t, s.Mails())
}

func TestMailsOfOneIncidentAreOneThread(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{})
	p := pager(t, s, nil)
	mark, err := p.Post(t.Context(), parcel("n-1"))
	require.NoError(t, err)
	again, err := p.Post(t.Context(), parcel("n-1"))
	require.NoError(t, err)
	require.Equal(t, mark, again, "a repeat is known by its Message-ID")
	other, err := p.Post(t.Context(), parcel("n-2"))
	require.NoError(t, err)
	require.NotEqual(t, mark, other)
	busy := parcel("n-1")
	busy.Message.Tone = bot.ToneBusy
	require.NoError(t, p.Edit(t.Context(), mark, busy))
	require.Len(t, s.Mails(), 3, "what was sent cannot be altered")
	busy.Message.Tone, busy.Message.Alone = bot.ToneGood, "fixed"
	require.NoError(t, p.Edit(t.Context(), mark, busy))

	mails := s.Mails()
	require.Len(t, mails, 4)
	var roots []string
	for _, m := range mails {
		h, _, err := m.Header()
		require.NoError(t, err)
		root, _, _ := strings.Cut(h.Get("References"), " ")
		roots = append(roots, root)
	}
	require.Equal(t, []string{roots[0], roots[0], roots[0], roots[0]}, roots)
	over, _, err := mails[3].Header()
	require.NoError(t, err)
	require.Equal(t, "<"+mark.Ref+">", over.Get("In-Reply-To"))
	require.Equal(t, "fixed", over.Get("Subject"))

	_, found, err := p.Find(t.Context(), bot.Parcel{Place: "mail", Nonce: "n-1"}, time.Time{})
	require.NoError(t, err)
	require.False(t, found)
}

func TestNothingBecomesAHeaderOrASecondMail(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{})
	p := pager(t, s, nil)
	evil := "x\r\nBcc: evil@example.com\r\n\r\n.\r\nMAIL FROM:<evil@example.com>\r\n\u202e=?utf-8?q?=0ABcc:x?="
	one := parcel(evil)
	one.Key, one.Message.Alone = evil, evil
	one.Message.Lines = []bot.Line{{Spans: []bot.Span{{Text: evil}}}, {Kind: bot.LineCode, Spans: []bot.Span{{Text: ".\r\n.\r\nQUIT\r\n"}}}}
	_, err := p.Post(t.Context(), one)
	require.NoError(t, err)
	one.Message.Tone = bot.ToneGood
	require.NoError(t, p.Edit(t.Context(), bot.Mark{Ref: "a>\r\nBcc: evil@example.com"}, one))
	mails := s.Mails()
	require.Len(t, mails, 2)
	for _, m := range mails {
		require.Equal(t, []string{"ann@example.com"}, m.To)
		h, _, err := m.Header()
		require.NoError(t, err)
		require.Empty(t, h.Get("Bcc"))
		require.Empty(t, h.Get("In-Reply-To"))
		subject, err := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
		require.NoError(t, err)
		require.Contains(t, subject, `x  Bcc: evil@example.com`)
		require.Contains(t, subject, `\u202e`)
	}
}

func TestTLSFromTheFirstByte(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{Implicit: true, SignIn: true})
	p := pager(t, s, func(srv *mail.Server, _ *mail.Options) {
		srv.User, srv.Password = mailtest.User, secret.New(mailtest.Password)
	})
	p.Implicit()
	_, err := p.Post(t.Context(), parcel("n"))
	require.NoError(t, err)
	require.True(t, s.Mails()[0].TLS)
	require.Equal(t, mailtest.User, s.Mails()[0].User)

	distrusted := pager(t, s, func(_ *mail.Server, o *mail.Options) { o.Roots = nil })
	distrusted.Implicit()
	_, err = distrusted.Post(t.Context(), parcel("n"))
	fault(t, err, bot.SendDenied)
	require.ErrorContains(t, err, "certificate")

	clear := pager(t, mailtest.New(t, mailtest.Options{}), nil)
	clear.Implicit()
	_, err = clear.Post(t.Context(), parcel("n"))
	fault(t, err, bot.SendDenied)
	require.ErrorContains(t, err, "does not speak TLS here")
}

func TestAServerThatDoesNotAnswerIsLeft(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts and says nothing
	require.NoError(t, err)
	defer ln.Close()
	p, err := mail.New(mail.Server{Addr: ln.Addr().String()}, from, []string{"ann@example.com"}, mail.Options{Allow: []string{ln.Addr().String()}})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, errors.New("the time was up"))
	defer cancel()
	_, err = p.Post(ctx, parcel("n"))
	fault(t, err, bot.SendDown)
	require.ErrorContains(t, err, "the time was up")
}

func TestNothingLeavesWithoutTLSUnlessTheOperatorSaysSo(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{NoTLS: true})
	_, err := pager(t, s, nil).Post(t.Context(), parcel("n"))
	fault(t, err, bot.SendDenied)
	require.ErrorContains(t, err, "STARTTLS")
	require.Empty(t, s.Mails())

	_, err = pager(t, s, func(srv *mail.Server, _ *mail.Options) { srv.Plain = true }).Post(t.Context(), parcel("n"))
	require.NoError(t, err)
	require.False(t, s.Mails()[0].TLS)

	trusted := mailtest.New(t, mailtest.Options{})
	_, err = pager(t, trusted, func(_ *mail.Server, o *mail.Options) { o.Roots = nil }).Post(t.Context(), parcel("n"))
	fault(t, err, bot.SendDenied)
	require.ErrorContains(t, err, "certificate")
}

func TestEveryAnswerOfTheServerHasItsFault(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, verb, answer string
		fault              bot.SendFault
	}{
		{"too busy", "connect", "421 its own words", bot.SendLater},
		{"no service", "connect", "554 its own words", bot.SendRefused},
		{"closed at once", "connect", "drop", bot.SendDown},
		{"sender put off", "MAIL", "451 its own words", bot.SendLater},
		{"sender refused", "MAIL", "550 its own words", bot.SendRefused},
		{"every recipient refused", "RCPT", "550 its own words", bot.SendNoPlace},
		{"every recipient put off", "RCPT", "450 its own words", bot.SendLater},
		{"closed at the recipient", "RCPT", "drop", bot.SendDown},
		{"mail put off", "end", "452 its own words", bot.SendLater},
		{"mail refused", "end", "554 its own words", bot.SendRefused},
		{"the answer is lost", "end", "drop", bot.SendUnsure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := mailtest.New(t, mailtest.Options{Say: func(verb, _ string) string {
				if verb == tt.verb {
					return tt.answer
				}
				return ""
			}})
			_, err := pager(t, s, nil).Post(t.Context(), parcel("n"))
			fault(t, err, tt.fault)
		})
	}
}

func TestAWrongPasswordIsToldWithoutIt(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{SignIn: true})
	wrong := func(srv *mail.Server, _ *mail.Options) {
		srv.User, srv.Password = mailtest.User, secret.New(mailtest.Password+"x")
	}
	_, err := pager(t, s, wrong).Post(t.Context(), parcel("n"))
	fault(t, err, bot.SendDenied)
	require.ErrorContains(t, err, "535")
	_, err = pager(t, s, nil).Post(t.Context(), parcel("n"))
	fault(t, err, bot.SendDenied)
	require.ErrorContains(t, err, "530")
}

func TestARefusedRecipientKeepsNoOtherFromBeingTold(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{Say: func(verb, arg string) string {
		if verb == "RCPT" && strings.Contains(arg, "gone") {
			return "550 its own words"
		}
		return ""
	}})
	var log strings.Builder
	p := pager(t, s, func(_ *mail.Server, o *mail.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) }, "gone@example.com", "ann@example.com")
	_, err := p.Post(t.Context(), parcel("n"))
	require.NoError(t, err)
	require.Equal(t, []string{"ann@example.com"}, s.Mails()[0].To)
	require.Contains(t, log.String(), "recipient=1")
	require.NotContains(t, log.String(), "its own words")
}

func TestTheRulesOfEgressHold(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, mailtest.Options{})
	_, err := pager(t, s, func(_ *mail.Server, o *mail.Options) { o.Allow = nil }).Post(t.Context(), parcel("n"))
	fault(t, err, bot.SendDenied)
	require.ErrorContains(t, err, "egress.allow")
}

func TestNewSaysWhatToChange(t *testing.T) {
	t.Parallel()
	ann := []string{"ann@example.com"}
	ok := mail.Server{Addr: "smtp.example.com:587"}
	tests := []struct {
		name   string
		server mail.Server
		from   string
		to     []string
		want   string
	}{
		{"no sender", ok, "salve", ann, `from: "salve" is not an e-mail address`},
		{"a header in the sender", ok, "a@example.com\r\nBcc: b@example.com", ann, "is not an e-mail address"},
		{"a bracket in an address", ok, from, []string{`"a>b"@example.com`}, "is not an e-mail address"},
		{"nobody to write to", ok, from, nil, "name 1 to 50 addresses"},
		{"a list as one", ok, from, []string{"a@example.com, b@example.com"}, "is not an e-mail address"},
		{"no port", mail.Server{Addr: "smtp.example.com"}, from, ann, "host:port"},
		{"half of a sign-in", mail.Server{Addr: "a:587", User: "u"}, from, ann, "go together"},
		{"plain on 465", mail.Server{Addr: "a:465", Plain: true}, from, ann, "leave plain out"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := mail.New(tt.server, tt.from, tt.to, mail.Options{})
			require.ErrorContains(t, err, tt.want)
		})
	}
}
