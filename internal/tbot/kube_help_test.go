package tbot_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"testing"

	"github.com/gravitational/teleport/api/types"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tbotctl/tbotctl/internal/tbot"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
)

// enrolled are the Kubernetes clusters of the tests; the bot's role reaches those of env=lab.
func enrolled() []teleporttest.KubeCluster {
	lab := func(more map[string]string) map[string]string {
		labels := map[string]string{"env": "lab"}
		for key, value := range more {
			labels[key] = value
		}
		return labels
	}
	return []teleporttest.KubeCluster{
		{Name: "alpha", Labels: lab(map[string]string{"tier": "1"})},
		{Name: "beta", Labels: lab(map[string]string{"tier": "2"})},
		{Name: "eks-gamma-1234", Labels: lab(map[string]string{types.DiscoveredNameLabel: "gamma"})},
		{Name: "eks-twin-1", Labels: lab(map[string]string{types.DiscoveredNameLabel: "twin"})},
		{Name: "eks-twin-2", Labels: lab(map[string]string{types.DiscoveredNameLabel: "twin"})},
		{Name: "secret", Labels: map[string]string{"env": "prod"}},
	}
}

// newKubeLab is a lab with Kubernetes clusters and the role "viewer" for those of env=lab.
func newKubeLab(t *testing.T, o teleporttest.Options) lab {
	t.Helper()
	if o.KubeClusters == nil {
		o.KubeClusters = enrolled()
	}
	l := newLab(t, o, "viewer")
	l.AddRole(&types.RoleV6{
		Version: types.V7, Metadata: types.Metadata{Name: "viewer"},
		Spec: types.RoleSpecV6{Allow: types.RoleConditions{
			KubernetesLabels: types.Labels{"env": []string{"lab"}},
			KubeGroups:       []string{"viewers", "auditors"}, KubeUsers: []string{"robot"},
			KubernetesResources: []types.KubernetesResource{{
				Kind: types.Wildcard, Namespace: types.Wildcard, Name: types.Wildcard, Verbs: []string{types.Wildcard},
			}},
		}},
	})
	return l
}

// runs is one round of tbot with outputs of any kind, which succeeds or not.
func (l lab) runs(t *testing.T, outputs ...tbotconfig.Output) tbot.Run {
	t.Helper()
	run := l.run(t)
	run.Config.Outputs = outputs
	run.Destinations = tbot.Destinations{Secrets: &secrets{}, Namespace: "machines"}
	return run
}

// one is the result of a run's only output, whose files are those that were written to the store's Secret.
func (l lab) one(t *testing.T, output tbotconfig.Output) (tbot.OutputResult, *secrets) {
	t.Helper()
	run, store := l.runs(t, output), &secrets{}
	run.Destinations.Secrets = store
	result, err := run.Once(t.Context())
	if len(result.Outputs) != 1 {
		t.Fatalf("%d outputs, %v", len(result.Outputs), err)
	}
	return result.Outputs[0], store
}

func kubernetes(cluster string, to tbotconfig.Destination) *tbotconfig.Kubernetes {
	return &tbotconfig.Kubernetes{
		Common: tbotconfig.Common{Type: tbotconfig.TypeKubernetes}, Destination: to, KubernetesCluster: cluster,
	}
}

func kubernetesV2(to tbotconfig.Destination, selectors ...tbotconfig.Selector) *tbotconfig.KubernetesV2 {
	return &tbotconfig.KubernetesV2{
		Common: tbotconfig.Common{Type: tbotconfig.TypeKubernetesV2}, Destination: to, Selectors: selectors,
	}
}

func argoCD(selectors ...tbotconfig.Selector) *tbotconfig.ArgoCD {
	return &tbotconfig.ArgoCD{Common: tbotconfig.Common{Type: tbotconfig.TypeArgoCD}, Selectors: selectors}
}

func named(name string) tbotconfig.Selector { return tbotconfig.Selector{Name: name} }

func labelled(key, value string) tbotconfig.Selector {
	return tbotconfig.Selector{Labels: map[string]string{key: value}}
}

// loadKubeconfig reads a kubeconfig as kubectl does.
func loadKubeconfig(t *testing.T, text []byte) *clientcmdapi.Config {
	t.Helper()
	config, err := clientcmd.Load(text)
	if err != nil {
		t.Fatalf("a kubeconfig that kubectl does not read: %v", err)
	}
	if err := clientcmd.Validate(*config); err != nil && len(config.Contexts) > 0 {
		t.Fatalf("a kubeconfig that kubectl refuses: %v", err)
	}
	return config
}

// checkLogin makes sure that a client certificate and its key go together and say what the certificate beside them says.
func checkLogin(t *testing.T, certificate, key, beside []byte) *x509.Certificate {
	t.Helper()
	if !bytes.Equal(certificate, beside) {
		t.Error("the client certificate is another than tlscert")
	}
	if _, err := tls.X509KeyPair(certificate, key); err != nil {
		t.Errorf("the client certificate and its key: %v", err)
	}
	parsed, err := x509.ParseCertificate(parsePEM(t, certificate).Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// checkTrust makes sure that the authorities of a kubeconfig are those of the host CA, which signs what a proxy shows to Kubernetes
// clients.
func checkTrust(t *testing.T, authorities, hostCA []byte) {
	t.Helper()
	pool := authority(t, authorities)
	ca, err := x509.ParseCertificate(parsePEM(t, hostCA).Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ca.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		t.Errorf("the host authority is not trusted: %v", err)
	}
}

// kubeNames are the artifacts of a kubernetes output, as recordings/tbot-kubernetes-output.md lists them, sorted.
func kubeNames() []string {
	return []string{
		".write-test", "identity", "key", "key-cert.pub", "key.pub", "kubeconfig.yaml",
		"teleport-database-ca.crt", "teleport-host-ca.crt", "teleport-user-ca.crt", "tlscert",
	}
}

// kubeV2Names are those of a kubernetes/v2 output, sorted.
func kubeV2Names() []string {
	return slices.DeleteFunc(kubeNames(), func(name string) bool {
		return name == "teleport-database-ca.crt" || name == "teleport-user-ca.crt"
	})
}
