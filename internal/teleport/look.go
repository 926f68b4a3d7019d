package teleport

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/constants"
)

// lookTimeout bounds one TLS handshake with the proxy.
const lookTimeout = 5 * time.Second

// Certificate is what a proxy shows to everybody. All texts in it are foreign.
type Certificate struct {
	// Names are the host names and addresses that it is for.
	Names []string
	// Issuer is the common name of the authority, or its organisation where that has none.
	Issuer  string
	Expires time.Time
	// Trouble says why it is not to be trusted for the address; nil where it is.
	Trouble error
}

// Look is what a TLS handshake with a proxy shows.
type Look struct {
	Certificate Certificate
	// LoadBalancer tells that something in front of the proxy ends TLS (an L7 load balancer), so that what is not HTTP has to be
	// wrapped in it (teleport-facts 1.3). TELEPORT_TLS_ROUTING_CONN_UPGRADE overrides what was seen, as for Teleport's own programs.
	LoadBalancer bool
}

// LookAt makes a TLS handshake with the proxy and sends nothing else. A certificate that is not to be trusted is a result and no
// error. Errors are of the kinds of Find.
func LookAt(ctx context.Context, t Target, now time.Time) (Look, error) {
	doing := "looking at the certificate of " + t.Proxy
	state, err := shakeHands(ctx, t.Proxy, string(constants.ALPNSNIProtocolReverseTunnel))
	upgrade := err == nil && state.NegotiatedProtocol == ""
	if isAboutALPN(err) {
		upgrade = true
		state, err = shakeHands(ctx, t.Proxy)
	}
	if err != nil {
		return Look{}, findError(err, doing)
	}
	if overridden, set := client.OverwriteALPNConnUpgradeRequirementByEnv(t.Proxy); set {
		upgrade = overridden
	}
	return Look{Certificate: judgeCertificate(state.PeerCertificates, t, now), LoadBalancer: upgrade}, nil
}

// shakeHands takes any certificate: who judges it comes later, and nothing is sent.
func shakeHands(ctx context.Context, proxy string, protocols ...string) (tls.ConnectionState, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	host, _, err := net.SplitHostPort(proxy)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	// The dialer of the api module goes through the same HTTP proxy as all of Teleport's programs.
	raw, err := client.NewDialer(ctx, lookTimeout, lookTimeout, client.WithInsecureSkipVerify(true), client.WithALPNConnUpgrade(false)).
		DialContext(ctx, "tcp", proxy)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer raw.Close()                                                                        //nolint:errcheck // nothing was sent that could be lost
	config := &tls.Config{ServerName: host, NextProtos: protocols, InsecureSkipVerify: true} //nolint:gosec // judgeCertificate judges it
	secured := tls.Client(raw, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		// As the HTTP client of Find says it, so that the two are sorted alike.
		return tls.ConnectionState{}, &url.Error{Op: "handshake", URL: "tls://" + proxy, Err: err}
	}
	return secured.ConnectionState(), nil
}

// isAboutALPN tells a server that knows none of the protocols offered, by its alert (RFC 7301 section 3.2), and one that answers
// with another.
func isAboutALPN(err error) bool {
	if err == nil {
		return false
	}
	var operation *net.OpError
	return errors.As(err, &operation) && operation.Op == "remote error" && strings.Contains(err.Error(), "no application protocol") ||
		strings.Contains(err.Error(), "server selected unadvertised ALPN protocol")
}

func judgeCertificate(chain []*x509.Certificate, t Target, now time.Time) Certificate {
	if len(chain) == 0 {
		return Certificate{Trouble: errors.New("it shows no certificate")}
	}
	leaf := chain[0]
	c := Certificate{Names: leaf.DNSNames, Issuer: leaf.Issuer.CommonName, Expires: leaf.NotAfter}
	for _, address := range leaf.IPAddresses {
		c.Names = append(c.Names, address.String())
	}
	if organizations := leaf.Issuer.Organization; c.Issuer == "" && len(organizations) > 0 {
		c.Issuer = organizations[0]
	}
	options := x509.VerifyOptions{Roots: t.CAs, Intermediates: x509.NewCertPool(), CurrentTime: now}
	options.DNSName, _, _ = net.SplitHostPort(t.Proxy)
	for _, intermediate := range chain[1:] {
		options.Intermediates.AddCert(intermediate)
	}
	if _, err := leaf.Verify(options); err != nil {
		c.Trouble = advised(err)
	}
	return c
}
