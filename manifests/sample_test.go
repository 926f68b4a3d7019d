package manifests_test

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

const (
	sampleIssuer = "https://oidc.eks.us-west-2.amazonaws.com/id/0123456789ABCDEF"
	sampleJWKS   = `{"keys":[{"use":"sig","kty":"RSA","kid":"Zm9vYmFy","alg":"RS256","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri23bOdgWp4Dy1Wl","e":"AQAB"}]}`
)

// sample is a Setup as a finished discovery leaves it. The cluster name differs from the proxy's host on purpose.
func sample(join spec.JoinType, access spec.Access) spec.Setup {
	s := spec.Default()
	s.Access = access
	s.Kubernetes.Namespace = "machines"
	s.Teleport.Proxy = "teleport.example.com:443"
	if access != spec.AccessNone {
		s.Teleport.Roles = []string{"access", "ci-deployer"}
	}
	s = s.WithClusterID("1a2b3c4d")
	s.Resolved = &spec.Resolved{
		ClusterName:   "main.example.com",
		ServerVersion: "18.2.0",
		Image:         "public.ecr.aws/gravitational/tbot-distroless:18.2.0",
		JoinType:      join,
		ClusterID:     "1a2b3c4d",
	}
	switch join {
	case spec.JoinOIDC:
		s.Resolved.Issuer = sampleIssuer
	case spec.JoinStaticJWKS:
		s.Resolved.JWKS = sampleJWKS
	case spec.JoinInCluster, spec.JoinAuto:
	}
	return s
}

// reaching is a Setup for access kubernetes with a role of tbotctl's, on a server of that version.
func reaching(version string) spec.Setup {
	s := sample(spec.JoinOIDC, spec.AccessKubernetes)
	s.Teleport.Roles = nil
	s.Reach = spec.Reach{Labels: []map[string]string{{"env": "prod", "team": "shop"}}, Groups: []string{"tbot-readers"}}
	s.Resolved.ServerVersion, s.Resolved.Image = version, "public.ecr.aws/gravitational/tbot-distroless:"+version
	return s
}

// named is reaching by names, with the labels that those clusters carry.
func named(version string, clusters ...spec.ResolvedCluster) spec.Setup {
	s := reaching(version)
	s.Reach.Labels, s.Resolved.KubeClusters = nil, clusters
	for _, cluster := range clusters {
		s.Reach.Clusters = append(s.Reach.Clusters, cluster.Name)
	}
	return s
}

// full is a Setup in which every optional answer is given.
func full() spec.Setup {
	s := sample(spec.JoinOIDC, spec.AccessIdentity)
	s.Name = "ci"
	s.Kubernetes.CreateNamespace = true
	s.Kubernetes.ServiceAccount = "ci-bot"
	s.Teleport.BotName = "ci.prod"
	s.Teleport.TokenName = "ci+prod"
	s.Output.Secret = "ci-credentials"
	s.Workload.Registry = "registry.example.com/mirror"
	s.Workload.PullSecret = "registry-login"
	s.Workload.FIPS = true
	s.Workload.Telemetry = true
	s.Workload.Labels = map[string]string{"team": "platform", "example.com/cost-centre": "4711"}
	s.Workload.Annotations = map[string]string{"example.com/contact": `"the platform team": #platform`}
	s.Workload.Env = map[string]string{"HTTPS_PROXY": "http://egress.example.com:3128", "NO_PROXY": ".svc,10.0.0.0/8"}
	s.Workload.NodeSelector = map[string]string{"kubernetes.io/os": "linux"}
	s.Workload.Tolerations = []spec.Toleration{{Key: "dedicated", Value: "ci", Effect: "NoSchedule"}, {Key: "spot"}}
	s.Workload.PriorityClass = "high"
	s.Resolved.Image = "registry.example.com/mirror/tbot-fips-distroless:18.2.0"
	return s
}

func render(t *testing.T, s spec.Setup) manifests.Set {
	t.Helper()
	set, err := manifests.Render(s)
	if err != nil {
		t.Fatalf("Render: %v", err)
	}
	return set
}

// resource finds the one resource of a kind.
func resource(t *testing.T, set manifests.Set, kind string) manifests.Resource {
	t.Helper()
	for _, r := range set {
		if r.Kind == kind {
			return r
		}
	}
	t.Fatalf("the set holds no %s", kind)
	return manifests.Resource{}
}

// authority returns the PEM of a fresh self-signed certificate.
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
