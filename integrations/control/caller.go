package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"salve/bot"
)

// caller is who makes a request.
type caller struct {
	person bot.Person // zero: nobody known
	name   string     // how somebody unknown is written down
	owner  bool       // the user that runs Salve, on the socket
	// identity is how the person was told: the unix user, else the one whose
	// token it is.
	identity string
}

func (c caller) actor() bot.Actor {
	if c.person.ID != "" {
		return bot.Actor{Person: c.person.ID, Name: c.person.Name, Surface: "cli"}
	}
	return bot.Actor{Name: c.name, Surface: "cli"}
}

// may judges whether the caller may use a route at all.
func (c caller) may(n need) *bot.Refusal {
	if n != manager || c.owner || c.person.Has(bot.RoleAdmin) {
		return nil
	}
	if c.person.ID == "" {
		return bot.Refuse(bot.RefusedIdentity, "Nobody knows who is asking, and this is for admins.",
			"The user that runs Salve may do it on its machine.")
	}
	return bot.Refuse(bot.RefusedForbidden, c.person.Name+" is not an admin, and this is for admins.",
		"An admin can change that: salve user edit "+string(c.person.ID)+" --role admin.")
}

type uidKey struct{}

// ConnContext notes the user at the other end of a unix socket; give it to the
// http.Server that serves one.
func ConnContext(ctx context.Context, c net.Conn) context.Context {
	uid, err := peerUID(c)
	if err != nil {
		return ctx
	}
	return context.WithValue(ctx, uidKey{}, uid)
}

// identify tells who calls: by the kernel's word on a unix socket, by bearer
// token elsewhere.
func (s *Server) identify(r *http.Request) (caller, *bot.Refusal) {
	if uid, ok := r.Context().Value(uidKey{}).(uint32); ok {
		return s.local(r, uid)
	}
	if header := r.Header.Get("Authorization"); header != "" {
		return s.bearer(r, header)
	}
	if !s.opts.AnonymousRead {
		return caller{}, bot.Refuse(bot.RefusedIdentity, "This needs a token.", "Somebody who manages people can make one: salve user token NAME --label WHAT. Set it as SALVE_TOKEN.")
	}
	if !nearby(r) {
		return caller{}, bot.Refuse(bot.RefusedIdentity, "Only callers on this machine may go without a token, and not through a proxy.", "Set SALVE_TOKEN.")
	}
	// A page in somebody's browser must not speak for whoever sits there.
	if r.Header.Get("Origin") != "" || (r.Header.Get("Sec-Fetch-Site") != "" && r.Header.Get("Sec-Fetch-Site") != "none") || !loopbackHost(r.Host) {
		return caller{}, bot.Refuse(bot.RefusedForbidden, "A page in a browser may not use this.", "Open the console instead.")
	}
	return caller{name: "somebody at " + r.RemoteAddr}, nil
}

// nearby reports whether the request comes from this machine itself. A proxy on
// this machine speaks for somebody elsewhere.
func nearby(r *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if len(r.Header.Values(h)) > 0 {
			return false
		}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback()
}

func loopbackHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || err == nil && ip.IsLoopback()
}

func (s *Server) local(r *http.Request, uid uint32) (caller, *bot.Refusal) {
	c := caller{name: fmt.Sprintf("uid %d", uid), owner: uid == s.opts.OwnerUID, identity: fmt.Sprintf("unix:%d", uid)}
	person, known, err := s.ports.Identities.ByIdentity(r.Context(), bot.Identity{Surface: "unix", ID: strconv.FormatUint(uint64(uid), 10)})
	if err != nil {
		// Reading and halting go on without knowing who it is.
		s.log.WarnContext(r.Context(), "could not tell who a uid is", "uid", uid, "err", err)
		return c, nil
	}
	if known && !person.Disabled {
		c.person = person
	}
	return c, nil
}

func (s *Server) bearer(r *http.Request, header string) (caller, *bot.Refusal) {
	scheme, secret, ok := strings.Cut(header, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || secret == "" || len(r.Header.Values("Authorization")) != 1 {
		return caller{}, bot.Refuse(bot.RefusedIdentity, "The Authorization header is not a bearer token.", "Set SALVE_TOKEN to the token alone.")
	}
	person, err := s.ports.Identities.Authenticate(r.Context(), secret, bot.TokenAPI)
	if refusal, ok := errors.AsType[*bot.Refusal](err); ok {
		return caller{}, refusal
	}
	if err != nil {
		s.log.ErrorContext(r.Context(), "authenticate", "err", err)
		return caller{}, bot.Refuse(bot.RefusedLater, "Who you are cannot be told now: the store did not answer.", "Try again.")
	}
	if person.ID == "" || person.Disabled {
		return caller{}, bot.Refuse(bot.RefusedIdentity, "This token opens nothing.", "Ask an admin for a new one: salve user token NAME.")
	}
	return caller{person: person, name: person.Name, identity: "token of " + string(person.ID)}, nil
}
