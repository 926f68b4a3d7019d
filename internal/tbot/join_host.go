package tbot

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/gravitational/teleport/api/types"
	"golang.org/x/crypto/ssh"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// HostRequest is one attempt to join as a service of a Teleport agent.
type HostRequest struct {
	Cluster Cluster
	// Token is the name of the join token resource.
	Token string
	// IDToken is the service account token.
	IDToken spec.Secret
	// Role is the system role that is asked for, as Teleport writes it: App.
	Role string
}

// Host is what is kept of a host's join: who it was let in as. Its certificates last for years and are nobody's (teleport's lib/auth,
// GenerateHostCerts), so that neither they nor their key are kept.
type Host struct {
	// Name is the subject of the certificate, <host ID>.<cluster>; Role the system role that it carries.
	Name, Role string
	// Via is the protocol of the join.
	Via string
}

// proofHost is the name that a join from here goes by in Teleport's audit log.
const proofHost = "tbotctl-proof"

// JoinHost exchanges a service account token for the certificates of a host, by the protocols of Join, looks at them and throws them
// away. The host ID is made up anew each time, so that no host of that name is ever there. The error is *Refused where the server judged
// the request.
func JoinHost(ctx context.Context, r HostRequest) (Host, error) {
	key, err := newKeyPair(r.Cluster.Suite)
	if err != nil {
		return Host{}, err
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return Host{}, fmt.Errorf("making a host ID: %w", err)
	}
	certs, via, err := register(ctx, r.Cluster, &types.RegisterUsingTokenRequest{
		HostID: id.String(), NodeName: proofHost, Role: types.SystemRole(r.Role), Token: r.Token,
		PublicTLSKey: key.tls, PublicSSHKey: key.ssh, IDToken: r.IDToken.Reveal(),
	})
	if err != nil {
		return Host{}, err
	}
	identity, err := newIdentity(r.Cluster, key, certs, via)
	if err != nil {
		return Host{}, err
	}
	if err := r.check(identity, id.String()+"."+r.Cluster.Name); err != nil {
		return Host{}, err
	}
	return Host{Name: identity.User, Role: r.Role, Via: via}, nil
}

// check holds the certificates to what was asked for: this host of this cluster, in this one role.
func (r HostRequest) check(identity *Identity, host string) error {
	if identity.User != host {
		return fmt.Errorf("the token %s let in %s, not host %s", r.Token, identity.User, host)
	}
	if err := identity.actsAs([]string{r.Role}); err != nil {
		return err
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(identity.certs.SSH)
	if err != nil {
		return fmt.Errorf("the SSH certificate: %w", err)
	}
	certificate, ok := key.(*ssh.Certificate)
	if !ok || certificate.CertType != ssh.HostCert || !slices.Contains(certificate.ValidPrincipals, host) {
		return fmt.Errorf("the SSH certificate is not one of host %s", host)
	}
	return nil
}
