package plan_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tbotctl/tbotctl/internal/kube"
	"github.com/tbotctl/tbotctl/internal/plan"
	"github.com/tbotctl/tbotctl/internal/spec"
	"github.com/tbotctl/tbotctl/internal/teleport"
	"github.com/tbotctl/tbotctl/internal/teleporttest"
	"github.com/tbotctl/tbotctl/internal/testkit"
	"github.com/tbotctl/tbotctl/manifests"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// bench is a namespace of a real Kubernetes cluster and a Teleport test cluster, both as their administrators see them.
type bench struct {
	plane     *testkit.ControlPlane
	namespace string
	kube      *kube.Cluster
	teleport  *teleport.Client
}

func newBench(t *testing.T, version string) bench {
	t.Helper()
	plane := testkit.Shared(t, testkit.SelfManaged)
	cluster, err := kube.Connect(kube.Options{Kubeconfig: plane.KubeconfigFile()})
	if err != nil {
		t.Fatal(err)
	}
	return bench{plane: plane, namespace: plane.Namespace(t), kube: cluster, teleport: login(t, teleporttest.New(t, teleporttest.Options{Version: version}))}
}

func login(t *testing.T, cluster *teleporttest.Cluster) *teleport.Client {
	t.Helper()
	content, err := cluster.IdentityFile("admin", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "identity")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	target := teleport.Target{Proxy: cluster.Addr(), CAs: cluster.WebCAs()}
	found, err := teleport.Find(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	client, err := teleport.Connect(t.Context(), target, found, teleport.Login{IdentityFile: path}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// setup is a Setup as a finished discovery leaves it.
func (b bench) setup() spec.Setup {
	s := spec.Default()
	s.Kubernetes.Namespace = b.namespace
	s.Teleport.Proxy = "teleport.example.com:443"
	s.Teleport.Roles = []string{"access", "auditor"}
	s = s.WithClusterID("1a2b3c4d")
	s.Resolved = &spec.Resolved{
		ClusterName: "lab.example.com", ServerVersion: "18.2.0", Image: s.Workload.ImageFor("18.2.0", false),
		JoinType: spec.JoinOIDC, Issuer: "https://issuer.example.com/id/1", ClusterID: "1a2b3c4d",
	}
	return s
}

func (b bench) compute(t *testing.T, s spec.Setup) plan.Plan {
	t.Helper()
	computed, err := plan.Compute(t.Context(), render(t, s), s.InstallID(), b.kube, b.teleport)
	if err != nil {
		t.Fatal(err)
	}
	return computed
}

// apply writes everything, as apply.Run would.
func (b bench) apply(t *testing.T, s spec.Setup) {
	t.Helper()
	for _, resource := range render(t, s) {
		var err error
		switch {
		case resource.System == manifests.Target:
			continue
		case resource.Object != nil:
			_, err = b.kube.Apply(t.Context(), resource.Object, false)
		case resource.Role != nil:
			err = b.teleport.UpsertRole(t.Context(), resource.Role)
		case resource.Bot != nil:
			err = b.teleport.UpsertBot(t.Context(), resource.Bot)
		default:
			err = b.teleport.UpsertToken(t.Context(), resource.Token)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// kubectl changes something by another hand than ours.
func (b bench) kubectl(t *testing.T, args ...string) {
	t.Helper()
	if _, _, err := b.plane.Kubectl(t.Context(), nil, append([]string{"-n", b.namespace}, args...)...); err != nil {
		t.Fatal(err)
	}
}

func render(t *testing.T, s spec.Setup) manifests.Set {
	t.Helper()
	set, err := manifests.Render(s)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// actions maps each kind of a plan to what happens to it; the sets here hold each kind once.
func actions(p plan.Plan) map[string]plan.Action {
	found := map[string]plan.Action{}
	for _, item := range p.Items {
		found[item.Resource.Kind] = item.Action
	}
	return found
}

func item(t *testing.T, p plan.Plan, kind string) plan.Item {
	t.Helper()
	for _, item := range p.Items {
		if item.Resource.Kind == kind {
			return item
		}
	}
	t.Fatalf("the plan holds no %s", kind)
	return plan.Item{}
}

// paths lists the fields that an item changes.
func paths(i plan.Item) []string {
	found := make([]string, len(i.Changes))
	for n, change := range i.Changes {
		found[n] = change.Path
	}
	return found
}
