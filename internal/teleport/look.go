package teleport

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"time"
)

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
	if _, _, err := net.SplitHostPort(t.Proxy); err != nil {
		return Look{}, wrap(err, doing)
	}
	seen, err := t.proxy().Look(ctx)
	if err != nil {
		// In the form of Find's HTTP client, so that the two are sorted alike.
		return Look{}, findError(&url.Error{Op: "handshake", URL: "tls://" + t.Proxy, Err: err}, doing)
	}
	return Look{Certificate: judgeCertificate(seen.Chain, t, now), LoadBalancer: seen.EndsTLS}, nil
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
