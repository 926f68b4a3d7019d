package issuer

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// dialPublic connects to a host only at addresses that everybody reaches. What was judged is what is dialed: the name is not
// resolved a second time, so an answer that changes in between (DNS rebinding) has no effect.
func (f *Fetcher) dialPublic(ctx context.Context, network, hostPort string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, err
	}
	addresses, err := f.publicAddresses(ctx, host)
	if err != nil {
		return nil, err
	}
	dial := f.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	var problem error
	for i, address := range addresses {
		share, cancel := shareOf(ctx, len(addresses)-i)
		conn, err := dial(share, network, net.JoinHostPort(address.Unmap().String(), port))
		cancel()
		switch {
		case err == nil:
			return conn, nil
		case problem == nil:
			problem = err
		default:
			problem = fmt.Errorf("%w; %w", problem, err)
		}
	}
	return nil, problem
}

// shareOf gives one of the addresses that are left its share of the time, so that one that swallows packets (a broken IPv6
// route) does not eat the time of the next. Fetch has set the deadline.
func shareOf(ctx context.Context, left int) (context.Context, context.CancelFunc) {
	deadline, _ := ctx.Deadline()
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
}

// publicAddresses resolves a host and refuses it where any of its addresses is not public: Teleport may be given that one.
func (f *Fetcher) publicAddresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if insideName(host) {
		return nil, &failed{kind: FailurePrivateAddress, detail: spec.Quote(host) + " is a name that only its own cluster or network knows"}
	}
	addresses, err := f.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, address := range addresses {
		if why := judgeAddress(address); why != "" {
			return nil, &failed{kind: FailurePrivateAddress, detail: fmt.Sprintf("%s is at %s, %s", spec.Quote(host), address, why)}
		}
	}
	return addresses, nil
}

func (f *Fetcher) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if address, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{address}, nil
	}
	var resolver Resolver = net.DefaultResolver
	if f.Resolver != nil {
		resolver = f.Resolver
	}
	addresses, err := resolver.LookupNetIP(ctx, "ip", host)
	if err == nil && len(addresses) == 0 {
		err = &net.DNSError{Err: "no addresses", Name: host, IsNotFound: true}
	}
	return addresses, err
}
