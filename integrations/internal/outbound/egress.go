package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"code.dny.dev/ssrf"
)

// never are addresses that no entry of the allow list opens: they hand out the
// credentials of the machine.
var never = []netip.Prefix{
	netip.MustParsePrefix("169.254.169.254/32"),  // AWS, Google, Azure, OpenStack
	netip.MustParsePrefix("169.254.170.2/32"),    // AWS, containers
	netip.MustParsePrefix("169.254.170.23/32"),   // AWS, pods
	netip.MustParsePrefix("fd00:ec2::254/128"),   // AWS over IPv6
	netip.MustParsePrefix("fd00:ec2::23/128"),    // AWS, pods over IPv6
	netip.MustParsePrefix("fd20:ce::254/128"),    // Google over IPv6
	netip.MustParsePrefix("100.100.100.200/32"),  // Alibaba
	netip.MustParsePrefix("192.0.0.192/32"),      // Oracle
	netip.MustParsePrefix("168.63.129.16/32"),    // Azure, host agent
	netip.MustParsePrefix("0.0.0.0/8"),           // this machine, by another name
	netip.MustParsePrefix("::/128"),              // likewise
	netip.MustParsePrefix("224.0.0.0/4"),         // multicast
	netip.MustParsePrefix("ff00::/8"),            // multicast
	netip.MustParsePrefix("255.255.255.255/32"),  // broadcast
	netip.MustParsePrefix("fe80::a9fe:a9fe/128"), // metadata over link-local
}

// rule is what may be dialled.
type rule struct {
	guard *ssrf.Guardian
	names map[string]bool         // host:port as asked for
	ports map[netip.AddrPort]bool // address and port as dialled
}

func parseAllow(entries []string) (*rule, error) {
	r := &rule{names: map[string]bool{}, ports: map[netip.AddrPort]bool{}}
	var v4, v6 []netip.Prefix
	for _, e := range entries {
		prefix, err := r.entry(strings.TrimSpace(e))
		switch {
		case err != nil:
			return nil, err
		case !prefix.IsValid():
		case prefix.Addr().Is4():
			v4 = append(v4, prefix)
		default:
			v6 = append(v6, prefix)
		}
	}
	r.guard = ssrf.New(ssrf.WithAnyPort(), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	return r, nil
}

// entry files one entry; it gives a prefix when the entry is one.
func (r *rule) entry(e string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(e); err == nil {
		if p.Addr().Is4In6() {
			return netip.Prefix{}, fmt.Errorf("egress.allow: %q: write it as an IPv4 prefix", e)
		}
		return p.Masked(), nil
	}
	if a, err := netip.ParseAddr(e); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	if ap, err := netip.ParseAddrPort(e); err == nil && ap.Port() != 0 {
		r.ports[netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())] = true
		return netip.Prefix{}, nil
	}
	host, port, err := net.SplitHostPort(e)
	n, portErr := strconv.ParseUint(port, 10, 16)
	if err != nil || portErr != nil || n == 0 || host == "" || strings.ContainsAny(host, "*/@ ") {
		return netip.Prefix{}, fmt.Errorf("egress.allow: %q is not understood; write a prefix (10.0.0.0/8), an address (10.1.2.3), or a host with its port (db.local:8080)", e)
	}
	r.names[strings.ToLower(host)+":"+port] = true
	return netip.Prefix{}, nil
}

// dialer judges each address in the hook that runs after names were resolved and
// before the connection is made.
func (r *rule) dialer(resolver *net.Resolver) func(context.Context, string, string) (net.Conn, error) {
	strict := &net.Dialer{Timeout: dialTimeout, Resolver: resolver, Control: r.control(false)}
	named := &net.Dialer{Timeout: dialTimeout, Resolver: resolver, Control: r.control(true)}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := strict
		if r.names[strings.ToLower(addr)] {
			d = named
		}
		conn, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return &counted{Conn: conn}, nil
	}
}

func (r *rule) control(named bool) func(string, string, syscall.RawConn) error {
	return func(network, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil || (network != "tcp4" && network != "tcp6") {
			return &Denied{Address: address}
		}
		ip := ap.Addr().WithZone("").Unmap()
		if denied(ip) {
			return &Denied{Address: ip.String(), Always: true}
		}
		if named || r.ports[netip.AddrPortFrom(ip, ap.Port())] {
			return nil
		}
		if r.guard.SafeAddr(ip) != nil {
			return &Denied{Address: ip.String()}
		}
		return nil
	}
}

// denied reports whether the address, or the IPv4 address inside it, is one that
// is never called.
func denied(ip netip.Addr) bool {
	for _, p := range never {
		if p.Contains(ip) {
			return true
		}
	}
	inner, ok := embedded(ip)
	return ok && denied(inner)
}

var (
	nat64      = netip.MustParsePrefix("64:ff9b::/96")
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48")
	translated = netip.MustParsePrefix("::ffff:0:0:0/96")
	compat4    = netip.MustParsePrefix("::/96")
	sixTo4     = netip.MustParsePrefix("2002::/16")
	teredo     = netip.MustParsePrefix("2001::/32")
)

// embedded gives the IPv4 address that a translation address stands for.
func embedded(ip netip.Addr) (netip.Addr, bool) {
	if !ip.Is6() {
		return netip.Addr{}, false
	}
	b := ip.As16()
	switch {
	case nat64.Contains(ip), nat64Local.Contains(ip), translated.Contains(ip), compat4.Contains(ip) && ip != netip.IPv6Loopback():
		return netip.AddrFrom4([4]byte(b[12:16])), true
	case sixTo4.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6])), true
	case teredo.Contains(ip): // written upside down
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}), true
	default:
		return netip.Addr{}, false
	}
}

// Denied is the error of a call to an address that may not be called.
type Denied struct {
	Address string // as dialled
	Always  bool   // no allow list opens it
}

func (d *Denied) Error() string {
	if d.Always {
		return fmt.Sprintf("%s may never be called", d.Address)
	}
	return fmt.Sprintf("%s is not a public address; list it under egress.allow if it is meant to be called", d.Address)
}

func tlsConfig(roots *x509.CertPool) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
}
