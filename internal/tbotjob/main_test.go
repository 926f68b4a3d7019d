package tbotjob

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/tbotconfig"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/kubelet"
	"github.com/tbotctl/tbotctl/manifests"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

func server(t *testing.T) *testkit.ControlPlane {
	t.Helper()
	return testkit.Shared(t, testkit.SelfManaged)
}

func cluster(t *testing.T) *kube.Cluster {
	t.Helper()
	c, err := kube.Connect(kube.Options{Kubeconfig: server(t).KubeconfigFile()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// theKubelet is that of the shared control plane; it ends with the tests.
//
//nolint:gochecknoglobals // the tests of this package share it as they share the control plane
var theKubelet = struct {
	once sync.Once
	*kubelet.Kubelet
	err error
}{}

func node(t *testing.T) *kubelet.Kubelet {
	t.Helper()
	theKubelet.once.Do(func() {
		theKubelet.Kubelet, theKubelet.err = kubelet.Start(context.WithoutCancel(t.Context()), server(t))
	})
	if theKubelet.err != nil {
		t.Fatal(theKubelet.err)
	}
	return theKubelet.Kubelet
}

// setup is a Setup as a finished discovery leaves it, with much of what a company's policies may ask of a pod.
func setup(namespace string) spec.Setup {
	s := spec.Default()
	s.Kubernetes.Namespace = namespace
	s.Teleport.Proxy = "teleport.example.com:443"
	s.Teleport.Roles = []string{"access"}
	s.Workload.Labels = map[string]string{"team": "platform"}
	s.Workload.Annotations = map[string]string{"example.com/contact": "ann"}
	s.Workload.PullSecret = "registry"
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

// prepared is a run of the setup's Deployment in a namespace that has its ServiceAccount and ConfigMap.
func prepared(t *testing.T, s spec.Setup) Job {
	t.Helper()
	for _, resource := range rendered(t, s) {
		if resource.System == manifests.Kubernetes && (resource.Stage == manifests.StageRBAC || resource.Stage == manifests.StageConfig) {
			if resource.Object.GetKind() == "Deployment" {
				continue
			}
			if _, err := cluster(t).Apply(t.Context(), resource.Object, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	j, err := New(cluster(t), deployment(t, s), tbotconfig.For(s))
	if err != nil {
		t.Fatal(err)
	}
	j.Patience, j.every = time.Minute, 50*time.Millisecond
	return j
}
