package teleporttest

import (
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/gravitational/teleport/api/types"
	"github.com/gravitational/trace"
)

// validateStatic judges a token against the JWKS in the join token (teleport-facts 3.2). The order of the checks is
// the order of Teleport's answers. The issuer is not looked at.
func (c *Cluster) validateStatic(token, jwks string) (*proof, error) {
	parsed, err := jwt.ParseSigned(token, staticAlgorithms())
	if err != nil {
		return nil, trace.Wrap(err, "parsing jwt")
	}
	var keys jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(jwks), &keys); err != nil {
		return nil, trace.Wrap(err, "parsing provided jwks")
	}
	var claims serviceAccountClaims
	if err := parsed.Claims(keys, &claims); err != nil {
		return nil, trace.Wrap(c.behaviour.signature(err), "validating jwt signature")
	}
	err = claims.ValidateWithLeeway(jwt.Expected{
		AnyAudience: jwt.Audience{c.opts.ClusterName},
		Time:        c.opts.Now(),
	}, claimsLeeway)
	if err != nil {
		return nil, trace.Wrap(err, "validating jwt claims")
	}
	kind := types.KubernetesJoinTypeStaticJWKS
	switch {
	case !claims.podBound():
		return nil, errNotPodBound(kind)
	case claims.Expiry == nil:
		return nil, errNoClaim(kind, "exp")
	case claims.IssuedAt == nil:
		return nil, errNoClaim(kind, "iat")
	case claims.lifetime() > maxTokenTTL:
		return nil, errTooLongLived(kind)
	}
	return proofOf(kind, claims), nil
}
