package tbot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gravitational/teleport/api/client"
	"github.com/gravitational/teleport/api/client/proto"
)

// ErrTooOld means that the server does not know a call that outputs need. GenerateUserCerts of the api module sends its keys
// in fields that servers before 17 do not read, so that they see no key at all (teleport-facts 4.7).
var ErrTooOld = errors.New("the server is older than 17: the join itself can be proven, outputs cannot")

// Session is a bot that has joined: its identity and an open connection to the Auth Service.
type Session struct {
	identity *Identity
	auth     *client.Client
}

// Open connects as the identity and makes sure by one Ping that the Auth Service takes it; the error holds *Refused where it
// does not.
func Open(ctx context.Context, identity *Identity) (*Session, error) {
	auth, err := identity.connect(ctx)
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
	return &Session{identity: identity, auth: auth}, nil
}

// Close ends the connection.
func (s *Session) Close() error { return s.auth.Close() }

// roles are those that the bot may act as, read from its own role (teleport-facts 6.2).
func (s *Session) roles(ctx context.Context) ([]string, error) {
	role, err := s.auth.GetRole(ctx, s.identity.User)
	if err != nil {
		return nil, fmt.Errorf("reading the bot's own role %s: %w", s.identity.User, err)
	}
	return role.GetImpersonateConditions(typesAllow).Roles, nil
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
	certs, err := s.auth.GenerateUserCerts(ctx, proto.UserCertsRequest{
		Username:                    s.identity.User,
		Expires:                     s.identity.Cluster.end(want.ttl),
		RoleRequests:                roles,
		RouteToCluster:              cluster,
		UseRoleRequests:             true,
		SSHPublicKey:                key.ssh,
		TLSPublicKey:                key.tls,
		ReissuableRoleImpersonation: want.reissue,
	})
	if err != nil {
		return nil, certsError(err, roles)
	}
	// The answer holds the authorities of TLS in part and those of SSH not at all: the cluster's own are asked for, the SSH ones
	// are the bot's.
	authority, err := s.auth.GetClusterCACert(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the cluster's authority: %w", err)
	}
	if !slices.ContainsFunc(certs.TLSCACerts, func(have []byte) bool { return string(have) == string(authority.GetTLSCA()) }) {
		certs.TLSCACerts = append(certs.TLSCACerts, authority.GetTLSCA())
	}
	certs.SSHCACerts = s.identity.certs.SSHCACerts
	return newIdentity(s.identity.Cluster, key, certs, viaUserCerts)
}

// viaUserCerts names the call in results.
const viaUserCerts = "GenerateUserCerts"

type impersonation struct {
	roles   []string
	cluster string
	ttl     time.Duration
	reissue bool
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
