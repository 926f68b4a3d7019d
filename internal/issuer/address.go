package issuer

import (
	"net/netip"
	"strings"
)

// special is a range of addresses with the words for it.
type special struct {
	prefix netip.Prefix
	what   string
}

// specialIPv4 lists what the internet does not route: the ranges that the IANA IPv4 Special-Purpose Address Registry (RFC
// 6890 and successors) marks as not globally reachable, multicast (RFC 5771) and the retired 6to4 relays (RFC 7526).
//
// The documentation ranges (RFC 5737) are left out on purpose: no network routes them, so a look at one ends in a failure
// anyway, and a dialer that is injected for tests can stand behind them without any exception to the rule.
func specialIPv4() []special {
	return []special{
		{netip.MustParsePrefix("0.0.0.0/8"), "an unspecified address"},
		{netip.MustParsePrefix("10.0.0.0/8"), "a private address"},
		{netip.MustParsePrefix("100.64.0.0/10"), "an address behind a provider's NAT"},
		{netip.MustParsePrefix("127.0.0.0/8"), "a loopback address"},
		{netip.MustParsePrefix("169.254.0.0/16"), "a link-local address"},
		{netip.MustParsePrefix("172.16.0.0/12"), "a private address"},
		{netip.MustParsePrefix("192.0.0.0/24"), "a protocol address"},
		{netip.MustParsePrefix("192.88.99.0/24"), "a retired 6to4 address"},
		{netip.MustParsePrefix("192.168.0.0/16"), "a private address"},
		{netip.MustParsePrefix("198.18.0.0/15"), "a benchmarking address"},
		{netip.MustParsePrefix("224.0.0.0/4"), "a multicast address"},
		{netip.MustParsePrefix("240.0.0.0/4"), "a reserved address"},
	}
}

// specialIPv6 names what lies outside of global unicast and, inside of it, what is not routed as such (IANA IPv6
// Special-Purpose Address Registry). Documentation (RFC 3849, RFC 9637) is left out as above.
func specialIPv6() []special {
	return []special{
		{netip.MustParsePrefix("::/128"), "an unspecified address"},
		{netip.MustParsePrefix("::1/128"), "a loopback address"},
		{netip.MustParsePrefix("fc00::/7"), "a private address"},
		{netip.MustParsePrefix("fe80::/10"), "a link-local address"},
		{netip.MustParsePrefix("ff00::/8"), "a multicast address"},
		{netip.MustParsePrefix("2001::/23"), "a protocol address"},
		{netip.MustParsePrefix("2002::/16"), "a 6to4 address"},
	}
}

// judgeAddress says why an address is not one that everybody on the internet reaches, or nothing where it is. An IPv4 address
// in IPv6 clothes (RFC 4291 mapped, RFC 6052 NAT64) is judged as the IPv4 address that it leads to.
func judgeAddress(a netip.Addr) (why string) {
	if a = a.Unmap(); a.Is4() {
		return match(a, specialIPv4())
	}
	if netip.MustParsePrefix("64:ff9b::/96").Contains(a) {
		b := a.As16()
		return match(netip.AddrFrom4([4]byte(b[12:])), specialIPv4())
	}
	if why := match(a, specialIPv6()); why != "" {
		return why
	}
	// 2000::/3 is all that IANA has given out for global unicast (RFC 4291, IPv6 address space registry).
	if !netip.MustParsePrefix("2000::/3").Contains(a) {
		return "an address outside of global unicast"
	}
	return ""
}

func match(a netip.Addr, ranges []special) string {
	for _, r := range ranges {
		if r.prefix.Contains(a) {
			return r.what
		}
	}
	return ""
}

// insideName reports whether a host name has a meaning only inside some network: those that the public DNS promises never to
// hold (RFC 6761 localhost, RFC 6762 local, RFC 8375 home.arpa, ICANN's internal) and what Kubernetes calls its own services.
// Asking the DNS for them would tell nothing and may take the whole time limit.
func insideName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return false
	}
	if !strings.Contains(host, ".") || strings.Contains(host, ".svc.") {
		return true
	}
	for _, suffix := range []string{".localhost", ".local", ".home.arpa", ".internal", ".svc"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return false
}
