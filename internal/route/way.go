package route

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/gravitational/teleport/api/client"
	"golang.org/x/crypto/ssh"
)

// Way is how the Auth Service is reached through a proxy (teleport-facts 4.2).
type Way struct {
	// Upgraded tells that a load balancer in front of the proxy ends TLS, so that everything but HTTP goes through a tunnel.
	Upgraded bool

	proxy  Proxy
	routed bool
	// trouble is why the question for the way had no answer.
	trouble error
}

// FindWay asks the proxy's address how it is to be reached. A proxy with TLS routing serves every protocol on the one port; another
// is asked nothing here. Where the question has no answer, Open says why.
func FindWay(ctx context.Context, p Proxy, tlsRouting bool) Way {
	w := Way{proxy: p, routed: tlsRouting}
	if !tlsRouting {
		return w
	}
	overridden, set := client.OverwriteALPNConnUpgradeRequirementByEnv(p.Addr)
	if set {
		w.Upgraded = overridden
		return w
	}
	_, ended, err := p.askEnd(ctx)
	if err != nil {
		w.trouble = fmt.Errorf("connecting to %s: %w", p.Addr, err)
	}
	w.Upgraded = ended
	return w
}

// SSHLogin is the SSH side of a login, as the api module's credentials have it.
type SSHLogin interface {
	SSHClientConfig() (*ssh.ClientConfig, error)
}

// Dialer gives connections for mutual TLS with the Auth Service, in the form that the api module's client takes. It is for any number
// of goroutines.
type Dialer struct {
	open  func(context.Context) (net.Conn, error)
	lock  sync.Mutex
	first net.Conn
}

// Open makes the first connection at once, so that one that cannot be had is told as what it is and not as gRPC's "unavailable". The
// login is asked only for a proxy without TLS routing, whose tunnel its SSH certificate opens. Errors may hold ErrNoTunnel and
// ErrSSHLogin; one about a certificate is about the proxy's. Who does not hand the Dialer on has to Close it.
func (w Way) Open(ctx context.Context, login SSHLogin) (*Dialer, error) {
	d := &Dialer{open: func(ctx context.Context) (net.Conn, error) { return w.dial(ctx, login) }}
	var err error
	d.first, err = d.open(ctx)
	return d, err
}

// dial opens what the mutual TLS with the Auth Service goes through.
func (w Way) dial(ctx context.Context, login SSHLogin) (net.Conn, error) {
	switch {
	case w.trouble != nil:
		return nil, w.trouble
	case w.Upgraded:
		return w.proxy.dialUpgraded(ctx)
	case w.routed:
		return w.proxy.Dial(ctx)
	}
	return w.proxy.dialSSH(ctx, login)
}

// Dial opens one more connection, whatever becomes of the first.
func (d *Dialer) Dial(ctx context.Context) (net.Conn, error) { return d.open(ctx) }

// DialContext hands out the first connection, and new ones after it. The address is not looked at: there is one Auth Service.
func (d *Dialer) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	if taken := d.take(); taken != nil {
		return taken, nil
	}
	return d.open(ctx)
}

// Close ends the first connection where nobody has taken it.
func (d *Dialer) Close() error {
	if left := d.take(); left != nil {
		return left.Close()
	}
	return nil
}

func (d *Dialer) take() net.Conn {
	d.lock.Lock()
	defer d.lock.Unlock()
	taken := d.first
	d.first = nil
	return taken
}
