package teleporttest

import (
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	workloadidentityv1 "github.com/gravitational/teleport/api/gen/proto/go/teleport/workloadidentity/v1"
	"github.com/gravitational/teleport/api/types"
)

const (
	// maxTokenTTL is the longest life of a service account token that static_jwks and oidc accept (3.2, 3.3).
	maxTokenTTL = 30 * time.Minute
	// claimsLeeway is the clock skew that static_jwks forgives (3.2).
	claimsLeeway = 10 * time.Second
)

// serviceAccountClaims are the claims of a Kubernetes service account token.
type serviceAccountClaims struct {
	jwt.Claims

	Kubernetes *kubernetesClaims `json:"kubernetes.io,omitempty"`
}

type kubernetesClaims struct {
	Namespace      string       `json:"namespace"`
	ServiceAccount *objectClaim `json:"serviceaccount,omitempty"`
	Pod            *objectClaim `json:"pod,omitempty"`
}

type objectClaim struct {
	Name string `json:"name"`
	UID  string `json:"uid"`
}

func (c serviceAccountClaims) podBound() bool {
	return c.Kubernetes != nil && c.Kubernetes.Pod != nil && c.Kubernetes.Pod.Name != ""
}

// lifetime is exp - iat; both must be there.
func (c serviceAccountClaims) lifetime() time.Duration { return c.Expiry.Time().Sub(c.IssuedAt.Time()) }

// proof is what a validator learned from a token. Its JSON is what the audit event's attributes hold
// (recordings/audit-bot-join.json).
type proof struct {
	Raw      any                      `json:"raw"`
	Type     types.KubernetesJoinType `json:"type"`
	Username string                   `json:"username"`

	attrs *workloadidentityv1.JoinAttrsKubernetes
}

func proofOf(t types.KubernetesJoinType, c serviceAccountClaims) *proof {
	attrs := &workloadidentityv1.JoinAttrsKubernetes{
		Subject: c.Subject,
		Pod:     &workloadidentityv1.JoinAttrsKubernetesPod{Name: c.Kubernetes.Pod.Name},
	}
	if sa := c.Kubernetes.ServiceAccount; sa != nil {
		attrs.ServiceAccount = &workloadidentityv1.JoinAttrsKubernetesServiceAccount{
			Name: sa.Name, Namespace: c.Kubernetes.Namespace,
		}
	}
	return &proof{Raw: c, Type: t, Username: c.Subject, attrs: attrs}
}

// staticAlgorithms are the asymmetric signature algorithms: go-jose wants a list, and a symmetric one in it would
// let anybody sign with a public key.
func staticAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
	}
}
