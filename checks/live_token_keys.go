package checks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/gravitational/teleport/api/types"

	"github.com/tbotctl/tbotctl/internal/issuer"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// judgeTokenKeys reads the key set with the library that Teleport reads it with (teleport-facts 3.2), and says in our own words what
// is wrong. What Teleport reads and nobody should have written there is a warning.
func judgeTokenKeys(token *types.ProvisionTokenV2, live issuer.Keys) Finding {
	text := ""
	if settings := token.Spec.Kubernetes.StaticJWKS; settings != nil {
		text = settings.JWKS
	}
	var set jose.JSONWebKeySet
	readErr := json.Unmarshal([]byte(text), &set)
	keys, notes, strictErr := issuer.ParseJWKS(text)
	finding := Finding{
		Status: Fail, Expected: `compact JSON of public keys, {"keys":[...]}`, Fix: freshKeys(token, live),
	}
	name := "join token " + token.GetName()
	switch {
	case strictErr != nil && (readErr != nil || len(set.Keys) == 0):
		finding.Observed = name + ": " + withoutFix(strictErr)
		return finding
	case readErr != nil:
		finding.Observed = name + ": its key set cannot be read: " + readErr.Error()
		return finding
	case len(set.Keys) == 0:
		finding.Observed = name + " holds no key"
		return finding
	case strictErr != nil:
		finding.Status, finding.Observed = Warn, name+": "+withoutFix(strictErr)
		return finding
	}
	observed := list(keys.IDs())
	if len(notes) > 0 {
		observed += "; " + strings.Join(notes, "; ")
	}
	return passed(observed)
}

// freshKeys gives the join token the cluster's keys, by hand where they are not known here.
func freshKeys(token *types.ProvisionTokenV2, live issuer.Keys) string {
	if command := asStatic(token, live); command != "" {
		return command
	}
	return "tctl edit token/" + spec.ShellWord(token.GetName()) + ", and put the answer of `kubectl get --raw /openid/v1/jwks` in the place of jwks"
}

// withoutFix leaves out what the error proposes, for the finding has a fix of its own.
func withoutFix(err error) string {
	var told *issuer.Error
	if !errors.As(err, &told) {
		return err.Error()
	}
	return (&issuer.Error{Problem: told.Problem, Err: told.Err}).Error()
}

// lookAtSigner compares the keys that Teleport takes with those that the cluster signs with. Which of several signs is known only
// where a token was minted, or by what Teleport said of the last join.
func lookAtSigner(ctx context.Context, f *Facts, l *Live, token *types.ProvisionTokenV2) Finding {
	known := l.known(ctx, f)
	refusal, refused := l.refusedAs(ctx, f, "P03")
	switch kubernetesType(token) {
	case spec.JoinStaticJWKS:
		return judgeStaticKeys(token, known, refusal, refused)
	case spec.JoinOIDC:
		return judgePublicKeys(l.Workload, known, refusal, refused)
	default:
	}
	return skipped("the join token is of type " + string(kubernetesType(token)) + ": the Kubernetes cluster verifies its own tokens")
}

// judgeStaticKeys compares three key sets and the key that signs: the join token's copy, the API server's, and the issuer's.
func judgeStaticKeys(token *types.ProvisionTokenV2, known Known, refusal Refusal, refusedNow bool) Finding {
	text := ""
	if settings := token.Spec.Kubernetes.StaticJWKS; settings != nil {
		text = settings.JWKS
	}
	copied, _, err := issuer.ParseJWKS(text)
	if err != nil {
		return skipped("the keys in the join token cannot be read (" + string(TokenKeys) + ")")
	}
	live := liveKeys(known.Cluster, known.Public)
	kid := refused{Known: known}.signedBy()
	name := "join token " + token.GetName()
	finding := Finding{
		Status: Fail, Observed: fmt.Sprintf("%s holds %s; the API server publishes %s, the issuer %s",
			name, list(copied.IDs()), published(known.Cluster.Keys, known.Cluster.KeysErr), published(known.Public.Keys, known.Public.Err)),
		Expected: refused{Known: known}.signer(), Fix: freshKeys(token, live),
	}
	if _, rotates := issuer.Provider(known.Cluster.Issuer); rotates && known.Public.Reachable && typeSupported(known.ServerVersion) {
		// A fresh copy would be out of date with the next rotation.
		finding.Fix = asOIDC(token, known.Cluster.Issuer)
	}
	shared, lacking := compareKeys(copied, live)
	switch {
	case kid != "" && !copied.Has(kid):
		return finding
	case kid != "" && live.Has(kid) && !slices.Contains(shared, kid):
		finding.Observed += "; the key of this name is another one"
		return finding
	case kid != "":
		return passed("key " + spec.Quote(kid) + ", which signs, is among " + list(copied.IDs()))
	case len(live) == 0:
		if refusedNow {
			return said(finding, refusal)
		}
		return unknown(noKeys(known))
	case len(shared) == 0:
		finding.Expected = "one of the cluster's keys: " + list(live.IDs())
		return finding
	case refusedNow:
		return said(finding, refusal)
	case len(lacking) > 0:
		finding.Status = Warn
		finding.Observed += "; which of them signs is not known without a token (--prove)"
		finding.Expected = "also " + list(lacking)
		return finding
	}
	return passed(list(shared))
}

// said adds Teleport's own word to what the sets leave open.
func said(finding Finding, refusal Refusal) Finding {
	finding.Observed += "; Teleport says: " + refusal.Words
	return finding
}

// compareKeys gives the kids that both sets hold with the same key, and those of the live ones that the copy lacks.
func compareKeys(copied, live issuer.Keys) (shared, lacking []string) {
	held := map[string]string{}
	for i, thumbprint := range issuer.Thumbprints(copied) {
		held[copied[i].KeyID] = thumbprint
	}
	for i, thumbprint := range issuer.Thumbprints(live) {
		if held[live[i].KeyID] == thumbprint {
			shared = append(shared, live[i].KeyID)
		} else {
			lacking = append(lacking, live[i].KeyID)
		}
	}
	return shared, lacking
}

func published(keys issuer.Keys, err error) string {
	if len(keys) == 0 && err != nil {
		return "what is not known"
	}
	return list(keys.IDs())
}

func noKeys(known Known) error {
	if known.Cluster.KeysErr != nil {
		return known.Cluster.KeysErr
	}
	return errors.New("the cluster's keys are not known")
}

// judgePublicKeys is P03 for oidc: the issuer publishes keys that do not sign.
func judgePublicKeys(w Workload, known Known, refusal Refusal, refusedNow bool) Finding {
	kid, public := refused{Known: known}.signedBy(), known.Public
	fix := liveFix(w, "P16", known)
	switch {
	case refusedNow:
		return tell(forLive(w, refusal, known), "Teleport says")
	case !public.Reachable:
		return skipped("the issuer's keys were not seen from this machine; Teleport reads them itself")
	case kid != "" && !public.Keys.Has(kid):
		return Finding{
			Status: Fail, Observed: "the issuer publishes " + list(public.Keys.IDs()), Expected: refused{Known: known}.signer(), Fix: fix,
		}
	case kid != "":
		return passed("the issuer publishes key " + spec.Quote(kid) + ", which signs")
	}
	if provider, _ := issuer.Provider(known.Cluster.Issuer); provider == "" && len(known.Cluster.Keys) > 0 {
		if shared, _ := compareKeys(public.Keys, known.Cluster.Keys); len(shared) == 0 {
			return Finding{
				Status: Fail, Observed: fmt.Sprintf("the issuer publishes %s, the API server %s", list(public.Keys.IDs()), list(known.Cluster.Keys.IDs())),
				Expected: "the cluster's keys at its issuer", Fix: fix,
			}
		}
	}
	return passed("the issuer publishes " + list(public.Keys.IDs()))
}

// judgeRotation warns of a copy of keys whose provider replaces them on its own (field-notes P04).
func judgeRotation(token *types.ProvisionTokenV2, known Known) Finding {
	provider, rotates := issuer.Provider(known.Cluster.Issuer)
	if !rotates {
		return passed("no provider is known to rotate the keys of " + spec.Quote(known.Cluster.Issuer))
	}
	finding := Finding{
		Status: Warn, Observed: provider + " rotates its keys on its own; from the next rotation on joins are refused until the copy is renewed",
		Expected: "a join token of type oidc, for which no copy has to be renewed",
		Fix:      "renew the copy after each rotation: " + asStatic(token, liveKeys(known.Cluster, known.Public)),
	}
	if known.Public.Reachable && typeSupported(known.ServerVersion) {
		finding.Fix = asOIDC(token, known.Cluster.Issuer)
	} else if strings.HasSuffix(finding.Fix, ": ") {
		finding.Fix = "renew the copy after each rotation, from `kubectl get --raw /openid/v1/jwks`"
	}
	return finding
}

func typeSupported(version string) bool {
	supported, err := issuer.SupportsOIDC(version)
	return err == nil && supported
}

// judgeTokenIssuer compares byte for byte, as Teleport does (field-notes P16).
func judgeTokenIssuer(token *types.ProvisionTokenV2, known Known) Finding {
	settings := token.Spec.Kubernetes.OIDC
	if settings == nil {
		settings = &types.ProvisionTokenSpecV2Kubernetes_OIDCConfig{}
	}
	named, actual := settings.Issuer, known.issuerName()
	finding := Finding{
		Status: Fail, Observed: "join token " + token.GetName() + " names the issuer " + spec.Quote(named), Expected: spec.Quote(actual) + ", as the cluster's tokens have it",
		Fix: asOIDC(token, actual),
	}
	switch {
	case named == actual && strings.HasPrefix(named, "http://") && !settings.InsecureAllowHTTPIssuer:
		finding.Expected = "an https issuer"
		finding.Fix = "give the cluster an https issuer, or the join token a copy of its keys: " + asStatic(token, liveKeys(known.Cluster, known.Public))
		return finding
	case named == actual:
		return passed(spec.Quote(named))
	case strings.TrimSuffix(named, "/") == strings.TrimSuffix(actual, "/"):
		finding.Observed += "; a slash at the end makes the difference"
	}
	return finding
}
