package issuer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"

	"github.com/go-jose/go-jose/v4"
)

const (
	eksIssuer  = "https://oidc.eks.us-west-2.amazonaws.com/id/8EBD"
	kubeIssuer = "https://kubernetes.default.svc.cluster.local"
)

// cluster is one whose API server publishes the keys and signs with the first of them.
func cluster(issuer string, keys ...jose.JSONWebKey) Cluster {
	return Cluster{Issuer: issuer, Keys: keys, SigningKeyID: keys[0].KeyID, SigningAlg: "ES256", From: fromServer}
}

func public(issuer string, keys ...jose.JSONWebKey) PublicResult {
	return PublicResult{Reachable: true, Issuer: issuer, Keys: keys, Algorithms: []string{"ES256"}, SeenFrom: seenFromHere}
}

func unseen(kind FailureKind) PublicResult {
	return PublicResult{Kind: kind, Detail: "detail of it", SeenFrom: seenFromHere}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	a, b := newKey(t, "a"), newKey(t, "b")
	with := func(c Cluster, change func(*Cluster)) Cluster {
		change(&c)
		return c
	}
	unminted := func(c *Cluster) { c.SigningKeyID, c.SigningAlg, c.MintErr = "", "", errors.New("no right to mint") }
	signing := func(alg string) func(*Cluster) { return func(c *Cluster) { c.SigningAlg = alg } }
	noKeys := func(c *Cluster) { c.Keys, c.KeysErr = nil, errors.New("keys refused") }
	loginExpired := &Error{Kind: LoginExpired, Problem: "401"}
	forbiddenErr := &Error{Kind: Forbidden, Problem: "403"}
	notEnabled := &Error{Kind: NotEnabled, Problem: "404"}

	for name, test := range map[string]struct {
		e       Evidence
		want    spec.JoinType
		err     Kind
		says    string // in the reason, or in the error
		not     string // in neither
		warning string // in one warning; empty means that there is none
		keys    []string
	}{
		"public issuer":            {e: Evidence{Cluster: cluster(testIssuer, a), Public: public(testIssuer, a), ServerVersion: "18.2.0"}, want: spec.JoinOIDC, says: "18.2.0"},
		"public EKS, other keys":   {e: Evidence{Cluster: with(cluster(eksIssuer, a), func(c *Cluster) { c.SigningKeyID = "b" }), Public: public(eksIssuer, a, b), ServerVersion: "19.0.0-dev"}, want: spec.JoinOIDC},
		"public, unminted":         {e: Evidence{Cluster: with(cluster(testIssuer, a), unminted), Public: public(testIssuer, a), ServerVersion: "18.2.0"}, want: spec.JoinOIDC, warning: "no right to mint"},
		"public, alg not listed":   {e: Evidence{Cluster: with(cluster(testIssuer, a), signing("RS256")), Public: public(testIssuer, a), ServerVersion: "18.2.0"}, want: spec.JoinOIDC, warning: "does not list"},
		"public, cluster is 404":   {e: Evidence{Cluster: Cluster{Issuer: testIssuer, SigningKeyID: "a", SigningAlg: "ES256"}, ClusterErr: notEnabled, Public: public(testIssuer, a), ServerVersion: "18.2.0"}, want: spec.JoinOIDC},
		"public, ES384":            {e: Evidence{Cluster: with(cluster(testIssuer, a), signing("ES384")), Public: public(testIssuer, a), ServerVersion: "18.2.0"}, want: spec.JoinStaticJWKS, says: "ES384", keys: []string{"a"}},
		"public, old server":       {e: Evidence{Cluster: cluster(testIssuer, a), Public: public(testIssuer, a), ServerVersion: "18.1.4"}, want: spec.JoinStaticJWKS, says: "18.1.5", keys: []string{"a"}},
		"public, unknown server":   {e: Evidence{Cluster: cluster(testIssuer, a), Public: public(testIssuer, a)}, want: spec.JoinStaticJWKS, says: "not known", keys: []string{"a"}},
		"public, odd server":       {e: Evidence{Cluster: cluster(testIssuer, a), Public: public(testIssuer, a), ServerVersion: "edge"}, want: spec.JoinStaticJWKS, says: "cannot be read", keys: []string{"a"}},
		"public, signer missing":   {e: Evidence{Cluster: cluster(testIssuer, a), Public: public(testIssuer, b), ServerVersion: "18.2.0"}, want: spec.JoinStaticJWKS, says: `signs tokens with key "a"`, keys: []string{"a", "b"}},
		"public, another issuer":   {e: Evidence{Cluster: cluster(testIssuer+"/", a), Public: public(testIssuer, b), ServerVersion: "18.2.0"}, want: spec.JoinStaticJWKS, says: testIssuer + `/"`, keys: []string{"a"}},
		"self-managed":             {e: Evidence{Cluster: cluster(kubeIssuer, a), Public: unseen(FailurePrivateAddress), ServerVersion: "18.2.0"}, want: spec.JoinStaticJWKS, says: "not on the internet", keys: []string{"a"}},
		"self-managed, unminted":   {e: Evidence{Cluster: with(cluster(kubeIssuer, a), unminted), Public: unseen(FailurePrivateAddress), ServerVersion: "18.2.0"}, want: spec.JoinStaticJWKS, warning: "no right to mint", keys: []string{"a"}},
		"issuer is no URL":         {e: Evidence{Cluster: cluster("kubernetes/serviceaccount", a), Public: unseen(FailureBadIssuer), ServerVersion: "18.2.0"}, want: spec.JoinStaticJWKS, says: "no absolute URL", keys: []string{"a"}},
		"issuer is http":           {e: Evidence{Cluster: cluster("http://a.example.com", a), Public: unseen(FailureBadIssuer), ServerVersion: "18.2.0"}, want: spec.JoinStaticJWKS, says: "not https", keys: []string{"a"}},
		"issuer unknown":           {e: Evidence{Cluster: with(cluster("", a), unminted), ClusterErr: forbiddenErr, ServerVersion: "18.2.0"}, want: spec.JoinStaticJWKS, says: "issuer is not known", warning: "rotates its keys is not known", keys: []string{"a"}},
		"nobody looked":            {e: Evidence{Cluster: cluster(testIssuer, a), ServerVersion: "18.2.0"}, want: spec.JoinStaticJWKS, says: "nobody looked", keys: []string{"a"}},
		"GKE, old server":          {e: Evidence{Cluster: cluster("https://container.googleapis.com/v1/projects/p", a), Public: public("https://container.googleapis.com/v1/projects/p", a), ServerVersion: "16.4.7"}, want: spec.JoinStaticJWKS, keys: []string{"a"}},
		"API server's keys fail":   {e: Evidence{Cluster: with(cluster(testIssuer, a), noKeys), Public: public(testIssuer, a), ServerVersion: "16.4.7"}, want: spec.JoinStaticJWKS, warning: "keys refused", keys: []string{"a"}},
		"EKS, private":             {e: Evidence{Cluster: cluster(eksIssuer, a), Public: unseen(FailureTimeout), ServerVersion: "18.2.0"}, err: RotationRisk, says: "--join-type oidc"},
		"EKS, private, accepted":   {e: Evidence{Cluster: cluster(eksIssuer, a), Public: unseen(FailureTimeout), ServerVersion: "18.2.0", AcceptRotationRisk: true}, want: spec.JoinStaticJWKS, warning: "EKS rotates", keys: []string{"a"}},
		"EKS, old server":          {e: Evidence{Cluster: cluster(eksIssuer, a), Public: public(eksIssuer, a), ServerVersion: "16.4.7"}, err: RotationRisk, says: "--accept-rotation-risk", not: "--join-type oidc"},
		"EKS, old, accepted":       {e: Evidence{Cluster: with(cluster(eksIssuer, a), func(c *Cluster) { c.SigningKeyID = "b" }), Public: public(eksIssuer, b), ServerVersion: "16.4.7", AcceptRotationRisk: true}, want: spec.JoinStaticJWKS, warning: "EKS rotates", keys: []string{"a", "b"}},
		"EKS, signer not in sight": {e: Evidence{Cluster: with(cluster(eksIssuer, a), func(c *Cluster) { c.SigningKeyID = "b" }), Public: unseen(FailureTimeout), ServerVersion: "18.2.0", AcceptRotationRisk: true}, err: SigningKeyMissing, says: "where the issuer can be reached"},
		"no keys at all":           {e: Evidence{Cluster: with(cluster(kubeIssuer, a), noKeys), Public: unseen(FailurePrivateAddress), ServerVersion: "18.2.0"}, err: NoKeys, says: "keys refused"},
		"login expired":            {e: Evidence{ClusterErr: loginExpired, ServerVersion: "18.2.0"}, err: LoginExpired, says: "401"},
		"keys contradict":          {e: Evidence{Cluster: cluster(testIssuer, a), Public: public(testIssuer, newKey(t, "a")), ServerVersion: "16.4.7"}, err: BadJWKS, says: "contradict"},
		"look was cancelled":       {e: Evidence{Cluster: cluster(testIssuer, a), Public: PublicResult{Kind: FailureCancelled, Err: fmt.Errorf("x: %w", context.Canceled)}, ServerVersion: "18.2.0"}, says: context.Canceled.Error()},
		"read was cancelled":       {e: Evidence{Cluster: cluster(testIssuer, a), ClusterErr: context.Canceled, ServerVersion: "18.2.0"}, says: context.Canceled.Error()},

		"asked: oidc, public":           {e: Evidence{Requested: spec.JoinOIDC, Cluster: cluster(testIssuer, a), Public: public(testIssuer, a), ServerVersion: "18.2.0"}, want: spec.JoinOIDC, says: "--join-type oidc was given", not: notKnownHere},
		"asked: oidc, private":          {e: Evidence{Requested: spec.JoinOIDC, Cluster: cluster(kubeIssuer, a), Public: unseen(FailurePrivateAddress), ServerVersion: "18.2.0"}, want: spec.JoinOIDC, says: notKnownHere, warning: notKnownHere},
		"asked: oidc, private CA":       {e: Evidence{Requested: spec.JoinOIDC, Cluster: cluster(testIssuer, a), Public: unseen(FailurePrivateCA), ServerVersion: "18.2.0"}, want: spec.JoinOIDC, says: notKnownHere, warning: notKnownHere},
		"asked: oidc, nobody looked":    {e: Evidence{Requested: spec.JoinOIDC, Cluster: cluster(testIssuer, a), ServerVersion: "18.2.0"}, want: spec.JoinOIDC, says: notKnownHere, warning: "nobody looked"},
		"asked: oidc, unknown server":   {e: Evidence{Requested: spec.JoinOIDC, Cluster: cluster(testIssuer, a), Public: public(testIssuer, a)}, want: spec.JoinOIDC, warning: oidcGate},
		"asked: oidc, EKS, unaccepted":  {e: Evidence{Requested: spec.JoinOIDC, Cluster: cluster(eksIssuer, a), Public: unseen(FailureTimeout), ServerVersion: "18.2.0"}, want: spec.JoinOIDC, warning: notKnownHere},
		"asked: oidc, unminted":         {e: Evidence{Requested: spec.JoinOIDC, Cluster: with(cluster(testIssuer, a), unminted), Public: public(testIssuer, a), ServerVersion: "18.2.0"}, want: spec.JoinOIDC, warning: "no right to mint"},
		"asked: oidc, ES512":            {e: Evidence{Requested: spec.JoinOIDC, Cluster: with(cluster(testIssuer, a), signing("ES512")), Public: unseen(FailureDNS), ServerVersion: "18.2.0"}, want: spec.JoinOIDC, warning: "ES512"},
		"asked: oidc, old server":       {e: Evidence{Requested: spec.JoinOIDC, Cluster: cluster(testIssuer, a), Public: public(testIssuer, a), ServerVersion: "17.6.9"}, err: TypeImpossible, says: "17.7.0"},
		"asked: oidc, http":             {e: Evidence{Requested: spec.JoinOIDC, Cluster: cluster("http://a.example.com", a), Public: unseen(FailureBadIssuer), ServerVersion: "18.2.0"}, err: TypeImpossible, says: "not https"},
		"asked: oidc, mismatch":         {e: Evidence{Requested: spec.JoinOIDC, Cluster: cluster(testIssuer, a), Public: unseen(FailureIssuerMismatch), ServerVersion: "18.2.0"}, err: TypeImpossible, says: "byte for byte"},
		"asked: oidc, not found":        {e: Evidence{Requested: spec.JoinOIDC, Cluster: cluster(testIssuer, a), Public: unseen(FailureNotFound), ServerVersion: "18.2.0"}, err: TypeImpossible, says: "detail of it"},
		"asked: oidc, signer missing":   {e: Evidence{Requested: spec.JoinOIDC, Cluster: cluster(testIssuer, a), Public: public(testIssuer, b), ServerVersion: "18.2.0"}, err: SigningKeyMissing, says: `"a"`},
		"asked: oidc, no issuer":        {e: Evidence{Requested: spec.JoinOIDC, ServerVersion: "18.2.0"}, err: TypeImpossible, says: "not known"},
		"asked: oidc, login expired":    {e: Evidence{Requested: spec.JoinOIDC, ClusterErr: loginExpired, ServerVersion: "18.2.0"}, err: LoginExpired, says: "401"},
		"asked: static, public":         {e: Evidence{Requested: spec.JoinStaticJWKS, Cluster: cluster(testIssuer, a), Public: public(testIssuer, a), ServerVersion: "18.2.0"}, want: spec.JoinStaticJWKS, says: "--join-type static_jwks was given", keys: []string{"a"}},
		"asked: static, EKS":            {e: Evidence{Requested: spec.JoinStaticJWKS, Cluster: cluster(eksIssuer, a), Public: public(eksIssuer, a), ServerVersion: "18.2.0"}, err: RotationRisk, says: "EKS"},
		"asked: static, EKS, accepted":  {e: Evidence{Requested: spec.JoinStaticJWKS, Cluster: cluster(eksIssuer, a), Public: public(eksIssuer, a), ServerVersion: "18.2.0", AcceptRotationRisk: true}, want: spec.JoinStaticJWKS, warning: "EKS rotates", keys: []string{"a"}},
		"asked: in_cluster":             {e: Evidence{Requested: spec.JoinInCluster, Cluster: cluster(kubeIssuer, a)}, want: spec.JoinInCluster, warning: "auth-delegator"},
		"asked: in_cluster, no cluster": {e: Evidence{Requested: spec.JoinInCluster, ClusterErr: forbiddenErr}, want: spec.JoinInCluster, warning: "auth-delegator"},
		"asked: something else":         {e: Evidence{Requested: "ec2"}, err: TypeImpossible, says: `"ec2"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Choose(test.e)
			if test.want == "" {
				if err == nil || (test.err != "" && !Is(err, test.err)) || !strings.Contains(err.Error(), test.says) || got.Type != "" {
					t.Fatalf("%+v, error %v; want kind %q with %q", got, err, test.err, test.says)
				}
				if test.err == "" && !errors.Is(err, context.Canceled) {
					t.Errorf("%v is not a cancellation", err)
				}
				if test.not != "" && strings.Contains(err.Error(), test.not) {
					t.Errorf("%v names a way out that is none: %s", err, test.not)
				}
				return
			}
			if err != nil || got.Type != test.want || !strings.Contains(got.Reason, test.says) || got.SeenFrom == "" {
				t.Fatalf("%+v, error %v; want %s because of %q", got, err, test.want, test.says)
			}
			checkChoice(t, got, test.e, test.keys)
			all := strings.Join(got.Warnings, "\n")
			if !strings.Contains(all, test.warning) || (test.warning == "" && all != "") {
				t.Errorf("warnings %q, want one with %q", got.Warnings, test.warning)
			}
			if test.not != "" && strings.Contains(got.Reason+all, test.not) {
				t.Errorf("%q is said in %+v", test.not, got)
			}
		})
	}
}

// checkChoice holds what is true of every choice.
func checkChoice(t *testing.T, got Choice, e Evidence, keys []string) {
	t.Helper()
	if got.Issuer != e.Cluster.Issuer {
		t.Errorf("issuer %q, the cluster's is %q", got.Issuer, e.Cluster.Issuer)
	}
	var types []spec.JoinType
	for _, r := range got.Rejected {
		if r.Why == "" {
			t.Errorf("%s is rejected without a reason", r.Type)
		}
		types = append(types, r.Type)
	}
	slices.Sort(types)
	want := slices.DeleteFunc([]spec.JoinType{spec.JoinInCluster, spec.JoinOIDC, spec.JoinStaticJWKS}, func(j spec.JoinType) bool { return j == got.Type })
	if !slices.Equal(types, want) {
		t.Errorf("rejected %v beside %s", types, got.Type)
	}
	if got.Type != spec.JoinStaticJWKS {
		if got.JWKS != "" {
			t.Error("a key set for a type that takes none")
		}
		return
	}
	parsed, notes, err := ParseJWKS(got.JWKS)
	if err != nil || len(notes) > 0 || !slices.Equal(parsed.IDs(), keys) {
		t.Errorf("key set %s: %v, %v, %v; want %v", got.JWKS, parsed.IDs(), notes, err, keys)
	}
	if e.Cluster.SigningKeyID != "" && !parsed.Has(e.Cluster.SigningKeyID) {
		t.Error("the key set lacks the key that signs")
	}
}
