package checks

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// documentURL is where Teleport reads an issuer's discovery document: one slash at the end is dropped for it.
func documentURL(issuer string) string {
	return strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
}

// tokenIssuer is the issuer that the join token names, else the cluster's.
func (r refused) tokenIssuer() string {
	if r.Token != nil && r.Token.Spec.Kubernetes != nil && r.Token.Spec.Kubernetes.OIDC != nil {
		return r.Token.Spec.Kubernetes.OIDC.Issuer
	}
	return r.issuerURL()
}

// fromHere says what this machine saw of the issuer, which is another place than the Auth Service.
func (r refused) fromHere() string {
	switch {
	case r.tokenIssuer() != r.Cluster.Issuer && r.Cluster.Issuer != "":
		return "this cluster's issuer is " + spec.Quote(r.Cluster.Issuer)
	case r.Public.Reachable:
		return "from this machine it is read, which says nothing of the Auth Service's network"
	case r.Public.Kind != "":
		return "from this machine it is not read either: " + r.Public.Why()
	}
	return "nobody looked from this machine"
}

// unreachable are the ways in which Teleport fails to read an issuer: P11 to P13 by the parts of its text.
func unreachable() []struct {
	id, saw string
	parts   []string
} {
	return []struct {
		id, saw string
		parts   []string
	}{
		{"P12", "its certificate is of an authority that the Auth Service does not trust", []string{"certificate signed by unknown authority"}},
		{"P12", "the Auth Service does not accept its certificate or TLS", []string{"x509:", "tls:"}},
		{"P13", "it answers callers without credentials with HTTP 401", []string{"status not ok: 401"}},
		{"P13", "it answers callers without credentials with HTTP 403", []string{"status not ok: 403"}},
		{"P11", "there is no discovery document (HTTP 404)", []string{"status not ok: 404"}},
		{"P11", "it answers with an HTTP error", []string{"status not ok"}},
		{"P11", "it answers with something that is not JSON", []string{"failed to unmarshal", "invalid character"}},
		{"P11", "the Auth Service's DNS does not know the host", []string{"no such host"}},
		{"P11", "the host refuses the connection", []string{"connection refused"}},
		{"P11", "it does not answer the Auth Service in time", []string{"timeout", "deadline exceeded", "Timeout exceeded"}},
		{"P11", "the Auth Service cannot reach it", nil},
	}
}

func (r refused) unreachableAt(what string) Refusal {
	cause := Refusal{Cause: "the Auth Service cannot read the cluster's issuer, by which it verifies the token"}
	for _, way := range unreachable() {
		found := way.parts == nil
		for _, part := range way.parts {
			found = found || strings.Contains(r.text, part)
		}
		if found {
			cause.ID, cause.Observed = way.id, fmt.Sprintf("%s: %s", what, way.saw)
			break
		}
	}
	cause.Expected = what + ", for everybody to read over https; " + r.fromHere()
	cause.Fix = r.instead(spec.JoinStaticJWKS)
	switch {
	case cause.ID == "P12" && !r.onCloud():
		cause.Fix += "; or add the issuer's authority to the system trust store of the Auth Service"
	case cause.ID == "P13":
		cause.Fix += "; or let everybody read it: kubectl create clusterrolebinding public-issuer-discovery" +
			" --clusterrole=system:service-account-issuer-discovery --group=system:unauthenticated"
	}
	return cause
}

func (r refused) issuerUnreachable() Refusal {
	return r.unreachableAt("the discovery document " + spec.Quote(documentURL(r.tokenIssuer())))
}

func (r refused) keysUnreachable() Refusal {
	url := r.Public.JWKSURI
	if url == "" {
		url = r.Cluster.JWKSURI
	}
	if url == "" {
		return r.unreachableAt("the key set of " + spec.Quote(r.tokenIssuer()))
	}
	return r.unreachableAt("the key set " + spec.Quote(url))
}

// wrongIssuer is P16: three places name the issuer, and Teleport compares them byte for byte.
func (r refused) wrongIssuer() Refusal {
	named, claimed := r.tokenIssuer(), r.issuerURL()
	cause := Refusal{
		ID: "P16", Cause: "the issuer in the join token is not byte for byte that of the service account token",
		Observed: r.tokenName() + " names the issuer " + spec.Quote(named), Expected: spec.Quote(claimed) + ", the `iss` of the service account token",
		Fix: r.rewrite("writes the issuer as the cluster's tokens have it"),
	}
	switch {
	case named != claimed && strings.TrimSuffix(named, "/") == strings.TrimSuffix(claimed, "/"):
		cause.Cause += ": a slash at the end makes the difference"
	case named == claimed:
		cause.Cause = "the issuer's discovery document names another issuer than the cluster's tokens do"
		cause.Observed = "the document that the Auth Service read at " + spec.Quote(documentURL(named)) + " names another issuer"
		if r.Public.Issuer != "" && r.Public.Issuer != named {
			cause.Observed = "the document at " + spec.Quote(documentURL(named)) + " names " + spec.Quote(r.Public.Issuer)
		}
		cause.Fix = r.instead(spec.JoinStaticJWKS)
	}
	return cause
}

// publicKeyMissing is P03 for oidc: the issuer publishes keys, and the one that signed is not among them.
func (r refused) publicKeyMissing() Refusal {
	cause := Refusal{
		ID: "P03", Cause: "the issuer does not publish the key that signed the service account token",
		Observed: "the Auth Service found no such key at the issuer " + spec.Quote(r.tokenIssuer()), Expected: r.signer(),
		Fix: r.instead(spec.JoinStaticJWKS),
	}
	switch {
	case r.Public.Keys.Has(r.Claims.KeyID):
		cause.Cause = "the Auth Service does not see the keys that the issuer publishes now"
		cause.Observed += "; this machine found " + list(r.Public.Keys.IDs())
		cause.Fix = "run the same tbotctl init again in some minutes; if it stays, " + cause.Fix
	case r.Public.Reachable:
		cause.Observed = "the issuer " + spec.Quote(r.tokenIssuer()) + " publishes " + list(r.Public.Keys.IDs())
	}
	return cause
}

// outsideCluster is P42: in_cluster needs an Auth Service that runs in the very cluster.
func (r refused) outsideCluster() Refusal {
	observed := "the Auth Service does not run in Kubernetes"
	if r.onCloud() {
		observed = "the Auth Service is Teleport Cloud's, which runs in no cluster of yours"
	}
	return Refusal{
		ID: "P42", Cause: "in_cluster works only where the Auth Service runs in this same Kubernetes cluster",
		Observed: observed, Expected: "an Auth Service in the cluster of " + spec.Quote(r.Setup.Kubernetes.Context),
		Fix: r.instead(spec.JoinOIDC, spec.JoinStaticJWKS),
	}
}

// reviewer is the service account in Kubernetes' own sentence about a missing right.
var reviewer = regexp.MustCompile(`system:serviceaccount:([a-z0-9.-]+):([a-z0-9.-]+)`)

func (r refused) reviewForbidden() Refusal {
	who, account := "the Auth Service's service account", "NAMESPACE:NAME"
	if found := reviewer.FindStringSubmatch(r.text); found != nil {
		account = found[1] + ":" + found[2]
		who = "service account " + spec.Quote(account) + " of the Auth Service"
	}
	return Refusal{
		ID: "P42", Cause: "the Auth Service may not ask its Kubernetes cluster to review tokens",
		Observed: who + " may not create tokenreviews.authentication.k8s.io", Expected: "ClusterRole system:auth-delegator bound to it",
		Fix: "kubectl create clusterrolebinding teleport-auth-delegator --clusterrole=system:auth-delegator --serviceaccount=" + account,
	}
}

func (r refused) reviewUnreachable() Refusal {
	return Refusal{
		ID: "P42", Cause: "the Auth Service's own Kubernetes cluster did not review the token",
		Observed: "Teleport says: " + r.text, Expected: "a TokenReview by the cluster that the Auth Service runs in",
		Fix: r.instead(spec.JoinOIDC, spec.JoinStaticJWKS),
	}
}

var targets = regexp.MustCompile(`target audiences \[([^\]]*)\]`)

// reviewAudience is P02: before 17.0.3 the review names no audience, so the API server's own is required (teleport-facts 3.4).
func (r refused) reviewAudience() Refusal {
	cause := Refusal{
		ID: "P02", Cause: "the token's audience is not one that the Auth Service asks its Kubernetes cluster for",
		Observed: "the token has the audience " + quoted(r.Claims.Audience), Expected: "the audience that Teleport " + r.ServerVersion + " asks for",
		Fix: r.instead(spec.JoinOIDC, spec.JoinStaticJWKS),
	}
	if !r.Claims.Known() {
		cause.Observed = "Teleport says: " + r.text
	}
	if found := targets.FindStringSubmatch(r.text); found != nil {
		asked := strings.Fields(strings.ReplaceAll(found[1], `"`, ""))
		cause.Expected = "one of: " + strings.Join(asked, ", ")
		if slices.Contains(asked, r.ClusterName) {
			cause.Fix = "set the audience of the projected token to " + spec.Quote(r.ClusterName) + altered
		}
	}
	return cause
}

func (r refused) reviewRefused() Refusal {
	return Refusal{
		ID: "P42", Cause: "the Kubernetes cluster that the Auth Service runs in does not know this token: it is another cluster, or the pod is gone",
		Observed: "Teleport says: " + r.text, Expected: "a token that the Auth Service's own cluster issued, of " + spec.Quote(r.issuerURL()),
		Fix: r.instead(spec.JoinOIDC, spec.JoinStaticJWKS),
	}
}

func (r refused) notServiceAccount() Refusal {
	return Refusal{
		ID: "P08", Cause: "the token that was presented is not a service account's",
		Observed: "Teleport says: " + r.text, Expected: spec.Quote(r.Setup.ServiceAccountUser()),
		Fix: "present the token of the pod's projected volume",
	}
}
