// Package mailtest is a small mail server on loopback for tests: what RFC 5321
// asks of one that takes mail, with STARTTLS, TLS from the first byte, signing in
// and faults. It keeps what it took and delivers nothing.
package mailtest

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http/httptest"
	"net/textproto"
	"strings"
	"sync"
	"testing"
)

// User and Password are the only ones who may sign in.
const (
	User     = "salve"
	Password = "hunter2-hunter2"
)

// Options say how the server behaves.
type Options struct {
	Implicit bool                          // TLS from the first byte
	NoTLS    bool                          // no STARTTLS is offered
	SignIn   bool                          // nobody may send without
	Say      func(verb, arg string) string // the answer in place of the usual; "": the usual; "drop": none, and the connection ends
}

// Mail is one that was taken.
type Mail struct {
	From string
	To   []string
	Data string // as it came, without the stuffing of dots
	TLS  bool
	User string
}

// Server takes mail at Addr.
type Server struct {
	Addr  string
	Roots *x509.CertPool // that its certificate is trusted by
	opts  Options
	cert  tls.Certificate
	mu    sync.Mutex
	mails []Mail
	work  sync.WaitGroup
}

// New serves until the test ends.
func New(t *testing.T, opts Options) *Server {
	t.Helper()
	donor := httptest.NewTLSServer(nil) // its certificate is for 127.0.0.1
	donor.Close()
	s := &Server{opts: opts, cert: donor.TLS.Certificates[0], Roots: x509.NewCertPool()}
	s.Roots.AddCert(donor.Certificate())
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Addr = ln.Addr().String()
	s.work.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.work.Go(func() { s.talk(conn) })
		}
	})
	t.Cleanup(func() { _ = ln.Close(); s.work.Wait() })
	return s
}

// Mails are those taken so far.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail(nil), s.mails...)
}

// session is one connection.
type session struct {
	*Server
	conn net.Conn
	text *textproto.Conn
	mail Mail
}

func (s *Server) talk(conn net.Conn) {
	c := &session{Server: s, conn: conn}
	defer func() { _ = c.conn.Close() }()
	if s.opts.Implicit {
		c.secure()
	}
	c.text = textproto.NewConn(c.conn)
	if !c.say("220 mailtest ready", "connect", "") {
		return
	}
	for {
		line, err := c.text.ReadLine()
		if err != nil {
			return
		}
		verb, arg, _ := strings.Cut(line, " ")
		if !c.do(strings.ToUpper(verb), arg) {
			return
		}
	}
}

func (c *session) secure() {
	c.conn = tls.Server(c.conn, &tls.Config{Certificates: []tls.Certificate{c.cert}, MinVersion: tls.VersionTLS12})
	c.mail.TLS = true
}

// say answers and reports whether the connection goes on.
func (c *session) say(usual, verb, arg string) bool {
	if c.opts.Say != nil {
		if other := c.opts.Say(verb, arg); other == "drop" {
			return false
		} else if other != "" {
			return c.text.PrintfLine("%s", other) == nil
		}
	}
	return c.text.PrintfLine("%s", usual) == nil
}

func (c *session) do(verb, arg string) bool {
	switch verb {
	case "EHLO", "HELO":
		return c.hello()
	case "STARTTLS":
		if c.text.PrintfLine("220 go ahead") != nil {
			return false
		}
		c.secure()
		c.text = textproto.NewConn(c.conn)
		return true
	case "AUTH":
		return c.signIn(arg)
	case "MAIL":
		if c.opts.SignIn && c.mail.User == "" {
			return c.say("530 5.7.0 sign in first", verb, arg)
		}
		c.mail.From, c.mail.To = path(arg), nil
		return c.say("250 ok", verb, arg)
	case "RCPT":
		if c.opts.Say == nil || !strings.HasPrefix(c.opts.Say(verb, arg), "5") {
			c.mail.To = append(c.mail.To, path(arg))
		}
		return c.say("250 ok", verb, arg)
	case "DATA":
		return c.data()
	case "QUIT":
		c.say("221 bye", verb, arg)
		return false
	default:
		return c.say("250 ok", verb, arg)
	}
}

func (c *session) hello() bool {
	lines := []string{"mailtest", "8BITMIME"}
	if !c.opts.NoTLS && !c.mail.TLS {
		lines = append(lines, "STARTTLS")
	}
	if c.opts.SignIn {
		lines = append(lines, "AUTH PLAIN LOGIN")
	}
	for i, l := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		if c.text.PrintfLine("250%s%s", sep, l) != nil {
			return false
		}
	}
	return true
}

func (c *session) signIn(arg string) bool {
	_, given, _ := strings.Cut(arg, " ")
	raw, _ := base64.StdEncoding.DecodeString(given)
	parts := strings.Split(string(raw), "\x00")
	if len(parts) != 3 || parts[1] != User || parts[2] != Password {
		return c.say("535 5.7.8 wrong: "+string(raw), "AUTH", "")
	}
	c.mail.User = parts[1]
	return c.say("235 ok", "AUTH", "")
}

func (c *session) data() bool {
	if c.text.PrintfLine("354 go on") != nil {
		return false
	}
	lines, err := c.text.ReadDotLines()
	if err != nil {
		return false
	}
	c.mail.Data = strings.Join(lines, "\r\n")
	c.mu.Lock()
	c.mails = append(c.mails, c.mail)
	c.mu.Unlock()
	return c.say("250 taken", "end", "")
}

func path(arg string) string {
	_, rest, _ := strings.Cut(arg, "<")
	p, _, _ := strings.Cut(rest, ">")
	return p
}

// Header reads the header of a taken mail as it was sent, folded lines joined.
func (m Mail) Header() (textproto.MIMEHeader, string, error) {
	r := textproto.NewReader(bufio.NewReader(strings.NewReader(m.Data + "\r\n")))
	h, err := r.ReadMIMEHeader()
	if err != nil {
		return nil, "", fmt.Errorf("read the header: %w", err)
	}
	_, body, _ := strings.Cut(m.Data, "\r\n\r\n")
	return h, body, nil
}
