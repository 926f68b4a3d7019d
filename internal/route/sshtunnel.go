package route

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/client/webclient"
	"github.com/gravitational/teleport/api/constants"
	"github.com/gravitational/teleport/api/utils/sshutils"
	"golang.org/x/crypto/ssh"
)

// ErrSSHLogin means that the login does not open the tunnel of a proxy without TLS routing: it has no SSH certificate, or one that the
// proxy refuses.
var ErrSSHLogin = errors.New("the login has no SSH certificate that opens the proxy's tunnel")

// dialSSH reaches the Auth Service of a proxy that has a port for each protocol: by the tunnel that the SSH certificate opens at the
// port for agents (teleport-facts 4.2). The api module's own dialer asks for that port by the system's authorities alone.
func (p Proxy) dialSSH(ctx context.Context, login SSHLogin) (net.Conn, error) {
	config, err := login.SSHClientConfig()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSSHLogin, err)
	}
	said, err := webclient.Find(&webclient.Config{
		Context: ctx, ProxyAddr: p.Addr, Pool: p.CAs, Insecure: p.Insecure, Timeout: dialTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("asking %s for its addresses: %w", p.Addr, err)
	}
	addr, err := said.Proxy.TunnelAddr()
	if err != nil {
		return nil, fmt.Errorf("the proxy's tunnel address: %w", err)
	}
	raw, err := p.dialTo(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", addr, err)
	}
	through, err := openTransport(ctx, raw, addr, config)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("opening the tunnel at %s: %w", addr, err), raw.Close())
	}
	return through, nil
}

// openTransport logs in and asks for a channel to the Auth Service, in the time of one dial.
func openTransport(ctx context.Context, raw net.Conn, addr string, config *ssh.ClientConfig) (net.Conn, error) {
	if err := raw.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.SetDeadline(time.Now()) })
	defer stop()
	connection, channels, requests, err := ssh.NewClientConn(raw, addr, config)
	if err != nil && strings.Contains(err.Error(), "unable to authenticate") {
		// The ssh package has no type for a server that takes none of the keys.
		return nil, fmt.Errorf("%w: %w", ErrSSHLogin, err)
	}
	if err != nil {
		return nil, err
	}
	go ssh.DiscardRequests(requests)
	go refuseChannels(channels)
	through, _, err := sshutils.ConnectProxyTransport(connection, &sshutils.DialReq{Address: constants.RemoteAuthServer}, true)
	if err != nil {
		return nil, err
	}
	return through, raw.SetDeadline(time.Time{})
}

// refuseChannels lets a proxy open nothing on our side.
func refuseChannels(channels <-chan ssh.NewChannel) {
	for channel := range channels {
		_ = channel.Reject(ssh.Prohibited, "nothing is served here")
	}
}
