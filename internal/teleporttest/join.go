package teleporttest

import (
	"context"
	"slices"
	"time"

	"github.com/gravitational/teleport/api/client/proto"
	workloadidentityv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/workloadidentity/v1"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/teleport/api/utils/keys"
	"github.com/gravitational/trace"
	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/encoding/protojson"
)

const (
	defaultBotTTL = time.Hour
	maxBotTTL     = 24 * time.Hour
)

// joinRequest is a join as the Auth Service sees it: the client's words, its address, and its live identity if it
// joins again over an authenticated connection.
type joinRequest struct {
	*types.RegisterUsingTokenRequest

	remoteIP string
	previous *caller
}

// join is RegisterUsingToken: the same behind HTTP and both gRPC services. Everything it learned before a refusal
// goes into the audit event.
func (c *Cluster) join(ctx context.Context, req joinRequest) (*proto.Certs, error) {
	var seen joinSeen
	certs, err := c.tryJoin(ctx, req, &seen)
	if err != nil {
		c.logger.WarnContext(ctx, "Failure to join cluster occurred", "token", mask(req.Token), "error", trace.UserMessage(err))
		if c.behaviour.refusalEvents && req.Role == types.RoleBot {
			c.emitRefusedJoin(ctx, req, seen, err)
		}
	}
	return certs, err
}

// joinSeen is what a join has established so far.
type joinSeen struct {
	token *types.ProvisionTokenV2
	proof *proof
}

func (c *Cluster) tryJoin(ctx context.Context, req joinRequest, seen *joinSeen) (*proto.Certs, error) {
	if err := req.CheckAndSetDefaults(); err != nil {
		return nil, err
	}
	// An unknown token is treated as one of method token, which has no proof: the common check refuses it.
	if held, ok := c.state.heldToken(req.Token); ok && c.behaviour.proofFirst {
		seen.token = held
		if err := c.checkProof(ctx, req, seen); err != nil {
			return nil, err
		}
	}
	if err := c.checkToken(req, seen); err != nil {
		return nil, err
	}
	if !c.behaviour.proofFirst {
		if err := c.checkProof(ctx, req, seen); err != nil {
			return nil, err
		}
	}
	if req.Role != types.RoleBot {
		return c.admitHost(ctx, req, seen)
	}
	return c.admitBot(ctx, req, seen)
}

// checkToken is common to all methods: existence, expiry, role (teleport-facts 3.1).
func (c *Cluster) checkToken(req joinRequest, seen *joinSeen) error {
	token, ok := c.state.token(req.Token)
	if !ok {
		return errTokenExpiredOrNotFound(req.NodeName, req.Role)
	}
	seen.token = token
	if !slices.Contains(token.GetRoles(), req.Role) {
		return errRoleNotAllowed(req.NodeName, req.HostID, req.Role)
	}
	return nil
}

func (c *Cluster) checkProof(ctx context.Context, req joinRequest, seen *joinSeen) error {
	token := seen.token
	method := token.GetJoinMethod()
	switch {
	case method == types.JoinMethodToken:
		return nil
	case slices.Contains(ownEndpoint(), method):
		return errWrongEndpoint(method)
	case method != types.JoinMethodKubernetes:
		return trace.NotImplemented("this test cluster verifies kubernetes joins alone, not method %q", method)
	}
	if req.IDToken == "" {
		return errIDTokenMissing()
	}
	p, err := c.validate(ctx, token, req.IDToken)
	if err != nil {
		return err
	}
	seen.proof = p
	for _, rule := range token.Spec.Kubernetes.Allow {
		// No wildcards: the name is compared as it stands (teleport-facts 3.5).
		if serviceAccountPrefix+rule.ServiceAccount == p.Username {
			return nil
		}
	}
	return errNoAllowRule()
}

// ownEndpoint are the methods that join by an RPC of their own (teleport-facts 3.1).
func ownEndpoint() []types.JoinMethod {
	return []types.JoinMethod{
		types.JoinMethodIAM, types.JoinMethodAzure, types.JoinMethodTPM, types.JoinMethodOracle, types.JoinMethodBoundKeypair,
	}
}

func (c *Cluster) validate(ctx context.Context, token *types.ProvisionTokenV2, idToken string) (*proof, error) {
	var p *proof
	var err error
	kind := token.Spec.Kubernetes.Type
	switch {
	case kind == types.KubernetesJoinTypeStaticJWKS:
		p, err = c.validateStatic(idToken, token.Spec.Kubernetes.StaticJWKS.JWKS)
	case kind == types.KubernetesJoinTypeOIDC && c.behaviour.oidcType:
		p, err = c.validateOIDC(ctx, idToken, token.Spec.Kubernetes.OIDC.Issuer)
	case kind == types.KubernetesJoinTypeInCluster || kind == types.KubernetesJoinTypeUnspecified:
		kind = types.KubernetesJoinTypeInCluster
		p, err = c.validateInCluster(ctx, idToken)
	default:
		return nil, errUnsupportedKubernetesType(kind)
	}
	if err != nil {
		return nil, errReviewing(kind, err)
	}
	return p, nil
}

// admitBot issues the bot's own certificates and records the join.
func (c *Cluster) admitBot(ctx context.Context, req joinRequest, seen *joinSeen) (*proto.Certs, error) {
	token := seen.token
	name := resourceName(token.GetBotName())
	user, ok := c.state.user(name)
	if !ok {
		c.logger.WarnContext(ctx, "The bot of a join token does not exist", "bot", token.GetBotName(), "token", token.GetSafeName())
		return nil, errBotUnknown()
	}
	roles, err := c.rolesNamed(user.GetRoles())
	if err != nil {
		return nil, err
	}
	id := c.identityOf(user, roles, req.remoteIP)
	if err := c.checkLocks(name, id.roles, "", token.GetName()); err != nil {
		return nil, err
	}
	sshKey, tlsKey, err := c.joinKeys(req)
	if err != nil {
		return nil, err
	}
	now := c.opts.Now()
	expires := now.Add(defaultBotTTL)
	if req.Expires != nil {
		expires = *req.Expires
	}
	if latest := now.Add(maxBotTTL); expires.After(latest) {
		expires = latest
	}
	if c.behaviour.botInstances {
		attrs := joinAttributes(token, seen.proof)
		encoded, err := protojson.Marshal(attrs)
		if err != nil {
			return nil, trace.Wrap(err, "encoding join attributes")
		}
		id.joinAttributes = string(encoded)
		id.botInstanceID, id.generation = c.recordInstance(req, token, attrs, expires)
	}
	// Of all methods, token alone gives renewable certificates, and its token is good for one join (2.9).
	id.renewable = token.GetJoinMethod() == types.JoinMethodToken
	certs, err := c.issueUser(id, sshKey, tlsKey, now, expires)
	if err != nil {
		return nil, err
	}
	if id.renewable {
		c.state.deleteToken(token.GetName())
	}
	certs.TLSCACerts = append(certs.TLSCACerts, c.hostCA.certPEM)
	certs.SSHCACerts = append(certs.SSHCACerts, c.hostCA.sshPublic())
	c.emitJoin(ctx, req, *seen, id)
	return certs, nil
}

// joinKeys parses the two public keys. Before 17 both certificates are for the SSH key (teleport-facts 2.6).
func (c *Cluster) joinKeys(req joinRequest) (sshKey ssh.PublicKey, tlsKey any, err error) {
	sshKey, _, _, _, err = ssh.ParseAuthorizedKey(req.PublicSSHKey)
	if err != nil {
		return nil, nil, trace.Wrap(err)
	}
	if c.behaviour.sshKeyOnly {
		holder, ok := sshKey.(ssh.CryptoPublicKey)
		if !ok {
			return nil, nil, trace.BadParameter("unsupported key type %q", sshKey.Type())
		}
		return sshKey, holder.CryptoPublicKey(), nil
	}
	tlsKey, err = keys.ParsePublicKey(req.PublicTLSKey)
	if err != nil {
		return nil, nil, trace.Wrap(err)
	}
	return sshKey, tlsKey, nil
}

func joinAttributes(token *types.ProvisionTokenV2, p *proof) *workloadidentityv1.JoinAttrs {
	attrs := &workloadidentityv1.JoinAttrs{Meta: &workloadidentityv1.JoinAttrsMeta{JoinMethod: string(token.GetJoinMethod())}}
	if p != nil {
		// The name of a token of method token is a secret; it has no proof either.
		attrs.Meta.JoinTokenName = token.GetName()
		attrs.Kubernetes = p.attrs
	}
	return attrs
}

func (c *Cluster) rolesNamed(names []string) ([]*types.RoleV6, error) {
	out := make([]*types.RoleV6, 0, len(names))
	for _, name := range names {
		role, ok := c.state.role(name)
		if !ok {
			return nil, errRoleNotFound(name)
		}
		out = append(out, role)
	}
	return out, nil
}
