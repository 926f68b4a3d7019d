package issuer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// Evidence is what the choice of the join type rests on.
type Evidence struct {
	// Requested is the type that was asked for; auto, or empty, leaves the choice to Choose.
	Requested spec.JoinType
	// Cluster and ClusterErr are what ReadCluster returned.
	Cluster    Cluster
	ClusterErr error
	// Public is what Fetcher.Fetch returned for Cluster.Issuer; its zero value means that nobody looked.
	Public PublicResult
	// ServerVersion is server_version of /webapi/find; empty where it is not known.
	ServerVersion string
	// AcceptRotationRisk allows static_jwks on a provider that rotates its keys.
	AcceptRotationRisk bool
}

// Choice is the join type with the reason for it.
type Choice struct {
	// Type is never auto.
	Type spec.JoinType
	// Reason says in one sentence, without a full stop, why this type.
	Reason string
	// SeenFrom says from where the facts behind it were seen.
	SeenFrom string
	// Issuer is byte for byte the `iss` of the cluster's tokens; empty where it is not known.
	Issuer string
	// JWKS is what StaticJWKS wrote; only where Type is static_jwks.
	JWKS string
	// Warnings say what may go wrong or is not known, one sentence each.
	Warnings []string
	// Rejected names the other types.
	Rejected []Rejection
}

// Rejection says why a type was not chosen.
type Rejection struct {
	Type spec.JoinType
	Why  string
}

const (
	onlyWhenAsked = "chosen only when asked for: the Auth Service has to run in this same cluster"
	notAskedFor   = "another type was asked for"
	copyAges      = "it would copy keys into the join token, and a copy ends with the next rotation"
	notKnownHere  = "whether Teleport reaches it is not known from here"
)

// Choose applies the rule: oidc where the issuer is public and the server supports it; otherwise static_jwks, and where the provider
// rotates keys only with AcceptRotationRisk; in_cluster only when asked for. oidc that is asked for may have an issuer that is not
// seen from here, which then is a warning.
//
// Errors are of kind RotationRisk, NoKeys, SigningKeyMissing, TypeImpossible or BadJWKS, or, where the API server could not be
// asked and nothing else is left, that of ReadCluster.
func Choose(e Evidence) (Choice, error) {
	if err := e.cancelled(); err != nil {
		return Choice{}, err
	}
	switch e.Requested {
	case spec.JoinAuto, "":
		return e.automatic()
	case spec.JoinOIDC:
		return e.asked()
	case spec.JoinStaticJWKS:
		return e.static("")
	case spec.JoinInCluster:
		return e.inCluster(), nil
	}
	return Choice{}, &Error{Kind: TypeImpossible, Problem: "join type " + spec.Quote(string(e.Requested)) + " is not known", Fix: "use one of auto, oidc, static_jwks, in_cluster"}
}

// rootKind is the kind of the failure to ask the API server, where that is what everything else follows from.
func (e Evidence) rootKind(otherwise Kind) Kind {
	var root *Error
	if errors.As(e.ClusterErr, &root) {
		return root.Kind
	}
	return otherwise
}

// cancelled finds a look that the user ended: no type is chosen by that.
func (e Evidence) cancelled() error {
	for _, err := range []error{e.ClusterErr, e.Public.Err} {
		if errors.Is(err, context.Canceled) {
			return fmt.Errorf("choosing the join type: %w", err)
		}
	}
	return nil
}

func (e Evidence) automatic() (Choice, error) {
	v := e.judgeOIDC()
	if why := v.against(); why != "" {
		return e.static(why)
	}
	return Choice{
		Type:     spec.JoinOIDC,
		Reason:   fmt.Sprintf("the issuer publishes its keys to everybody, and Teleport %s fetches them from there", e.ServerVersion),
		SeenFrom: e.Public.SeenFrom,
		Issuer:   e.Cluster.Issuer,
		Warnings: v.warnings,
		Rejected: []Rejection{{spec.JoinStaticJWKS, copyAges}, {spec.JoinInCluster, onlyWhenAsked}},
	}, nil
}

// asked is --join-type oidc: only what cannot work anywhere is refused.
func (e Evidence) asked() (Choice, error) {
	v := e.judgeOIDC()
	if len(v.impossible) > 0 {
		kind := TypeImpossible
		if v.keyMissing {
			kind = SigningKeyMissing
		}
		if e.Cluster.Issuer == "" {
			kind = e.rootKind(kind)
		}
		return Choice{}, &Error{Kind: kind, Problem: "join type oidc cannot work: " + strings.Join(v.impossible, "; "), Fix: "use --join-type static_jwks, or auto", Err: e.ClusterErr}
	}
	c := Choice{
		Type:     spec.JoinOIDC,
		Reason:   "--join-type oidc was given",
		SeenFrom: e.Public.SeenFrom,
		Issuer:   e.Cluster.Issuer,
		Rejected: []Rejection{{spec.JoinStaticJWKS, notAskedFor}, {spec.JoinInCluster, notAskedFor}},
	}
	if !e.Public.Reachable {
		c.Reason += "; " + notKnownHere
		c.SeenFrom = "nowhere yet, not from " + seenFromHere
		c.Warnings = append(c.Warnings, fmt.Sprintf("the issuer %s was not seen from here (%s): %s", spec.Quote(e.Cluster.Issuer), e.Public.Why(), notKnownHere))
	}
	c.Warnings = append(append(c.Warnings, v.doubts...), v.warnings...)
	return c, nil
}

func (e Evidence) inCluster() Choice {
	return Choice{
		Type:     spec.JoinInCluster,
		Reason:   "--join-type in_cluster was given",
		SeenFrom: "nothing was looked at: the Auth Service asks its own Kubernetes cluster",
		Issuer:   e.Cluster.Issuer,
		Warnings: []string{"in_cluster works only where the Auth Service runs in this same cluster and its service account may create TokenReviews (ClusterRole system:auth-delegator)"},
		Rejected: []Rejection{{spec.JoinOIDC, notAskedFor}, {spec.JoinStaticJWKS, notAskedFor}},
	}
}
