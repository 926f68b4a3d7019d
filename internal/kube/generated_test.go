package kube_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
)

// held is a kubeconfig in memory with the one context "lab".
func held(t *testing.T, cluster api.Cluster, user api.AuthInfo) spec.Secret {
	t.Helper()
	text, err := clientcmd.Write(api.Config{
		Clusters: map[string]*api.Cluster{"lab": &cluster}, AuthInfos: map[string]*api.AuthInfo{"lab": &user},
		Contexts: map[string]*api.Context{"lab": {Cluster: "lab", AuthInfo: "lab"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return spec.NewSecret(string(text))
}

// The administrator's own certificate, by a kubeconfig and by Argo CD's config, is good for a real API server, also to act as others.
func TestFromGenerated(t *testing.T) {
	t.Parallel()
	config := rest.CopyConfig(server(t).RESTConfig())
	if err := rest.LoadTLSFiles(config); err != nil {
		t.Fatal(err)
	}
	argo, err := json.Marshal(map[string]any{"tlsClientConfig": map[string]string{
		"caData":   base64.StdEncoding.EncodeToString(config.CAData),
		"certData": base64.StdEncoding.EncodeToString(config.CertData),
		"keyData":  base64.StdEncoding.EncodeToString(config.KeyData),
	}})
	if err != nil {
		t.Fatal(err)
	}
	text := held(t, api.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData},
		api.AuthInfo{ClientCertificateData: config.CertData, ClientKeyData: config.KeyData})
	for name, open := range map[string]func(kube.Options) (*kube.Cluster, error){
		"kubeconfig": func(o kube.Options) (*kube.Cluster, error) { return kube.FromKubeconfig(text, "lab", o) },
		"Argo CD": func(o kube.Options) (*kube.Cluster, error) {
			return kube.FromArgoCD(config.Host, spec.NewSecret(string(argo)), o)
		},
	} {
		bare, err := open(kube.Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if version, err := bare.ServerVersion(t.Context()); err != nil || !strings.HasPrefix(version, "v1.") {
			t.Errorf("%s: version %q, %v", name, version, err)
		}
		if rules, err := bare.Rules(t.Context(), "default"); err != nil || len(rules.ResourceRules) == 0 {
			t.Errorf("%s: %d rules, %v", name, len(rules.ResourceRules), err)
		}
		as, err := open(kube.Options{As: "somebody"})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if user, err := as.WhoAmI(t.Context()); err != nil || user.Username != "somebody" {
			t.Errorf("%s: %+v, %v", name, user, err)
		}
		if status, _, err := as.Raw(t.Context(), "/api/v1/pods?limit=1"); err != nil || status != http.StatusForbidden {
			t.Errorf("%s: somebody lists pods: %d, %v", name, status, err)
		}
	}
}

// What would read a file or run a program is refused, whatever asked for it, and no error holds a secret.
func TestFromGeneratedRefuses(t *testing.T) {
	t.Parallel()
	cluster := api.Cluster{Server: "https://127.0.0.1:1"}
	for name, row := range map[string]struct {
		text    spec.Secret
		context string
	}{
		"a program":          {held(t, cluster, api.AuthInfo{Token: secretWord, Exec: &api.ExecConfig{APIVersion: "client.authentication.k8s.io/v1", Command: "/bin/false", InteractiveMode: api.NeverExecInteractiveMode}}), "lab"},
		"a token file":       {held(t, cluster, api.AuthInfo{TokenFile: "/etc/" + secretWord}), "lab"},
		"a key file":         {held(t, cluster, api.AuthInfo{ClientKey: "/etc/" + secretWord}), "lab"},
		"an authority file":  {held(t, api.Cluster{Server: "https://127.0.0.1:1", CertificateAuthority: "/etc/" + secretWord}, api.AuthInfo{}), "lab"},
		"a plugin of old":    {held(t, cluster, api.AuthInfo{AuthProvider: &api.AuthProviderConfig{Name: "gcp"}}), "lab"},
		"no such context":    {held(t, cluster, api.AuthInfo{Token: secretWord}), "other"},
		"no kubeconfig":      {spec.NewSecret("{" + secretWord), "lab"},
		"an empty text":      {spec.Secret{}, "lab"},
		"a user not in it":   {spec.NewSecret("apiVersion: v1\nkind: Config\ncontexts: [{name: lab, context: {cluster: lab, user: " + secretWord + "}}]\n"), "lab"},
		"a key that is none": {held(t, cluster, api.AuthInfo{ClientCertificateData: []byte(secretWord), ClientKeyData: []byte(secretWord)}), "lab"},
	} {
		_, err := kube.FromKubeconfig(row.text, row.context, kube.Options{})
		if !kube.Is(err, kube.Config) || strings.Contains(err.Error(), secretWord) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, row := range map[string]struct{ server, config string }{
		"no JSON":                    {"https://127.0.0.1:1", secretWord},
		"no certificate":             {"https://127.0.0.1:1", `{"bearerToken":"` + secretWord + `"}`},
		"no server":                  {"", `{"tlsClientConfig":{"certData":"eA=="}}`},
		"a certificate that is none": {"https://127.0.0.1:1", `{"tlsClientConfig":{"certData":"eA==","keyData":"eA=="}}`},
	} {
		_, err := kube.FromArgoCD(row.server, spec.NewSecret(row.config), kube.Options{})
		if !kube.Is(err, kube.Config) || strings.Contains(err.Error(), secretWord) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
