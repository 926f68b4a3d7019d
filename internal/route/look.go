package route

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/constants"
)

// lookTimeout bounds one TLS handshake that asks for nothing else.
const lookTimeout = 5 * time.Second

// Seen is what a TLS handshake with the proxy's address shows.
type Seen struct {
	// Chain is the certificate and what it was sent with; nobody has judged it.
	Chain []*x509.Certificate
	// EndsTLS tells that something in front of the proxy ends TLS (an L7 load balancer), so that what is not HTTP has to be wrapped
	// in it (teleport-facts 1.3). TELEPORT_TLS_ROUTING_CONN_UPGRADE overrides what was seen, as for Teleport's own programs.
	EndsTLS bool
}

// Look makes a TLS handshake with the proxy's address, takes any certificate, and sends nothing.
func (p Proxy) Look(ctx context.Context) (Seen, error) {
	state, ended, err := p.askEnd(ctx)
	if err == nil && len(state.PeerCertificates) == 0 {
		// The protocol was refused, which comes before the certificate.
		state, err = p.shakeHands(ctx)
	}
	if err != nil {
		return Seen{}, err
	}
	if overridden, set := client.OverwriteALPNConnUpgradeRequirementByEnv(p.Addr); set {
		ended = overridden
	}
	return Seen{Chain: state.PeerCertificates, EndsTLS: ended}, nil
}

// askEnd offers a protocol that only a proxy knows, and so learns whether TLS ends at one: a load balancer chooses none, refuses, or
// answers with another. The state is empty where it refused.
func (p Proxy) askEnd(ctx context.Context) (state tls.ConnectionState, ended bool, err error) {
	state, err = p.shakeHands(ctx, string(constants.ALPNSNIProtocolReverseTunnel))
	if IsProtocolRefused(err) || err != nil && strings.Contains(err.Error(), "server selected unadvertised ALPN protocol") {
		return tls.ConnectionState{}, true, nil
	}
	return state, err == nil && state.NegotiatedProtocol == "", err
}

// shakeHands takes any certificate: the question alone is asked of anybody, and who answers is judged when something is sent.
func (p Proxy) shakeHands(ctx context.Context, protocols ...string) (tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	config, err := p.TLS(protocols...)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	config.InsecureSkipVerify = true
	secured, err := p.handshake(ctx, config)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer secured.Close() //nolint:errcheck // nothing was sent that could be lost
	return secured.ConnectionState(), nil
}
