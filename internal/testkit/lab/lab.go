// Package lab puts a real Kubernetes control plane and a Teleport test cluster on one table and plays the pods that nothing
// runs here: test support for the whole of tbotctl and for the demo. The clusters themselves are testkit's and teleporttest's.
package lab

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
)

// issuerIP is what the cloud-like issuer's name resolves to for whoever looks through Fetcher: a documentation address (RFC
// 5737), which counts as public and which nothing routes.
const issuerIP = "203.0.113.10"

// Fetcher sees the public internet as it would be if the plane's issuer were on it. A self-managed plane has no public issuer:
// its name is known to nobody.
func Fetcher(plane *testkit.ControlPlane) *issuer.Fetcher {
	server := plane.IssuerServer()
	if server == nil {
		return Nobody()
	}
	return FetcherOf(server)
}

// FetcherOf sees an issuer server under its public name.
func FetcherOf(server *testkit.IssuerServer) *issuer.Fetcher {
	return FetcherAt(server.Host(), server.Addr(), server.CertPool())
}

// FetcherAt sees an issuer under its public name whose server listens at an address and shows a certificate of one of the CAs. It is
// for a process that has no more of the server than that.
func FetcherAt(host, listens string, cas *x509.CertPool) *issuer.Fetcher {
	return &issuer.Fetcher{
		Resolver: names{host: issuerIP},
		RootCAs:  cas,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address != net.JoinHostPort(issuerIP, "443") {
				return nil, fmt.Errorf("dialing %s: %w", address, testkit.ErrNotMapped)
			}
			return new(net.Dialer).DialContext(ctx, network, listens)
		},
	}
}

// names is a DNS of its own.
type names map[string]string

// LookupNetIP implements issuer.Resolver.
func (n names) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	address, found := n[host]
	if !found {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr(address)}, nil
}

// Teleport completes the options of a test cluster with what it takes to verify tokens of the plane: the way to its public
// issuer, unless they hold another.
func Teleport(plane *testkit.ControlPlane, options teleporttest.Options) teleporttest.Options {
	if server := plane.IssuerServer(); server != nil && options.OIDCClient == nil {
		options.OIDCClient = &http.Client{Transport: server.Transport()}
	}
	return options
}

// Reviewer asks the plane's TokenReview API, for tokens of type in_cluster.
func Reviewer(plane *testkit.ControlPlane) func(context.Context, string, []string) (teleporttest.Review, error) {
	return func(ctx context.Context, token string, audiences []string) (teleporttest.Review, error) {
		review, err := plane.Client().AuthenticationV1().TokenReviews().Create(ctx, &authenticationv1.TokenReview{
			Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: audiences},
		}, metav1.CreateOptions{})
		if err != nil {
			return teleporttest.Review{}, err
		}
		version, err := plane.Client().Discovery().ServerVersion()
		if err != nil {
			return teleporttest.Review{}, err
		}
		extra := map[string][]string{}
		for key, values := range review.Status.User.Extra {
			extra[key] = values
		}
		return teleporttest.Review{
			Authenticated: review.Status.Authenticated, Username: review.Status.User.Username, Groups: review.Status.User.Groups,
			Extra: extra, Audiences: review.Status.Audiences, Error: review.Status.Error, ServerVersion: version.GitVersion,
		}, nil
	}
}

// Nobody sees an internet on which no name is known.
func Nobody() *issuer.Fetcher { return &issuer.Fetcher{Resolver: names{}} }
