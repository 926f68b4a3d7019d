package issuer

import (
	"strings"
	"testing"

	"github.com/tbotctl/tbotctl/internal/spec"
)

// From the API server's words to the choice, with nothing in between but HTTPS on loopback.
func TestFromTheClusterToTheChoice(t *testing.T) {
	t.Parallel()
	a, b := newKey(t, "a"), newKey(t, "b")
	for name, test := range map[string]struct {
		issuer    string
		published []byte // at the public issuer; nil where there is none
		signing   string
		want      spec.JoinType
		says      string
	}{
		"cloud":                     {testIssuer, keySet(t, a), "a", spec.JoinOIDC, "publishes its keys to everybody"},
		"cloud, other keys outside": {testIssuer, keySet(t, b), "b", spec.JoinOIDC, "publishes its keys to everybody"},
		"cloud, not yet published":  {testIssuer, keySet(t, b), "a", spec.JoinStaticJWKS, `the issuer publishes "b"`},
		"cloud, nothing there":      {testIssuer, nil, "a", spec.JoinStaticJWKS, "HTTP 404"},
		"self-managed":              {kubeIssuer, nil, "a", spec.JoinStaticJWKS, "only its own cluster or network knows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWeb(t)
			outside := &pages{}
			if test.published != nil {
				outside = served(t, map[string][]byte{testKeys: test.published})
			}
			w.host(t, outside)
			api := &apiServer{
				asUser: map[string][]answer{
					discoveryPath: ok(discovery(t, test.issuer, "https://10.0.0.1:6443"+keysPath)),
					keysPath:      ok(keySet(t, a)),
				},
				token: mint(test.signing, "ES256", test.issuer),
			}
			c, err := ReadCluster(t.Context(), api)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Choose(Evidence{Requested: spec.JoinAuto, Cluster: c, Public: w.fetcher().Fetch(t.Context(), c.Issuer), ServerVersion: "18.2.0"})
			if err != nil {
				t.Fatal(err)
			}
			if got.Type != test.want || !strings.Contains(got.Reason, test.says) {
				t.Fatalf("%s because %s; want %s because of %q", got.Type, got.Reason, test.want, test.says)
			}
			if want := outside.asked.Load() > 0; want != (test.issuer == testIssuer) {
				t.Errorf("the public issuer was asked %d times", outside.asked.Load())
			}
			t.Log(got.Reason)
		})
	}
}
