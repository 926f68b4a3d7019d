package tbot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/types"
)

// ErrTooOld means that the server does not know a call that outputs need. GenerateUserCerts of the api module sends its keys
// in fields that servers before 17 do not read, so that they see no key at all (teleport-facts 4.7).
var ErrTooOld = errors.New("the server is older than 17: the join itself can be proven, outputs cannot")

// viaUserCerts names the call in results.
const viaUserCerts = "GenerateUserCerts"

// impersonation is what an output wants of its certificates.
type impersonation struct {
	// roles to act as; empty means all that the bot may.
	roles []string
	// cluster to route to; empty means the bot's own.
	cluster string
	// kubernetes is the Kubernetes cluster that the certificate is for, empty for none.
	kubernetes string
	ttl        time.Duration
	reissue    bool
}

// impersonate asks for certificates that act as the roles, the way an output of tbot does (teleport-facts 6.2).
func (s *Session) impersonate(ctx context.Context, want impersonation) (*Identity, error) {
	roles := want.roles
	if len(roles) == 0 {
		own, err := s.roles(ctx)
		if err != nil {
			return nil, err
		}
		roles = own
	}
	key, err := newKeyPair(s.identity.Cluster.Suite)
	if err != nil {
		return nil, err
	}
	cluster := want.cluster
	if cluster == "" {
		cluster = s.identity.Cluster.Name
	}
	end := s.identity.Cluster.end(want.ttl)
	certs, err := s.auth.GenerateUserCerts(ctx, proto.UserCertsRequest{
		Username:                    s.identity.User,
		Expires:                     end,
		RoleRequests:                roles,
		RouteToCluster:              cluster,
		KubernetesCluster:           want.kubernetes,
		UseRoleRequests:             true,
		SSHPublicKey:                key.ssh,
		TLSPublicKey:                key.tls,
		ReissuableRoleImpersonation: want.reissue,
	})
	if err != nil {
		return nil, certsError(err, roles)
	}
	if err := s.complete(ctx, certs); err != nil {
		return nil, err
	}
	identity, err := newIdentity(s.identity.Cluster, key, certs, viaUserCerts)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(identity.actsAs(roles), identity.keeps(end)); err != nil {
		return nil, err
	}
	return identity, nil
}

// roles are those that the bot may act as, read from its own role (teleport-facts 6.2).
func (s *Session) roles(ctx context.Context) ([]string, error) {
	role, err := s.auth.GetRole(ctx, s.identity.User)
	if err != nil {
		return nil, fmt.Errorf("reading the bot's own role %s: %w", s.identity.User, err)
	}
	return role.GetImpersonateConditions(types.Allow).Roles, nil
}

// complete adds the authorities that the answer lacks: it holds those of TLS in part and those of SSH not at all. The cluster's own
// are asked for, the SSH ones are the bot's.
func (s *Session) complete(ctx context.Context, certs *proto.Certs) error {
	authority, err := s.auth.GetClusterCACert(ctx)
	if err != nil {
		return fmt.Errorf("reading the cluster's authority: %w", err)
	}
	if !slices.ContainsFunc(certs.TLSCACerts, func(have []byte) bool { return string(have) == string(authority.GetTLSCA()) }) {
		certs.TLSCACerts = append(certs.TLSCACerts, authority.GetTLSCA())
	}
	certs.SSHCACerts = s.identity.certs.SSHCACerts
	return nil
}

func certsError(err error, roles []string) error {
	asked := fmt.Sprintf("certificates of the roles %q", roles)
	err = grpcVerdict(err, asked, viaUserCerts)
	var refused *Refused
	switch {
	case !errors.As(err, &refused):
		return fmt.Errorf("asking for %s: %w", asked, err)
	case refused.Message == "ssh: no key found":
		return ErrTooOld
	}
	return err
}
