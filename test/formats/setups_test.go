package formats_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/manifests"
)

// setups are one for each kind of access and join type, and one with all that may be said of a pod.
func setups(t *testing.T) map[string]spec.Setup {
	t.Helper()
	all := map[string]spec.Setup{}
	for _, access := range []spec.Access{spec.AccessIdentity, spec.AccessKubernetes, spec.AccessArgoCD, spec.AccessNone} {
		for _, join := range []spec.JoinType{spec.JoinOIDC, spec.JoinStaticJWKS, spec.JoinInCluster} {
			all[string(access)+" by "+string(join)] = setup(access, join, "18.4.2")
		}
	}
	all["before bots had metadata"] = setup(spec.AccessIdentity, spec.JoinOIDC, "18.2.0")
	all["a role of version v7"] = setup(spec.AccessKubernetes, spec.JoinStaticJWKS, "17.7.3")

	hostile := setup(spec.AccessKubernetes, spec.JoinOIDC, "18.4.2")
	hostile.Name = "1st"
	hostile.Reach.Labels = []map[string]string{{"a.b/c": "1e5", "yes": "no"}}
	hostile.Reach.Users = []string{"${a}", "$${b}", "%{if~c}", "$$${d", "$$", `back\slash`, "grün東京🚀"}
	all["text that means something elsewhere"] = hostile

	pod := setup(spec.AccessIdentity, spec.JoinOIDC, "18.4.2")
	pod.Name, pod.Kubernetes.CreateNamespace, pod.Kubernetes.ServiceAccount = "ci", true, "ci-bot"
	pod.Teleport.ProxyCA, pod.Output.Secret = authority(t), "ci-credentials"
	w := &pod.Workload
	w.Registry, w.PullSecret, w.FIPS, w.Telemetry = "registry.example.com:5000/mirror", "registry-login", true, true
	w.Labels = map[string]string{"team": "platform", "example.com/cost-centre": "4711"}
	w.Annotations = map[string]string{"example.com/contact": `"the platform team": #platform`, "example.com/lines": "one\ntwo\n"}
	w.Env = map[string]string{"HTTPS_PROXY": "http://egress.example.com:3128", "TRUTH": "yes"}
	w.Requests, w.Limits = map[string]string{"cpu": "1"}, map[string]string{"memory": "1e9"}
	w.NodeSelector = map[string]string{"kubernetes.io/os": "linux"}
	w.Tolerations = []spec.Toleration{{Key: "dedicated", Value: "ci", Effect: "NoSchedule"}, {Key: "spot"}}
	pod.Resolved.Image = "registry.example.com:5000/mirror/tbot-fips-distroless:18.4.2"
	all["all of the pod's answers"] = pod

	patched := setup(spec.AccessIdentity, spec.JoinOIDC, "18.4.2")
	patched.Workload.Patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: tbot}\nspec: {template: {spec: {nodeSelector: {pool: ci}}}}\n"
	patched.Resolved.Platform = spec.PlatformOpenShift
	patched.Output.Fragment = "renewal_interval: 10m\noutputs:\n  - {type: identity, destination: {type: kubernetes_secret, name: more}}\n"
	all["a patch on OpenShift, and a fragment"] = patched
	return all
}

func setup(access spec.Access, join spec.JoinType, version string) spec.Setup {
	s := spec.Default()
	s.Access, s.Kubernetes.Namespace, s.Teleport.Proxy = access, "machines", "teleport.example.com:443"
	s.Resolved = &spec.Resolved{
		ClusterName: "main.example.com", ServerVersion: version, Image: "public.ecr.aws/gravitational/tbot-distroless:" + version,
		JoinType: join, ClusterID: "1a2b3c4d",
	}
	switch join {
	case spec.JoinOIDC:
		s.Resolved.Issuer = "https://oidc.example.com/id/A/"
	case spec.JoinStaticJWKS:
		s.Resolved.JWKS = `{"keys":[{"use":"sig","kty":"RSA","kid":"Zm9v","alg":"RS256","n":"sXchDaQebHnPiGvyDOAT4saG","e":"AQAB"}]}`
	case spec.JoinInCluster, spec.JoinAuto:
	}
	switch access {
	case spec.AccessIdentity:
		s.Teleport.Roles = []string{"access", "ci-deployer"}
	case spec.AccessKubernetes:
		s.Reach = spec.Reach{Labels: []map[string]string{{"env": "prod", "team": "shop"}}, Groups: []string{"tbot-readers"}}
	case spec.AccessArgoCD:
		s.Reach = spec.Reach{Labels: []map[string]string{{"env": "prod"}}, Groups: []string{"argocd"}}
		s.ArgoCD.Namespace, s.Resolved.ArgoCDNamespace = "argocd", "argocd"
		s.Resolved.KubeClusters = []spec.ResolvedCluster{{Name: "prod-eu", Labels: map[string]string{"env": "prod"}}}
	case spec.AccessNone:
	}
	return s.WithClusterID("1a2b3c4d")
}

// formatted renders a setup, and its files in two formats by their paths.
func formatted(t *testing.T, s spec.Setup, kube spec.KubeFormat, teleport spec.TeleportFormat) (manifests.Set, map[string][]byte) {
	t.Helper()
	s.Files = spec.Files{Kube: kube, Teleport: teleport}
	if teleport == spec.TeleportOperator {
		s.Files.OperatorNamespace = "teleport"
	}
	set, err := manifests.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	all, err := set.Format(s)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, file := range all {
		files[file.Path] = file.Data
	}
	return set, files
}

// authority is the PEM of a fresh certificate.
func authority(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example CA"}, NotAfter: time.Now().Add(time.Hour), IsCA: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
