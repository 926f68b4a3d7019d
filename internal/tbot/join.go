package tbot

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
)

// Cluster is the Teleport cluster to join, as its proxy described itself.
type Cluster struct {
	// Proxy is host:port.
	Proxy string
	// Name is the cluster's name.
	Name string
	// Version is the server's, X.Y.Z.
	Version string
	// Suite is the signature algorithm suite, empty for legacy.
	Suite string
	// TLSRouting tells that the proxy serves every protocol on the one port.
	TLSRouting bool
	// CAs are trusted for the proxy's certificate; nil means the system's roots.
	CAs *x509.CertPool
	// Insecure accepts any certificate of the proxy.
	Insecure bool
	// Now is the cluster's time where the caller knows it better than this machine's clock, which nil means: a certificate is asked
	// for by its end, not by its length.
	Now func() time.Time `json:"-"`
}

// end is when a certificate of that length ends that is asked for now.
func (c Cluster) end(ttl time.Duration) time.Time {
	if c.Now != nil {
		return c.Now().UTC().Add(ttl)
	}
	return time.Now().UTC().Add(ttl)
}

// JoinRequest is one attempt to join as a bot.
type JoinRequest struct {
	Cluster Cluster
	// Token is the name of the join token resource.
	Token string
	// IDToken is the service account token.
	IDToken spec.Secret
	// TTL is how long the bot certificates are asked to live; the server gives an hour where it is zero and 24 at most.
	TTL time.Duration
	// Bot is the bot that the token is for, where the caller knows: certificates of another are an error then.
	Bot string
}

// Join exchanges a service account token for bot certificates: over gRPC first, and over HTTP where the server or what stands
// in front of it does not know that call (teleport-facts 2.2). The error is *Refused where the server judged the request.
func Join(ctx context.Context, r JoinRequest) (*Identity, error) {
	key, err := newKeyPair(r.Cluster.Suite)
	if err != nil {
		return nil, err
	}
	request := &types.RegisterUsingTokenRequest{
		Role:         types.RoleBot,
		Token:        r.Token,
		PublicTLSKey: key.tls,
		PublicSSHKey: key.ssh,
		IDToken:      r.IDToken.Reveal(),
	}
	if r.TTL > 0 {
		expires := r.Cluster.end(r.TTL)
		request.Expires = &expires
	}
	certs, via, err := register(ctx, r.Cluster, request)
	if err != nil {
		return nil, err
	}
	identity, err := newIdentity(r.Cluster, key, certs, via)
	if err != nil {
		return nil, err
	}
	if err := r.check(identity, request.Expires); err != nil {
		return nil, err
	}
	return identity, nil
}

// check holds the certificates to what was asked for. A bot's own ones carry the one role that is named like its user
// (teleport-facts 5.2).
func (r JoinRequest) check(identity *Identity, end *time.Time) error {
	if r.Bot != "" && identity.Bot() != r.Bot {
		return fmt.Errorf("the token %s let in %s, not bot %s", r.Token, identity.User, r.Bot)
	}
	if err := identity.actsAs([]string{identity.User}); err != nil {
		return err
	}
	if end != nil {
		return identity.keeps(*end)
	}
	return nil
}

// joinTimeout bounds one attempt; the Auth Service gives an OIDC issuer 15 seconds (teleport-facts 3.3).
const joinTimeout = 30 * time.Second

// The protocols of a join, as results name them.
const (
	viaGRPC = "gRPC RegisterUsingToken"
	viaHTTP = "HTTP host/credentials"
)

func register(ctx context.Context, cluster Cluster, request *types.RegisterUsingTokenRequest) (*proto.Certs, string, error) {
	certs, err := registerGRPC(ctx, cluster, request)
	if errors.Is(err, errProtocol) && ctx.Err() == nil {
		// The server never saw the request: it does not know the call, or what stands in front of it does not pass it through.
		certs, err = registerHTTP(ctx, cluster, request)
		return certs, viaHTTP, onTheWay(err, viaHTTP)
	}
	return certs, viaGRPC, onTheWay(err, viaGRPC)
}

// onTheWay says of a trouble that is no verdict which way it was met on.
func onTheWay(err error, via string) error {
	var refused *Refused
	if err == nil || errors.As(err, &refused) {
		return err
	}
	return fmt.Errorf("joining through the proxy (%s): %w", via, err)
}
