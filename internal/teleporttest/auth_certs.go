package teleporttest

import (
	"context"
	"crypto"
	"errors"
	"slices"
	"time"

	"github.com/gravitational/teleport/api/client/proto"
	"github.com/gravitational/teleport/api/defaults"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils/keys"
	"github.com/gravitational/trace"
	"golang.org/x/crypto/ssh"
)

// GenerateUserCerts issues the certificates of a bot's output (teleport-facts 6.2), or renews a user's own. User
// impersonation, access requests and routes to applications and databases are not served.
func (s *authService) GenerateUserCerts(ctx context.Context, req *proto.UserCertsRequest) (*proto.Certs, error) {
	who, err := callerFrom(ctx)
	if err != nil {
		return nil, err
	}
	c := s.cluster
	if req.Username != who.username {
		return nil, trace.AccessDenied("access denied: impersonation is not allowed")
	}
	if who.disallowReissue {
		return nil, trace.AccessDenied("access denied: identity is not allowed to reissue certificates")
	}
	if err := who.checkReissue(req, c.opts.Now()); err != nil {
		return nil, err
	}
	if len(req.AccessRequests) > 0 || req.RouteToApp.Name != "" || req.RouteToDatabase.ServiceName != "" {
		return nil, trace.NotImplemented("this test cluster issues no certificates for access requests, applications and databases")
	}
	id, roles, err := c.requestedIdentity(who, req, remoteIPOf(ctx))
	if err != nil {
		return nil, err
	}
	if req.RouteToCluster != "" && req.RouteToCluster != c.opts.ClusterName {
		if _, err := c.leafNamed(req.RouteToCluster); err != nil {
			return nil, err
		}
	}
	id.routeToCluster = req.RouteToCluster
	if req.KubernetesCluster != "" {
		if _, ok := c.kubes.get(req.KubernetesCluster); !ok {
			return nil, trace.BadParameter("Kubernetes cluster %q is not registered in this Teleport cluster; "+
				"you can list registered Kubernetes clusters using 'tsh kube ls'", req.KubernetesCluster)
		}
		id.kubernetesCluster = req.KubernetesCluster
	}
	sshKey, tlsKey, err := c.requestedKeys(req)
	if err != nil {
		return nil, err
	}
	now := c.opts.Now()
	return c.issueUser(id, sshKey, tlsKey, now, sessionEnd(roles, now, who.longestReissue(req.Expires, now)))
}

// checkReissue is what Teleport asks of everybody who takes certificates for themselves (lib/auth/auth_with_roles.go,
// generateUserCerts): who acts under impersonated roles may renew them and no more, and time has to be left.
func (c *caller) checkReissue(req *proto.UserCertsRequest, now time.Time) error {
	if c.impersonator != "" {
		if len(req.AccessRequests) > 0 {
			return trace.AccessDenied("access denied: impersonated user can not request new roles")
		}
		if req.UseRoleRequests || len(req.RoleRequests) > 0 {
			return trace.AccessDenied("access denied: impersonated roles can not request other roles")
		}
	}
	if req.Expires.Before(now) {
		return trace.AccessDenied("access denied: client credentials have expired, please relogin.")
	}
	return nil
}

// longestReissue caps what is asked for: new certificates end with those that they are taken by, unless these are renewable
// (lib/auth/auth_with_roles.go). A bot that joined by the kubernetes method has none that are.
func (c *caller) longestReissue(asked, now time.Time) time.Time {
	latest := c.expires
	if c.renewable {
		latest = now.Add(maxBotTTL)
	}
	if asked.After(latest) {
		return latest
	}
	return asked
}

// requestedIdentity is the caller with the roles of the request. With role requests it is an impersonated one, that
// may not reissue unless the request says so.
func (c *Cluster) requestedIdentity(who *caller, req *proto.UserCertsRequest, ip string) (identity, []*types.RoleV6, error) {
	if req.UseRoleRequests && len(req.RoleRequests) == 0 {
		return identity{}, nil, trace.BadParameter("at least one role request is required")
	}
	impersonates := len(req.RoleRequests) > 0
	names := who.roles
	if impersonates {
		names = req.RoleRequests
	}
	roles, err := c.rolesNamed(names)
	if err != nil {
		return identity{}, nil, err
	}
	// What may be impersonated is asked of the roles that the user holds, not of those in the certificate.
	if impersonates && !c.mayImpersonate(who.user, names) {
		return identity{}, nil, trace.AccessDenied("user %q has requested role impersonation for %q", who.username, names)
	}
	if err := c.checkLocks(who.username, names, who.botInstanceID, ""); err != nil {
		return identity{}, nil, err
	}
	id := c.identityOf(who.user, roles, ip)
	id.botInstanceID = who.botInstanceID
	id.joinAttributes = who.joinAttributes
	if impersonates {
		id.impersonator = who.username
		id.disallowReissue = !req.ReissuableRoleImpersonation
	} else {
		id.impersonator = who.impersonator
		id.generation = who.generation
	}
	return id, roles, nil
}

func (c *Cluster) mayImpersonate(user *types.UserV2, wanted []string) bool {
	var allowed, denied []string
	for _, name := range user.GetRoles() {
		role, ok := c.state.role(name)
		if !ok {
			continue
		}
		allowed = append(allowed, role.GetImpersonateConditions(types.Allow).Roles...)
		denied = append(denied, role.GetImpersonateConditions(types.Deny).Roles...)
	}
	for _, role := range wanted {
		if slices.Contains(denied, role) || slices.Contains(denied, types.Wildcard) {
			return false
		}
		if !slices.Contains(allowed, role) && !slices.Contains(allowed, types.Wildcard) {
			return false
		}
	}
	return true
}

// requestedKeys parses the request's keys; a request may want one of the two certificates alone. Before 17 the
// server reads a field that today's clients no longer send, and finds no key (teleport-facts 4.7).
func (c *Cluster) requestedKeys(req *proto.UserCertsRequest) (sshKey ssh.PublicKey, tlsKey crypto.PublicKey, err error) {
	if c.behaviour.userCertsNeedOldKey {
		return nil, nil, errors.New("ssh: no key found")
	}
	if len(req.SSHPublicKey) == 0 && len(req.TLSPublicKey) == 0 {
		return nil, nil, trace.BadParameter("at least one of SSHPublicKey and TLSPublicKey must be set")
	}
	if len(req.SSHPublicKey) > 0 {
		sshKey, _, _, _, err = ssh.ParseAuthorizedKey(req.SSHPublicKey)
		if err != nil {
			return nil, nil, trace.Wrap(err)
		}
	}
	if len(req.TLSPublicKey) > 0 {
		tlsKey, err = keys.ParsePublicKey(req.TLSPublicKey)
		if err != nil {
			return nil, nil, trace.Wrap(err)
		}
	}
	return sshKey, tlsKey, nil
}

// sessionEnd is when the certificates end: as asked, but no later than the shortest max_session_ttl of the roles.
func sessionEnd(roles []*types.RoleV6, now, asked time.Time) time.Time {
	longest := defaultMaxSession
	for _, role := range roles {
		if ttl := role.GetOptions().MaxSessionTTL.Duration(); ttl > 0 {
			longest = min(longest, ttl)
		}
	}
	if latest := now.Add(longest); asked.After(latest) {
		return latest
	}
	return asked
}

// resource is the CA as a resource, without private keys.
func (a *authority) resource(cluster string) *types.CertAuthorityV2 {
	set := types.CAKeySet{TLS: []*types.TLSKeyPair{{Cert: a.certPEM}}}
	if a.ssh != nil {
		set.SSH = []*types.SSHKeyPair{{PublicKey: a.sshPublic()}}
	}
	return &types.CertAuthorityV2{
		Kind:     types.KindCertAuthority,
		SubKind:  string(a.kind),
		Version:  types.V2,
		Metadata: types.Metadata{Name: cluster, Namespace: defaults.Namespace},
		Spec:     types.CertAuthoritySpecV2{Type: a.kind, ClusterName: cluster, ActiveKeys: set},
	}
}
