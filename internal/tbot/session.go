package tbot

import (
	"context"
	"errors"
	"fmt"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/webclient"
)

// Session is a bot that has joined: its identity and an open connection to the Auth Service. It is for one goroutine.
type Session struct {
	identity *Identity
	way      way
	auth     *client.Client
	// proxy is what the proxy says of itself, asked once.
	proxy *webclient.PingResponse
}

// Open connects as the identity and makes sure by one Ping that the Auth Service takes it; the error holds *Refused where it
// does not, and ErrNoTunnel where a load balancer stands in between.
func Open(ctx context.Context, identity *Identity) (*Session, error) {
	way := findWay(ctx, identity.Cluster)
	auth, err := way.connect(ctx, identity)
	if err != nil {
		return nil, err
	}
	pong, err := auth.Ping(ctx)
	if err = grpcVerdict(err, "the bot", "Ping"); err == nil && pong.GetClusterName() != identity.Cluster.Name {
		err = fmt.Errorf("the Auth Service belongs to cluster %q, not %q", pong.GetClusterName(), identity.Cluster.Name)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("using the bot's identity: %w", err), auth.Close())
	}
	return &Session{identity: identity, way: way, auth: auth}, nil
}

// Close ends the connection.
func (s *Session) Close() error { return s.auth.Close() }

// Format implements fmt.Formatter: a session prints as whose it is.
func (s *Session) Format(f fmt.State, _ rune) {
	_, _ = f.Write([]byte("session of " + s.identity.String()))
}

// pingProxy asks the proxy for the addresses that outputs write down (teleport-facts 1.2).
func (s *Session) pingProxy(ctx context.Context) (*webclient.PingResponse, error) {
	if s.proxy != nil {
		return s.proxy, nil
	}
	cluster := s.identity.Cluster
	answer, err := webclient.Ping(&webclient.Config{
		Context: ctx, ProxyAddr: cluster.Proxy, Pool: cluster.CAs, Insecure: cluster.Insecure, Timeout: dialTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("asking %s for its addresses: %w", cluster.Proxy, err)
	}
	if answer.ClusterName != cluster.Name {
		return nil, fmt.Errorf("the proxy %s belongs to cluster %q, not %q", cluster.Proxy, answer.ClusterName, cluster.Name)
	}
	s.proxy = answer
	return answer, nil
}
