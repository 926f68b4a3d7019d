package tbot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/webclient"
	"github.com/gravitational/teleport/api/constants"
	"github.com/gravitational/teleport/api/utils/sshutils"
	"golang.org/x/crypto/ssh"
)

// dialSSH reaches the Auth Service of a proxy that has a port for each protocol: by the tunnel that the SSH certificate opens at the
// port for agents (teleport-facts 4.2). The api module's own dialer asks for that port by the system's authorities alone.
func dialSSH(ctx context.Context, cluster Cluster, credentials client.Credentials) (net.Conn, error) {
	config, err := credentials.SSHClientConfig()
	if err != nil {
		return nil, fmt.Errorf("the SSH certificate: %w", err)
	}
	said, err := webclient.Find(&webclient.Config{
		Context: ctx, ProxyAddr: cluster.Proxy, Pool: cluster.CAs, Insecure: cluster.Insecure, Timeout: dialTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("asking %s for its addresses: %w", cluster.Proxy, err)
	}
	addr, err := said.Proxy.TunnelAddr()
	if err != nil {
		return nil, fmt.Errorf("the proxy's tunnel address: %w", err)
	}
	raw, err := client.NewDialer(ctx, keepAlive, dialTimeout).DialContext(ctx, "tcp", addr)
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
