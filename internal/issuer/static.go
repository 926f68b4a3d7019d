package issuer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// static builds the choice of static_jwks, or says why it cannot be; notOIDC is why oidc was not chosen, empty where static_jwks
// was asked for. The keys are those of the API server and, where they could be read, of the issuer: on EKS only the latter sign
// (field-notes P03).
func (e Evidence) static(notOIDC string) (Choice, error) {
	c := Choice{
		Type:     spec.JoinStaticJWKS,
		Reason:   "--join-type static_jwks was given",
		Issuer:   e.Cluster.Issuer,
		Rejected: []Rejection{{spec.JoinOIDC, notAskedFor}, {spec.JoinInCluster, notAskedFor}},
	}
	why := ""
	if notOIDC != "" {
		c.Reason = "a copy of the keys goes into the join token, because oidc is no choice: " + notOIDC
		c.Rejected = []Rejection{{spec.JoinOIDC, notOIDC}, {spec.JoinInCluster, onlyWhenAsked}}
		why = " (oidc is no choice: " + notOIDC + ")"
	}
	keys, seen, err := e.staticKeys()
	if err != nil {
		return Choice{}, err
	}
	if len(keys) == 0 {
		return Choice{}, e.withoutKeys(why)
	}
	c.SeenFrom = seen
	if c.JWKS, err = StaticJWKS(keys, e.Cluster.SigningKeyID); err != nil {
		return Choice{}, &Error{
			Kind: kindOf(err), Problem: "static_jwks cannot work" + why, Err: err,
			Fix: "run this where the issuer can be reached, so that its keys are read too" + e.orOIDC(),
		}
	}
	provider, rotates := Provider(e.Cluster.Issuer)
	if rotates && !e.AcceptRotationRisk {
		return Choice{}, &Error{
			Kind:    RotationRisk,
			Problem: fmt.Sprintf("static_jwks on %s works until its next rotation of the signing keys, which %s makes on its own; from then on joins are refused%s", provider, provider, why),
			Fix:     "accept that with --accept-rotation-risk and renew the keys after each rotation" + e.orOIDC(),
		}
	}
	c.Warnings = e.staticWarnings(provider, rotates)
	return c, nil
}

// staticKeys unites the keys that are known, and says where they were seen.
func (e Evidence) staticKeys() (keys Keys, seen string, err error) {
	var sets []Keys
	var places []string
	if len(e.Cluster.Keys) > 0 {
		sets, places = append(sets, e.Cluster.Keys), append(places, fromServer)
	}
	if e.Public.Reachable && e.Public.Issuer == e.Cluster.Issuer {
		sets, places = append(sets, e.Public.Keys), append(places, e.Public.SeenFrom)
	}
	if keys, err = merge(sets...); err != nil {
		return nil, "", &Error{Kind: BadJWKS, Problem: "the keys of the API server and of the issuer contradict each other", Err: err}
	}
	return keys, strings.Join(places, ", and "), nil
}

func (e Evidence) staticWarnings(provider string, rotates bool) []string {
	var warnings []string
	if rotates {
		warnings = append(warnings, provider+" rotates its signing keys on its own: from the next rotation on joins are refused until the keys in the join token are renewed")
	}
	if e.Cluster.Issuer == "" {
		warnings = append(warnings, "whether the provider rotates its keys is not known, because the issuer is not")
	}
	if e.Cluster.SigningKeyID == "" {
		warnings = append(warnings, "whether the keys hold the one that signs is not known: no token could be minted"+because(e.Cluster.MintErr))
	}
	if len(e.Cluster.Keys) == 0 {
		warnings = append(warnings, "the keys are the issuer's alone: the API server's could not be read"+because(e.Cluster.KeysErr))
	}
	return warnings
}

// withoutKeys says why there are none; where the API server could not be asked, its error's kind is the kind.
func (e Evidence) withoutKeys(why string) error {
	err := e.ClusterErr
	if err == nil {
		err = e.Cluster.KeysErr
	}
	return &Error{
		Kind: e.rootKind(NoKeys), Problem: "static_jwks needs the cluster's public keys, and none could be read" + why, Err: err,
		Fix: "get the right to read " + keysPath + " of the API server" + e.orOIDC(),
	}
}

// orOIDC is the other way out, where there is one.
func (e Evidence) orOIDC() string {
	if len(e.judgeOIDC().impossible) > 0 {
		return ""
	}
	return ", or give --join-type oidc if Teleport reaches the issuer"
}

func kindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return BadJWKS
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return " (" + err.Error() + ")"
}
