package checks_test

import (
	"testing"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/issuer"
)

func TestRefusalOfTheKeys(t *testing.T) {
	t.Parallel()
	const (
		oldWords = reviewingStatic + "validating jwt signature\n\t\tgo-jose/go-jose: unsupported key type/format"
		newWords = reviewingStatic + "validating jwt signature\n\t\tgo-jose/go-jose: JWK with matching kid not found in JWK Set"
		forged   = reviewingStatic + "validating jwt signature\n\t\tgo-jose/go-jose: error in cryptographic primitive"
		eks      = "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF"
	)
	rotated := func(k *checks.Known) {
		k.Claims.KeyID = "key-new"
		more, _ := refusedKeys(t, "key-new")
		k.Cluster.Keys = append(k.Cluster.Keys, more...)
	}
	other := func(k *checks.Known) { k.Claims.KeyID = "key-here"; k.Cluster.Keys, _ = refusedKeys(t, "key-here") }
	holdAll(t, map[string]explained{
		"rotated, server before 17": {oldWords, rotated, "P03", "rotated since", `holds "key-now"`, `key "key-new"`, "keys as they are now"},
		"rotated, server from 17":   {newWords, rotated, "P03", "rotated since", `holds "key-now"`, `key "key-new"`, "keys as they are now"},
		"another cluster's":         {newWords, other, "P03", "of another cluster", `holds "key-now"`, `key "key-here"`, "init again"},
		"another key of the name":   {forged, nil, "P03", "not the one that signed", `"key-now"`, `"key-now", which signed`, "init again"},
		"token unreadable":          {newWords, func(k *checks.Known) { k.Token = nil }, "P03", "lacks the key", "not found in JWK Set", `"key-now"`, "init again"},
		"claims unknown":            {newWords, func(k *checks.Known) { k.Claims = issuer.Claims{} }, "P03", "lacks the key", "holds", "signs with", "init again"},
		"EKS":                       {oldWords, func(k *checks.Known) { k.Claims.KeyID, k.Claims.Issuer = "key-eks", eks }, "P03", "EKS signs with the keys of its issuer", `"key-now"`, `"key-eks"`, "--join-type oidc"},
		"EKS without a public issuer": {
			oldWords, func(k *checks.Known) { k.Claims.KeyID, k.Claims.Issuer = "key-eks", eks; notPublic(k) }, "P03", "EKS", `"key-now"`, `"key-eks"`, "init again",
		},
		"JWKS with a comment": {
			reviewingStatic + "parsing provided jwks\n\t\tinvalid character '#' looking for beginning of value",
			func(k *checks.Known) {
				k.Token.Spec.Kubernetes.StaticJWKS.JWKS = "# Place the data here\n" + k.Token.Spec.Kubernetes.StaticJWKS.JWKS
			},
			"P05", "not JSON", "line 1 of the JWKS is a comment", "compact JSON", "keys anew",
		},
		"JWKS unreadable": {reviewingStatic + "parsing provided jwks\n\t\tinvalid character '#'", func(k *checks.Known) { k.Token = nil }, "P05", "", "invalid character", "compact JSON", "init again"},
		"oidc, not published": {
			reviewingOIDC + "verifying token: invalid signature (unable to validate signature: no possible keys matches)",
			func(k *checks.Known) { oidcToken(k, refusedIssuer); k.Claims.KeyID = "key-new" }, "P03", "does not publish", `publishes "key-now"`, `key "key-new"`, instead,
		},
		"oidc, seen here and not there": {
			reviewingOIDC + "verifying token: invalid signature (unable to validate signature: no possible keys matches)",
			func(k *checks.Known) { oidcToken(k, refusedIssuer) }, "P03", "does not see", `this machine found "key-now"`, `key "key-now"`, "in some minutes",
		},
		"oidc, nobody sees": {
			reviewingOIDC + "verifying token: invalid signature (unable to validate signature: no possible keys matches)",
			func(k *checks.Known) { oidcToken(k, refusedIssuer); notPublic(k) }, "P03", "does not publish", "found no such key", `key "key-now"`, instead,
		},
		"oidc, another key of the name": {reviewingOIDC + "verifying token: invalid signature (signature verification failed: x)", notPublic, "P03", "", refusedIssuer, `"key-now"`, instead},
	})
}

func TestRefusalOfTheIssuer(t *testing.T) {
	t.Parallel()
	oidc := func(k *checks.Known) { oidcToken(k, refusedIssuer) }
	cloud := func(k *checks.Known) { oidc(k); k.ClusterName = "lab.teleport.sh" }
	const address = refusedIssuer + "/.well-known/openid-configuration"
	holdAll(t, map[string]explained{
		"DNS":                        {discovery + "Get x: dial tcp: lookup issuer.example.com: no such host", oidc, "P11", "cannot read", "DNS does not know", "from this machine it is read", instead},
		"refused":                    {discovery + "Get x: dial tcp 203.0.113.10:443: connect: connection refused", oidc, "P11", "", "refuses the connection", address, instead},
		"time-out":                   {discovery + "Get x: context deadline exceeded", oidc, "P11", "", "in time", address, instead},
		"other":                      {discovery + "Get x: no route to the issuer", oidc, "P11", "", address, "https", instead},
		"not found":                  {discovery + "http status not ok: 404 Not Found page", oidc, "P11", "", "HTTP 404", address, instead},
		"broken":                     {discovery + "http status not ok: 502 Bad Gateway x", oidc, "P11", "", "HTTP error", address, instead},
		"HTML":                       {discovery + "failed to unmarshal response: invalid character '<' looking for beginning of value <html>", oidc, "P11", "", "not JSON", address, instead},
		"private CA":                 {discovery + "Get x: tls: failed to verify certificate: x509: certificate signed by unknown authority", oidc, "P12", "", "does not trust", address, "trust store"},
		"bad name":                   {discovery + "Get x: tls: failed to verify certificate: x509: certificate is valid for a, not b", oidc, "P12", "", "does not accept its certificate", address, instead},
		"private CA, Teleport Cloud": {discovery + "x509: certificate signed by unknown authority", cloud, "P12", "", "does not trust", address, instead},
		"unauthorized":               {discovery + "http status not ok: 401 Unauthorized x", oidc, "P13", "", "HTTP 401", address, "system:unauthenticated"},
		"forbidden":                  {discovery + "http status not ok: 403 Forbidden x", oidc, "P13", "", "HTTP 403", address, "system:service-account-issuer-discovery"},
		"not read from here either": {
			discovery + "no such host", func(k *checks.Known) { oidc(k); notPublic(k) }, "P11", "", "DNS", "not read either", instead,
		},
		"another issuer in the token": {
			discovery + "no such host", func(k *checks.Known) { oidcToken(k, "https://other.example.com") }, "P11", "", "other.example.com/.well-known", refusedIssuer, instead,
		},
		"keys": {
			reviewingOIDC + "verifying token: invalid signature (unable to fetch key for signature validation: oidc: failed to get keys: Get x: no such host)", oidc,
			"P11", "", refusedIssuer + "/keys", "key set", instead,
		},
		"keys, nobody looked": {
			reviewingOIDC + "verifying token: oidc: failed to get keys: no such host", func(k *checks.Known) {
				oidc(k)
				k.Cluster, k.Public = issuer.Cluster{}, issuer.PublicResult{}
			}, "P11", "", `of "` + refusedIssuer, "nobody looked", instead,
		},
		"keys, private CA": {
			reviewingOIDC + "verifying token: invalid signature (oidc: failed to get keys: x509: certificate signed by unknown authority)", func(k *checks.Known) { oidc(k); notPublic(k) },
			"P12", "", refusedIssuer + "/keys", "key set", instead,
		},
		"a slash at the end": {reviewingOIDC + "issuer does not match", func(k *checks.Known) { oidcToken(k, refusedIssuer+"/") }, "P16", "a slash at the end", refusedIssuer + `/"`, refusedIssuer + `",`, "init again"},
		"another issuer": {
			reviewingOIDC + "verifying token: issuer does not match: Expected: https://o.example.com, got: " + refusedIssuer,
			func(k *checks.Known) { oidcToken(k, "https://o.example.com") }, "P16", "byte for byte", `"https://o.example.com"`, `"` + refusedIssuer + `"`, "init again",
		},
		"the document's issuer": {
			reviewingOIDC + "issuer does not match", func(k *checks.Known) {
				oidc(k)
				k.Public.Issuer = "https://inside.example.com"
				k.Public.Reachable = false
			},
			"P16", "document names another", `names "https://inside.example.com"`, refusedIssuer, instead,
		},
		"the document's issuer, seen by Teleport alone": {reviewingOIDC + "issuer does not match", oidc, "P16", "document names another", address, refusedIssuer, instead},
		"a provider that rotates": {
			discovery + "connection refused", func(k *checks.Known) {
				oidc(k)
				k.Claims.Issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF"
			},
			"P11", "", "refuses", "https", "--join-type static_jwks --accept-rotation-risk",
		},
	})
}

func TestRefusalInCluster(t *testing.T) {
	t.Parallel()
	const outside = reviewingHere + "failed to initialize in-cluster Kubernetes config\n\t\tunable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must be defined"
	const review = reviewingHere + "error during the Kubernetes TokenReview\n\t\t"
	const invalid = reviewingHere + "kubernetes failed to validate token: "
	holdAll(t, map[string]explained{
		"outside":                 {outside, nil, "P42", "same Kubernetes cluster", "does not run in Kubernetes", `"lab"`, "--join-type oidc"},
		"outside, private issuer": {outside, notPublic, "P42", "", "does not run", `"lab"`, instead},
		"outside, old server":     {outside, func(k *checks.Known) { k.ServerVersion = "16.4.7" }, "P42", "", "does not run", `"lab"`, instead},
		"Teleport Cloud":          {outside, func(k *checks.Known) { k.ClusterName = "lab.teleport.sh" }, "P42", "", "Teleport Cloud", `"lab"`, "--join-type oidc"},
		"no right": {
			review + `tokenreviews.authentication.k8s.io is forbidden: User "system:serviceaccount:teleport:auth" cannot create resource "tokenreviews"`, nil,
			"P42", "may not ask", `"teleport:auth"`, "system:auth-delegator", "--clusterrole=system:auth-delegator --serviceaccount=teleport:auth",
		},
		"no right, nameless": {review + "forbidden", nil, "P42", "", "the Auth Service's service account", "system:auth-delegator", "NAMESPACE:NAME"},
		"no answer":          {review + "connection refused", nil, "P42", "did not review", "connection refused", "TokenReview", "--join-type oidc"},
		"another cluster":    {invalid + "[invalid bearer token, error in cryptographic primitive]", nil, "P42", "another cluster", "invalid bearer token", refusedIssuer, "--join-type oidc"},
		"audience, old server": {
			invalid + `[invalid bearer token, token audiences ["lab.example.com"] is invalid for the target audiences ["https://kubernetes.default.svc" "api"]]`,
			func(k *checks.Known) { k.ServerVersion = "16.4.7" }, "P02", "", `"lab.example.com"`, "one of: https://kubernetes.default.svc, api", instead,
		},
		"audience, server that asks for its name": {
			invalid + `token audiences ["vault"] is invalid for the target audiences ["lab.example.com"]`, func(k *checks.Known) { k.Claims.Audience = []string{"vault"} },
			"P02", "", `"vault"`, "one of: lab.example.com", `projected token to "lab.example.com"`,
		},
		"audience, claims unknown": {
			invalid + `token audiences ["x"] is invalid for the target audiences ["y"]`, func(k *checks.Known) { k.Claims = issuer.Claims{} }, "P02", "", `["x"]`, "y", "--join-type",
		},
	})
}
