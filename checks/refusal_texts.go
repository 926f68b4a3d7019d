package checks

import (
	"strings"
)

// refusalRule knows one of Teleport's texts by stable parts of it: versions and types put different words around them.
type refusalRule struct {
	// any holds alternatives, each a list of parts that all have to stand in the text.
	any   [][]string
	judge func(refused) Refusal
}

func (rule refusalRule) matches(text string) bool {
	for _, parts := range rule.any {
		all := true
		for _, part := range parts {
			all = all && strings.Contains(text, part)
		}
		if all {
			return true
		}
	}
	return false
}

// is matches one alternative; the order of the rules goes from the special to the general.
func is(judge func(refused) Refusal, parts ...string) refusalRule {
	return refusalRule{any: [][]string{parts}, judge: judge}
}

// either matches any of several single parts.
func either(judge func(refused) Refusal, parts ...string) refusalRule {
	rule := refusalRule{judge: judge}
	for _, part := range parts {
		rule.any = append(rule.any, []string{part})
	}
	return rule
}

// refusalRules returns every text that is known, with its sources: recordings/host-credentials-errors.json, teleport-facts 3 and
// field-notes 1. The first that matches counts.
func refusalRules() []refusalRule {
	return []refusalRule{
		// The join token itself (teleport-facts 3.1).
		either(refused.tokenNotFound, "token expired or not found", "the token is not valid"),
		is(refused.wrongRole, "can not join the cluster", "the token does not allow"),
		either(refused.noBotName, "must set bot_name"),
		either(refused.wrongMethod, "provision token only supports method", "this token is only valid for the", "unsupported join method"),
		either(refused.unsupportedType, "unsupported kubernetes join method type", `got "oidc"`),
		either(refused.notJWT, "IDToken not provided", "parsing jwt", "parsing of request failed"),
		either(refused.noAllowRule, "did not match any allow rules"),

		// The service account token, whatever verifies it (teleport-facts 3.2, 3.3).
		either(refused.notPodBound, "projected pod bound service account token", "legacy SA tokens are not accepted"),
		either(refused.tooLongLived, "service account token with a TTL of less than", "service account token with `"),
		either(refused.wrongAudience, "invalid audience claim (aud)", "audience is not valid", "authorized party is not"),
		either(refused.wrongTime, "is expired (exp)", "not valid yet (nbf)", "issued in the future (iat)", "token has expired",
			"issuedAt of token is in the future", "token is not valid yet"),

		// static_jwks.
		either(refused.brokenJWKS, "parsing provided jwks"),
		either(refused.keyMissing, "validating jwt signature"),

		// oidc.
		is(refused.wrongIssuer, "issuer does not match"),
		is(refused.issuerUnreachable, "Discovery has failed"),
		either(refused.keysUnreachable, "failed to get keys"),
		either(refused.publicKeyMissing, "invalid signature", "signature verification failed", "no possible keys matches"),
		is(refused.issuerUnreachable, "reviewing kubernetes token with oidc", "discovering oidc document"),

		// in_cluster (teleport-facts 3.4).
		either(refused.outsideCluster, "in-cluster Kubernetes config", "unable to load in-cluster configuration"),
		is(refused.reviewForbidden, "error during the Kubernetes TokenReview", "forbidden"),
		is(refused.reviewUnreachable, "error during the Kubernetes TokenReview"),
		is(refused.reviewAudience, "kubernetes failed to validate token", "target audiences"),
		is(refused.reviewRefused, "kubernetes failed to validate token"),
		either(refused.notServiceAccount, "token user is not a service account", "malformed service account name", "does not belong to the 'system:serviceaccounts' group"),

		// The bot (field-notes P17).
		is(refused.locked, "lock targeting"),
		is(refused.noRoles, "at least one role request is required"),
		is(refused.rolesRefused, "requested role impersonation"),
	}
}
