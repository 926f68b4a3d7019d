package checks

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// altered is where to look when a token is not what was asked for: tbotctl and the Deployment that it renders ask for the
// cluster's name, ten minutes and the pod.
const altered = "; where that was asked for, something in the cluster alters token requests: kubectl get mutatingwebhookconfigurations"

// notJWT is P10: what was presented is no service account token.
func (r refused) notJWT() Refusal {
	return Refusal{
		ID: "P10", Cause: "what was presented to Teleport is no service account token that it can read",
		Observed: "Teleport says: " + r.text, Expected: "a signed JWT of the projected volume",
		Fix: "point KUBERNETES_TOKEN_PATH at the projected token, as the Deployment of tbotctl render does",
	}
}

// notPodBound is P08.
func (r refused) notPodBound() Refusal {
	observed := "the token of " + spec.Quote(r.subject()) + " names no pod"
	if r.Claims.Pod != "" {
		observed = "the token names pod " + spec.Quote(r.Claims.Pod) + "; Teleport says: " + r.text
	}
	return Refusal{
		ID: "P08", Cause: "the service account token is not bound to a pod, as tokens from Secrets and from kubectl create token are not",
		Observed: observed, Expected: "a token that is bound to a pod of " + spec.Quote(r.subject()),
		Fix: "present the token of the pod's projected volume" + altered,
	}
}

func (r refused) subject() string {
	if r.Claims.Subject != "" {
		return r.Claims.Subject
	}
	return r.Setup.ServiceAccountUser()
}

// maxLifetime is what Teleport accepts for static_jwks and oidc (teleport-facts 3.2).
const maxLifetime = 30 * time.Minute

// tooLongLived is P09.
func (r refused) tooLongLived() Refusal {
	observed := "the token does not say when it was issued or when it ends"
	switch lifetime := r.Claims.Lifetime(); {
	case !r.Claims.Known():
		observed = "Teleport says: " + r.text
	case lifetime > 0:
		observed = "the token lives " + lifetime.String()
	}
	return Refusal{
		ID: "P09", Cause: "the service account token lives too long for Teleport",
		Observed: observed, Expected: "at most " + maxLifetime.String(),
		Fix: "set expirationSeconds of the projected token to 600" + altered,
	}
}

// wrongAudience is P01.
func (r refused) wrongAudience() Refusal {
	wanted := spec.Quote(r.ClusterName)
	cause := Refusal{
		ID: "P01", Cause: "the service account token is meant for somebody else than this Teleport cluster",
		Observed: "Teleport says: " + r.text, Expected: "the audience " + wanted + " alone, the name of the Teleport cluster",
		Fix: "set the audience of the projected token to " + wanted + altered,
	}
	if r.Claims.Known() {
		cause.Observed = "the token has the audience " + quoted(r.Claims.Audience)
	}
	if asked := r.Setup.Teleport.ClusterName; asked != "" && asked != r.ClusterName {
		cause.Fix = "leave --cluster-name out, or give --cluster-name " + r.ClusterName
	}
	if slices.Equal(r.Claims.Audience, []string{r.ClusterName}) {
		cause.Cause = "the Auth Service compares the token's audience with another name than its proxy tells"
		cause.Expected = "the name of the cluster that judged the join, which is another one"
		cause.Fix = "see that --proxy leads to the cluster that judges the join: https://" + r.Setup.Teleport.Proxy + "/webapi/find"
	}
	return cause
}

// wrongTime is P37: Teleport forgives ten seconds for static_jwks and one for oidc.
func (r refused) wrongTime() Refusal {
	cause := Refusal{
		ID: "P37", Cause: "by the Auth Service's clock the service account token is not valid now, so the clocks differ",
		Observed: "Teleport says: " + r.text, Expected: "a clock of the Auth Service that agrees with the API server's",
		Fix: "run timedatectl on the hosts of the API server and of the Auth Service, and mend the clock that is off",
	}
	if !r.Claims.IssuedAt.IsZero() && !r.Claims.Expires.IsZero() {
		cause.Observed = fmt.Sprintf("the token is valid from %s to %s by the API server's clock", stamp(r.Claims.IssuedAt), stamp(r.Claims.Expires))
		cause.Expected = fmt.Sprintf("a time between the two on the Auth Service; on this machine it is %s", stamp(r.Now))
	}
	return cause
}

// staticJWKS is the key set in the join token, empty where it is not known.
func (r refused) staticJWKS() string {
	if r.Token == nil || r.Token.Spec.Kubernetes == nil || r.Token.Spec.Kubernetes.StaticJWKS == nil {
		return ""
	}
	return r.Token.Spec.Kubernetes.StaticJWKS.JWKS
}

// brokenJWKS is P05: Teleport takes any text when the token is made and reads it at the join.
func (r refused) brokenJWKS() Refusal {
	cause := Refusal{
		ID: "P05", Cause: "the key set in the join token is not JSON that Teleport can read",
		Observed: "Teleport says: " + r.text, Expected: `compact JSON of public keys, {"keys":[...]}`,
		Fix: r.rewrite("writes the cluster's keys anew"),
	}
	if jwks := r.staticJWKS(); jwks != "" {
		if _, _, err := issuer.ParseJWKS(jwks); err != nil {
			cause.Observed = r.tokenName() + ": " + err.Error()
		}
	}
	return cause
}

// signedBy is the kid of the token that was presented, else of the one that discovery minted; empty where neither is known.
func (r refused) signedBy() string {
	if r.Claims.KeyID != "" {
		return r.Claims.KeyID
	}
	return r.Cluster.SigningKeyID
}

func (r refused) signer() string {
	if kid := r.signedBy(); kid != "" {
		return "key " + spec.Quote(kid) + ", which signed the service account token"
	}
	return "the key that the cluster signs with"
}

// keyMissing is P03 for static_jwks. Servers before 17 call it an "unsupported key type/format", later ones say that the kid was
// not found, and a key of the right name that did not sign is an "error in cryptographic primitive".
func (r refused) keyMissing() Refusal {
	cause := Refusal{
		ID: "P03", Cause: "the key set in the join token lacks the key that signed the service account token",
		Observed: "Teleport says: " + r.text, Expected: r.signer(),
		Fix: r.rewrite("writes the cluster's keys as they are now"),
	}
	provider, rotates := issuer.Provider(r.issuerURL())
	if instead := r.instead(spec.JoinOIDC); rotates && strings.Contains(instead, string(spec.JoinOIDC)) {
		cause.Fix = instead + ": " + provider + " rotates its keys on its own, and then no copy of them has to be renewed"
	}
	keys, _, err := issuer.ParseJWKS(r.staticJWKS())
	if err != nil {
		return cause
	}
	cause.Observed = r.tokenName() + " holds " + list(keys.IDs())
	switch {
	case r.signedBy() == "":
	case keys.Has(r.signedBy()):
		cause.Cause = "the key set in the join token has a key of this name, but not the one that signed: it is of another cluster"
	case provider == "EKS":
		cause.Cause += ": EKS signs with the keys of its issuer, not with those that the API server publishes, or they were rotated"
	case slices.ContainsFunc(keys.IDs(), r.Cluster.Keys.Has):
		cause.Cause += ": the cluster's keys were rotated since it was written"
	case len(r.Cluster.Keys) > 0:
		cause.Cause += ": it is of another cluster, or all keys were replaced"
	}
	return cause
}
