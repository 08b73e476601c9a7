// Package mail pages by e-mail.
//
// It promises that a message leaves over TLS alone (from the first byte on port
// 465, by STARTTLS elsewhere), unless the operator allows plain text to a server
// on this machine; that it is plain text, and nothing in it can become a header
// or a second message; that all mails about one incident are one thread, and a
// mail that is sent again has the Message-ID of the first, by which mailboxes
// know it; and that a recipient who is refused keeps no other from being told.
//
// A mail cannot be looked up or altered: Find finds nothing, and Edit sends that
// it is over when the tone is good, and else nothing. It assumes a server that
// takes mail for the recipients. On failure it returns a *bot.SendError without
// the password or text of the server; SendUnsure only when the whole message had
// been handed over and no answer came.
package mail

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"strings"
	"time"

	"salve/bot"
	"salve/bot/secret"
	"salve/integrations/internal/outbound"
)

// Server is where mail is handed in.
type Server struct {
	Addr     string // host:port; 465: TLS from the first byte
	User     string // "": nobody signs in
	Password secret.Secret
	Plain    bool // no TLS; to a loopback address only
}

// Options tune a Pager. The zero value is ready for use.
type Options struct {
	Log   *slog.Logger   // nil: none
	Allow []string       // destinations beyond public addresses
	Roots *x509.CertPool // nil: the system's
}

// MaxRecipients is how many people one Pager writes to.
const MaxRecipients = 50

// implicitPort is where TLS comes first.
const implicitPort = "465"

// Pager sends mails. It is safe for concurrent use; each mail is a connection of
// its own.
type Pager struct {
	server Server
	host   string
	port   string
	// implicit: TLS from the first byte
	implicit bool
	from     *mail.Address
	to       []*mail.Address
	domain   string // of Message-IDs
	log      *slog.Logger
	client   *outbound.Client
}

// New makes a Pager that writes from one address to others.
func New(server Server, from string, to []string, opts Options) (*Pager, error) {
	p := &Pager{server: server, log: cmp.Or(opts.Log, slog.New(slog.DiscardHandler))}
	var err error
	if p.from, err = Address(from); err != nil {
		return nil, fmt.Errorf("mail: from: %w", err)
	}
	p.domain = p.from.Address[strings.LastIndexByte(p.from.Address, '@')+1:]
	if len(to) == 0 || len(to) > MaxRecipients {
		return nil, fmt.Errorf("mail: to: name 1 to %d addresses", MaxRecipients)
	}
	for _, one := range to {
		a, err := Address(one)
		if err != nil {
			return nil, fmt.Errorf("mail: to: %w", err)
		}
		p.to = append(p.to, a)
	}
	if p.host, p.port, err = net.SplitHostPort(server.Addr); err != nil || p.host == "" || p.port == "" {
		return nil, errors.New("mail: the server is host:port, for example smtp.example.com:587")
	}
	if (server.User == "") != server.Password.IsZero() {
		return nil, errors.New("mail: user and password go together; give both or none")
	}
	p.implicit = p.port == implicitPort
	if server.Plain && p.implicit {
		return nil, errors.New("mail: port 465 is TLS from the first byte; leave plain out")
	}
	p.client, err = outbound.New(outbound.Options{Allow: opts.Allow, Timeout: timeout, Roots: opts.Roots})
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return p, nil
}

// Address reads one address of a mailbox, with or without a name.
func Address(text string) (*mail.Address, error) {
	a, err := mail.ParseAddress(text)
	if err != nil || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) || strings.ContainsAny(a.Address, "<> \"") {
		return nil, fmt.Errorf("%q is not an e-mail address", text)
	}
	return a, nil
}

// Close drops nothing: no connection is kept.
func (p *Pager) Close() { p.client.Close() }

// Post sends a mail.
func (p *Pager) Post(ctx context.Context, parcel bot.Parcel) (bot.Mark, error) {
	id := p.id(parcel.Nonce, parcel.Key)
	if err := p.send(ctx, p.letter(parcel, id, "")); err != nil {
		return bot.Mark{}, err
	}
	return bot.Mark{Place: parcel.Place, Ref: id}, nil
}

// Edit sends that it is over, into the same thread, when the tone is good. What
// was sent cannot be altered, so any other tone sends nothing.
func (p *Pager) Edit(ctx context.Context, mark bot.Mark, parcel bot.Parcel) error {
	if parcel.Message.Tone != bot.ToneGood {
		return nil
	}
	return p.send(ctx, p.letter(parcel, p.id(parcel.Nonce, parcel.Key+"\nover"), mark.Ref))
}

// Find finds nothing: mailboxes know a repeat by its Message-ID.
func (*Pager) Find(context.Context, bot.Parcel, time.Time) (bot.Mark, bool, error) {
	return bot.Mark{}, false, nil
}

// loopback refuses a connection that leaves this machine.
func loopback(conn net.Conn) error {
	at, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil || !at.Addr().Unmap().IsLoopback() {
		return errLeaves
	}
	return nil
}

var errLeaves = errors.New("mail in plain text may go to this machine only; drop plain, so that TLS is used")
