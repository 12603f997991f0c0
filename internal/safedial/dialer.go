package safedial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// ErrBlocked says that an address or URL was refused. The error that wraps it names it.
var ErrBlocked = errors.New("address is not allowed")

// Options are the choices of a [Dialer]; the zero value reaches the public internet only.
type Options struct {
	// Allow are address ranges that may be reached although they are not public,
	// such as 10.1.0.0/16.
	Allow []netip.Prefix
	// AllowHosts are host names, or addresses as they stand in a URL, that may be
	// reached whatever they resolve to. "*.example.com" stands for every name below
	// example.com.
	AllowHosts []string
	// Timeout bounds one connection attempt, name resolution included. Defaults to 10 s.
	Timeout time.Duration
}

// Dialer connects to public addresses and allow-listed ones. It is safe for concurrent use.
type Dialer struct {
	allow   []netip.Prefix
	hosts   map[string]bool
	domains []string // lower case, with the leading dot
	checked net.Dialer
	trusted net.Dialer
}

// New returns a dialer with these options.
func New(opts Options) *Dialer {
	timeout := cmp.Or(opts.Timeout, 10*time.Second)
	d := &Dialer{hosts: map[string]bool{}, trusted: net.Dialer{Timeout: timeout}}
	for _, p := range opts.Allow {
		// A range written as IPv4-mapped IPv6 means the IPv4 range.
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		d.allow = append(d.allow, p.Masked())
	}
	for _, h := range opts.AllowHosts {
		h = canonicalHost(h)
		if domain, ok := strings.CutPrefix(h, "*"); ok && strings.HasPrefix(domain, ".") {
			d.domains = append(d.domains, domain)
		} else {
			d.hosts[h] = true
		}
	}
	d.checked = net.Dialer{Timeout: timeout, ControlContext: d.control}
	return d
}

// DialContext connects like [net.Dialer.DialContext], to TCP addresses only. It
// returns [ErrBlocked] if every address of the host is refused.
func (d *Dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
	default:
		return nil, fmt.Errorf("network %s: %w", network, ErrBlocked)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if d.allowsHost(host) {
		return d.trusted.DialContext(ctx, network, address)
	}
	return d.checked.DialContext(ctx, network, address)
}

// Allows reports whether addr may be reached.
func (d *Dialer) Allows(addr netip.Addr) bool {
	return IsPublic(addr) || contains(d.allow, addr.Unmap())
}

// control runs for each resolved address after the socket was made and before it connects.
func (d *Dialer) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%s: %w", address, ErrBlocked)
	}
	if !d.Allows(ap.Addr()) {
		return blocked(ap.Addr())
	}
	return nil
}

// blocked says who can mend it.
func blocked(addr netip.Addr) error {
	return fmt.Errorf("%s: %w, for it is not public; an operator can allow it with the setting \"allow-host\"", addr, ErrBlocked)
}

func (d *Dialer) allowsHost(host string) bool {
	host = canonicalHost(host)
	if d.hosts[host] {
		return true
	}
	for _, domain := range d.domains {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}

func canonicalHost(host string) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.TrimSuffix(strings.ToLower(host), ".")
}
