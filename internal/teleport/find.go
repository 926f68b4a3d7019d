// Package teleport is the Teleport cluster as its administrators see it: what the proxy tells everybody, the login of the
// person at hand, and bots, tokens and roles. Joining as a bot is internal/tbot's; what is right or wrong is checks'.
package teleport

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"github.com/tbotctl/tbotctl/internal/route"

	"github.com/gravitational/teleport/api/client/webclient"
	"github.com/gravitational/teleport/api/types"
)

// findTimeout bounds one look at the proxy's web endpoint.
const findTimeout = 10 * time.Second

// Target is a Teleport Proxy and how its certificate is judged.
type Target struct {
	// Proxy is host:port.
	Proxy string
	// CAs are trusted for the proxy's certificate instead of the system's roots; nil means the system's.
	CAs *x509.CertPool
	// Insecure accepts any certificate of the proxy.
	Insecure bool
}

// proxy is the target as connections to it are made.
func (t Target) proxy() route.Proxy {
	return route.Proxy{Addr: t.Proxy, CAs: t.CAs, Insecure: t.Insecure}
}

// Server is what a proxy tells everybody at /webapi/find (teleport-facts 1.2).
type Server struct {
	ClusterName string
	Version     string
	// MinClientVersion is the oldest client that the server takes.
	MinClientVersion string
	// AgentVersion is what the cluster tells its agents to run; empty before 17 and where nobody manages updates.
	AgentVersion string
	Edition      string
	FIPS         bool
	// Suite is the signature algorithm suite; empty where the server does not say, as those before 17, and then legacy is meant.
	Suite string
	// TLSRouting tells that one port serves every protocol.
	TLSRouting bool
	// PublicAddr is host:port that tbot goes on with after its first look (teleport-facts 1.2, field-notes P32); empty where the proxy
	// names none.
	PublicAddr string
}

// Find asks the proxy who it is. It needs no login.
func Find(ctx context.Context, t Target) (Server, error) {
	doing := "asking " + t.Proxy + " at /webapi/find"
	answer, err := webclient.Find(&webclient.Config{
		Context: ctx, ProxyAddr: t.Proxy, Pool: t.CAs, Insecure: t.Insecure, Timeout: findTimeout,
	})
	if err != nil {
		// The client never looks at the HTTP status: whatever is no JSON comes from something that is no proxy (teleport-facts 1.1).
		return Server{}, findError(err, doing)
	}
	if answer.ClusterName == "" || answer.ServerVersion == "" {
		return Server{}, &Error{Kind: NotTeleport, Doing: doing, Err: errors.New("the answer names no cluster and no version")}
	}
	var suite []byte
	if said := answer.Auth.SignatureAlgorithmSuite; said != types.SignatureAlgorithmSuite_SIGNATURE_ALGORITHM_SUITE_UNSPECIFIED {
		if suite, err = said.MarshalText(); err != nil {
			return Server{}, wrap(err, doing)
		}
	}
	return Server{
		ClusterName: answer.ClusterName, Version: answer.ServerVersion, MinClientVersion: answer.MinClientVersion,
		AgentVersion: answer.AutoUpdate.AgentVersion, Edition: answer.Edition, FIPS: answer.FIPS,
		Suite: string(suite), TLSRouting: answer.Proxy.TLSRoutingEnabled, PublicAddr: answer.Proxy.SSH.PublicAddr,
	}, nil
}

// CertPool reads PEM certificates on top of nothing: a given authority replaces the system's roots. Empty text gives nil.
// A text without a certificate is not quoted in the error: it may be the key that belongs to one.
func CertPool(pemText string) (*x509.CertPool, error) {
	if pemText == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(pemText)) {
		return nil, &Error{Kind: Other, Doing: "reading the proxy's authority", Err: errors.New("there is no certificate in PEM form in it")}
	}
	return pool, nil
}
