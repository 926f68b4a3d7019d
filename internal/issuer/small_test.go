package issuer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"

	"github.com/go-jose/go-jose/v4"
)

func newKeyOn(t *testing.T, curve elliptic.Curve) jose.JSONWebKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key.Public(), KeyID: "k"}
}

func TestSupportsOIDC(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"16.4.7": false, "16.99.0": false, "17.6.9": false, "17.7.0-rc.1": false, "17.7.0": true, "v17.7.0": true, "17.7.1-dev": true, "17.10.2": true,
		"18.0.0": false, "18.1.4": false, "18.1.5-dev": false, "18.1.5": true, "18.2.0-dev": true, "18.2.0": true, "18.2.0+ent": true,
		"19.0.0-dev": true, "19.0.0-alpha.1": true, "19.0.0": true, "20.1.0": true, "9.0.0": false,
	} {
		if got, err := SupportsOIDC(version); err != nil || got != want {
			t.Errorf("%s: %v, %v; want %v", version, got, err, want)
		}
	}
	for _, version := range []string{"", "dev", "18", "18.2", "18.2-dev", "18.2.x", "latest", "18.2.0.1", "vv18.2.0", "18.02.0", "\x1b[2J"} {
		if got, err := SupportsOIDC(version); !Is(err, BadVersion) || got || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%q: %v, %v; want an error of kind %s", version, got, err, BadVersion)
		}
	}
}

func TestProvider(t *testing.T) {
	t.Parallel()
	for issuer, want := range map[string]struct {
		name    string
		rotates bool
	}{
		"https://oidc.eks.us-west-2.amazonaws.com/id/8EBD":                      {"EKS", true},
		"https://OIDC.EKS.us-west-2.amazonaws.com/id/8EBD":                      {"EKS", true},
		"https://oidc.eks.cn-north-1.amazonaws.com.cn/id/8EBD":                  {"EKS", true},
		"https://oidc-eks.eu-central-1.api.aws/id/8EBD":                         {"EKS", true},
		"https://eastus.oic.prod-aks.azure.com/0000/1111/":                      {"AKS", true},
		"https://oidc.prod-aks.azure.com/1111/":                                 {"AKS", true},
		"https://container.googleapis.com/v1/projects/p/locations/l/clusters/c": {"GKE", false},
		"https://kubernetes.default.svc.cluster.local":                          {"", false},
		"https://oidc.eks.us-west-2.amazonaws.com.evil.example/id/8EBD":         {"", false},
		"https://oidc.eks.us.west.amazonaws.com/id/8EBD":                        {"", false},
		"https://evil.example/oidc.eks.us-west-2.amazonaws.com":                 {"", false},
		"https://storage.googleapis.com/bucket":                                 {"", false},
		"http://oidc.eks.us-west-2.amazonaws.com/id/8EBD":                       {"", false},
		"": {"", false},
		"https://container.googleapis.com/v2/other":                                {"", false},
		"https://xoidc.eks.us-west-2.amazonaws.com/id/8EBD":                        {"", false},
		"https://eastus.oic.prod-aks.azure.com.example.com/0000/1111/":             {"", false},
		"https://a.b.oic.prod-aks.azure.com/":                                      {"", false},
		"https://oidc.eks.us-west-2.amazonaws.com:8443/id/8EBDXXXX00BAE?x=y#other": {"EKS", true},
	} {
		if name, rotates := Provider(issuer); name != want.name || rotates != want.rotates {
			t.Errorf("%s: %q, %v", issuer, name, rotates)
		}
	}
}

// mint writes a token as an API server does; its signature is of no matter here.
func mint(kid, alg, issuer string) spec.Secret {
	part := func(format string, args ...any) string {
		return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, format, args...))
	}
	return spec.NewSecret(part(`{"alg":%q,"kid":%q}`, alg, kid) + "." + part(`{"iss":%q,"aud":["x"]}`, issuer) + ".c2lnbmF0dXJl")
}

func TestTokenHeader(t *testing.T) {
	t.Parallel()
	got, err := TokenHeader(mint("k1", "RS256", "https://a.example.com/"))
	if err != nil || got != (Header{KeyID: "k1", Algorithm: "RS256", Issuer: "https://a.example.com/"}) {
		t.Fatalf("%+v, %v", got, err)
	}
	good := mint("k1", "RS256", "https://a.example.com").Reveal()
	parts := strings.Split(good, ".")
	for name, token := range map[string]string{
		"empty": "", "opaque": "abcdef", "two parts": parts[0] + "." + parts[1], "five parts": good + ".a.b",
		"not base64": "!!." + parts[1] + ".x", "not JSON": "YWJj." + parts[1] + ".x", "padded": parts[0] + "=." + parts[1] + ".x",
		"no kid": mint("", "RS256", "https://a").Reveal(), "no iss": mint("k", "RS256", "").Reveal(), "huge": good + strings.Repeat("a", maxToken),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := TokenHeader(spec.NewSecret(token))
			if !Is(err, BadToken) {
				t.Fatalf("got %v", err)
			}
			if len(token) > 10 && strings.Contains(err.Error(), token[:10]) {
				t.Errorf("the message shows the token: %v", err)
			}
		})
	}
}

// Every kind has a sentence, and no sentence is without a kind.
func TestEveryFailureIsExplained(t *testing.T) {
	t.Parallel()
	kinds := []FailureKind{
		FailureBadIssuer, FailurePrivateAddress, FailureDNS, FailureRefused, FailureConnection, FailureTimeout, FailureCancelled, FailurePrivateCA,
		FailureTLS, FailureRedirect, FailureInsecureRedirect, FailureUnauthorized, FailureNotFound, FailureHTTPStatus, FailureTooLarge,
		FailureNotJSON, FailureBadDocument, FailureIssuerMismatch, FailureBadKeys, FailureNoKeys,
	}
	for _, kind := range kinds {
		if sentence := kind.Explain(); sentence == "" || strings.HasSuffix(sentence, ".") {
			t.Errorf("%s: %q", kind, sentence)
		}
	}
	if got := len(failures()); got != len(kinds) {
		t.Errorf("%d sentences for %d kinds", got, len(kinds))
	}
	if FailureNone.Explain() != "" {
		t.Error("no failure has a sentence")
	}
}
