package survey_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/tbotctl/tbotctl/checks"
	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/survey"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/internal/testkit/kubelet"
	"github.com/tbotctl/tbotctl/manifests"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

var _ survey.Kubernetes = (*kube.Cluster)(nil)

// site is a namespace of a real cluster, as an administrator sees it.
type site struct {
	plane     *testkit.ControlPlane
	namespace string
	kube      *kube.Cluster
}

func newSite(t *testing.T) site {
	t.Helper()
	plane := testkit.Shared(t, testkit.SelfManaged)
	return site{plane, plane.Namespace(t), connect(t, plane.KubeconfigFile())}
}

func connect(t *testing.T, kubeconfig string) *kube.Cluster {
	t.Helper()
	cluster, err := kube.Connect(kube.Options{Kubeconfig: kubeconfig})
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

// viewer is somebody who holds the stock role `view` in the namespace and nothing else.
func (s site) viewer(t *testing.T) *kube.Cluster {
	t.Helper()
	user := "viewer-" + s.namespace
	s.kubectl(t, "", "create", "rolebinding", "viewer", "--clusterrole=view", "--user="+user)
	cluster := connect(t, s.plane.KubeconfigFor(t, user))
	testkit.Eventually(t, "the binding to count", func(ctx context.Context) error {
		_, err := cluster.Pods(ctx, s.namespace, "")
		return err
	})
	return cluster
}

func (s site) kubectl(t *testing.T, stdin string, args ...string) {
	t.Helper()
	if _, _, err := s.plane.Kubectl(t.Context(), strings.NewReader(stdin), append([]string{"-n", s.namespace}, args...)...); err != nil {
		t.Fatal(err)
	}
}

// apply makes objects from YAML, in which NAMESPACE stands for the namespace.
func (s site) apply(t *testing.T, manifest string) {
	t.Helper()
	s.kubectl(t, strings.ReplaceAll(manifest, "NAMESPACE", s.namespace), "apply", "--server-side", "-f", "-")
}

// setup is what a finished init leaves.
func (s site) setup() spec.Setup {
	setup := spec.Default()
	setup.Kubernetes.Namespace = s.namespace
	setup.Teleport.Proxy = "teleport.example.com:443"
	setup.Teleport.Roles = []string{"access"}
	setup = setup.WithClusterID("1a2b3c4d")
	setup.Resolved = &spec.Resolved{
		ClusterName: "lab.example.com", ServerVersion: "18.2.0", Image: setup.Workload.ImageFor("18.2.0", false),
		JoinType: spec.JoinInCluster, ClusterID: "1a2b3c4d",
	}
	return setup
}

// install makes the Kubernetes side of a setup, as init does.
func (s site) install(t *testing.T, setup spec.Setup) manifests.Set {
	t.Helper()
	set, err := manifests.Render(setup)
	if err != nil {
		t.Fatal(err)
	}
	for _, resource := range set.Side(spec.SideKubernetes) {
		if _, err := s.kube.Apply(t.Context(), resource.Object, false); err != nil {
			t.Fatal(err)
		}
	}
	return set
}

// only finds the one tbot of the namespace.
func (s site) only(t *testing.T, cluster *kube.Cluster) checks.Workload {
	t.Helper()
	found, err := survey.Find(t.Context(), cluster, survey.Options{Namespace: s.namespace})
	if err != nil || len(found.Workloads) != 1 || found.Narrowed != nil {
		t.Fatalf("found %+v, %v; want one tbot", found, err)
	}
	return found.Workloads[0]
}

// around waits until the workload has a pod that runs, and gives the facts about it.
func (s site) around(t *testing.T, cluster *kube.Cluster) *checks.Live {
	t.Helper()
	w := s.only(t, cluster)
	testkit.Eventually(t, "the pod to run", func(ctx context.Context) error {
		pods, err := survey.Around(s.kube, w).Pods(ctx)
		if err == nil && (len(pods) != 1 || pods[0].Status.Phase != "Running") {
			err = fmt.Errorf("there are %d pods", len(pods))
		}
		return err
	})
	return survey.Around(cluster, w)
}

// theKubelet is that of the shared control plane; it ends with the tests.
//
//nolint:gochecknoglobals // the tests of this package share it as they share the control plane
var theKubelet struct {
	once sync.Once
	*kubelet.Kubelet
	err error
}

func node(t *testing.T) *kubelet.Kubelet {
	t.Helper()
	theKubelet.once.Do(func() {
		theKubelet.Kubelet, theKubelet.err = kubelet.Start(context.WithoutCancel(t.Context()), testkit.Shared(t, testkit.SelfManaged))
	})
	if theKubelet.err != nil {
		t.Fatal(theKubelet.err)
	}
	return theKubelet.Kubelet
}
