package mail

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/textproto"
	"strconv"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"salve/bot"
	"salve/integrations/internal/outbound"
)

// timeout is how long a mail may take as a whole.
const timeout = 30 * time.Second

// send hands one mail in over a connection of its own.
func (p *Pager) send(ctx context.Context, msg *gomail.Msg) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %s", timeout))
	defer cancel()
	server, err := p.connect(ctx)
	if err != nil {
		return p.fault(ctx, "connect to", err, bot.SendDown)
	}
	defer server.Close() //nolint:errcheck // what counts was answered before
	if err := server.Mail(path(p.from)); err != nil {
		return p.fault(ctx, "name the sender to", err, bot.SendDown)
	}
	if err := p.address(ctx, server); err != nil {
		return err
	}
	w, err := server.Data()
	if err != nil {
		return p.fault(ctx, "begin a mail at", err, bot.SendDown)
	}
	if _, err := msg.WriteTo(w); err != nil {
		return p.fault(ctx, "write a mail to", err, bot.SendDown) // it has no end, so it is none
	}
	if err := w.Close(); err != nil {
		return p.fault(ctx, "end a mail at", err, bot.SendUnsure)
	}
	_ = server.Quit()
	return nil
}

// Reach signs in at the server and leaves. It writes to nobody.
func (p *Pager) Reach(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %s", timeout))
	defer cancel()
	server, err := p.connect(ctx)
	if err != nil {
		return p.fault(ctx, "connect to", err, bot.SendDown)
	}
	_ = server.Quit()
	_ = server.Close() // what counts was answered before
	return nil
}

// address names the recipients. One who is taken is enough; the others are
// logged.
func (p *Pager) address(ctx context.Context, server *smtp.Client) error {
	var refused error
	taken := 0
	for i, to := range p.to {
		err := server.Rcpt(path(to))
		if err == nil {
			taken++
			continue
		}
		if code(err) == 0 {
			return p.fault(ctx, "name a recipient to", err, bot.SendDown)
		}
		refused = err
		p.log.WarnContext(ctx, "a recipient of pages is refused by the mail server", "recipient", i+1, "of", len(p.to), "code", code(err))
	}
	if taken > 0 {
		return nil
	}
	if code(refused)/100 == 4 {
		return p.fault(ctx, "name a recipient to", refused, bot.SendDown)
	}
	return &bot.SendError{Fault: bot.SendNoPlace, Why: fmt.Sprintf("the mail server answers %d to every recipient; check to", code(refused))}
}

// connect opens a connection under the rules of egress, secures it, signs in.
// The connection ends with ctx.
func (p *Pager) connect(ctx context.Context) (*smtp.Client, error) {
	secured, err := p.client.TLS(p.server.Addr)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(p.port)
	if err != nil {
		return nil, err
	}
	policy := gomail.TLSMandatory
	switch {
	case p.server.Plain:
		policy = gomail.NoTLS
	case p.implicit:
		policy = gomail.TLSOpportunistic // it is there already; this makes the library look
	}
	opts := []gomail.Option{
		gomail.WithPort(port), gomail.WithTimeout(timeout), gomail.WithTLSConfig(secured), gomail.WithTLSPolicy(policy),
		gomail.WithDialContextFunc(func(dialing context.Context, network, addr string) (net.Conn, error) {
			conn, err := p.dial(dialing, network, addr)
			if err == nil {
				context.AfterFunc(ctx, func() { _ = conn.Close() })
			}
			return conn, err
		}),
	}
	if p.server.User != "" {
		opts = append(opts, gomail.WithUsername(p.server.User), gomail.WithPassword(p.server.Password.Reveal()),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	client, err := gomail.NewClient(p.host, opts...)
	if err != nil {
		return nil, err
	}
	return client.DialToSMTPClientWithContext(ctx)
}

func (p *Pager) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if p.implicit {
		return p.client.DialTLS(ctx, network, addr)
	}
	conn, err := p.client.Dial(ctx, network, addr)
	if err != nil || !p.server.Plain {
		return conn, err
	}
	if err := loopback(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// code is what the server answered; 0: nothing.
func code(err error) int {
	if said, ok := errors.AsType[*textproto.Error](err); ok {
		return said.Code
	}
	return 0
}

// fault words what went wrong without the server's own words. otherwise is what
// it is when the server did not answer.
func (p *Pager) fault(ctx context.Context, doing string, err error, otherwise bot.SendFault) error {
	out := &bot.SendError{Fault: otherwise, Why: doing + " the mail server " + p.server.Addr}
	denied, isDenied := errors.AsType[*outbound.Denied](err)
	switch c := code(err); {
	case isDenied:
		out.Fault, out.Cause = bot.SendDenied, denied
	case errors.Is(err, errLeaves):
		out.Fault, out.Cause = bot.SendDenied, errLeaves
	case c == 535 || c == 530 || c == 534 || c == 538:
		out.Fault, out.Why = bot.SendDenied, fmt.Sprintf("the mail server answers %d: it does not take user and password", c)
	case c == 421 || c == 450 || c == 451 || c == 452:
		out.Fault, out.After, out.Why = bot.SendLater, later, fmt.Sprintf("%s: it answers %d", out.Why, c)
	case c/100 == 4:
		out.Fault, out.Why = bot.SendDown, fmt.Sprintf("%s: it answers %d", out.Why, c)
	case c != 0:
		out.Fault, out.Why = bot.SendRefused, fmt.Sprintf("%s: it answers %d", out.Why, c)
	case ctx.Err() != nil:
		out.Cause = context.Cause(ctx)
	default:
		why, mend := reason(err)
		out.Cause = errors.New(why)
		if mend {
			out.Fault = bot.SendDenied
		}
	}
	return out
}

// later is how long a server that puts us off is left alone.
const later = time.Minute

// path is an address as the library wants it.
func path(a *mail.Address) string { return "<" + a.Address + ">" }
