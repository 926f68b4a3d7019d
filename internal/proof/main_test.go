package proof_test

import (
	"os"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/manifests"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// setup is a Setup as a finished discovery leaves it, with most of what a company's policies may ask of a pod.
func setup(namespace string) spec.Setup {
	s := spec.Default()
	s.Kubernetes.Namespace = namespace
	s.Teleport.Proxy = "teleport.example.com:443"
	s.Teleport.Roles = []string{"access"}
	s.Workload.Labels = map[string]string{"team": "platform"}
	s.Workload.Annotations = map[string]string{"example.com/contact": "ann"}
	s.Workload.Tolerations = []spec.Toleration{{Key: "dedicated", Value: "ci"}}
	s = s.WithClusterID("1a2b3c4d")
	s.Resolved = &spec.Resolved{
		ClusterName: "lab.example.com", ServerVersion: "18.2.0", Image: s.Workload.ImageFor("18.2.0", false),
		JoinType: spec.JoinOIDC, Issuer: "https://issuer.example.com", ClusterID: "1a2b3c4d",
	}
	return s
}

func rendered(t *testing.T, s spec.Setup) manifests.Set {
	t.Helper()
	set, err := manifests.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func deployment(t *testing.T, s spec.Setup) *appsv1.Deployment {
	t.Helper()
	d, err := rendered(t, s).Deployment()
	if err != nil {
		t.Fatal(err)
	}
	return d
}
