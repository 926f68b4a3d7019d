package issuer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// verdict is what speaks against oidc.
type verdict struct {
	// impossible holds what makes a join fail wherever it is tried from.
	impossible []string
	// keyMissing says that the published keys lack the one that signs.
	keyMissing bool
	// doubts hold what is not known or may depend on the place; beside them stands Public.Why.
	doubts []string
	// warnings do not stand in the way.
	warnings []string
	// unseen is why the issuer is not known to be public.
	unseen string
}

// against joins all that keeps oidc from being chosen without being asked for.
func (v verdict) against() string {
	reasons := v.impossible
	if v.unseen != "" {
		reasons = append(slices.Clone(reasons), v.unseen)
	}
	return strings.Join(append(slices.Clone(reasons), v.doubts...), "; ")
}

// judgeOIDC weighs the join through the issuer.
func (e Evidence) judgeOIDC() verdict {
	var v verdict
	e.judgeServer(&v)
	switch issuer := e.Cluster.Issuer; {
	case issuer == "":
		v.impossible = append(v.impossible, "the cluster's issuer is not known")
		return v
	case judgeIssuer(issuer) != "":
		v.impossible = append(v.impossible, "the cluster's issuer cannot be fetched from: "+judgeIssuer(issuer))
		return v
	}
	e.judgePublic(&v)
	return v
}

// judgeServer holds the server's version to the gate of the type.
func (e Evidence) judgeServer(v *verdict) {
	if e.ServerVersion == "" {
		v.doubts = append(v.doubts, "the Teleport server's version is not known, and oidc needs "+oidcGate+" or newer")
		return
	}
	supported, err := SupportsOIDC(e.ServerVersion)
	switch {
	case err != nil:
		v.doubts = append(v.doubts, fmt.Sprintf("the Teleport server's version %s cannot be read, and oidc needs %s or newer", spec.Quote(e.ServerVersion), oidcGate))
	case !supported:
		v.impossible = append(v.impossible, fmt.Sprintf("the Teleport server is %s, and oidc needs %s or newer", e.ServerVersion, oidcGate))
	}
}

// joseDefaults are the algorithms that Teleport's verifier takes where nothing else is set (zitadel/oidc v3, CheckSignature), and
// Teleport sets nothing else.
func joseDefaults() []string { return []string{"RS256", "ES256", "PS256"} }

// judgePublic weighs what was seen of the issuer from here.
func (e Evidence) judgePublic(v *verdict) {
	p, c := e.Public, e.Cluster
	if !p.Reachable {
		if p.Kind.final() {
			v.impossible = append(v.impossible, p.Why())
			return
		}
		v.unseen = p.Why()
	}
	switch {
	case !p.Reachable:
	case p.Issuer != c.Issuer:
		v.impossible = append(v.impossible, fmt.Sprintf("the document that was read is of %s, the cluster's tokens are of %s", spec.Quote(p.Issuer), spec.Quote(c.Issuer)))
	case c.SigningKeyID == "":
		v.warnings = append(v.warnings, "whether the published keys hold the one that signs is not known: no token could be minted"+because(c.MintErr))
	case !p.Keys.Has(c.SigningKeyID):
		v.keyMissing = true
		v.impossible = append(v.impossible, fmt.Sprintf("the cluster signs tokens with key %s, and the issuer publishes %s", spec.Quote(c.SigningKeyID), quoted(p.Keys.IDs())))
	}
	if c.SigningAlg == "" {
		return
	}
	if !slices.Contains(joseDefaults(), c.SigningAlg) {
		v.doubts = append(v.doubts, fmt.Sprintf("the cluster signs with %s, and Teleport's verifier for oidc takes %s", spec.Quote(c.SigningAlg), strings.Join(joseDefaults(), ", ")))
	}
	if p.Reachable && len(p.Algorithms) > 0 && !slices.Contains(p.Algorithms, c.SigningAlg) {
		v.warnings = append(v.warnings, fmt.Sprintf("the cluster signs with %s, which the issuer's document does not list", spec.Quote(c.SigningAlg)))
	}
}
